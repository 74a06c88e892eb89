//! What a removed device is told last.

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;

use hythe_wire::farewell::Farewell;
use hythe_wire::{Token, headers, routes};

use super::app::Shared;
use super::error::Failure;
use super::layers::Client;
use super::message::Cbor;
use super::openapi::Octets;
use crate::auth::{self, Shown};

/// Whoever shows the token of a device, removed or not.
pub(crate) struct Leaver(Token, Client);

impl FromRequestParts<Shared> for Leaver {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Failure> {
        let client = auth::client(parts)?;
        let Shown(token) = Shown::take(parts, headers::BEARER)?;
        Ok(Self(token, client))
    }
}

/// Whether a removed device is to delete its local copies, as its account's log proves.
#[utoipa::path(
    get, path = routes::DEVICES_FAREWELL, tag = "devices", security(("device" = [])),
    responses((
        status = 200, description = "Farewell",
        content_type = "application/cbor", body = Octets
    ))
)]
pub(crate) async fn read(
    State(app): State<Shared>,
    Leaver(token, client): Leaver,
) -> Result<Cbor<Farewell>, Failure> {
    let told = app.files.farewell(&token).await;
    let log = told.map_err(|error| auth::denied(&app, client, error))?;
    let log = log.into_iter().map(|one| one.to_vec().into()).collect();
    Ok(Cbor::answer(Farewell { log }))
}
