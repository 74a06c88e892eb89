//! The state of a space, for a device that has none of it.

use axum::extract::State;
use axum::response::Response;
use futures::{StreamExt, stream};
use tokio::sync::mpsc::Receiver;

use hythe_model::SpaceId;
use hythe_wire::log::{SnapshotFrame, SnapshotRecord};
use hythe_wire::{frame, routes};

use super::app::Shared;
use super::error::Failure;
use super::message::{IdText, Ids};
use super::openapi::Octets;
use super::stream::frames;
use crate::auth::Caller;
use crate::files::FilesError;

/// The records of a space at one position, with their sealed parts.
#[utoipa::path(
    get, path = routes::SPACE_SNAPSHOT, tag = "log", security(("device" = [])),
    params(("space" = String, Path, description = "Id of the space")),
    responses((
        status = 200, description = "SnapshotFrame sequence",
        content_type = "application/cbor-seq", body = Octets
    ))
)]
pub(crate) async fn read(
    State(app): State<Shared>,
    caller: Caller,
    Ids(IdText(space)): Ids<IdText<SpaceId>>,
) -> Result<Response, Failure> {
    let snapshot = app.files.snapshot(&caller.principal, space).await?;
    let first = frame::frame(&SnapshotFrame::Start {
        epoch: snapshot.epoch,
        head: snapshot.head,
        checkpoint: Some(snapshot.checkpoint.into()),
    });
    frames(
        &app,
        caller.within(space),
        stream::iter([Ok(first)]).chain(records(snapshot.pages)),
    )
}

/// The frames of all records, and the end that counts them.
fn records(
    pages: Receiver<Result<Vec<SnapshotRecord>, FilesError>>,
) -> impl futures::Stream<Item = Result<bytes::Bytes, Failure>> + Send + 'static {
    stream::try_unfold(Some((pages, 0_u64)), |state| async {
        let Some((mut pages, sent)) = state else {
            return Ok(None);
        };
        let Some(page) = pages.recv().await else {
            return Ok(Some((
                frame::frame(&SnapshotFrame::End { records: sent }),
                None,
            )));
        };
        let page = page?;
        let sent = sent + page.len() as u64;
        let mut piece = bytes::BytesMut::new();
        for record in page {
            piece.extend_from_slice(&frame::frame(&SnapshotFrame::Record(record)));
        }
        Ok::<_, Failure>(Some((piece.freeze(), Some((pages, sent)))))
    })
}
