//! The body of an answer, read piece by piece, and the frames in it.

use std::io;
use std::marker::PhantomData;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hythe_wire::{FrameDecoder, Message};
use tokio::time::timeout;

use super::error::ApiError;
use super::http::Lease;

/// Longest silence within an answer.
const SILENCE: Duration = Duration::from_secs(30);

/// Reads a body. A bulk connection is kept for the next request when the body was read to its end.
pub(super) struct BodyReader {
    body: Incoming,
    lease: Option<Lease>,
    silence: Duration,
}

impl BodyReader {
    pub(super) fn new(body: Incoming, lease: Option<Lease>) -> Self {
        Self {
            body,
            lease,
            silence: SILENCE,
        }
    }

    /// Changes how long a silence ends the reading.
    pub(super) fn with_silence(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }

    /// The next piece; none at the end.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, ApiError> {
        loop {
            let frame = match timeout(self.silence, self.body.frame()).await {
                Ok(frame) => frame,
                Err(_) => return Err(ApiError::offline(io::Error::from(io::ErrorKind::TimedOut))),
            };
            match frame {
                Some(Ok(frame)) => {
                    // Trailers carry nothing here.
                    if let Ok(piece) = frame.into_data() {
                        return Ok(Some(piece));
                    }
                }
                Some(Err(error)) => return Err(ApiError::offline(error)),
                None => {
                    if let Some(lease) = self.lease.take() {
                        lease.give_back();
                    }
                    return Ok(None);
                }
            }
        }
    }

    /// The whole body, if it is not longer than a limit.
    pub(super) async fn whole(&mut self, limit_bytes: usize) -> Result<Bytes, ApiError> {
        let mut bytes = BytesMut::new();
        while let Some(piece) = self.piece().await? {
            if bytes.len() + piece.len() > limit_bytes {
                return Err(ApiError::TooLarge);
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes.freeze())
    }
}

/// A body that is a sequence of frames.
pub struct Frames<M> {
    reader: BodyReader,
    decoder: FrameDecoder,
    message: PhantomData<fn() -> M>,
}

impl<M> Frames<M> {
    pub(super) fn new(reader: BodyReader, limit_bytes: usize) -> Self {
        Self {
            reader,
            decoder: FrameDecoder::new(limit_bytes),
            message: PhantomData,
        }
    }

    /// The bytes of the next message; none at the end of the body.
    pub(super) async fn next_bytes(&mut self) -> Result<Option<Bytes>, ApiError> {
        loop {
            if let Some(frame) = self.decoder.next_frame().map_err(ApiError::malformed)? {
                return Ok(Some(frame));
            }
            match self.reader.piece().await? {
                Some(piece) => self.decoder.push(&piece),
                None => {
                    // A body that ends inside a frame was cut off on its way (SC-113).
                    self.decoder.finish().map_err(ApiError::offline)?;
                    return Ok(None);
                }
            }
        }
    }

    /// Reads on to the end of the body, so that the connection can be kept. Only for bodies whose
    /// last frame was seen: what follows that would be a mistake of the server.
    pub(super) async fn finish(mut self) -> Result<(), ApiError> {
        match self.next_bytes().await? {
            Some(_) => Err(ApiError::malformed("frames follow the last one")),
            None => Ok(()),
        }
    }
}

impl<M: Message> Frames<M> {
    /// The next message; none at the end of the body.
    ///
    /// # Errors
    /// [`ApiError::Offline`] when the body breaks off, [`ApiError::Malformed`] when it is not a
    /// sequence of such messages.
    pub async fn next(&mut self) -> Result<Option<M>, ApiError> {
        let Some(bytes) = self.next_bytes().await? else {
            return Ok(None);
        };
        M::from_cbor(&bytes).map(Some).map_err(ApiError::malformed)
    }
}
