//! The event stream: one connection over which the server tells of every space's changes.
//!
//! A task of its own. It verifies and folds what comes before it tells the loop, and begins anew,
//! after a while, whenever the connection ends.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use hythe_model::{Cursor, Head, NodeId, ServerEpoch};
use hythe_wire::Code;
use hythe_wire::event::{Event as Told, EventsRequest, Goodbye, SpacePosition};
use tokio::sync::watch;

use super::comeback;
use super::devices;
use super::endings;
use super::event::{Event, Trouble};
use super::farewell;
use super::jobs::Teller;
use super::newcomers;
use super::shared::{Shared, Space, needs_person};
use super::sightings;
use crate::net::{ApiError, Backoff, Retry};
use crate::replica::{AS_NEW_DEVICE, Alarm, Applied, ReplicaError, Standing};

/// Its files stay as they are: what an empty server does not have is no delete (SC-140).
const OTHER_SERVER: &str = "the server at this address is not the one this device knows, so nothing \
    is sent or fetched. If it is meant to be another one:";

/// Nothing is lost by it, and nothing has to be done here.
const SUSPENDED: &str = "your account on this server is suspended, so nothing is sent or fetched; \
    your files stay as they are. Ask whoever runs the server; Hythe goes on by itself";

/// Follows the server until the loop ends.
pub async fn follow(shared: Arc<Shared>, events: Teller, stop: watch::Sender<bool>) {
    let mut backoff = Backoff::new(shared.seed());
    loop {
        let ended = follow_once(&shared, &events, &mut backoff).await;
        let (trouble, asked) = match ended {
            Ok(Goodbye::Stopping) => (Trouble::Away("the server is stopping".to_owned()), None),
            Ok(Goodbye::Unauthenticated) => (
                Trouble::Refused("the server does not let this device in any more".to_owned()),
                None,
            ),
            Ok(Goodbye::TooSlow | Goodbye::Replaced) => continue,
            Err(error) => match farewell(&shared, &events, &stop, &error).await {
                Some(said) => (Trouble::Refused(said), None),
                None => trouble(&error),
            },
        };
        if events.send(Event::Server(Err(trouble))).is_err() {
            return;
        }
        let at = backoff.failed(Instant::now(), asked);
        tokio::time::sleep_until(at.into()).await;
    }
}

/// What a removed device did because its account asked it to; none where it did nothing.
async fn farewell(
    shared: &Arc<Shared>,
    events: &Teller,
    stop: &watch::Sender<bool>,
    error: &ReplicaError,
) -> Option<String> {
    let ReplicaError::Api(ApiError::Unauthorised(problem)) = error else {
        return None;
    };
    if problem.code != Code::DeviceRemoved {
        return None;
    }
    match farewell::heed(shared, events).await {
        Ok(None) => None,
        Ok(Some(said)) => {
            let said = format!("this device was removed from the account; {said}");
            match farewell::leave(shared, &said).await {
                Ok(()) => _ = stop.send_replace(true),
                Err(error) => tracing::warn!(%error, "what is known of the account stays here"),
            }
            Some(said)
        }
        Err(error) => {
            tracing::warn!(%error, "local copies were not deleted");
            None
        }
    }
}

fn trouble(error: &ReplicaError) -> (Trouble, Option<std::time::Duration>) {
    let reason = error.to_string();
    match error {
        ReplicaError::Api(ApiError::Unauthorised(_)) => {
            let reason = format!("this device was removed from the account: {reason}");
            (Trouble::Refused(reason), None)
        }
        ReplicaError::Api(error) if error.is_suspended() => {
            (Trouble::Refused(SUSPENDED.to_owned()), None)
        }
        ReplicaError::Api(ApiError::WrongServer(_)) => {
            let reason = format!("{OTHER_SERVER} {AS_NEW_DEVICE}");
            (Trouble::Refused(reason), None)
        }
        ReplicaError::Api(error) if needs_person(error) => (Trouble::Refused(reason), None),
        ReplicaError::Alarm(_) => (Trouble::Refused(reason), None),
        ReplicaError::Twin => (Trouble::Refused(format!("{reason}; {AS_NEW_DEVICE}")), None),
        ReplicaError::Api(error) => match error.retry() {
            Retry::Later(asked) => (Trouble::Away(reason), asked),
            Retry::Never => (Trouble::Away(reason), None),
        },
        _ => (Trouble::Away(reason), None),
    }
}

/// One connection, until the server says goodbye.
async fn follow_once(
    shared: &Arc<Shared>,
    events: &Teller,
    backoff: &mut Backoff,
) -> Result<Goodbye, ReplicaError> {
    let (spaces, epoch) = read_all(shared, events).await?;
    endings::let_go(shared, events).await?;
    tell_attachments(shared, events, &spaces)?;
    let request = positions(shared, &spaces, epoch).await;
    let mut stream = shared.api.events(&request).await?;
    backoff.succeeded();
    devices::learn_name(shared).await;
    let mut announced = false;
    loop {
        let told = tokio::select! {
            told = stream.next() => told?,
            () = shared.anew.notified() => return Ok(Goodbye::Replaced),
        };
        match told {
            Told::Change {
                space,
                head,
                change_set,
            } => {
                let Some(space) = spaces.iter().find(|known| known.id == space) else {
                    continue;
                };
                let inline = change_set.as_ref().map(|bytes| bytes.as_slice());
                let before = (space.replica.governed(), space.replica.standing());
                let applied = match space.replica.take_event(head, inline).await {
                    // Begun anew, the other spaces are followed without this one.
                    Err(ReplicaError::Alarm(Alarm::Contradicted(what))) => {
                        sightings::distrust(shared, events, space, &what);
                        return Ok(Goodbye::Replaced);
                    }
                    applied => applied?,
                };
                heed(shared, events, space, before);
                tell(events, space, applied);
            }
            Told::Account { account, .. } => {
                shared.common.accounts.refresh(account).await?;
                if account == shared.device.account {
                    newcomers::tell(shared).await?;
                }
                shared.renewal.wake();
            }
            Told::Parcel { space } => {
                if let Some(space) = spaces.iter().find(|known| known.id == space) {
                    shared.inboxes.note(space.number);
                }
            }
            Told::SpaceJoined { .. } => return Ok(Goodbye::Replaced),
            Told::SpaceLeft { space } => {
                if let Some(space) = spaces.iter().find(|known| known.id == space) {
                    space.list(false);
                    let _ = events.send(Event::Rebased(space.number));
                }
                shared.learn_spaces().await?;
                endings::let_go(shared, events).await?;
            }
            Told::Goodbye { reason } => return Ok(reason),
            _ => {}
        }
        if !announced {
            announced = true;
            shared.renewal.wake();
            shared.meeting.begin();
            spaces
                .iter()
                .for_each(|space| shared.inboxes.note(space.number));
            let _ = events.send(Event::Server(Ok(())));
        }
    }
}

/// After a change of members: what could not be sent may be sent now, or the other way round, and
/// keys may be due. Told before the position is: at the new one the folder waits for no right that
/// it has by now.
fn heed(
    shared: &Shared,
    events: &Teller,
    space: &Space,
    (governed, before): (u64, Option<Arc<Standing>>),
) {
    shared.inboxes.wake();
    if space.replica.governed() == governed {
        return;
    }
    let now = space.replica.standing();
    let role = |standing: Option<Arc<Standing>>| standing.and_then(|standing| standing.role);
    if role(before) != role(now) {
        let _ = events.send(Event::Rebased(space.number));
    }
    if space.replica.keys_are_due().unwrap_or(false) {
        shared.renewal.wake();
    }
}

/// Has the folders look at their attachments again: the spaces they show may be there now.
fn tell_attachments(
    shared: &Shared,
    events: &Teller,
    spaces: &[Arc<Space>],
) -> Result<(), ReplicaError> {
    for space in spaces {
        let attachments = shared.state.read(|rows| rows.attachments(space.number))?;
        let nodes: BTreeSet<NodeId> = attachments.into_iter().map(|row| row.node).collect();
        if !nodes.is_empty() {
            let _ = events.send(Event::Folded(space.number, nodes, Cursor::START));
        }
    }
    Ok(())
}

/// Reads every space on to the head of its log, but for those that wait for a person.
pub async fn read_all(
    shared: &Shared,
    events: &Teller,
) -> Result<(Vec<Arc<Space>>, ServerEpoch), ReplicaError> {
    let epoch = shared.api.server().await.map_err(ReplicaError::Api)?.epoch;
    let views = shared.learn_spaces().await?;
    let mut spaces = Vec::new();
    for space in shared.living_spaces() {
        let before = (space.replica.governed(), space.replica.standing());
        match read_on(shared, &space, epoch).await {
            Err(ReplicaError::Unconfirmed) => {
                let view = views.iter().find(|view| view.id == space.id);
                let there = view.map_or(0, |view| view.cursor);
                let here = space.replica.head().await.cursor.0;
                space.claim(Some(here.saturating_sub(there)));
            }
            Err(ReplicaError::Alarm(Alarm::Contradicted(what))) => {
                sightings::distrust(shared, events, &space, &what);
            }
            Err(error) => return Err(error),
            Ok(applied) => {
                space.claim(None);
                sightings::trust(&space, events);
                heed(shared, events, &space, before);
                tell(events, &space, applied);
                spaces.push(space);
            }
        }
    }
    Ok((spaces, epoch))
}

/// Reads a space on; from the start when the server began a new life of its data (D4).
async fn read_on(
    shared: &Shared,
    space: &Space,
    epoch: ServerEpoch,
) -> Result<Applied, ReplicaError> {
    let row = shared.state.read(|rows| rows.space(space.number))?;
    let broke_off = row.as_ref().is_some_and(|row| row.common.is_some());
    match row.and_then(|row| row.server_epoch) {
        known if broke_off || known.is_some_and(|known| known != epoch) => {
            tracing::warn!(
                "the server was restored from a copy: comparing everything, deleting nothing"
            );
            let applied = space.replica.start_over(epoch).await?;
            comeback::note(shared).await?;
            Ok(applied)
        }
        Some(_) => space.replica.catch_up().await,
        None => {
            let applied = space.replica.catch_up().await?;
            space.replica.set_epoch(epoch).await?;
            Ok(applied)
        }
    }
}

async fn positions(shared: &Shared, spaces: &[Arc<Space>], epoch: ServerEpoch) -> EventsRequest {
    let mut positions = Vec::with_capacity(spaces.len());
    for space in spaces {
        positions.push(SpacePosition {
            space: space.id,
            head: space.replica.head().await,
        });
    }
    let account = shared.common.accounts.get(shared.device.account).await;
    let account = account.map_or(Head::START, |account| account.head());
    EventsRequest {
        epoch: Some(epoch),
        account,
        spaces: positions,
    }
}

/// Tells the loop what reading on has changed.
pub fn tell(events: &Teller, space: &Space, applied: Applied) {
    if applied.anew {
        // The loop ends last; when it has, nobody needs to know.
        let _ = events.send(Event::Rebased(space.number));
    }
    if let Some(head) = applied.head {
        let _ = events.send(Event::Folded(space.number, applied.changed, head.cursor));
    }
}
