//! The body field of a node, as a member with the keys could write it: what is read is written
//! back as it was.

#![no_main]

use hythe_content::{EpochSecret, SpaceKeys, entries_in, field_refs, load_body, store_body};
use hythe_model::{ChunkRef, KeyEpoch, Secret32, SpaceId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|field: &[u8]| {
    let mut fetch = |_: &ChunkRef| Err(());
    let _ = entries_in(field, 0..u64::MAX, &mut fetch);
    let refs = field_refs(field);
    let Ok(body) = load_body(field, &mut fetch) else {
        return;
    };
    let secret = EpochSecret::new(Secret32::new([1; 32]));
    let keys = SpaceKeys::derive(&SpaceId([1; 32]), KeyEpoch::FIRST, &secret);
    let again = store_body(&keys, &body).expect("what was read can be written");
    assert_eq!(again.field, field);
    assert!(refs.is_ok_and(|refs| refs.ids == again.refs));
});
