//! The log of a space: commit and read.

use axum::extract::State;
use axum::response::Response;

use hythe_model::{Cursor, SpaceId};
use hythe_wire::limits::MAX_ATTACHED_BYTES;
use hythe_wire::log::{CommitReply, CommitRequest};
use hythe_wire::{Code, routes};

use super::app::Shared;
use super::error::Failure;
use super::message::{Asked, Cbor, IdText, Ids};
use super::openapi::Octets;
use super::stream::{LogRange, PAGE_BYTES, ReadLog, frames, log_frames};
use crate::auth::Caller;
use crate::files::{Attached, Commit, Files, FilesError, LogPage, Principal};

/// Adds a change set, with the small objects that came with it. Acknowledged is durable.
#[utoipa::path(
    post, path = routes::SPACE_CHANGES, tag = "log", security(("device" = [])),
    params(("space" = String, Path, description = "Id of the space")),
    request_body(content = Octets, content_type = "application/cbor", description = "CommitRequest"),
    responses((
        status = 200, description = "CommitReply",
        content_type = "application/cbor", body = Octets
    ))
)]
pub(crate) async fn commit(
    State(app): State<Shared>,
    caller: Caller,
    Ids(IdText(space)): Ids<IdText<SpaceId>>,
    request: Cbor<CommitRequest>,
) -> Result<Cbor<CommitReply>, Failure> {
    let Cbor {
        message: CommitRequest {
            change_set,
            attached,
        },
        ..
    } = request;
    let sum: usize = attached.iter().map(|object| object.sealed.len()).sum();
    if sum > MAX_ATTACHED_BYTES {
        let detail = format!("attached objects have {sum} bytes, {MAX_ATTACHED_BYTES} at most");
        return Err(Failure::detail(Code::TooLarge, detail));
    }
    let attached = attached.into_iter().map(|object| Attached {
        id: object.name.id,
        seal: object.name.seal,
        sealed: Vec::from(object.sealed).into(),
    });
    let commit = Commit {
        space,
        change_set: Vec::from(change_set).into(),
        attached: attached.collect(),
    };
    let done = app.files.commit(&caller.principal, commit).await?;
    Ok(Cbor::answer(CommitReply {
        head: done.head,
        digest: done.digest,
    }))
}

/// The log of a space, by the right of a device.
struct Log {
    files: Files,
    principal: Principal,
    space: SpaceId,
}

impl ReadLog for Log {
    async fn page(&self, from: Cursor, limit: u32) -> Result<LogPage, FilesError> {
        self.files
            .changes(&self.principal, self.space, from, limit, PAGE_BYTES)
            .await
    }
}

/// The change sets after a position.
#[utoipa::path(
    get, path = routes::SPACE_CHANGES, tag = "log", security(("device" = [])),
    params(("space" = String, Path, description = "Id of the space"), LogRange),
    responses((
        status = 200, description = "LogFrame sequence",
        content_type = "application/cbor-seq", body = Octets
    ))
)]
pub(crate) async fn read(
    State(app): State<Shared>,
    caller: Caller,
    Ids(IdText(space)): Ids<IdText<SpaceId>>,
    Asked(range): Asked<LogRange>,
) -> Result<Response, Failure> {
    let limit = range.limit();
    let log = Log {
        files: app.files.clone(),
        principal: caller.principal.clone(),
        space,
    };
    let first = log.page(range.from(), limit).await?;
    frames(&app, caller.within(space), log_frames(log, first, limit))
}
