//! The entries of layouts: runs of a file, and children of an inner node.

use hythe_model::layout::MAX_CHUNK_BYTES;
use hythe_model::{ChunkId, ChunkRef, LayoutEntry};
use minicbor::Decoder;
use minicbor::data::Type;
use minicbor::decode::Error;

use super::node::MAX_NODE_BYTES;
use crate::cbor::{self, Writer, Written};
use crate::{CHUNK_OVERHEAD, most_sealed_bytes};

/// A node of the level below.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Child {
    /// Bytes of the file below it.
    pub(super) length: u64,
    /// Runs below it.
    pub(super) entries: u64,
    pub(super) node: ChunkRef,
}

/// What the leaves and inner nodes of a tree have in common.
pub(super) trait Entry: Sized {
    /// Bytes of the file it covers.
    fn length(&self) -> u64;
    /// Runs it stands for.
    fn entries(&self) -> u64;
    /// The stored object it refers to.
    fn refers_to(&self) -> Option<&ChunkRef>;
    fn write(&self, writer: &mut Writer<'_>) -> Written;
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, Error>;
}

impl Entry for LayoutEntry {
    fn length(&self) -> u64 {
        self.length()
    }

    fn entries(&self) -> u64 {
        1
    }

    fn refers_to(&self) -> Option<&ChunkRef> {
        match self {
            Self::Chunk(chunk) => Some(chunk),
            Self::Hole(_) => None,
        }
    }

    /// A chunk is an array, a hole a bare number.
    fn write(&self, writer: &mut Writer<'_>) -> Written {
        match self {
            Self::Chunk(chunk) => writer.encode(chunk)?.ok(),
            Self::Hole(length) => writer.u64(*length)?.ok(),
        }
    }

    fn read(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        let at = decoder.position();
        if decoder.datatype()? != Type::Array {
            return match decoder.u64()? {
                0 => Err(Error::message("a hole of no bytes").at(at)),
                length => Ok(Self::Hole(length)),
            };
        }
        let chunk = read_ref(decoder)?;
        if is_chunk(&chunk) {
            Ok(Self::Chunk(chunk))
        } else {
            Err(Error::message("a chunk of an impossible length").at(at))
        }
    }
}

impl Entry for Child {
    fn length(&self) -> u64 {
        self.length
    }

    fn entries(&self) -> u64 {
        self.entries
    }

    fn refers_to(&self) -> Option<&ChunkRef> {
        Some(&self.node)
    }

    fn write(&self, writer: &mut Writer<'_>) -> Written {
        writer
            .array(3)?
            .u64(self.length)?
            .u64(self.entries)?
            .encode(&self.node)?
            .ok()
    }

    fn read(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        let at = decoder.position();
        cbor::array(decoder, 3)?;
        let child = Self {
            length: decoder.u64()?,
            entries: decoder.u64()?,
            node: read_ref(decoder)?,
        };
        let fits = child.node.sealed_length as usize <= MAX_NODE_BYTES;
        if child.length == 0 || child.entries == 0 || !fits {
            return Err(Error::message("a layout node of an impossible length").at(at));
        }
        Ok(child)
    }
}

/// Whether the lengths are those of a chunk that [`crate::seal_chunk`] can have made.
pub(super) fn is_chunk(chunk: &ChunkRef) -> bool {
    let sealed = chunk.sealed_length as usize;
    (1..=MAX_CHUNK_BYTES).contains(&chunk.length)
        && (CHUNK_OVERHEAD..=most_sealed_bytes(chunk.length as usize)).contains(&sealed)
}

/// Reads a reference of exactly five fields; the derived decoder would skip further ones.
fn read_ref(decoder: &mut Decoder<'_>) -> Result<ChunkRef, Error> {
    cbor::array(decoder, 5)?;
    Ok(ChunkRef {
        length: decoder.u32()?,
        sealed_length: decoder.u32()?,
        id: decoder.decode()?,
        seal: decoder.decode()?,
        key: decoder.decode()?,
    })
}

/// The objects that entries refer to, each once, in the order they first appear.
pub(super) fn refs<E: Entry>(entries: &[E]) -> Vec<ChunkId> {
    let mut seen = std::collections::HashSet::with_capacity(entries.len());
    let ids = entries
        .iter()
        .filter_map(|entry| Some(entry.refers_to()?.id));
    ids.filter(|id| seen.insert(*id)).collect()
}

/// The sum of lengths and the sum of runs; none where one of them overflows.
pub(super) fn sums<E: Entry>(entries: &[E]) -> Option<(u64, u64)> {
    entries
        .iter()
        .try_fold((0_u64, 0_u64), |(length, runs), entry| {
            Some((
                length.checked_add(entry.length())?,
                runs.checked_add(entry.entries())?,
            ))
        })
}
