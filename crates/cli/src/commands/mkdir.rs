//! `hythe mkdir`.

use hythe_control::{Reply, Request};

use crate::args::Mkdir;
use crate::door::{self, Work};
use crate::error::{Exit, Trouble};
use crate::resolve;

pub async fn run(args: Mkdir) -> Result<Exit, Trouble> {
    let place = resolve::remote(&args.path)?;
    match door::ask(
        Work::Answer,
        Request::MakeDirectory {
            place,
            parents: args.parents,
        },
    )
    .await?
    {
        Reply::Entry(_) => Ok(Exit::Done),
        other => Err(door::unexpected(&other)),
    }
}
