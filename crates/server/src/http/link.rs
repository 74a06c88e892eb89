//! A link, for whoever has it.

use axum::extract::State;
use axum::response::Response;

use hythe_model::{LinkId, OpeningId};
use hythe_wire::chunk::ReadRequest;
use hythe_wire::link::{LinkInfo, LinkListRequest, LinkOpenRequest, LinkOpened, LinkPage};
use hythe_wire::routes;

use super::app::Shared;
use super::chunks::chunk_frames;
use super::error::Failure;
use super::message::{Cbor, IdText, Ids};
use super::openapi::Octets;
use super::stream::guarded;
use crate::auth::Visitor;

/// What a link is, and what it points at.
#[utoipa::path(
    get, path = routes::LINK, tag = "links", security(("link" = [])),
    params(("link" = String, Path, description = "Id of the link")),
    responses((
        status = 200, description = "LinkInfo",
        content_type = "application/cbor", body = Octets
    ))
)]
pub(crate) async fn look(
    State(app): State<Shared>,
    visitor: Visitor,
) -> Result<Cbor<LinkInfo>, Failure> {
    let info = app.files.link(&visitor.pass, visitor.address).await?;
    Ok(Cbor::answer(info))
}

/// What a directory under a link holds.
#[utoipa::path(
    post, path = routes::LINK_LIST, tag = "links", security(("link" = [])),
    params(("link" = String, Path, description = "Id of the link")),
    request_body(content = Octets, content_type = "application/cbor", description = "LinkListRequest"),
    responses((
        status = 200, description = "LinkPage",
        content_type = "application/cbor", body = Octets
    ))
)]
pub(crate) async fn list(
    State(app): State<Shared>,
    visitor: Visitor,
    request: Cbor<LinkListRequest>,
) -> Result<Cbor<LinkPage>, Failure> {
    let LinkListRequest { directory, after } = request.message;
    let after = after.map(Vec::from);
    let page = app.files.link_list(&visitor.pass, directory, after).await?;
    Ok(Cbor::answer(page))
}

/// Opens a file under a link.
#[utoipa::path(
    post, path = routes::LINK_OPEN, tag = "links", security(("link" = [])),
    params(("link" = String, Path, description = "Id of the link")),
    request_body(content = Octets, content_type = "application/cbor", description = "LinkOpenRequest"),
    responses((
        status = 200, description = "LinkOpened",
        content_type = "application/cbor", body = Octets
    ))
)]
pub(crate) async fn open(
    State(app): State<Shared>,
    visitor: Visitor,
    request: Cbor<LinkOpenRequest>,
) -> Result<Cbor<LinkOpened>, Failure> {
    let LinkOpenRequest { node, opening } = request.message;
    let opened = app
        .files
        .link_open(&visitor.pass, node, opening, visitor.address)
        .await?;
    Ok(Cbor::answer(opened))
}

/// The sealed bytes of chunks of an opened file, each checked before it is sent.
#[utoipa::path(
    post, path = routes::LINK_CHUNKS, tag = "links", security(("link" = [])),
    params(
        ("link" = String, Path, description = "Id of the link"),
        ("opening" = String, Path, description = "Id of the opening")
    ),
    request_body(content = Octets, content_type = "application/cbor", description = "ReadRequest"),
    responses((
        status = 200, description = "ChunkFrame sequence",
        content_type = "application/cbor-seq", body = Octets
    ))
)]
pub(crate) async fn read(
    State(app): State<Shared>,
    visitor: Visitor,
    ids: Ids<(IdText<LinkId>, IdText<OpeningId>)>,
    request: Cbor<ReadRequest>,
) -> Result<Response, Failure> {
    let Ids((_, IdText(opening))) = ids;
    let objects = request.message.objects;
    let chunks = app
        .files
        .read_link_chunks(visitor.pass.clone(), opening, objects)
        .await?;
    guarded(&app, visitor.guard.clone(), visitor, chunk_frames(chunks))
}
