//! `hythe mv`.

use hythe_control::{Reply, Request};

use crate::args::Mv;
use crate::door::{self, Work};
use crate::error::{Exit, Trouble};
use crate::resolve;

pub async fn run(args: Mv) -> Result<Exit, Trouble> {
    let from = resolve::remote(&args.source)?;
    let to = resolve::remote(&args.target)?;
    match door::ask(Work::Answer, Request::Move { from, to }).await? {
        Reply::Done => Ok(Exit::Done),
        other => Err(door::unexpected(&other)),
    }
}
