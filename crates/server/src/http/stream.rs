//! Answers that stream: frames one after the other, as fast as the reader takes them.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};

use hythe_model::Cursor;
use hythe_wire::log::{LogEntry, LogFrame};
use hythe_wire::{Code, frame, headers, limits};

use super::app::{OVERLOADED_RETRY, Shared};
use super::error::Failure;
use crate::auth::{Caller, Guard};
use crate::files::{FilesError, LogPage};

/// What one look into the database brings at most, in bytes of change sets.
pub(crate) const PAGE_BYTES: u64 = 1 << 20;

/// An answer of frames, which breaks off when the caller loses its rights.
pub(crate) fn frames<S>(app: &Shared, caller: Caller, pieces: S) -> Result<Response, Failure>
where
    S: Stream<Item = Result<Bytes, Failure>> + Send + 'static,
{
    guarded(app, caller.guard.clone(), caller, pieces)
}

/// An answer of frames, for as long as a guard lets it; `held` is dropped with it.
pub(crate) fn guarded<S, H>(
    app: &Shared,
    guard: Guard,
    held: H,
    pieces: S,
) -> Result<Response, Failure>
where
    S: Stream<Item = Result<Bytes, Failure>> + Send + 'static,
    H: Send + 'static,
{
    let Ok(place) = std::sync::Arc::clone(&app.streams).try_acquire_owned() else {
        return Err(Failure::later(Code::Overloaded, OVERLOADED_RETRY));
    };
    Ok(sequence(guard.body(pieces, (place, held))))
}

/// An answer of frames that anybody may have who may have its first.
pub(crate) fn open_frames<S>(pieces: S) -> Response
where
    S: Stream<Item = Result<Bytes, Failure>> + Send + 'static,
{
    sequence(Body::from_stream(pieces.map(|piece| piece.map_err(cut))))
}

/// Breaks a body off: without its last frame the receiver knows that it is not whole.
pub(crate) fn cut(why: impl Into<Failure>) -> std::io::Error {
    let Failure(problem) = why.into();
    tracing::debug!(code = problem.code.as_str(), "an answer was cut off");
    std::io::Error::other(problem.to_string())
}

/// An answer whose body is a sequence of frames.
pub(crate) fn sequence(body: Body) -> Response {
    let media = HeaderValue::from_static(headers::CBOR_SEQUENCE);
    ([(header::CONTENT_TYPE, media)], body).into_response()
}

/// How a log is read on: after a position, so many entries at most.
pub(crate) trait ReadLog: Send + 'static {
    /// The next page.
    fn page(
        &self,
        from: Cursor,
        limit: u32,
    ) -> impl Future<Output = Result<LogPage, FilesError>> + Send;
}

/// The frames of a log after a position: at most `limit` entries, then the end.
pub(crate) fn log_frames<L: ReadLog>(
    log: L,
    first: LogPage,
    limit: u32,
) -> impl Stream<Item = Result<Bytes, Failure>> + Send + 'static {
    let end = LogFrame::End { head: first.head };
    let state = Some((log, first, limit));
    let pages = stream::try_unfold(state, |state| async {
        let Some((log, page, left)) = state else {
            return Ok(None);
        };
        let read = u32::try_from(page.entries.len()).unwrap_or(u32::MAX);
        let left = left.saturating_sub(read);
        let next = match page.entries.last().map(|entry| entry.head.cursor) {
            Some(last) if left > 0 && last < page.head.cursor => {
                let next = log.page(last, left).await?;
                Some((log, next, left))
            }
            _ => None,
        };
        Ok::<_, Failure>(Some((page_frames(page), next)))
    });
    pages.chain(stream::iter([Ok(frame::frame(&end))]))
}

/// The entries of a page as one piece.
fn page_frames(page: LogPage) -> Bytes {
    let frames = page.entries.into_iter().map(|entry| {
        let change_set = entry.change_set.to_vec().into();
        frame::frame(&LogFrame::Entry(LogEntry {
            head: entry.head,
            change_set,
        }))
    });
    frames
        .fold(bytes::BytesMut::new(), |mut all, one| {
            all.extend_from_slice(&one);
            all
        })
        .freeze()
}

/// What a reader of a log asks for.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogRange {
    /// The entries after this position; 0 is the whole log.
    #[serde(default)]
    from: u64,
    /// So many at most.
    #[serde(default = "LogRange::most")]
    limit: u32,
}

impl LogRange {
    fn most() -> u32 {
        limits::MAX_LOG_PAGE
    }

    /// The position.
    pub(crate) fn from(&self) -> Cursor {
        Cursor(self.from)
    }

    /// How many.
    pub(crate) fn limit(&self) -> u32 {
        self.limit.min(limits::MAX_LOG_PAGE)
    }
}
