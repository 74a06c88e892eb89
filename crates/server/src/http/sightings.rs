//! How far devices were shown a space.

use axum::extract::State;

use hythe_model::SpaceId;
use hythe_wire::routes;
use hythe_wire::sighting::{SightingMessage, SightingsReply};

use super::app::Shared;
use super::error::Failure;
use super::message::{Cbor, IdText, Ids};
use super::openapi::Octets;
use crate::auth::Caller;

/// Takes what the calling device was shown, and says what the others were.
#[utoipa::path(
    post, path = routes::SPACE_SIGHTINGS, tag = "log", security(("device" = [])),
    params(("space" = String, Path, description = "Id of the space")),
    request_body(
        content = Octets, content_type = "application/cbor", description = "SightingMessage"
    ),
    responses((
        status = 200, description = "SightingsReply",
        content_type = "application/cbor", body = Octets
    ))
)]
pub(crate) async fn exchange(
    State(app): State<Shared>,
    caller: Caller,
    Ids(IdText(space)): Ids<IdText<SpaceId>>,
    request: Cbor<SightingMessage>,
) -> Result<Cbor<SightingsReply>, Failure> {
    let said = &request.message.sighting;
    let epoch = app.files.epoch();
    let others = app
        .files
        .exchange_sightings(&caller.principal, space, said)
        .await?;
    Ok(Cbor::answer(SightingsReply {
        epoch,
        sightings: others.into_iter().map(Into::into).collect(),
    }))
}
