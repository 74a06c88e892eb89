//! `hythe cat`.

use std::os::fd::AsFd;

use hythe_control::{Reply, Request};

use crate::args::Cat;
use crate::door::{self, Door, Work};
use crate::error::{Exit, Trouble};
use crate::resolve;

pub async fn run(args: Cat) -> Result<Exit, Trouble> {
    let place = resolve::remote(&args.path)?;
    let request = Request::Read {
        place,
        version: args.version,
    };
    let mut door = Door::open(Work::Answer).await?;
    let reply = door
        .follow(request, Some(std::io::stdout().as_fd()), |_| ())
        .await;
    door.close().await;
    match reply? {
        Reply::Entry(_) => Ok(Exit::Done),
        other => Err(door::unexpected(&other)),
    }
}
