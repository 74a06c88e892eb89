//! Rights while something runs: a removed device, who is no member any more, and whose link has
//! ended, lose what they have under way.

use std::pin::Pin;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use hythe_model::SpaceId;
use tokio::time::Instant;

use crate::files::{Files, FilesError, LinkPass, Principal};
use crate::http::error::Failure;
use crate::http::stream::cut;

/// Checks again and again that whoever asked still has its rights.
#[derive(Clone)]
pub(crate) struct Guard {
    files: Files,
    who: Who,
    every: Duration,
}

/// Whose rights are looked at.
#[derive(Clone)]
enum Who {
    /// A device's.
    Device(Principal),
    /// A device's to read of a space.
    Reader(Principal, SpaceId),
    /// Those of whoever has a link.
    Visitor(LinkPass),
}

impl Guard {
    /// A guard that checks `every` so often.
    pub(crate) fn new(files: Files, principal: Principal, every: Duration) -> Self {
        let who = Who::Device(principal);
        Self { files, who, every }
    }

    /// A guard of whoever has a link.
    pub(crate) fn of_link(files: Files, pass: LinkPass, every: Duration) -> Self {
        let who = Who::Visitor(pass);
        Self { files, who, every }
    }

    /// The same, for what reads of a space: who is sent away from it loses what is under way (D6).
    pub(crate) fn within(self, space: SpaceId) -> Self {
        let who = match self.who {
            Who::Device(principal) | Who::Reader(principal, _) => Who::Reader(principal, space),
            visitor @ Who::Visitor(_) => visitor,
        };
        Self { who, ..self }
    }

    /// Checks now.
    pub(crate) async fn check(&self) -> Result<(), FilesError> {
        match &self.who {
            Who::Device(principal) => self.files.still_valid(principal).await,
            Who::Reader(principal, space) => self.files.may_read(principal, *space).await,
            Who::Visitor(pass) => self.files.link_stands(pass).await,
        }
    }

    /// Does something for as long as the device keeps its rights.
    ///
    /// # Errors
    /// When it lost them; what was under way is dropped.
    pub(crate) async fn during<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = work.as_mut() => return Ok(done),
                () = tokio::time::sleep(self.every) => self.check().await?,
            }
        }
    }

    /// A body that breaks off when the device lost its rights. `held` is dropped with it.
    pub(crate) fn body<S, H>(self, pieces: S, held: H) -> Body
    where
        S: Stream<Item = Result<Bytes, Failure>> + Send + 'static,
        H: Send + 'static,
    {
        let checked = Checked {
            pieces: Box::pin(pieces),
            guard: self,
            last: Instant::now(),
            held,
        };
        Body::from_stream(stream::try_unfold(checked, async |mut checked| {
            Ok::<_, std::io::Error>(checked.next().await?.map(|piece| (piece, checked)))
        }))
    }
}

/// Pieces of a body that are handed out while the device keeps its rights.
struct Checked<S, H> {
    pieces: Pin<Box<S>>,
    guard: Guard,
    /// When the rights were looked at last.
    last: Instant,
    #[expect(dead_code, reason = "held for as long as the body is sent")]
    held: H,
}

impl<S: Stream<Item = Result<Bytes, Failure>>, H> Checked<S, H> {
    async fn next(&mut self) -> std::io::Result<Option<Bytes>> {
        loop {
            tokio::select! {
                // A check that is due comes first, also where pieces never run out.
                biased;
                () = tokio::time::sleep_until(self.last + self.guard.every) => {
                    self.guard.check().await.map_err(cut)?;
                    self.last = Instant::now();
                }
                piece = self.pieces.next() => return piece.transpose().map_err(cut),
            }
        }
    }
}
