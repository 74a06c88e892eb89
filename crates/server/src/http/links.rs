//! Links into a space, for its members.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use hythe_model::{LinkId, SpaceId};
use hythe_wire::link::{
    CreateLinkReply, CreateLinkRequest, LinkCapsulesRequest, LinkList, LinkUses,
};
use hythe_wire::routes;

use super::app::Shared;
use super::error::Failure;
use super::message::{Cbor, IdText, Ids};
use super::openapi::Octets;
use crate::auth::Caller;

/// The links into a space that the caller may end.
#[utoipa::path(
    get, path = routes::SPACE_LINKS, tag = "links", security(("device" = [])),
    params(("space" = String, Path, description = "Id of the space")),
    responses((status = 200, body = LinkList))
)]
pub(crate) async fn list(
    State(app): State<Shared>,
    caller: Caller,
    Ids(IdText(space)): Ids<IdText<SpaceId>>,
) -> Result<Json<LinkList>, Failure> {
    let links = app.files.links(&caller.principal, space).await?;
    Ok(Json(LinkList { links }))
}

/// Gives out a link.
#[utoipa::path(
    post, path = routes::SPACE_LINKS, tag = "links", security(("device" = [])),
    params(("space" = String, Path, description = "Id of the space")),
    request_body(content = Octets, content_type = "application/cbor", description = "CreateLinkRequest"),
    responses((
        status = 200, description = "CreateLinkReply",
        content_type = "application/cbor", body = Octets
    ))
)]
pub(crate) async fn create(
    State(app): State<Shared>,
    caller: Caller,
    Ids(IdText(space)): Ids<IdText<SpaceId>>,
    request: Cbor<CreateLinkRequest>,
) -> Result<Cbor<CreateLinkReply>, Failure> {
    let CreateLinkRequest { grant, verifier } = request.message;
    let maker = app
        .files
        .create_link(&caller.principal, space, grant.into(), verifier)
        .await?;
    Ok(Cbor::answer(CreateLinkReply { maker }))
}

/// Ends a link.
#[utoipa::path(
    delete, path = routes::SPACE_LINK, tag = "links", security(("device" = [])),
    params(
        ("space" = String, Path, description = "Id of the space"),
        ("link" = String, Path, description = "Id of the link")
    ),
    responses((status = 204, description = "Done"))
)]
pub(crate) async fn revoke(
    State(app): State<Shared>,
    caller: Caller,
    ids: Ids<(IdText<SpaceId>, IdText<LinkId>)>,
) -> Result<StatusCode, Failure> {
    let Ids((IdText(space), IdText(link))) = ids;
    app.files
        .revoke_link(&caller.principal, space, link)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How a link was used.
#[utoipa::path(
    get, path = routes::SPACE_LINK_USES, tag = "links", security(("device" = [])),
    params(
        ("space" = String, Path, description = "Id of the space"),
        ("link" = String, Path, description = "Id of the link")
    ),
    responses((status = 200, body = LinkUses))
)]
pub(crate) async fn uses(
    State(app): State<Shared>,
    caller: Caller,
    ids: Ids<(IdText<SpaceId>, IdText<LinkId>)>,
) -> Result<Json<LinkUses>, Failure> {
    let Ids((IdText(space), IdText(link))) = ids;
    let uses = app.files.link_uses(&caller.principal, space, link).await?;
    Ok(Json(LinkUses { uses }))
}

/// Stores what a link into a sealed space shows.
#[utoipa::path(
    post, path = routes::SPACE_LINK_CAPSULES, tag = "links", security(("device" = [])),
    params(
        ("space" = String, Path, description = "Id of the space"),
        ("link" = String, Path, description = "Id of the link")
    ),
    request_body(content = Octets, content_type = "application/cbor", description = "LinkCapsulesRequest"),
    responses((status = 204, description = "Done"))
)]
pub(crate) async fn capsules(
    State(app): State<Shared>,
    caller: Caller,
    ids: Ids<(IdText<SpaceId>, IdText<LinkId>)>,
    request: Cbor<LinkCapsulesRequest>,
) -> Result<StatusCode, Failure> {
    let Ids((IdText(space), IdText(link))) = ids;
    let directories = request.message.directories;
    app.files
        .put_link_capsules(&caller.principal, space, link, directories)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
