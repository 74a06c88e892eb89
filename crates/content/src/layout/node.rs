//! Nodes of layout trees, as they are stored.

use hythe_model::{ChunkId, ChunkRef, LayoutEntry};
use minicbor::Decoder;
use minicbor::decode::Error;

use super::body::{MAX_FLAT_ENTRIES, Place};
use super::entry::{self, Child, Entry};
use super::error::BodyError;
use crate::cbor::{self, Writer, Written};
use crate::chunk::{id, name, seal_hash};
use crate::contexts::NODE_ID;
use crate::keys::SpaceKeys;
use crate::seal::{self, HEAD_BYTES, Kind, OpenError};

/// Largest stored node, in bytes; one of 1,024 entries is about 170 KiB.
pub const MAX_NODE_BYTES: usize = 256 << 10;

/// Fewest and most entries of a node, but for the last of a level, which may have fewer.
pub(super) const MIN_ENTRIES: usize = 64;
pub(super) const MAX_ENTRIES: usize = MAX_FLAT_ENTRIES;

/// A node ends after an entry whose id has these bits of its first byte zero: after 256 more
/// entries on average.
const CUT_MASK: u8 = 0xff;

/// A layout node ready to be stored, like a chunk.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredNode {
    /// Its id, seal hash and lengths; the key stays in the level above.
    pub node: ChunkRef,
    /// What it refers to, which is also in the clear in `bytes`.
    pub refs: Vec<ChunkId>,
    /// What is stored.
    pub bytes: Vec<u8>,
}

/// An opened node.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Node {
    Leaf(Vec<LayoutEntry>),
    /// With its height, from 1.
    Inner(u8, Vec<Child>),
}

/// Reads the clear list of what a stored node refers to; needs no key.
pub(crate) fn node_refs(stored: &[u8]) -> Result<Vec<ChunkId>, OpenError> {
    Ok(split(stored)?.0)
}

/// Whether the node under way ends after this entry.
pub(super) fn ends_after<E: Entry>(entry: &E, count: usize) -> bool {
    let cut = entry
        .refers_to()
        .is_some_and(|object| object.id.0[0] & CUT_MASK == 0);
    count >= MAX_ENTRIES || (count >= MIN_ENTRIES && cut)
}

/// Seals one node.
pub(super) fn seal_node(keys: &SpaceKeys, node: &Node) -> StoredNode {
    seal_plain(keys, &node.encode(), node.refs())
}

/// Seals a node's encoding with a clear list, which for any honest author is the node's own.
pub(super) fn seal_plain(keys: &SpaceKeys, plain: &[u8], refs: Vec<ChunkId>) -> StoredNode {
    let (id, key) = name(&keys.nodes, NODE_ID, plain);
    let mut bytes = Kind::Node.head().to_vec();
    // At most MAX_ENTRIES.
    bytes.extend_from_slice(&(refs.len() as u16).to_be_bytes());
    refs.iter()
        .for_each(|id| bytes.extend_from_slice(id.as_bytes()));
    let aad = authenticated(&id, &bytes);
    seal::seal_small(Kind::Node, &key, &aad, plain, &mut bytes);
    let node = ChunkRef {
        length: plain.len() as u32,
        sealed_length: bytes.len() as u32,
        id,
        seal: seal_hash(&bytes),
        key,
    };
    StoredNode { node, refs, bytes }
}

/// Opens the node that belongs at `place`, checking everything the level above says about it.
pub(super) fn open_node(place: &Place<'_>, stored: &[u8]) -> Result<Node, BodyError> {
    let expected = place.node();
    if stored.len() != expected.sealed_length as usize {
        return Err(OpenError::Length.into());
    }
    if seal_hash(stored) != expected.seal {
        return Err(OpenError::SealHash.into());
    }
    let (refs, sealed) = split(stored)?;
    let clear = &stored[..stored.len() - sealed.len()];
    let aad = authenticated(&expected.id, clear);
    let plain = seal::open_small(Kind::Node, &expected.key, &aad, sealed)?;
    if plain.len() != expected.length as usize {
        return Err(OpenError::Length.into());
    }
    if id(NODE_ID, &expected.key, &blake3::hash(&plain)) != expected.id {
        return Err(OpenError::Identity.into());
    }
    let node = cbor::read(&plain, Node::read)?;
    if node.encode() != plain {
        return Err(BodyError::Spelling);
    }
    if node.refs() != refs {
        return Err(OpenError::References.into());
    }
    if node.height() != place.height {
        return Err(BodyError::Height);
    }
    if node.sums() != Some((place.child.length, place.child.entries)) {
        return Err(BodyError::Sum);
    }
    Ok(node)
}

/// The clear list and what is sealed after it.
fn split(stored: &[u8]) -> Result<(Vec<ChunkId>, &[u8]), OpenError> {
    if stored.len() > MAX_NODE_BYTES {
        return Err(OpenError::Length);
    }
    let rest = Kind::Node.strip(stored)?;
    let (count, rest) = rest.split_first_chunk().ok_or(OpenError::Length)?;
    let count = usize::from(u16::from_be_bytes(*count));
    if count > MAX_ENTRIES || rest.len() < count * ChunkId::LEN {
        return Err(OpenError::Length);
    }
    let (list, sealed) = rest.split_at(count * ChunkId::LEN);
    let ids = list.as_chunks().0.iter().map(|id| ChunkId(*id)).collect();
    Ok((ids, sealed))
}

/// Suite and kind, id, then the whole clear list.
fn authenticated(id: &ChunkId, clear: &[u8]) -> Vec<u8> {
    let (head, list) = clear.split_at(HEAD_BYTES);
    [head, id.as_bytes(), list].concat()
}

impl Node {
    pub(super) fn sums(&self) -> Option<(u64, u64)> {
        match self {
            Self::Leaf(entries) => entry::sums(entries),
            Self::Inner(_, children) => entry::sums(children),
        }
    }

    fn height(&self) -> u8 {
        match self {
            Self::Leaf(_) => 0,
            Self::Inner(height, _) => *height,
        }
    }

    fn refs(&self) -> Vec<ChunkId> {
        match self {
            Self::Leaf(entries) => entry::refs(entries),
            Self::Inner(_, children) => entry::refs(children),
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        cbor::write(|writer| match self {
            Self::Leaf(entries) => write_entries(writer, 0, entries),
            Self::Inner(height, children) => write_entries(writer, *height, children),
        })
    }

    fn read(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        cbor::array(decoder, 2)?;
        Ok(match decoder.u8()? {
            0 => Self::Leaf(cbor::list(
                decoder,
                MAX_ENTRIES,
                <LayoutEntry as Entry>::read,
            )?),
            height => Self::Inner(height, cbor::list(decoder, MAX_ENTRIES, Child::read)?),
        })
    }
}

fn write_entries<E: Entry>(writer: &mut Writer<'_>, height: u8, entries: &[E]) -> Written {
    writer.array(2)?.u8(height)?.array(entries.len() as u64)?;
    entries.iter().try_for_each(|entry| entry.write(writer))
}
