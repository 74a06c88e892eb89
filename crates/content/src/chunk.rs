//! Chunks: naming, sealing, opening.
//!
//! A chunk's *key* is a keyed BLAKE3 of its digest under a secret of the space and key epoch; its
//! cipher key, nonce key and id follow from that key alone. So whoever holds a layout entry can
//! open the chunk and recompute its id without any key of the space, equal content is stored once
//! per space, and an id tests no known file.

use hythe_model::layout::MAX_CHUNK_BYTES;
use hythe_model::{ChunkId, ChunkRef, SealHash, Secret32};

use crate::compress::Scratch;
use crate::contexts;
use crate::keys::SpaceKeys;
use crate::padding;
use crate::seal::{HEAD_BYTES, Kind, NONCE_BYTES, OVERHEAD, ObjectKey, OpenError};

/// What sealing adds to a chunk that does not compress, in bytes.
pub const CHUNK_OVERHEAD: usize = OVERHEAD + FORM_BYTES;

/// The last byte of what enters the cipher says how the bytes before it stand for the chunk.
const FORM_BYTES: usize = 1;
const FORM_PLAIN: u8 = 0;
const FORM_ZSTD: u8 = 1;
/// The same two, filled up.
const FORM_PLAIN_PADDED: u8 = 2;
const FORM_ZSTD_PADDED: u8 = 3;

/// What names a chunk of a space: known before it is sealed, and without sealing it.
#[derive(Clone, PartialEq, Eq)]
pub struct ChunkName {
    /// What the server knows it by.
    pub id: ChunkId,
    /// The secret that goes into layouts.
    pub key: Secret32,
    /// Whether it is filled up when it is sealed.
    padded: bool,
}

/// A chunk ready to be stored.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedChunk {
    /// What a layout says about it.
    pub chunk: ChunkRef,
    /// What is stored.
    pub bytes: Vec<u8>,
}

/// Says that bytes cannot be one chunk: there are none, or more than 16 MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a chunk has 1 byte to 16 MiB, not {0} bytes")]
pub struct ChunkLengthError(pub usize);

/// Names a chunk in a space. Reads the bytes once.
pub fn name_chunk(keys: &SpaceKeys, plain: &[u8]) -> ChunkName {
    let (id, key) = name(&keys.chunks, contexts::CHUNK_ID, plain);
    ChunkName {
        id,
        key,
        padded: keys.padded,
    }
}

/// Seals a chunk into memory of its own.
///
/// # Errors
/// When `plain` is no chunk; what a [`Cutter`](crate::Cutter) yields always is.
pub fn seal_chunk(
    keys: &SpaceKeys,
    plain: &[u8],
    scratch: &mut Scratch,
) -> Result<SealedChunk, ChunkLengthError> {
    let mut bytes = Vec::new();
    let chunk = seal_named_chunk(&name_chunk(keys, plain), plain, scratch, &mut bytes)?;
    Ok(SealedChunk { chunk, bytes })
}

/// Seals a chunk that was named before and appends it to `out`.
///
/// # Errors
/// When `plain` is no chunk; `out` is then as it was.
pub fn seal_named_chunk(
    name: &ChunkName,
    plain: &[u8],
    scratch: &mut Scratch,
    out: &mut Vec<u8>,
) -> Result<ChunkRef, ChunkLengthError> {
    let length = match u32::try_from(plain.len()) {
        Ok(length @ 1..=MAX_CHUNK_BYTES) => length,
        _ => return Err(ChunkLengthError(plain.len())),
    };
    let key = ObjectKey::derive(Kind::Chunk, &name.key);
    let aad = authenticated(&name.id);
    let start = out.len();
    let body = start + HEAD_BYTES + NONCE_BYTES;
    let compressed = scratch.compress(plain);
    let content = compressed.unwrap_or(plain);
    out.reserve(padding::most_chunk_bytes(content.len()));
    out.extend_from_slice(&Kind::Chunk.head());
    out.extend_from_slice(&[0; NONCE_BYTES]);
    out.extend_from_slice(content);
    let (rest, is_zstd) = (out.len(), compressed.is_some());
    if name.padded {
        padding::fill_chunk(out, body);
    }
    out.push(form(is_zstd, name.padded));
    // The id is among what is authenticated, and a hash of just the plaintext: hashing that once
    // more would say nothing new.
    let hashed = if is_zstd { body } else { rest };
    let nonce = key.nonce(&aad, &[&out[hashed..]]);
    out[start + HEAD_BYTES..body].copy_from_slice(&nonce);
    let tag = key.seal(nonce, &aad, &mut out[body..]);
    out.extend_from_slice(&tag);
    let sealed = &out[start..];
    Ok(ChunkRef {
        length,
        // At most 16 MiB and the overhead.
        sealed_length: sealed.len() as u32,
        id: name.id,
        seal: seal_hash(sealed),
        key: name.key.clone(),
    })
}

const fn form(is_zstd: bool, padded: bool) -> u8 {
    match (is_zstd, padded) {
        (false, false) => FORM_PLAIN,
        (true, false) => FORM_ZSTD,
        (false, true) => FORM_PLAIN_PADDED,
        (true, true) => FORM_ZSTD_PADDED,
    }
}

/// The content among what was opened, and whether it is compressed.
fn content(opened: &[u8]) -> Result<(&[u8], bool), OpenError> {
    let (form, rest) = opened.split_last().ok_or(OpenError::Compression)?;
    let filled = || padding::chunk_content(rest).ok_or(OpenError::Length);
    match *form {
        FORM_PLAIN => Ok((rest, false)),
        FORM_ZSTD => Ok((rest, true)),
        FORM_PLAIN_PADDED => Ok((filled()?, false)),
        FORM_ZSTD_PADDED => Ok((filled()?, true)),
        _ => Err(OpenError::Compression),
    }
}

/// Whether bytes are the content of a chunk: what [`open_chunk`] checks last, for content that did
/// not come out of a sealed chunk. Needs no key of the space, so the chunk may be of any key epoch.
pub fn is_content_of(chunk: &ChunkRef, plain: &[u8]) -> bool {
    check_plain(chunk, plain).is_ok()
}

/// The hash by which anybody can check a sealed object without a key.
pub fn seal_hash(sealed: &[u8]) -> SealHash {
    SealHash(*blake3::hash(sealed).as_bytes())
}

/// Opens a chunk: checks length, seal hash, cipher, decompressed length and id, in this order.
///
/// # Errors
/// See [`OpenError`]; nothing of the content is returned then.
pub fn open_chunk(
    chunk: &ChunkRef,
    sealed: &[u8],
    scratch: &mut Scratch,
) -> Result<Vec<u8>, OpenError> {
    check_sealed(chunk, sealed)?;
    let (nonce, body) = Kind::Chunk
        .strip(sealed)?
        .split_first_chunk()
        .ok_or(OpenError::Length)?;
    let key = ObjectKey::derive(Kind::Chunk, &chunk.key);
    let mut plain = key.open_copy(*nonce, &authenticated(&chunk.id), body)?;
    match content(&plain)? {
        (compressed, true) => plain = decompress(chunk, compressed, scratch)?.to_vec(),
        (whole, false) => {
            let length = whole.len();
            plain.truncate(length);
        }
    }
    check_plain(chunk, &plain)?;
    Ok(plain)
}

/// Like [`open_chunk`], without memory of its own: the content lies in `sealed`, which is
/// overwritten, or in the scratch.
///
/// # Errors
/// See [`OpenError`]; what is in `sealed` is then of no use.
pub fn open_chunk_in_place<'a>(
    chunk: &ChunkRef,
    sealed: &'a mut [u8],
    scratch: &'a mut Scratch,
) -> Result<&'a [u8], OpenError> {
    check_sealed(chunk, sealed)?;
    Kind::Chunk.strip(sealed)?;
    let (nonce, body) = sealed[HEAD_BYTES..]
        .split_first_chunk_mut()
        .ok_or(OpenError::Length)?;
    let key = ObjectKey::derive(Kind::Chunk, &chunk.key);
    let opened: &[u8] = key.open(*nonce, &authenticated(&chunk.id), body)?;
    let plain = match content(opened)? {
        (compressed, true) => decompress(chunk, compressed, scratch)?,
        (plain, false) => plain,
    };
    check_plain(chunk, plain)?;
    Ok(plain)
}

/// The most sealed bytes that a chunk of `length` bytes can have, filled up or not.
pub fn most_sealed_bytes(length: usize) -> usize {
    padding::most_chunk_bytes(length)
}

/// Checks what can be checked without a key, and that the reference asks for no more than a chunk.
fn check_sealed(chunk: &ChunkRef, sealed: &[u8]) -> Result<(), OpenError> {
    if sealed.len() != chunk.sealed_length as usize || chunk.length > MAX_CHUNK_BYTES {
        return Err(OpenError::Length);
    }
    if seal_hash(sealed) != chunk.seal {
        return Err(OpenError::SealHash);
    }
    Ok(())
}

fn decompress<'a>(
    chunk: &ChunkRef,
    compressed: &[u8],
    scratch: &'a mut Scratch,
) -> Result<&'a [u8], OpenError> {
    scratch
        .decompress(compressed, chunk.length as usize)
        .ok_or(OpenError::Compression)
}

/// Checks that the content is what the reference names: this commits to key and content (A22).
fn check_plain(chunk: &ChunkRef, plain: &[u8]) -> Result<(), OpenError> {
    if plain.len() != chunk.length as usize {
        return Err(OpenError::Length);
    }
    if id(contexts::CHUNK_ID, &chunk.key, &blake3::hash(plain)) != chunk.id {
        return Err(OpenError::Identity);
    }
    Ok(())
}

fn authenticated(id: &ChunkId) -> [u8; HEAD_BYTES + ChunkId::LEN] {
    let mut aad = [0; HEAD_BYTES + ChunkId::LEN];
    aad[..HEAD_BYTES].copy_from_slice(&Kind::Chunk.head());
    aad[HEAD_BYTES..].copy_from_slice(id.as_bytes());
    aad
}

/// Names content under a secret of the space. The plaintext is read once: both keyed hashes are
/// over its digest, which is stored nowhere.
pub(crate) fn name(space: &Secret32, context: &str, plain: &[u8]) -> (ChunkId, Secret32) {
    let digest = blake3::hash(plain);
    let key = Secret32::new(*blake3::keyed_hash(space.expose(), digest.as_bytes()).as_bytes());
    (id(context, &key, &digest), key)
}

/// The id of content, as whoever has its key recomputes it.
pub(crate) fn id(context: &str, key: &Secret32, digest: &blake3::Hash) -> ChunkId {
    let key = Secret32::new(blake3::derive_key(context, key.expose()));
    ChunkId(*blake3::keyed_hash(key.expose(), digest.as_bytes()).as_bytes())
}
