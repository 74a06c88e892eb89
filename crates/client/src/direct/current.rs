//! The log read on, before a command decides anything by it.

use hythe_control::{Event as Told, Events, Failure, FailureKind, Progress};
use hythe_model::Head;

use hythe_wire::Code;

use super::words::refused;
use crate::daemon::{Door, Event, Space, sightings};
use crate::net::ApiError;
use crate::replica::{Alarm, Applied, ReplicaError};
use crate::transfer::Transfer;

/// What a listing says when it cannot be fresh.
const KNOWN_ONLY: &str = "The server cannot be reached: this is what this device knows";

/// Reads a space on to where the server is.
pub(crate) async fn catch_up(door: &Door, space: &Space) -> Result<(), Failure> {
    let applied = match space.replica.catch_up().await {
        Err(ReplicaError::Api(error)) if error.code() == Some(Code::NotFound) => {
            space.list(false);
            let message = format!("You take part in {} no more", space.name());
            return Err(Failure::new(FailureKind::NotFound, message)
                .next("`hythe spaces` lists those you do."));
        }
        applied => applied.map_err(|error| unread(door, space, error))?,
    };
    tell(door, space, applied);
    Ok(())
}

/// The same for commands that only look: without the server, they show what is known, and say so.
pub(super) async fn catch_up_if_reached(
    door: &Door,
    space: &Space,
    events: &Events,
) -> Result<(), Failure> {
    match space.replica.catch_up().await {
        Ok(applied) => tell(door, space, applied),
        Err(ReplicaError::Api(error @ (ApiError::Offline(_) | ApiError::Busy(_)))) => {
            if space.replica.head().await == Head::START {
                return Err(Failure::new(FailureKind::Unreachable, "The server cannot be reached")
                    .because(error)
                    .next("This device has not read the space yet: try again when the server answers."));
            }
            tracing::debug!("{KNOWN_ONLY}: {error}");
            events.send(Told::Progress(progress(KNOWN_ONLY))).await;
        }
        Err(error) => return Err(unread(door, space, error)),
    }
    Ok(())
}

/// Why a space could not be read; where another device was shown something else, it is stopped.
fn unread(door: &Door, space: &Space, error: ReplicaError) -> Failure {
    let ReplicaError::Alarm(Alarm::Contradicted(what)) = &error else {
        return error.into();
    };
    let name = space.name();
    let said = sightings::distrust(&door.shared, &door.events, space, what);
    let message = format!("The server shows {name} otherwise than another device saw it");
    Failure::new(FailureKind::Attention, message)
        .because(said)
        .next(format!(
            "Ask whose device that is and who runs the server; `hythe spaces confirm {name}` goes on \
             with what the server shows."
        ))
}

/// Tells the loop which nodes changed, so that the folders show them.
pub(crate) fn tell(door: &Door, space: &Space, applied: Applied) {
    if applied.anew {
        // The loop ends last; when it has, nobody needs to know.
        let _ = door.events.send(Event::Rebased(space.number));
    }
    if let Some(head) = applied.head {
        let _ = door
            .events
            .send(Event::Folded(space.number, applied.changed, head.cursor));
    }
}

/// The means to send and fetch content.
pub(super) async fn transfer(space: &Space) -> Result<Transfer, Failure> {
    let none = || refused("This device has no key of the space yet").next("Try again in a moment.");
    space.replica.transfer().await.ok_or_else(none)
}

/// Progress that has only words.
pub(super) fn progress(doing: impl Into<String>) -> Progress {
    Progress {
        doing: doing.into(),
        done_items: 0,
        total_items: None,
        done_bytes: 0,
        total_bytes: None,
    }
}
