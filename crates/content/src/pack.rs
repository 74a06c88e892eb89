//! Packs: many sealed objects in one stored object, and an index to check them by without a key.

use std::ops::Range;

use hythe_model::layout::MAX_CHUNK_BYTES;
use hythe_model::{ChunkId, ChunkRef, SealHash};
use minicbor::Decoder;
use minicbor::decode::Error;

use crate::cbor;
use crate::chunk::{
    ChunkLengthError, ChunkName, SealedChunk, most_sealed_bytes, seal_hash, seal_named_chunk,
};
use crate::compress::Scratch;
use crate::layout::StoredNode;
use crate::object::{Object, inspect};
use crate::seal::{OpenError, SUITE};

/// A pack is full at this many bytes; only a single larger chunk makes it larger.
pub const PACK_TARGET_BYTES: usize = 8 << 20;

/// Largest pack of all: one chunk of 16 MiB, its overhead, and room for the index.
pub const MAX_PACK_BYTES: usize = (MAX_CHUNK_BYTES as usize) + (1 << 20);

/// Most objects in a pack.
const MAX_OBJECTS: usize = 8192;

const MAGIC: [u8; 4] = *b"HYPK";
const HEADER_BYTES: usize = MAGIC.len() + 1;
/// Length of the index, and BLAKE3 of header and index.
const TRAILER_BYTES: usize = 4 + 32;

/// Bytes an index entry takes at most: id, seal hash, length and their CBOR heads.
const INDEX_ENTRY_BYTES: usize = 1 + 34 + 34 + 5;

/// One object of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackEntry {
    /// The object's id.
    pub id: ChunkId,
    /// Hash of its sealed bytes.
    pub seal: SealHash,
    /// Where its sealed bytes begin in the pack.
    pub offset: u32,
    /// How many they are.
    pub length: u32,
    /// What it is.
    pub object: Object,
}

impl PackEntry {
    /// Where the object's bytes lie in the pack.
    pub fn range(&self) -> Range<usize> {
        self.offset as usize..self.offset as usize + self.length as usize
    }
}

/// Why bytes are not a pack.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Over [`MAX_PACK_BYTES`].
    #[error("the pack is too large")]
    TooLarge,
    /// No pack, or one of an unknown suite, or cut short.
    #[error("this is no pack")]
    NotAPack,
    /// The index is not what the trailer says.
    #[error("the index of the pack is damaged")]
    IndexHash,
    /// The index is no index.
    #[error("the index of the pack is malformed")]
    Index(#[from] minicbor::decode::Error),
    /// The index is not in its canonical form.
    #[error("the index of the pack is not in its canonical form")]
    Spelling,
    /// The index does not account for exactly the bytes there are.
    #[error("the objects of the pack do not fill it")]
    Sum,
    /// An object does not match its seal hash.
    #[error("object {0} of the pack is damaged")]
    Object(ChunkId),
    /// An object is neither a chunk nor a layout node.
    #[error("object {0} of the pack does not belong in a pack")]
    Kind(ChunkId),
}

/// Builds a pack, object by object.
#[derive(Default)]
pub struct PackBuilder {
    bytes: Vec<u8>,
    entries: Vec<PackEntry>,
}

impl PackBuilder {
    /// An empty pack.
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            entries: Vec::new(),
        }
    }

    /// Whether there is nothing in it yet.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether an object of `length` sealed bytes still fits. Anything fits an empty pack.
    pub fn has_room(&self, length: usize) -> bool {
        let index = (self.entries.len() + 1) * INDEX_ENTRY_BYTES;
        self.is_empty()
            || (self.bytes.len() + length + index <= PACK_TARGET_BYTES
                && self.entries.len() < MAX_OBJECTS)
    }

    /// Whether a chunk of `length` bytes still fits, however badly it compresses.
    pub fn has_room_for_chunk(&self, length: usize) -> bool {
        self.has_room(most_sealed_bytes(length))
    }

    /// Adds a sealed chunk. The caller asked [`Self::has_room`].
    pub fn push(&mut self, chunk: &SealedChunk) {
        self.start();
        self.note(self.bytes.len(), &chunk.chunk, Object::Chunk);
        self.bytes.extend_from_slice(&chunk.bytes);
    }

    /// Adds a layout node. The caller asked [`Self::has_room`].
    pub fn push_node(&mut self, node: &StoredNode) {
        self.start();
        self.note(
            self.bytes.len(),
            &node.node,
            Object::LayoutNode(node.refs.clone()),
        );
        self.bytes.extend_from_slice(&node.bytes);
    }

    /// Seals a chunk right into the pack: no memory of its own, no copy. The caller asked
    /// [`Self::has_room_for_chunk`].
    ///
    /// # Errors
    /// As [`seal_named_chunk`]; the pack is then as it was.
    pub fn seal(
        &mut self,
        name: &ChunkName,
        plain: &[u8],
        scratch: &mut Scratch,
    ) -> Result<ChunkRef, ChunkLengthError> {
        self.start();
        let before = self.bytes.len();
        let chunk = seal_named_chunk(name, plain, scratch, &mut self.bytes)?;
        self.note(before, &chunk, Object::Chunk);
        Ok(chunk)
    }

    /// Adds an object that somebody else sealed, as the server does when it gathers objects into
    /// packs. The caller asked [`Self::has_room`].
    ///
    /// # Errors
    /// When it is neither a chunk nor a layout node.
    pub fn push_sealed(&mut self, id: ChunkId, sealed: &[u8]) -> Result<(), OpenError> {
        let object = inspect(sealed)?;
        self.start();
        self.entries.push(PackEntry {
            id,
            seal: seal_hash(sealed),
            offset: self.bytes.len() as u32,
            length: sealed.len() as u32,
            object,
        });
        self.bytes.extend_from_slice(sealed);
        Ok(())
    }

    /// The objects so far.
    pub fn entries(&self) -> &[PackEntry] {
        &self.entries
    }

    /// Ends the pack: its bytes.
    pub fn finish(mut self) -> Vec<u8> {
        self.start();
        let listed = self.entries.iter().map(Listed::from).collect::<Vec<_>>();
        let index = write_index(&listed);
        let hash = index_hash(&index);
        self.bytes.extend_from_slice(&index);
        self.bytes
            .extend_from_slice(&(index.len() as u32).to_be_bytes());
        self.bytes.extend_from_slice(hash.as_bytes());
        self.bytes
    }

    fn start(&mut self) {
        if self.bytes.is_empty() {
            self.bytes.extend_from_slice(&header());
        }
    }

    fn note(&mut self, offset: usize, chunk: &ChunkRef, object: Object) {
        self.entries.push(PackEntry {
            id: chunk.id,
            seal: chunk.seal,
            // A pack is far under 4 GiB.
            offset: offset as u32,
            length: chunk.sealed_length,
            object,
        });
    }
}

/// Reads a pack and checks every byte of it: header, index, and each object against its seal hash.
///
/// # Errors
/// See [`PackError`]. Work is bounded by [`MAX_PACK_BYTES`].
pub fn read_pack(pack: &[u8]) -> Result<Vec<PackEntry>, PackError> {
    if pack.len() > MAX_PACK_BYTES {
        return Err(PackError::TooLarge);
    }
    let (index, end) = find_index(pack)?;
    let listed = cbor::read(index, |decoder| {
        cbor::list(decoder, MAX_OBJECTS, read_entry)
    })?;
    if write_index(&listed) != index {
        return Err(PackError::Spelling);
    }
    let mut entries = Vec::with_capacity(listed.len());
    let mut rest = &pack[HEADER_BYTES..end];
    for Listed { id, seal, length } in listed {
        let offset = (end - rest.len()) as u32;
        let (bytes, after) = rest
            .split_at_checked(length as usize)
            .ok_or(PackError::Sum)?;
        if seal_hash(bytes) != seal {
            return Err(PackError::Object(id));
        }
        let object = inspect(bytes).map_err(|_| PackError::Kind(id))?;
        entries.push(PackEntry {
            id,
            seal,
            offset,
            length,
            object,
        });
        rest = after;
    }
    if rest.is_empty() {
        Ok(entries)
    } else {
        Err(PackError::Sum)
    }
}

/// An object as the index lists it; where it begins follows from those before it.
struct Listed {
    id: ChunkId,
    seal: SealHash,
    length: u32,
}

/// Finds the index by the trailer; returns it and where the objects end.
fn find_index(pack: &[u8]) -> Result<(&[u8], usize), PackError> {
    let rest = pack.strip_prefix(&header()).ok_or(PackError::NotAPack)?;
    let (rest, hash) = rest.split_last_chunk::<32>().ok_or(PackError::NotAPack)?;
    let (rest, length) = rest.split_last_chunk().ok_or(PackError::NotAPack)?;
    let length = u32::from_be_bytes(*length) as usize;
    let start = rest.len().checked_sub(length).ok_or(PackError::NotAPack)?;
    let index = &rest[start..];
    if index_hash(index) != *hash {
        return Err(PackError::IndexHash);
    }
    debug_assert_eq!(HEADER_BYTES + start + length + TRAILER_BYTES, pack.len());
    Ok((index, HEADER_BYTES + start))
}

impl From<&PackEntry> for Listed {
    fn from(entry: &PackEntry) -> Self {
        Self {
            id: entry.id,
            seal: entry.seal,
            length: entry.length,
        }
    }
}

fn write_index(listed: &[Listed]) -> Vec<u8> {
    cbor::write(|writer| {
        writer.array(listed.len() as u64)?;
        listed.iter().try_for_each(|object| {
            writer
                .array(3)?
                .encode(object.id)?
                .encode(object.seal)?
                .u32(object.length)?
                .ok()
        })
    })
}

fn read_entry(decoder: &mut Decoder<'_>) -> Result<Listed, Error> {
    cbor::array(decoder, 3)?;
    Ok(Listed {
        id: decoder.decode()?,
        seal: decoder.decode()?,
        length: decoder.u32()?,
    })
}

const fn header() -> [u8; HEADER_BYTES] {
    let [a, b, c, d] = MAGIC;
    [a, b, c, d, SUITE]
}

fn index_hash(index: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&header());
    hasher.update(index);
    hasher.finalize()
}
