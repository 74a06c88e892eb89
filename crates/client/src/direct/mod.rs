//! Commands straight on the server, without a sync folder: they read the log's state on this device
//! and commit change sets of their own.
//!
//! - [`place`], [`current`]: which node is meant, and the log read on before anything is decided.
//! - [`attempt`]: edits into the log, planned anew while others write too.
//! - one file for each group of requests.

mod across;
mod anew;
mod attach;
mod attempt;
mod change;
mod copy;
mod current;
mod descriptor;
mod entry;
mod history;
mod list;
mod past;
mod place;
mod read;
mod remove;
mod restore;
mod share;
mod together;
mod verify;
mod why;
mod words;
mod write;

use std::os::fd::OwnedFd;

use hythe_control::{Events, Failure, FailureKind, Reply, Request};

use crate::daemon::Door;

pub(crate) use attach::{attach, attachment, detach};
pub(crate) use change::now;
pub(crate) use current::{catch_up, tell};
pub(crate) use descriptor::Origin;
pub(crate) use place::{directory, dropping, existing, shown, space_named};
pub(crate) use read::{Telling, pour};
pub(crate) use share::share_folder;

/// Does one request.
pub(crate) async fn call(
    door: &Door,
    request: Request,
    attachment: Option<OwnedFd>,
    events: Events,
) -> Result<Reply, Failure> {
    match request {
        Request::Look { place } => list::look(door, &place, &events).await,
        Request::List { place, recursive } => list::list(door, &place, recursive, &events).await,
        Request::Read { place, version } => {
            read::read(
                door,
                &place,
                version.as_deref(),
                attached(attachment)?,
                &events,
            )
            .await
        }
        Request::Write {
            place,
            modified,
            executable,
        } => {
            let wanted = write::Wanted {
                modified,
                executable,
            };
            write::write(door, &place, wanted, attached(attachment)?, &events).await
        }
        Request::Link { place, target } => change::link(door, &place, &target).await,
        Request::MakeDirectory { place, parents } => {
            change::make_directory(door, &place, parents).await
        }
        Request::Move { from, to } => change::relocate(door, &from, &to, &events).await,
        Request::Remove { place, recursive } => remove::remove(door, &place, recursive).await,
        Request::History { place } => history::history(door, &place, &events).await,
        Request::Restore { place, version } => {
            restore::restore(door, &place, version.as_deref()).await
        }
        Request::Why { place } => why::why(door, &place).await,
        Request::Verify => verify::verify(door, &events).await,
        other => Err(Failure::new(
            FailureKind::Protocol,
            format!("unknown request {other:?}"),
        )),
    }
}

/// The descriptor that carries a file's content.
fn attached(attachment: Option<OwnedFd>) -> Result<OwnedFd, Failure> {
    let missing = || {
        Failure::new(
            FailureKind::Protocol,
            "The request came without a descriptor",
        )
    };
    attachment.ok_or_else(missing)
}
