//! What the tests of this module have in common.

use hythe_content::{EpochSecret, SpaceKeys};
use hythe_model::{KeyEpoch, Secret32, SpaceId};

/// Keys of a space.
pub(crate) fn keys() -> SpaceKeys {
    let secret = EpochSecret::new(Secret32::new([7; 32]));
    SpaceKeys::derive(&SpaceId([1; 32]), KeyEpoch::FIRST, &secret)
}

/// Bytes without any pattern, the same for the same seed.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new()
        .update(&seed.to_le_bytes())
        .finalize_xof()
        .fill(&mut bytes);
    bytes
}
