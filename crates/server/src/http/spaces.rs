//! The spaces of an account.

use axum::Json;
use axum::extract::State;
use bytes::Bytes;

use hythe_wire::routes;
use hythe_wire::space::{CreateSpaceReply, CreateSpaceRequest, SpaceList};

use super::app::Shared;
use super::error::Failure;
use super::message::Cbor;
use super::openapi::Octets;
use crate::auth::Caller;

/// The spaces the caller's account is a member of.
#[utoipa::path(
    get, path = routes::SPACES, tag = "spaces", security(("device" = []), ("app-password" = [])),
    responses((status = 200, body = SpaceList))
)]
pub(crate) async fn list(
    State(app): State<Shared>,
    caller: Caller,
) -> Result<Json<SpaceList>, Failure> {
    Ok(Json(app.files.space_list(&caller.principal).await?))
}

/// Creates a space of the caller's account: an open one, or a sealed one.
#[utoipa::path(
    post, path = routes::SPACES, tag = "spaces", security(("device" = [])),
    request_body(content = Octets, content_type = "application/cbor", description = "CreateSpaceRequest"),
    responses((
        status = 200, description = "CreateSpaceReply",
        content_type = "application/cbor", body = Octets
    ))
)]
pub(crate) async fn create(
    State(app): State<Shared>,
    caller: Caller,
    request: Cbor<CreateSpaceRequest>,
) -> Result<Cbor<CreateSpaceReply>, Failure> {
    let log = request.message.log.into_iter();
    let log: Vec<Bytes> = log.map(|change_set| Vec::from(change_set).into()).collect();
    let (space, made) = app.files.create_space(&caller.principal, &log).await?;
    Ok(Cbor::answer(CreateSpaceReply {
        space,
        head: made.head,
    }))
}
