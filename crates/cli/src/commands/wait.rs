//! `hythe wait`.

use hythe_control::{Reply, Request, WaitOutcome, Waited};

use crate::args;
use crate::door::{self, Work};
use crate::error::{Exit, Trouble};
use crate::output;
use crate::progress::Bar;

pub async fn run(args: args::Wait) -> Result<Exit, Trouble> {
    let timeout_ms = args.timeout.map(|seconds| seconds.saturating_mul(1000));
    let bar = Bar::new(false);
    let request = Request::Wait { timeout_ms };
    let reply = door::follow(Work::Sync, request, |event| _ = bar.follow(&event)).await;
    bar.end();
    match reply? {
        Reply::Waited(waited) => tell(waited),
        other => Err(door::unexpected(&other)),
    }
}

fn tell(Waited { outcome, reason }: Waited) -> Result<Exit, Trouble> {
    let trouble = match outcome {
        WaitOutcome::Synced => {
            output::line("Everything is synced.")?;
            return Ok(Exit::Done);
        }
        WaitOutcome::TimedOut => Trouble::failed("Not everything was synced in time.")
            .next("See `hythe status`, or wait longer."),
        WaitOutcome::Unreachable => Trouble::failed("The server was not reached in time.")
            .next("Check that it runs and that this device is online."),
        WaitOutcome::Attention => {
            Trouble::attention("Something needs you before it can be synced.")
                .next("See `hythe status`.")
        }
    };
    Err(match reason {
        Some(reason) => trouble.cause(reason),
        None => trouble,
    })
}
