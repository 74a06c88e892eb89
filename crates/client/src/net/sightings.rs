//! How far devices were shown a space: telling, and hearing of others.

use ::http::Method;
use hythe_model::SpaceId;
use hythe_wire::routes;
use hythe_wire::sighting::{SightingMessage, SightingsReply};

use super::http::Channel;
use super::{Api, ApiError};

impl Api {
    /// Says what this device has seen, signed by it, and hears what the others have.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn exchange_sightings(
        &self,
        space: SpaceId,
        sighting: Vec<u8>,
    ) -> Result<SightingsReply, ApiError> {
        let message = SightingMessage {
            sighting: sighting.into(),
        };
        let path = routes::space_sightings(space);
        self.send_message(Channel::Shared, Method::POST, &path, &message)
            .await
    }
}
