//! Measures the steps of the content pipeline on one core:
//! `cargo run --release -p hythe-content --example throughput`

// A measurement needs the clock that the crate itself must not have.
#![allow(clippy::disallowed_types)]

use std::hint::black_box;
use std::time::Instant;

use hythe_content::{
    EpochSecret, PackBuilder, Scratch, SealedChunk, SpaceKeys, name_chunk, open_chunk,
    open_chunk_in_place, seal_chunk, seal_hash,
};
use hythe_model::{ChunkClass, Chunker, KeyEpoch, Secret32, SpaceId};

const SIZE: usize = 256 << 20;
const ROUNDS: u32 = 3;

fn main() {
    let secret = EpochSecret::new(Secret32::new([7; 32]));
    let keys = SpaceKeys::derive(&SpaceId([1; 32]), KeyEpoch::FIRST, &secret);
    for (name, data) in [
        ("random", random()),
        ("text", text()),
        ("zeros", vec![0; SIZE]),
    ] {
        println!("{name}, {} MiB:", SIZE >> 20);
        cuts(&keys, &data);
        seals(&keys, &data);
        sizes(&keys, &data);
    }
}

fn cuts(keys: &SpaceKeys, data: &[u8]) {
    let cutter = keys.cutter(Chunker::Keyed, ChunkClass(18));
    let mut found = Vec::new();
    measure("candidates", || {
        found.clear();
        cutter.candidates(data, 0, &mut found);
    });
    let ends = cutter.split(data).len();
    measure("next_cut", || cutter.split(data).len());
    println!(
        "  {} candidates, {ends} chunks, {} KiB on average",
        found.len(),
        (SIZE / ends) >> 10
    );
}

fn seals(keys: &SpaceKeys, data: &[u8]) {
    let chunks: Vec<&[u8]> = data.chunks(256 << 10).collect();
    let mut scratch = Scratch::new();
    measure("name_chunk", || {
        chunks
            .iter()
            .for_each(|plain| drop(black_box(name_chunk(keys, plain))));
    });
    let seal = |scratch: &mut Scratch| -> Vec<SealedChunk> {
        chunks
            .iter()
            .filter_map(|plain| seal_chunk(keys, plain, scratch).ok())
            .collect()
    };
    measure("seal_chunk, each dropped", || {
        chunks
            .iter()
            .for_each(|plain| drop(black_box(seal_chunk(keys, plain, &mut scratch))));
    });
    measure("seal into packs", || {
        let mut pack = PackBuilder::new();
        for plain in &chunks {
            if !pack.has_room_for_chunk(plain.len()) {
                black_box(std::mem::take(&mut pack).finish());
            }
            let _ = black_box(pack.seal(&name_chunk(keys, plain), plain, &mut scratch));
        }
        black_box(pack.finish());
    });
    let mut sealed = seal(&mut scratch);
    measure("seal_hash", || {
        sealed
            .iter()
            .filter(|s| seal_hash(&s.bytes) == s.chunk.seal)
            .count()
    });
    measure("open_chunk", || {
        sealed
            .iter()
            .filter(|s| open_chunk(&s.chunk, &s.bytes, &mut scratch).is_ok())
            .count()
    });
    let start = Instant::now();
    let opened = sealed
        .iter_mut()
        .filter_map(|s| {
            open_chunk_in_place(&s.chunk, &mut s.bytes, &mut scratch)
                .ok()
                .map(<[u8]>::len)
        })
        .sum::<usize>();
    report("open_chunk_in_place", start.elapsed().as_secs_f64());
    assert_eq!(opened, data.len());
}

/// What the length of chunks costs.
fn sizes(keys: &SpaceKeys, data: &[u8]) {
    let mut scratch = Scratch::new();
    for exponent in [12, 14, 16, 18, 20, 22] {
        measure(&format!("seal_chunk, {} KiB", 1 << (exponent - 10)), || {
            for plain in data.chunks(1 << exponent) {
                drop(black_box(seal_chunk(keys, plain, &mut scratch)));
            }
        });
    }
}

fn measure<R>(what: &str, mut work: impl FnMut() -> R) {
    black_box(work());
    let start = Instant::now();
    for _ in 0..ROUNDS {
        black_box(work());
    }
    report(what, start.elapsed().as_secs_f64() / f64::from(ROUNDS));
}

fn report(what: &str, seconds: f64) {
    let size = SIZE as f64;
    let per_gib = seconds * f64::from(1 << 30) / size;
    println!(
        "  {what:26} {:6.2} GB/s  {per_gib:6.3} s/GiB",
        size / seconds / 1e9
    );
}

fn random() -> Vec<u8> {
    let mut data = vec![0; SIZE];
    blake3::Hasher::new().finalize_xof().fill(&mut data);
    data
}

/// Words in no order: compresses to about a third.
fn text() -> Vec<u8> {
    const WORDS: [&str; 16] = [
        "haven",
        "river",
        "boat",
        "the",
        "of",
        "and",
        "goods",
        "kept",
        "land",
        "small",
        "0x7fff",
        "where",
        "2026-11-22T10:00:00Z",
        "INFO",
        "error:",
        "\n",
    ];
    let random = random();
    let mut data = Vec::with_capacity(SIZE + 32);
    for byte in random {
        data.extend_from_slice(WORDS[usize::from(byte % 16)].as_bytes());
        data.push(if byte > 250 { byte } else { b' ' });
        if data.len() >= SIZE {
            break;
        }
    }
    data.truncate(SIZE);
    data
}
