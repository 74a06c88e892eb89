//! Signed checkpoints of a space.

use axum::extract::State;
use axum::http::StatusCode;

use hythe_model::SpaceId;
use hythe_wire::log::CheckpointMessage;
use hythe_wire::{Code, routes};

use super::app::Shared;
use super::error::Failure;
use super::message::{Cbor, IdText, Ids};
use super::openapi::Octets;
use crate::auth::Caller;

/// The latest checkpoint.
#[utoipa::path(
    get, path = routes::SPACE_CHECKPOINT, tag = "log", security(("device" = [])),
    params(("space" = String, Path, description = "Id of the space")),
    responses((
        status = 200, description = "CheckpointMessage",
        content_type = "application/cbor", body = Octets
    ))
)]
pub(crate) async fn read(
    State(app): State<Shared>,
    caller: Caller,
    Ids(IdText(space)): Ids<IdText<SpaceId>>,
) -> Result<Cbor<CheckpointMessage>, Failure> {
    let latest = app.files.checkpoint(&caller.principal, space).await?;
    let Some(checkpoint) = latest else {
        return Err(Failure::detail(
            Code::NotFound,
            "the space has no checkpoint yet",
        ));
    };
    Ok(Cbor::answer(CheckpointMessage {
        checkpoint: checkpoint.into(),
    }))
}

/// Takes a checkpoint that the calling device signed.
#[utoipa::path(
    post, path = routes::SPACE_CHECKPOINT, tag = "log", security(("device" = [])),
    params(("space" = String, Path, description = "Id of the space")),
    request_body(
        content = Octets, content_type = "application/cbor", description = "CheckpointMessage"
    ),
    responses((status = 204, description = "Taken"))
)]
pub(crate) async fn offer(
    State(app): State<Shared>,
    caller: Caller,
    Ids(IdText(space)): Ids<IdText<SpaceId>>,
    request: Cbor<CheckpointMessage>,
) -> Result<StatusCode, Failure> {
    let checkpoint = &request.message.checkpoint;
    app.files
        .put_checkpoint(&caller.principal, space, checkpoint)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
