//! The whole way of a chunk: whatever the content, the cutter keeps its bounds and every chunk
//! comes back as it was.

#![no_main]

use hythe_content::{EpochSecret, Scratch, SpaceKeys, open_chunk, seal_chunk};
use hythe_model::{ChunkClass, Chunker, KeyEpoch, Secret32, SpaceId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let secret = EpochSecret::new(Secret32::new([1; 32]));
    let keys = SpaceKeys::derive(&SpaceId([1; 32]), KeyEpoch::FIRST, &secret);
    let cutter = keys.cutter(Chunker::Keyed, ChunkClass(12));
    let mut scratch = Scratch::new();
    let mut start = 0;
    for end in cutter.split(data) {
        let plain = &data[start..end];
        assert!(plain.len() <= cutter.limits().max as usize);
        let sealed = seal_chunk(&keys, plain, &mut scratch).expect("a chunk");
        let opened = open_chunk(&sealed.chunk, &sealed.bytes, &mut scratch);
        assert_eq!(opened.as_deref(), Ok(plain));
        start = end;
    }
    assert_eq!(start, data.len());
});
