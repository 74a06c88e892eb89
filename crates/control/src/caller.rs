//! The asking side.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;

use tokio::net::UnixStream;

use crate::codec::{self, Answer, AnswerLine, FrameError, Reader, RequestLine};
use crate::event::Event;
use crate::failure::Failure;
use crate::reply::Reply;
use crate::request::Request;
use crate::serve::{self, Service};
use crate::socket;

/// A connection to the daemon of one home directory. Asks one request at a time.
pub struct Caller {
    stream: UnixStream,
    reader: Reader,
}

/// Why a call did not end with a reply.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No daemon listens there.
    #[error("no daemon is running")]
    NotRunning,
    /// The socket cannot be used: no right, or another user's.
    #[error("the daemon's socket cannot be used")]
    Socket(#[source] io::Error),
    /// What came over the socket is not the protocol, or not all of it.
    #[error("the daemon cannot be understood")]
    Frame(#[from] FrameError),
    /// The daemon ended before it answered.
    #[error("the daemon ended before it answered")]
    Ended,
    /// The daemon says that it could not be done.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl Caller {
    /// Connects to the daemon of a home directory. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`CallError::NotRunning`] when there is none, [`CallError::Socket`] otherwise.
    pub fn connect(home: &Path) -> Result<Self, CallError> {
        match socket::connect(home) {
            Ok(stream) => Ok(Self {
                stream,
                reader: Reader::default(),
            }),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                    Err(CallError::NotRunning)
                }
                _ => Err(CallError::Socket(error)),
            },
        }
    }

    /// Connects to a service in this process, for a command that stands in for the daemon: it asks
    /// through the same door. Must be called inside a tokio runtime; starts one task, which ends
    /// when the caller is dropped.
    ///
    /// # Errors
    /// [`CallError::Socket`] when no pair of sockets can be had.
    pub fn within<S: Service>(service: Arc<S>) -> Result<Self, CallError> {
        let (stream, there) = UnixStream::pair().map_err(CallError::Socket)?;
        tokio::spawn(async move { serve::hear(there, &*service).await });
        Ok(Self {
            stream,
            reader: Reader::default(),
        })
    }

    /// Asks, hands each event on as it comes, and returns the reply.
    ///
    /// `attachment` is the descriptor that `read` writes to and `write` reads from; the daemon
    /// gets its own duplicate. Dropping the future and the caller cancels the request.
    ///
    /// # Errors
    /// [`CallError::Failed`] with the daemon's words when it could not be done; the caller may ask
    /// again after that, and after no other error.
    pub async fn call(
        &mut self,
        request: &Request,
        attachment: Option<BorrowedFd<'_>>,
        mut on_event: impl FnMut(Event),
    ) -> Result<Reply, CallError> {
        let line = RequestLine::from(request.clone());
        codec::write(&self.stream, &line, attachment).await?;
        loop {
            let next = self.reader.next::<AnswerLine>(&self.stream).await?;
            match next.ok_or(CallError::Ended)?.0.answer {
                Answer::Event(event) => on_event(event),
                Answer::Reply(reply) => return Ok(reply),
                Answer::Failure(failure) => return Err(failure.into()),
            }
        }
    }
}
