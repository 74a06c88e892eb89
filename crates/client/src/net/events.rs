//! The event stream of a device.

use std::time::Duration;

use ::http::Method;
use hythe_wire::event::{Event, EventsRequest};
use hythe_wire::{Message, headers, routes};

use super::body::Frames;
use super::http::Channel;
use super::{Api, ApiError};

/// Longest silence before the connection counts as dead. The server speaks every 15 s, so one late
/// heartbeat is forgiven and a half-open connection is still noticed within 30 s (SC-111).
const SILENCE: Duration = Duration::from_secs(29);

/// Events of all spaces of a device, in order.
pub struct EventStream {
    frames: Frames<Event>,
}

impl Api {
    /// Begins the stream at the given positions.
    ///
    /// # Errors
    /// [`ApiError::EpochChanged`] and, by its code, a fork, when the server's logs are not the ones
    /// the positions are of; otherwise see [`ApiError`].
    pub async fn events(&self, from: &EventsRequest) -> Result<EventStream, ApiError> {
        self.events_with(from, SILENCE).await
    }

    pub(super) async fn events_with(
        &self,
        from: &EventsRequest,
        silence: Duration,
    ) -> Result<EventStream, ApiError> {
        let body = Some((headers::CBOR, from.to_cbor().into()));
        let reader = self
            .call(Channel::Shared, Method::POST, routes::EVENTS, body)
            .await?;
        let frames = Frames::new(reader.with_silence(silence), Event::MAX_BYTES);
        Ok(EventStream { frames })
    }
}

impl EventStream {
    /// The next event, heartbeats left out. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`ApiError::Offline`] when the stream ends, breaks or falls silent.
    pub async fn next(&mut self) -> Result<Event, ApiError> {
        loop {
            match self.frames.next().await? {
                Some(Event::Heartbeat) => {}
                Some(event) => return Ok(event),
                None => return Err(ApiError::offline("the server ended the event stream")),
            }
        }
    }
}
