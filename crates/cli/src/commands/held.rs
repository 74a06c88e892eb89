//! `hythe held`.

use serde::Serialize;

use hythe_control::{Decision, Direction, HeldChange, Reply, Request};

use crate::args::{Held, HeldCommand};
use crate::door::{self, Work};
use crate::error::{Exit, Trouble};
use crate::output::{self, words};

#[derive(Serialize)]
struct Printed {
    held: Vec<HeldChange>,
}

pub async fn run(args: Held) -> Result<Exit, Trouble> {
    match args.decision {
        None => show(args.output.json).await,
        Some(HeldCommand::Approve(which)) => decide(which.id, Decision::Approve).await,
        Some(HeldCommand::Undo(which)) => decide(which.id, Decision::Undo).await,
    }
}

async fn show(json: bool) -> Result<Exit, Trouble> {
    let held = match door::ask(Work::Answer, Request::Held).await? {
        Reply::Held(held) => held,
        other => return Err(door::unexpected(&other)),
    };
    if json {
        output::json(&Printed { held })?;
    } else if held.is_empty() {
        output::line("Nothing is held.")?;
    } else {
        output::lines(held.iter().flat_map(lines))?;
        output::line(
            "`hythe held approve` carries on; `hythe held undo` puts back what was there.",
        )?;
    }
    Ok(Exit::Done)
}

fn lines(change: &HeldChange) -> Vec<String> {
    let to = match change.direction {
        Direction::Up => "to the server",
        Direction::Down => "to this disk",
    };
    let deletes = words::count(change.deletes, "item", "items");
    let replaces = words::count(change.replaces, "file", "files");
    let mut lines = vec![
        format!(
            "{}  {}, {to}, since {}",
            change.id,
            change.dir,
            words::moment(change.since_ms)
        ),
        format!("   {}", change.reason),
        format!("   would delete {deletes} and replace the content of {replaces}, for example:"),
    ];
    lines.extend(change.examples.iter().map(|path| format!("     {path}")));
    lines
}

async fn decide(id: Option<u64>, decision: Decision) -> Result<Exit, Trouble> {
    match door::ask(Work::Sync, Request::HeldDecide { id, decision }).await? {
        Reply::Done => {
            output::line(match decision {
                Decision::Approve => "Approved.",
                Decision::Undo => "Undone: what was there comes back.",
            })?;
            Ok(Exit::Done)
        }
        other => Err(door::unexpected(&other)),
    }
}
