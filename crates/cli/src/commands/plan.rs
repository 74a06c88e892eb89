//! `hythe plan`.

use serde::Serialize;

use hythe_control::{Event, PlannedStep, Reply, Request};

use crate::args::Output;
use crate::door::{self, Work};
use crate::error::{Exit, Trouble};
use crate::output;

#[derive(Serialize)]
struct Printed {
    steps: Vec<PlannedStep>,
}

pub async fn run(args: Output) -> Result<Exit, Trouble> {
    let mut steps = Vec::new();
    let reply = door::follow(Work::Answer, Request::Plan, |event| {
        if let Event::Step(step) = event {
            steps.push(step);
        }
    });
    match reply.await? {
        Reply::Count(_) if args.json => output::json(&Printed { steps })?,
        Reply::Count(0) => output::line("Nothing to do.")?,
        Reply::Count(_) => output::lines(steps.iter().map(|step| &step.text))?,
        other => return Err(door::unexpected(&other)),
    }
    Ok(Exit::Done)
}
