//! Becoming a member of a space by a link.

use std::time::Instant;

use axum::extract::State;

use hythe_model::{DeviceId, SpaceId};
use hythe_wire::join::JoinTermsReply;
use hythe_wire::{Code, routes};

use super::app::Shared;
use super::error::Failure;
use super::message::{Cbor, IdText, Ids};
use super::openapi::Octets;
use crate::auth::Caller;

/// What taking up an offer to join needs. Whoever can name the offer's key may know it.
#[utoipa::path(
    get, path = routes::SPACE_OFFER, tag = "spaces", security(("device" = [])),
    params(
        ("space" = String, Path, description = "Id of the space"),
        ("key" = String, Path, description = "Id of the offer's one-time key")
    ),
    responses((
        status = 200, description = "JoinTermsReply",
        content_type = "application/cbor", body = Octets
    ))
)]
pub(crate) async fn terms(
    State(app): State<Shared>,
    caller: Caller,
    ids: Ids<(IdText<SpaceId>, IdText<DeviceId>)>,
) -> Result<Cbor<JoinTermsReply>, Failure> {
    let Ids((IdText(space), IdText(key))) = ids;
    let device = caller.principal.device();
    if let Err(wait) = app.rates.lookups.take(device, Instant::now()) {
        return Err(Failure::later(Code::RateLimited, wait));
    }
    let terms = app.files.join_terms(&caller.principal, space, key).await?;
    Ok(Cbor::answer(terms))
}
