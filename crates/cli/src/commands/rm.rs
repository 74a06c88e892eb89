//! `hythe rm`.

use hythe_control::{Reply, Request};

use crate::args::Rm;
use crate::door::{self, Work};
use crate::error::{Exit, Trouble};
use crate::output::{self, words};
use crate::resolve;

pub async fn run(args: Rm) -> Result<Exit, Trouble> {
    let place = resolve::remote(&args.path)?;
    match door::ask(
        Work::Answer,
        Request::Remove {
            place,
            recursive: args.recursive,
        },
    )
    .await?
    {
        Reply::Count(nodes) => {
            let removed = words::count(nodes, "item", "items");
            output::line(format!(
                "Removed {removed}. `hythe restore` brings them back."
            ))?;
            Ok(Exit::Done)
        }
        other => Err(door::unexpected(&other)),
    }
}
