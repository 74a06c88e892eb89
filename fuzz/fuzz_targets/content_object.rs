//! Sealed bytes of any kind, under a reference that fits them: none opens, none harms.

#![no_main]

use hythe_content::{
    EpochSecret, Field, Purpose, Scratch, SpaceKeys, inspect, open_chunk, open_chunk_in_place,
    open_field, open_under, seal_hash,
};
use hythe_model::{ChunkId, ChunkRef, KeyEpoch, NodeId, Secret32, SpaceId, VersionId};
use libfuzzer_sys::fuzz_target;

const PURPOSE: Purpose = Purpose::new("hythe 2026-11-22 fuzz: a purpose");

fuzz_target!(|sealed: &[u8]| {
    let secret = Secret32::new([1; 32]);
    let chunk = ChunkRef {
        length: 1 << 16,
        sealed_length: sealed.len() as u32,
        id: ChunkId([2; 32]),
        seal: seal_hash(sealed),
        key: secret.clone(),
    };
    let mut scratch = Scratch::new();
    assert!(open_chunk(&chunk, sealed, &mut scratch).is_err());
    assert!(open_chunk_in_place(&chunk, &mut sealed.to_vec(), &mut scratch).is_err());
    let keys = SpaceKeys::derive(
        &SpaceId([1; 32]),
        KeyEpoch::FIRST,
        &EpochSecret::new(secret.clone()),
    );
    let (node, version) = (NodeId([3; 16]), VersionId([4; 16]));
    assert!(open_field(&keys, node, Field::Name, version, sealed).is_err());
    assert!(open_under(&secret, PURPOSE, b"", sealed).is_err());
    let _ = inspect(sealed);
});
