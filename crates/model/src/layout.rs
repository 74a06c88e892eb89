//! The content of a version: an ordered list of chunks, or a link text.

use std::sync::Arc;

use minicbor::{Decode, Encode};

use crate::ids::{ChunkId, ContentHash, SealHash};
use crate::secret::Secret32;

/// Longest link text, in bytes: what Linux stores (`PATH_MAX`).
pub const MAX_LINK_BYTES: usize = 4096;

/// Longest plaintext of one chunk, in bytes, over every class.
pub const MAX_CHUNK_BYTES: u32 = 16 << 20;

/// How a file was cut into chunks. Pinned per node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Chunker {
    /// Keyed content-defined cuts: universal hash, then AES.
    #[n(1)]
    Keyed,
    /// Cuts every 1 MiB, as browsers write.
    #[n(2)]
    Fixed,
    /// As [`Self::Keyed`], but some chunks are those of an earlier version, cut under other keys.
    #[n(3)]
    Carried,
}

/// The average chunk length of a file, as a power of two: `1 << exponent` bytes. Pinned per node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct ChunkClass(#[n(0)] pub u8);

/// All that a reader needs to fetch, check and open one chunk.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct ChunkRef {
    /// Plaintext length in bytes.
    #[n(0)]
    pub length: u32,
    /// Length of the sealed bytes.
    #[n(1)]
    pub sealed_length: u32,
    /// Id, recomputed after opening.
    #[n(2)]
    pub id: ChunkId,
    /// Hash of the sealed bytes, checked before opening.
    #[n(3)]
    pub seal: SealHash,
    /// Secret from which the chunk's cipher key and id key come.
    #[n(4)]
    pub key: Secret32,
}

/// A run of a file.
#[derive(Clone, PartialEq, Eq)]
pub enum LayoutEntry {
    /// Bytes, stored as a chunk.
    Chunk(ChunkRef),
    /// This many zero bytes that the writer's file system did not store either.
    Hole(u64),
}

impl LayoutEntry {
    /// How many bytes of the file this run covers.
    pub fn length(&self) -> u64 {
        match self {
            Self::Chunk(chunk) => u64::from(chunk.length),
            Self::Hole(length) => *length,
        }
    }
}

/// The content of one version of a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Layout {
    /// Length of the file in bytes: the sum over `entries`.
    pub size: u64,
    /// How it was cut.
    pub chunker: Chunker,
    /// The average chunk length it was cut to.
    pub class: ChunkClass,
    /// BLAKE3 of the whole content, where its writer read it whole.
    pub hash: Option<ContentHash>,
    /// The runs in order. Shared, because a layout of a huge file is large and only ever read.
    pub entries: Arc<[LayoutEntry]>,
}

/// The text of a symlink: any bytes but NUL, 1 to 4,096 of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LinkTarget(Box<[u8]>);

/// Says that bytes are not a link text: empty, longer than 4,096 bytes, or with a NUL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a link text has 1 to 4096 bytes and no NUL")]
pub struct LinkError;

impl LinkTarget {
    /// Checks and keeps a link text.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, LinkError> {
        let bytes = bytes.into();
        if bytes.is_empty() || bytes.len() > MAX_LINK_BYTES || bytes.contains(&0) {
            return Err(LinkError);
        }
        Ok(Self(bytes.into_boxed_slice()))
    }

    /// The exact bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What a version holds.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// The content of a file.
    File(Layout),
    /// The text of a symlink.
    Link(LinkTarget),
}
