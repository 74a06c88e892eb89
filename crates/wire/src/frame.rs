//! Frames: how messages follow each other in a stream.
//!
//! A stream is a CBOR sequence (RFC 8742) whose items are *encoded CBOR data items* (RFC 8949
//! §3.4.5.1): tag 24 around a byte string that holds one message. So a reader knows the length of
//! a message before it holds it, refuses what is over its limit before it allocates, and passes a
//! message on whole.

use bytes::{Buf, Bytes, BytesMut};

use crate::message::Message;

/// Tag 24, "encoded CBOR data item".
const TAG: [u8; 2] = [0xd8, 0x18];

/// The longest head: the tag and the head of a byte string of up to 2^32 - 1 bytes.
const MAX_HEAD_BYTES: usize = TAG.len() + 5;

/// One message as a frame.
pub fn frame<M: Message>(message: &M) -> Bytes {
    let body = message.to_cbor();
    let mut bytes = BytesMut::with_capacity(MAX_HEAD_BYTES + body.len());
    bytes.extend_from_slice(&head(body.len()));
    bytes.extend_from_slice(&body);
    bytes.freeze()
}

/// The bytes in front of a message of `length` bytes (below 2^32, as all of this crate are).
pub(crate) fn head(length: usize) -> Vec<u8> {
    let mut head = Vec::with_capacity(MAX_HEAD_BYTES);
    head.extend_from_slice(&TAG);
    byte_string_head(length, &mut head);
    head
}

/// Appends the shortest head of a byte string of `length` bytes.
pub(crate) fn byte_string_head(length: usize, to: &mut Vec<u8>) {
    let bytes = length.to_be_bytes();
    let [.., b3, b2, b1, b0] = bytes;
    match length {
        0..=23 => to.push(0x40 | b0),
        24..=0xff => to.extend([0x58, b0]),
        0x100..=0xffff => to.extend([0x59, b1, b0]),
        _ => to.extend([0x5a, b3, b2, b1, b0]),
    }
}

/// Cuts a stream into the messages of its frames, whatever pieces it arrives in.
///
/// Call [`Self::push`] with what arrived, then [`Self::next_frame`] until it gives nothing, and
/// [`Self::finish`] when the stream ends. Holds at most one frame and one piece.
pub struct FrameDecoder {
    buffer: BytesMut,
    limit_bytes: usize,
    /// Length of the message whose head was read.
    body: Option<usize>,
}

/// Why a stream is not a sequence of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A frame does not begin with tag 24 and the shortest head of a byte string.
    #[error("the stream does not hold a frame where one must begin")]
    Head,
    /// A frame is over the limit.
    #[error("a frame is longer than {limit_bytes} bytes")]
    TooLong {
        /// The limit.
        limit_bytes: usize,
    },
    /// The stream ends within a frame.
    #[error("the stream ends within a frame")]
    Truncated,
}

impl FrameDecoder {
    /// A decoder for messages of at most `limit_bytes`.
    pub fn new(limit_bytes: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            limit_bytes,
            body: None,
        }
    }

    /// A decoder for frames that hold `M`.
    pub fn of<M: Message>() -> Self {
        Self::new(M::MAX_BYTES)
    }

    /// Takes the next piece of the stream.
    pub fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// The next whole message, or nothing until more is pushed.
    ///
    /// # Errors
    /// See [`FrameError`]. After an error the stream is of no more use.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, FrameError> {
        let body = match self.body {
            Some(body) => body,
            None => match self.read_head()? {
                Some(body) => body,
                None => return Ok(None),
            },
        };
        if self.buffer.len() < body {
            self.body = Some(body);
            // The whole frame in one allocation, now that its length is known to be acceptable.
            self.buffer.reserve(body - self.buffer.len());
            return Ok(None);
        }
        self.body = None;
        Ok(Some(self.buffer.split_to(body).freeze()))
    }

    /// Checks that the stream ended between two frames.
    ///
    /// # Errors
    /// [`FrameError::Truncated`] otherwise.
    pub fn finish(&self) -> Result<(), FrameError> {
        if self.buffer.is_empty() && self.body.is_none() {
            return Ok(());
        }
        Err(FrameError::Truncated)
    }

    /// Takes the head of a frame off the buffer and gives the length of its message.
    fn read_head(&mut self) -> Result<Option<usize>, FrameError> {
        let Some((length, used)) = parse_head(&self.buffer)? else {
            return Ok(None);
        };
        if length > self.limit_bytes {
            return Err(FrameError::TooLong {
                limit_bytes: self.limit_bytes,
            });
        }
        self.buffer.advance(used);
        Ok(Some(length))
    }
}

/// Length of the message and of the head, or nothing while the head is incomplete.
fn parse_head(bytes: &[u8]) -> Result<Option<(usize, usize)>, FrameError> {
    let seen = bytes.len().min(TAG.len());
    if bytes[..seen] != TAG[..seen] {
        return Err(FrameError::Head);
    }
    let (length, used) = match &bytes[seen..] {
        [] => return Ok(None),
        [first @ 0x40..=0x57, ..] => (usize::from(first & 0x1f), 1),
        [0x58, b0, ..] => (usize::from(*b0), 2),
        [0x59, b1, b0, ..] => (usize::from(u16::from_be_bytes([*b1, *b0])), 3),
        [0x5a, b3, b2, b1, b0, ..] => (u32::from_be_bytes([*b3, *b2, *b1, *b0]) as usize, 5),
        [0x58..=0x5a, ..] => return Ok(None),
        _ => return Err(FrameError::Head),
    };
    if head(length).len() != TAG.len() + used {
        return Err(FrameError::Head);
    }
    Ok(Some((length, TAG.len() + used)))
}
