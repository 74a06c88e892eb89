//! A link, for whoever has it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use hythe_model::{LinkId, OpeningId};
use hythe_wire::chunk::PackReply;
use hythe_wire::chunk::ReadRequest;
use hythe_wire::link::{
    LinkInfo, LinkListRequest, LinkOpenRequest, LinkOpened, LinkPage, LinkPutRequest,
};
use hythe_wire::routes;

use super::app::Shared;
use super::chunks::{self, chunk_frames};
use super::error::Failure;
use super::message::{Cbor, IdText, Ids, PackBody};
use super::openapi::Octets;
use super::stream::guarded;
use crate::auth::Visitor;
use crate::files::{Attached, Parcel};

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

/// Stores a pack of a file that is put through a link. Acknowledged is durable.
#[utoipa::path(
    post, path = routes::LINK_PACKS, tag = "links", security(("link" = [])),
    params(("link" = String, Path, description = "Id of the link")),
    request_body(content = Octets, content_type = "application/vnd.hythe.pack"),
    responses((
        status = 200, description = "PackReply",
        content_type = "application/cbor", body = Octets
    ))
)]
pub(crate) async fn store(
    State(app): State<Shared>,
    visitor: Visitor,
    pack: PackBody,
) -> Result<Cbor<PackReply>, Failure> {
    let pack = pack.bytes.clone();
    let stored = app.files.put_link_pack(&visitor.pass, pack).await?;
    Ok(chunks::stored_reply(stored))
}

/// Puts a file through a link.
#[utoipa::path(
    post, path = routes::LINK_FILES, tag = "links", security(("link" = [])),
    params(("link" = String, Path, description = "Id of the link")),
    request_body(content = Octets, content_type = "application/cbor", description = "LinkPutRequest"),
    responses((status = 204, description = "Done"))
)]
pub(crate) async fn put(
    State(app): State<Shared>,
    visitor: Visitor,
    request: Cbor<LinkPutRequest>,
) -> Result<StatusCode, Failure> {
    let put = parcel(request.message);
    app.files
        .link_put(&visitor.pass, put, visitor.address)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A file as it was sent.
pub(super) fn parcel(request: LinkPutRequest) -> Parcel {
    let attached = request.attached.into_iter().map(|object| Attached {
        id: object.name.id,
        seal: object.name.seal,
        sealed: Vec::from(object.sealed).into(),
    });
    Parcel {
        upload: request.upload,
        generation: request.generation,
        wrapped: request.wrapped.into(),
        name: request.name.into(),
        attributes: request.attributes.into(),
        body: request.body.into(),
        size: request.size,
        attached: attached.collect(),
        refs: request.refs.map(|refs| (refs.tree, refs.ids)),
        signature: request.signature.map(Into::into),
    }
}
