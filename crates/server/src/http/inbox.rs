//! The inbox of a space, for its members.

use axum::extract::State;
use axum::http::StatusCode;

use hythe_model::{SpaceId, UploadId};
use hythe_wire::inbox::{InboxCardReply, InboxCardRequest, InboxPage};
use hythe_wire::link::LinkPutRequest;
use hythe_wire::routes;

use super::app::Shared;
use super::error::Failure;
use super::link::parcel;
use super::message::{Cbor, IdText, Ids};
use super::openapi::Octets;
use crate::auth::Caller;

/// Files that wait in a sealed space.
#[utoipa::path(
    get, path = routes::SPACE_INBOX, tag = "inbox", security(("device" = [])),
    params(("space" = String, Path, description = "Id of the space")),
    responses((
        status = 200, description = "InboxPage",
        content_type = "application/cbor", body = Octets
    ))
)]
pub(crate) async fn list(
    State(app): State<Shared>,
    caller: Caller,
    Ids(IdText(space)): Ids<IdText<SpaceId>>,
) -> Result<Cbor<InboxPage>, Failure> {
    let page = app.files.inbox(&caller.principal, space).await?;
    Ok(Cbor::answer(page))
}

/// Puts a file as a member that may do nothing else.
#[utoipa::path(
    post, path = routes::SPACE_INBOX, tag = "inbox", security(("device" = [])),
    params(("space" = String, Path, description = "Id of the space")),
    request_body(content = Octets, content_type = "application/cbor", description = "LinkPutRequest"),
    responses((status = 204, description = "Done"))
)]
pub(crate) async fn put(
    State(app): State<Shared>,
    caller: Caller,
    Ids(IdText(space)): Ids<IdText<SpaceId>>,
    request: Cbor<LinkPutRequest>,
) -> Result<StatusCode, Failure> {
    let parcel = parcel(request.message);
    app.files
        .put_into_inbox(&caller.principal, space, parcel)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How files are sealed for the inbox of a space.
#[utoipa::path(
    get, path = routes::SPACE_INBOX_CARD, tag = "inbox", security(("device" = [])),
    params(("space" = String, Path, description = "Id of the space")),
    responses((
        status = 200, description = "InboxCardReply",
        content_type = "application/cbor", body = Octets
    ))
)]
pub(crate) async fn cards(
    State(app): State<Shared>,
    caller: Caller,
    Ids(IdText(space)): Ids<IdText<SpaceId>>,
) -> Result<Cbor<InboxCardReply>, Failure> {
    let reply = app.files.inbox_cards(&caller.principal, space).await?;
    Ok(Cbor::answer(reply))
}

/// Tells how files are sealed for the inbox of a space.
#[utoipa::path(
    post, path = routes::SPACE_INBOX_CARD, tag = "inbox", security(("device" = [])),
    params(("space" = String, Path, description = "Id of the space")),
    request_body(content = Octets, content_type = "application/cbor", description = "InboxCardRequest"),
    responses((status = 204, description = "Done"))
)]
pub(crate) async fn tell(
    State(app): State<Shared>,
    caller: Caller,
    Ids(IdText(space)): Ids<IdText<SpaceId>>,
    request: Cbor<InboxCardRequest>,
) -> Result<StatusCode, Failure> {
    let card = request.message.card.into();
    app.files
        .put_inbox_card(&caller.principal, space, card)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Refuses a file that cannot be taken in.
#[utoipa::path(
    delete, path = routes::SPACE_INBOX_PARCEL, tag = "inbox", security(("device" = [])),
    params(
        ("space" = String, Path, description = "Id of the space"),
        ("upload" = String, Path, description = "Id of the upload")
    ),
    responses((status = 204, description = "Done"))
)]
pub(crate) async fn refuse(
    State(app): State<Shared>,
    caller: Caller,
    ids: Ids<(IdText<SpaceId>, IdText<UploadId>)>,
) -> Result<StatusCode, Failure> {
    let Ids((IdText(space), IdText(upload))) = ids;
    app.files
        .refuse_parcel(&caller.principal, space, upload)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
