//! `hythe restore`.

use hythe_control::{Reply, Request};

use crate::args::Restore;
use crate::door::{self, Work};
use crate::error::{Exit, Trouble};
use crate::output;
use crate::resolve;

pub async fn run(args: Restore) -> Result<Exit, Trouble> {
    let place = resolve::anywhere(&args.path)?;
    let request = Request::Restore {
        place,
        version: args.version,
    };
    match door::ask(Work::Answer, request).await? {
        Reply::Entry(entry) => {
            output::line(format!("Restored {}.", entry.path))?;
            Ok(Exit::Done)
        }
        other => Err(door::unexpected(&other)),
    }
}
