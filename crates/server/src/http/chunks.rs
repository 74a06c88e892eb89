//! Chunks and stored layout nodes: which are missing, packs of them, reading them.

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};

use hythe_model::{SpaceId, UploadId};
use hythe_wire::chunk::{
    AdoptReply, AdoptRequest, ChunkFrame, MissingReply, MissingRequest, PackReply, ReadRequest,
};
use hythe_wire::routes;

use super::app::Shared;
use super::error::Failure;
use super::message::{Asked, Cbor, IdText, Ids, PackBody};
use super::openapi::Octets;
use super::stream::frames;
use crate::auth::Caller;
use crate::files::{FilesError, PackStored, ReadChunk};

/// Which of these does the server lack? It keeps the others for a while.
#[utoipa::path(
    post, path = routes::SPACE_CHUNKS_MISSING, tag = "chunks", security(("device" = [])),
    params(("space" = String, Path, description = "Id of the space")),
    request_body(content = Octets, content_type = "application/cbor", description = "MissingRequest"),
    responses((
        status = 200, description = "MissingReply",
        content_type = "application/cbor", body = Octets
    ))
)]
pub(crate) async fn missing(
    State(app): State<Shared>,
    caller: Caller,
    Ids(IdText(space)): Ids<IdText<SpaceId>>,
    request: Cbor<MissingRequest>,
) -> Result<Cbor<MissingReply>, Failure> {
    let MissingRequest { objects, reserve } = &request.message;
    let room = match reserve {
        Some(reserve) => {
            app.files
                .reserve(&caller.principal, space, *reserve)
                .await?
        }
        None => None,
    };
    let found = app.files.missing(&caller.principal, space, objects).await?;
    Ok(Cbor::answer(MissingReply {
        missing: found.indices,
        lease_ms: found.lease_ms,
        room,
    }))
}

/// Takes over what another space of the caller's holds.
#[utoipa::path(
    post, path = routes::SPACE_CHUNKS_ADOPT, tag = "chunks", security(("device" = [])),
    params(("space" = String, Path, description = "Id of the space")),
    request_body(content = Octets, content_type = "application/cbor", description = "AdoptRequest"),
    responses((
        status = 200, description = "AdoptReply",
        content_type = "application/cbor", body = Octets
    ))
)]
pub(crate) async fn adopt(
    State(app): State<Shared>,
    caller: Caller,
    Ids(IdText(space)): Ids<IdText<SpaceId>>,
    request: Cbor<AdoptRequest>,
) -> Result<Cbor<AdoptReply>, Failure> {
    let AdoptRequest { from, objects } = &request.message;
    let adopted = app
        .files
        .adopt(&caller.principal, space, *from, objects)
        .await?;
    Ok(Cbor::answer(AdoptReply {
        missing: adopted.missing,
        lease_ms: adopted.lease_ms,
    }))
}

/// Which upload a pack is part of.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PackOf {
    /// The upload whose reservation it is taken off.
    #[param(value_type = Option<String>)]
    upload: Option<IdText<UploadId>>,
}

/// Stores a pack. Acknowledged is durable.
#[utoipa::path(
    post, path = routes::SPACE_PACKS, tag = "chunks", security(("device" = [])),
    params(("space" = String, Path, description = "Id of the space"), PackOf),
    request_body(content = Octets, content_type = "application/vnd.hythe.pack"),
    responses((
        status = 200, description = "PackReply",
        content_type = "application/cbor", body = Octets
    ))
)]
pub(crate) async fn store(
    State(app): State<Shared>,
    caller: Caller,
    Ids(IdText(space)): Ids<IdText<SpaceId>>,
    Asked(PackOf { upload }): Asked<PackOf>,
    pack: PackBody,
) -> Result<Cbor<PackReply>, Failure> {
    // The rights may have gone while the body came.
    caller.guard.check().await?;
    let stored = app
        .files
        .put_pack(
            &caller.principal,
            space,
            pack.bytes.clone(),
            upload.map(|IdText(id)| id),
        )
        .await?;
    Ok(stored_reply(stored))
}

/// What became of a pack, as it is answered.
pub(super) fn stored_reply(stored: PackStored) -> Cbor<PackReply> {
    Cbor::answer(PackReply {
        stored: stored.stored,
        known: stored.known,
        lease_ms: stored.lease_ms,
    })
}

/// The sealed bytes of chunks, each checked before it is sent.
#[utoipa::path(
    post, path = routes::SPACE_CHUNKS_READ, tag = "chunks", security(("device" = [])),
    params(("space" = String, Path, description = "Id of the space")),
    request_body(content = Octets, content_type = "application/cbor", description = "ReadRequest"),
    responses((
        status = 200, description = "ChunkFrame sequence",
        content_type = "application/cbor-seq", body = Octets
    ))
)]
pub(crate) async fn read(
    State(app): State<Shared>,
    caller: Caller,
    Ids(IdText(space)): Ids<IdText<SpaceId>>,
    request: Cbor<ReadRequest>,
) -> Result<Response, Failure> {
    let objects = request.message.objects;
    let chunks = app
        .files
        .read_chunks(caller.principal.clone(), space, objects)
        .await?;
    frames(&app, caller.within(space), chunk_frames(chunks))
}

/// The frames of chunks, and the end.
pub(super) fn chunk_frames<S>(
    chunks: S,
) -> impl Stream<Item = Result<Bytes, Failure>> + Send + 'static + use<S>
where
    S: Stream<Item = Result<ReadChunk, FilesError>> + Send + 'static,
{
    let pieces = chunks.flat_map(|chunk| {
        stream::iter(match chunk {
            Ok(chunk) => pieces(chunk).map(Ok).collect(),
            Err(error) => vec![Err(Failure::from(error))],
        })
    });
    let (end, _) = ChunkFrame::End.to_pieces();
    pieces.chain(stream::iter([Ok(end)]))
}

/// The pieces of one frame.
fn pieces(chunk: ReadChunk) -> impl Iterator<Item = Bytes> {
    let frame = match chunk {
        ReadChunk::Sealed { index, bytes } => ChunkFrame::Sealed { index, bytes },
        ReadChunk::Missing { index } => ChunkFrame::Missing { index },
        ReadChunk::Damaged { index } => ChunkFrame::Damaged { index },
    };
    let (head, sealed) = frame.to_pieces();
    std::iter::once(head).chain(sealed)
}
