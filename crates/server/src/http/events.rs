//! The event stream of a device.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures::{StreamExt, stream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use hythe_model::{Cursor, DeviceId, Head, ServerEpoch, SpaceId};
use hythe_wire::event::{Event, EventsRequest, Goodbye};
use hythe_wire::{Code, Problem, There, frame, routes};

use super::app::{App, Shared};
use super::error::Failure;
use super::event_feed::Feed;
use super::message::Cbor;
use super::openapi::Octets;
use super::stream::sequence;
use crate::auth::Caller;
use crate::files::Principal;

/// Frames that may wait for a reader: little, since a slow one resumes from its positions.
const QUEUE: usize = 16;

/// What happens in the spaces of a device, from its positions on.
#[utoipa::path(
    post, path = routes::EVENTS, tag = "events", security(("device" = [])),
    request_body(content = Octets, content_type = "application/cbor", description = "EventsRequest"),
    responses((
        status = 200, description = "Event sequence",
        content_type = "application/cbor-seq", body = Octets
    ))
)]
pub(crate) async fn follow(
    State(app): State<Shared>,
    caller: Caller,
    request: Cbor<EventsRequest>,
) -> Result<Response, Failure> {
    let request = request.message;
    let guard = caller.guard.clone();
    // The device's place is for requests; streams have a limit of their own.
    let principal = caller.principal.clone();
    drop(caller);
    let epoch = app.files.epoch();
    if request.epoch.is_some_and(|known| known != epoch) {
        return Err(Failure::new(Code::EpochChanged));
    }
    // Before any position is read, so that nothing falls in between.
    let notices = app.files.subscribe();
    check_positions(&app, &principal, &request).await?;
    let stream = app
        .event_streams
        .begin(principal.device(), app.limits.events_per_device);
    let (out, frames) = mpsc::channel(QUEUE);
    let feed = Feed::new(Arc::clone(&app), principal, notices, request, out.clone());
    let reason = Arc::new(OnceLock::new());
    let said = Arc::clone(&reason);
    app.tasks.spawn(async move {
        let ended = stream.replaced.clone();
        let why = tokio::select! {
            why = feed.run() => why,
            () = ended.cancelled() => Goodbye::Replaced,
        };
        metrics::counter!("hythe_event_streams_ended_total", "reason" => word(why)).increment(1);
        let _ = said.set(why);
        // Only now may the frames come to an end.
        drop((out, stream));
    });
    let goodbye = stream::once(async move {
        let reason = reason.get().copied().unwrap_or(Goodbye::Stopping);
        frame::frame(&Event::Goodbye { reason })
    });
    let pieces = ReceiverStream::new(frames)
        .chain(goodbye)
        .map(Ok::<Bytes, Failure>);
    Ok(sequence(guard.body(pieces, ())))
}

/// A reason as metrics name it.
fn word(why: Goodbye) -> &'static str {
    match why {
        Goodbye::Stopping => "stopping",
        Goodbye::Unauthenticated => "unauthenticated",
        Goodbye::TooSlow => "too_slow",
        Goodbye::Replaced => "replaced",
    }
}

/// Refuses positions of a history that this server does not have.
async fn check_positions(
    app: &App,
    reader: &Principal,
    request: &EventsRequest,
) -> Result<(), Failure> {
    let epoch = app.files.epoch();
    for position in &request.spaces {
        match app
            .files
            .standing(reader, position.space, position.head)
            .await
        {
            Ok(standing) if standing.agrees => {}
            Ok(standing) => return Err(fork(Some(position.space), standing.head, epoch)),
            // Whoever is no member any more is told so in the stream.
            Err(error) if super::event_feed::is_gone(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let standing = app.files.account_standing(reader, request.account).await?;
    if standing.agrees {
        Ok(())
    } else {
        Err(fork(None, standing.head, epoch))
    }
}

fn fork(space: Option<SpaceId>, head: Head, epoch: ServerEpoch) -> Failure {
    let Head {
        cursor: Cursor(cursor),
        chain,
    } = head;
    let there = match space {
        Some(space) => There::SpaceHead {
            space,
            cursor,
            chain,
        },
        None => There::Head {
            epoch,
            cursor,
            chain,
        },
    };
    Failure(Box::new(Problem::new(Code::Fork).there(there)))
}

/// The event streams of all devices.
#[derive(Debug, Default)]
pub(crate) struct EventStreams {
    streams: Mutex<Numbered>,
}

#[derive(Debug, Default)]
struct Numbered {
    next: u64,
    by_device: HashMap<DeviceId, Vec<(u64, CancellationToken)>>,
}

/// One stream among them; leaves when dropped.
pub(crate) struct EventStream {
    all: Arc<EventStreams>,
    device: DeviceId,
    number: u64,
    /// Told when a newer stream takes its place.
    replaced: CancellationToken,
}

impl EventStreams {
    /// Begins one more stream; the device's oldest ends when it has more than `limit`.
    pub(crate) fn begin(self: &Arc<Self>, device: DeviceId, limit: usize) -> EventStream {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let number = streams.next;
        streams.next += 1;
        let replaced = CancellationToken::new();
        let own = streams.by_device.entry(device).or_default();
        own.push((number, replaced.clone()));
        if own.len() > limit.max(1) {
            own.remove(0).1.cancel();
        }
        EventStream {
            all: Arc::clone(self),
            device,
            number,
            replaced,
        }
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        let mut streams = self
            .all
            .streams
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = streams.by_device.get_mut(&self.device) {
            own.retain(|(number, _)| *number != self.number);
            if own.is_empty() {
                streams.by_device.remove(&self.device);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_stream_of_a_device_makes_place() {
        let streams = Arc::new(EventStreams::default());
        let device = DeviceId([1; 32]);
        let first = streams.begin(device, 2);
        let second = streams.begin(device, 2);
        let other = streams.begin(DeviceId([2; 32]), 2);
        assert!(!first.replaced.is_cancelled());
        let third = streams.begin(device, 2);
        assert!(first.replaced.is_cancelled());
        assert!(!second.replaced.is_cancelled() && !other.replaced.is_cancelled());
        drop((first, second, third, other));
        assert!(streams.streams.lock().unwrap().by_device.is_empty());
    }
}
