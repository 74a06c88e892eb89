//! Keys and content that are the same on every run.

#![allow(dead_code, reason = "each test binary uses some of it")]

use hythe_content::{EpochSecret, Scratch, SealedChunk, SpaceKeys, seal_chunk};
use hythe_model::{
    ChunkClass, ChunkId, ChunkRef, Chunker, KeyEpoch, Layout, LayoutEntry, SealHash, Secret32,
    SpaceId,
};

pub const CLASS: ChunkClass = ChunkClass(18);
/// Small enough that a test of many chunks needs little content.
pub const SMALL: ChunkClass = ChunkClass(12);

pub const SPACE: SpaceId = SpaceId([0x5a; 32]);

pub fn secret(seed: u8) -> Secret32 {
    Secret32::new([seed; 32])
}

pub fn keys() -> SpaceKeys {
    keys_of(SPACE, KeyEpoch::FIRST, 1)
}

pub fn keys_of(space: SpaceId, epoch: KeyEpoch, seed: u8) -> SpaceKeys {
    SpaceKeys::derive(&space, epoch, &EpochSecret::new(secret(seed)))
}

/// Bytes that do not compress.
pub fn random(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new()
        .update(&seed.to_le_bytes())
        .finalize_xof()
        .fill(&mut bytes);
    bytes
}

/// Bytes that do.
pub fn text(seed: u64, length: usize) -> Vec<u8> {
    const WORDS: [&str; 8] = [
        "haven ", "river ", "boat ", "the ", "of ", "goods ", "kept\n", "Hythe ",
    ];
    let mut bytes = Vec::with_capacity(length + 8);
    for byte in random(seed, length / 2 + 1) {
        bytes.extend_from_slice(WORDS[usize::from(byte % 8)].as_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Numbers for choosing places, from a seed.
pub fn numbers(seed: u64) -> impl Iterator<Item = usize> {
    let mut stream = blake3::Hasher::new()
        .update(&seed.to_le_bytes())
        .finalize_xof();
    std::iter::from_fn(move || {
        let mut bytes = [0; 8];
        stream.fill(&mut bytes);
        Some(u64::from_le_bytes(bytes) as usize)
    })
}

pub fn sealed(keys: &SpaceKeys, plain: &[u8]) -> SealedChunk {
    seal_chunk(keys, plain, &mut Scratch::new()).expect("a chunk's length")
}

/// A reference to a chunk that nobody sealed, for layouts that are never opened.
pub fn reference(seed: u64, length: u32) -> ChunkRef {
    let bytes = random(seed, 96);
    let part = |i: usize| bytes[32 * i..32 * i + 32].try_into().expect("32 bytes");
    ChunkRef {
        length,
        sealed_length: length + 31,
        id: ChunkId(part(0)),
        seal: SealHash(part(1)),
        key: Secret32::new(part(2)),
    }
}

pub fn layout(entries: Vec<LayoutEntry>) -> Layout {
    Layout {
        size: entries.iter().map(LayoutEntry::length).sum(),
        chunker: Chunker::Keyed,
        class: CLASS,
        hash: None,
        entries: entries.into(),
    }
}

/// A layout of this many runs: chunks of various lengths, and a hole after each hundredth.
pub fn long_layout(count: u64) -> Layout {
    let entry = |i| match i % 100 {
        99 => LayoutEntry::Hole(4096 * (i + 1)),
        _ => LayoutEntry::Chunk(reference(i, 65_536 + (i as u32 * 7919) % 900_000)),
    };
    layout((0..count).map(entry).collect())
}
