//! `hythe cat`.

use std::os::fd::AsFd;

use hythe_control::{Reply, Request};

use crate::args::Cat;
use crate::door;
use crate::error::{Exit, Trouble};
use crate::visit;

pub async fn run(args: Cat) -> Result<Exit, Trouble> {
    let (mut door, place) = visit::open(&args.path).await?;
    let request = Request::Read {
        place,
        version: args.version,
    };
    let reply = door
        .follow(request, Some(std::io::stdout().as_fd()), |_| ())
        .await;
    door.close().await;
    match reply? {
        Reply::Entry(_) => Ok(Exit::Done),
        other => Err(door::unexpected(&other)),
    }
}
