//! Commands straight on the server, without a sync folder: they read the log's state on this device
//! and commit change sets of their own.

mod place;

use std::os::fd::OwnedFd;

use hythe_control::{Events, Failure, FailureKind, Reply, Request};

use crate::daemon::Door;

pub(crate) use place::directory;

/// Does one request.
pub(crate) async fn call(
    door: &Door,
    request: Request,
    attachment: Option<OwnedFd>,
    events: Events,
) -> Result<Reply, Failure> {
    let _ = (door, attachment, events);
    Err(Failure::new(FailureKind::Protocol, format!("unknown request {request:?}")))
}
