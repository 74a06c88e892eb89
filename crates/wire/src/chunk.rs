//! Chunks: which are missing, storing packs of them, reading them.

use bytes::Bytes;
use minicbor::{Decode, Encode};

use hythe_model::{ChunkId, SealHash, SpaceId, UploadId};

use crate::bounded;
use crate::frame;
use crate::limits::{MAX_MISSING_CHUNKS, MAX_OBJECT_BYTES, MAX_READ_CHUNKS};
use crate::message::{DecodeError, Message};

/// Names a sealed object: a chunk or a stored layout node.
///
/// The id alone is not enough: two versions of a compressor make different sealed bytes of one
/// plaintext, and a layout can open only those whose seal hash it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub struct ObjectName {
    /// Its id.
    #[n(0)]
    pub id: ChunkId,
    /// BLAKE3 of its sealed bytes.
    #[n(1)]
    pub seal: SealHash,
}

/// What an upload will store, said before its first byte is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Reserve {
    /// The upload; the packs it sends name it too.
    #[n(0)]
    pub upload: UploadId,
    /// Sealed bytes, in place of what it had reserved before; 0 ends the reservation.
    #[n(1)]
    pub bytes: u64,
}

/// `POST /spaces/{space}/chunks/missing`: which of these does the server lack?
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct MissingRequest {
    /// Chunks and stored layout nodes.
    #[n(0)]
    #[cbor(decode_with = "bounded::list::<MAX_MISSING_CHUNKS, _, _>")]
    pub objects: Vec<ObjectName>,
    /// What the upload will store, where that has to be reserved.
    #[n(1)]
    pub reserve: Option<Reserve>,
}

impl Message for MissingRequest {
    const MAX_BYTES: usize = 64 + 69 * MAX_MISSING_CHUNKS;
}

/// The reply to a [`MissingRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct MissingReply {
    /// Indices into the objects asked for, ascending: these are missing, or damaged and wanted again.
    #[n(0)]
    #[cbor(decode_with = "bounded::list::<MAX_MISSING_CHUNKS, _, _>")]
    pub missing: Vec<u32>,
    /// For how long, in milliseconds, the others are kept even if nothing refers to them. Whoever
    /// commits later asks again.
    #[n(1)]
    pub lease_ms: u64,
    /// Where something was to be reserved and there is a quota: how many bytes more would fit.
    #[n(2)]
    pub room: Option<u64>,
}

impl Message for MissingReply {
    const MAX_BYTES: usize = 48 + 5 * MAX_MISSING_CHUNKS;
}

/// `POST /spaces/{space}/chunks/adopt`: takes over objects that another space of the caller's holds,
/// with all that the stored layout nodes among them refer to. Their bytes are not sent again.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AdoptRequest {
    /// The space that holds them.
    #[n(0)]
    pub from: SpaceId,
    /// Chunks and stored layout nodes, in every form in which they are there.
    #[n(1)]
    #[cbor(decode_with = "bounded::list::<MAX_MISSING_CHUNKS, _, _>")]
    pub objects: Vec<ChunkId>,
}

impl Message for AdoptRequest {
    const MAX_BYTES: usize = 64 + 35 * MAX_MISSING_CHUNKS;
}

/// The reply to an [`AdoptRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AdoptReply {
    /// Indices into the objects asked for, ascending: the other space lacks these.
    #[n(0)]
    #[cbor(decode_with = "bounded::list::<MAX_MISSING_CHUNKS, _, _>")]
    pub missing: Vec<u32>,
    /// For how long, in milliseconds, the others are kept even if nothing refers to them.
    #[n(1)]
    pub lease_ms: u64,
}

impl Message for AdoptReply {
    const MAX_BYTES: usize = 48 + 5 * MAX_MISSING_CHUNKS;
}

/// The reply to `POST /spaces/{space}/packs`, whose body is a pack. The objects are durable.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct PackReply {
    /// Objects of the pack that the server did not have.
    #[n(0)]
    pub stored: u32,
    /// Objects of the pack that it already had.
    #[n(1)]
    pub known: u32,
    /// For how long, in milliseconds, they are kept even if nothing refers to them.
    #[n(2)]
    pub lease_ms: u64,
}

impl Message for PackReply {
    const MAX_BYTES: usize = 64;
}

/// `POST /spaces/{space}/chunks/read`: the sealed bytes of these, in any order.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ReadRequest {
    /// Chunks and stored layout nodes.
    #[n(0)]
    #[cbor(decode_with = "bounded::list::<MAX_READ_CHUNKS, _, _>")]
    pub objects: Vec<ObjectName>,
}

impl Message for ReadRequest {
    const MAX_BYTES: usize = 16 + 69 * MAX_READ_CHUNKS;
}

/// One frame of the answer to a [`ReadRequest`]. Exactly one frame answers each object, then `End`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChunkFrame {
    /// The sealed bytes, whose hash the server checked just now.
    Sealed {
        /// Index into the objects asked for.
        index: u32,
        /// The sealed bytes.
        bytes: Bytes,
    },
    /// The server does not have it.
    Missing {
        /// Index into the objects asked for.
        index: u32,
    },
    /// The server has it, and its bytes are not what was stored.
    Damaged {
        /// Index into the objects asked for.
        index: u32,
    },
    /// The last frame: nothing was cut off.
    End,
}

/// The encoding of [`ChunkFrame`]. Apart from it, because the bytes are kept without a copy.
#[derive(Encode, Decode)]
#[cbor(flat)]
enum Form<'a> {
    #[n(0)]
    Sealed(
        #[n(0)] u32,
        #[cbor(n(1), with = "minicbor::bytes")] &'a [u8],
    ),
    #[n(1)]
    Missing(#[n(0)] u32),
    #[n(2)]
    Damaged(#[n(0)] u32),
    #[n(3)]
    End,
}

impl ChunkFrame {
    /// The longest message of such a frame, for [`crate::FrameDecoder::new`].
    pub const MAX_BYTES: usize = MAX_OBJECT_BYTES + 16;

    /// Reads a message that [`crate::FrameDecoder`] gave, keeping the sealed bytes in place.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn from_frame(message: &Bytes) -> Result<Self, DecodeError> {
        let mut decoder = minicbor::Decoder::new(message);
        let form: Form<'_> = decoder.decode().map_err(DecodeError::Malformed)?;
        if decoder.position() != message.len() {
            return Err(DecodeError::Trailing);
        }
        let frame = match form {
            Form::Sealed(index, bytes) => Self::Sealed {
                index,
                bytes: message.slice_ref(bytes),
            },
            Form::Missing(index) => Self::Missing { index },
            Form::Damaged(index) => Self::Damaged { index },
            Form::End => Self::End,
        };
        if frame.prefix().as_slice() != &message[..message.len() - frame.sealed_length()] {
            return Err(DecodeError::NotCanonical);
        }
        Ok(frame)
    }

    /// The frame in pieces to send one after the other; the sealed bytes are not copied.
    pub fn to_pieces(&self) -> (Bytes, Option<Bytes>) {
        let prefix = self.prefix();
        let mut head = frame::head(prefix.len() + self.sealed_length());
        head.extend_from_slice(&prefix);
        let sealed = match self {
            Self::Sealed { bytes, .. } => Some(bytes.clone()),
            _ => None,
        };
        (Bytes::from(head), sealed)
    }

    /// How many sealed bytes there are.
    fn sealed_length(&self) -> usize {
        match self {
            Self::Sealed { bytes, .. } => bytes.len(),
            _ => 0,
        }
    }

    /// The message up to the sealed bytes, which are its end.
    fn prefix(&self) -> Vec<u8> {
        let small = |form: Form<'_>| minicbor::to_vec(form).unwrap_or_default();
        match self {
            Self::Missing { index } => small(Form::Missing(*index)),
            Self::Damaged { index } => small(Form::Damaged(*index)),
            Self::End => small(Form::End),
            Self::Sealed { index, bytes } => {
                // The empty byte string is one byte, 0x40: replaced by the head of the real one.
                let mut prefix = small(Form::Sealed(*index, &[]));
                prefix.pop();
                frame::byte_string_head(bytes.len(), &mut prefix);
                prefix
            }
        }
    }
}
