//! What was: the history of a node, the trash of a space.

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures::{Stream, stream};

use hythe_model::{Cursor, NodeId, SpaceId};
use hythe_wire::history::{HistoryFrame, TrashFrame};
use hythe_wire::{frame, routes};

use super::app::Shared;
use super::error::Failure;
use super::message::{IdText, Ids};
use super::openapi::Octets;
use super::stream::frames;
use crate::auth::Caller;
use crate::files::{FilesError, TrashPlace};

/// Entries that one look into the database brings at most.
const PAGE: u32 = 64;

/// What was done to a node, newest first.
#[utoipa::path(
    get, path = routes::NODE_HISTORY, tag = "history", security(("device" = [])),
    params(
        ("space" = String, Path, description = "Id of the space"),
        ("node" = String, Path, description = "Id of the node")
    ),
    responses((
        status = 200, description = "HistoryFrame sequence",
        content_type = "application/cbor-seq", body = Octets
    ))
)]
pub(crate) async fn node(
    State(app): State<Shared>,
    caller: Caller,
    ids: Ids<(IdText<SpaceId>, IdText<NodeId>)>,
) -> Result<Response, Failure> {
    let Ids((IdText(space), IdText(node))) = ids;
    let (files, reader) = (app.files.clone(), caller.principal.clone());
    let page = move |before: Option<Cursor>| {
        let (files, reader) = (files.clone(), reader.clone());
        async move {
            let entries = files.history(&reader, space, node, before, PAGE).await?;
            let last = entries.last().map(|entry| entry.head.cursor);
            let frames = entries.into_iter().map(HistoryFrame::Entry);
            Ok((frames.map(|one| frame::frame(&one)).collect(), last))
        }
    };
    let first = page(None).await?;
    frames(
        &app,
        caller.within(space),
        pages(first, page, frame::frame(&HistoryFrame::End)),
    )
}

/// What was deleted in a space, latest first.
#[utoipa::path(
    get, path = routes::SPACE_TRASH, tag = "history", security(("device" = [])),
    params(("space" = String, Path, description = "Id of the space")),
    responses((
        status = 200, description = "TrashFrame sequence",
        content_type = "application/cbor-seq", body = Octets
    ))
)]
pub(crate) async fn trash(
    State(app): State<Shared>,
    caller: Caller,
    Ids(IdText(space)): Ids<IdText<SpaceId>>,
) -> Result<Response, Failure> {
    let (files, reader) = (app.files.clone(), caller.principal.clone());
    let page = move |after: Option<TrashPlace>| {
        let (files, reader) = (files.clone(), reader.clone());
        async move {
            let page = files.trash_page(&reader, space, after, PAGE).await?;
            let frames = page.entries.into_iter().map(TrashFrame::Entry);
            Ok((frames.map(|one| frame::frame(&one)).collect(), page.next))
        }
    };
    let first = page(None).await?;
    frames(
        &app,
        caller.within(space),
        pages(first, page, frame::frame(&TrashFrame::End)),
    )
}

/// Frames, and the place to go on from; none when they were the last.
type Page<P> = (Vec<Bytes>, Option<P>);

/// All pages from the first on, then the end.
fn pages<P, F, Fut>(
    first: Page<P>,
    next: F,
    end: Bytes,
) -> impl Stream<Item = Result<Bytes, Failure>> + Send + 'static
where
    P: Send + 'static,
    F: Fn(Option<P>) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Page<P>, FilesError>> + Send,
{
    stream::try_unfold(Some((first, next, end)), |state| async {
        let Some(((frames, last), next, end)) = state else {
            return Ok(None);
        };
        if last.is_none() {
            return Ok(Some((end, None)));
        }
        let following = next(last).await?;
        Ok::<_, Failure>(Some((
            Bytes::from(frames.concat()),
            Some((following, next, end)),
        )))
    })
}
