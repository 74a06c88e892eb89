//! Chunks: cut, seal and open, at every size that is special and any that is not.

mod samples;

use hythe_content::{
    CHUNK_OVERHEAD, ChunkLengthError, Cutter, OpenError, Scratch, Selector, SpaceKeys, name_chunk,
    open_chunk, open_chunk_in_place, seal_chunk, seal_hash,
};
use hythe_model::layout::MAX_CHUNK_BYTES;
use hythe_model::{ChunkClass, Chunker, KeyEpoch};
use proptest::prelude::*;
use samples::{CLASS, SMALL, SPACE, keys, keys_of, numbers, random, sealed, text};

/// Cuts, seals, opens and joins.
fn round_trip(keys: &SpaceKeys, cutter: &Cutter, data: &[u8]) {
    let mut scratch = Scratch::new();
    let mut joined = Vec::new();
    let mut start = 0;
    for end in cutter.split(data) {
        let mut chunk = seal_chunk(keys, &data[start..end], &mut scratch).expect("a chunk");
        assert_eq!(chunk.chunk.seal, seal_hash(&chunk.bytes));
        let opened = open_chunk(&chunk.chunk, &chunk.bytes, &mut scratch).expect("opens");
        let reference = chunk.chunk.clone();
        let again = open_chunk_in_place(&reference, &mut chunk.bytes, &mut scratch);
        assert_eq!(again, Ok(&opened[..]));
        joined.extend_from_slice(&opened);
        start = end;
    }
    assert!(joined == data);
}

#[test]
fn sc072_every_special_size_comes_back_exactly() {
    let keys = keys();
    for chunker in [Chunker::Keyed, Chunker::Fixed] {
        let cutter = keys.cutter(chunker, CLASS);
        let (min, max) = (cutter.limits().min as usize, cutter.limits().max as usize);
        let average = 1 << CLASS.0;
        let around = |size: usize| [size - 1, size, size + 1];
        let sizes = [min, average, max, max + min, 4096, 63, 64, 127, 128];
        for size in [0, 1].into_iter().chain(sizes.into_iter().flat_map(around)) {
            round_trip(&keys, &cutter, &random(size as u64, size));
            round_trip(&keys, &cutter, &vec![0; size]);
        }
    }
}

#[test]
fn sc072_chunks_keep_their_bounds() {
    let keys = keys();
    for (chunker, class) in [
        (Chunker::Keyed, SMALL),
        (Chunker::Keyed, CLASS),
        (Chunker::Fixed, CLASS),
    ] {
        let cutter = keys.cutter(chunker, class);
        for data in [random(1, 9 << 20), vec![0; 9 << 20], text(2, 9 << 20)] {
            let ends = cutter.split(&data);
            let starts = std::iter::once(&0).chain(&ends);
            let lengths: Vec<usize> = starts.zip(&ends).map(|(start, end)| end - start).collect();
            let (last, others) = lengths.split_last().expect("there is content");
            let bounds = cutter.limits().min as usize..=cutter.limits().max as usize;
            assert!(others.iter().all(|length| bounds.contains(length)));
            assert!((1..=*bounds.end()).contains(last));
        }
    }
}

#[test]
fn the_mean_chunk_is_the_class_average() {
    let data = random(3, 32 << 20);
    for exponent in 12..=16 {
        let chunks = keys()
            .cutter(Chunker::Keyed, ChunkClass(exponent))
            .split(&data)
            .len();
        let mean = data.len() as f64 / chunks as f64 / f64::from(1 << exponent);
        assert!((0.9..1.1).contains(&mean), "class {exponent}: {mean}");
    }
}

#[test]
fn a_larger_class_cuts_at_candidates_of_a_smaller_one() {
    let data = random(4, 4 << 20);
    let candidates = |class| {
        let mut found = Vec::new();
        keys()
            .cutter(Chunker::Keyed, ChunkClass(class))
            .candidates(&data, 0, &mut found);
        found
    };
    let (small, large) = (candidates(12), candidates(14));
    assert!(large.len() > 200 && large.len() * 3 < small.len());
    assert!(large.iter().all(|at| small.binary_search(at).is_ok()));
}

#[test]
fn an_insertion_changes_only_the_chunks_around_it() {
    let (keys, data) = (keys(), random(5, 8 << 20));
    let cutter = keys.cutter(Chunker::Keyed, ChunkClass(14));
    let ids = |data: &[u8]| -> Vec<_> {
        let ends = cutter.split(data);
        let starts = std::iter::once(0).chain(ends.clone());
        starts
            .zip(ends)
            .map(|(start, end)| name_chunk(&keys, &data[start..end]).id)
            .collect()
    };
    let before = ids(&data);
    for place in [0]
        .into_iter()
        .chain(numbers(6).take(20).map(|n| n % data.len()))
    {
        let mut edited = data.clone();
        edited.insert(place, 0x42);
        let after = ids(&edited);
        let new = after.iter().filter(|id| !before.contains(id)).count();
        assert!(
            (1..=6).contains(&new),
            "{new} new chunks of {} at {place}",
            after.len()
        );
    }
}

#[test]
fn equal_content_has_one_name_in_a_space_and_epoch_and_others_elsewhere() {
    let plain = random(7, 5000);
    let name = |keys: &SpaceKeys| name_chunk(keys, &plain).id;
    assert_eq!(name(&keys()), sealed(&keys(), &plain).chunk.id);
    let mut other_space = SPACE;
    other_space.0[31] ^= 1;
    let others = [
        keys_of(other_space, KeyEpoch::FIRST, 1),
        keys_of(SPACE, KeyEpoch::FIRST.next(), 1),
        keys_of(SPACE, KeyEpoch::FIRST, 2),
    ];
    for other in &others {
        assert_ne!(name(other), name(&keys()));
    }
}

#[test]
fn a_chunk_of_no_or_too_many_bytes_is_refused() {
    let mut scratch = Scratch::new();
    let most = MAX_CHUNK_BYTES as usize;
    assert!(seal_chunk(&keys(), &[], &mut scratch).err() == Some(ChunkLengthError(0)));
    let long = vec![0; most + 1];
    assert!(seal_chunk(&keys(), &long, &mut scratch).err() == Some(ChunkLengthError(most + 1)));
    let largest = seal_chunk(&keys(), &long[1..], &mut scratch).expect("fits");
    let opened = open_chunk(&largest.chunk, &largest.bytes, &mut scratch);
    assert!(opened.is_ok_and(|plain| plain == long[1..]));
}

#[test]
fn overhead_is_as_documented_and_compression_is_used_where_it_pays() {
    let incompressible = sealed(&keys(), &random(8, 100_000));
    assert_eq!(incompressible.bytes.len(), 100_000 + CHUNK_OVERHEAD);
    assert!(sealed(&keys(), &text(9, 100_000)).bytes.len() < 50_000);
}

#[test]
fn a_reference_that_asks_for_too_much_is_refused_before_memory_is_taken() {
    let chunk = sealed(&keys(), &vec![0; 100_000]);
    for length in [MAX_CHUNK_BYTES + 1, u32::MAX] {
        let greedy = hythe_model::ChunkRef {
            length,
            ..chunk.chunk.clone()
        };
        let opened = open_chunk(&greedy, &chunk.bytes, &mut Scratch::new());
        assert_eq!(opened, Err(OpenError::Length));
    }
    for length in [99_999, 100_001, MAX_CHUNK_BYTES] {
        let wrong = hythe_model::ChunkRef {
            length,
            ..chunk.chunk.clone()
        };
        let opened = open_chunk(&wrong, &chunk.bytes, &mut Scratch::new());
        assert_eq!(opened, Err(OpenError::Compression));
    }
}

/// Content with structure: runs of random bytes, of one byte, and repeats of what came before.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let piece = (0..3_u8, any::<u64>(), 0..30_000_usize);
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| {
        let mut data = Vec::new();
        for (sort, seed, length) in pieces {
            match sort {
                0 => data.extend(random(seed, length)),
                1 => data.resize(data.len() + length, seed as u8),
                _ => data.extend(text(seed, length)),
            }
        }
        data
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_content_comes_back_exactly(data in content()) {
        let keys = keys();
        round_trip(&keys, &keys.cutter(Chunker::Keyed, SMALL), &data);
    }

    #[test]
    fn segments_in_parallel_cut_like_one_pass(
        data in content(),
        lengths in proptest::collection::vec(1..40_000_usize, 1..8),
        fixed in any::<bool>(),
    ) {
        let chunker = if fixed { Chunker::Fixed } else { Chunker::Keyed };
        let cutter = keys().cutter(chunker, SMALL);
        let (mut cuts, mut found) = (Vec::new(), Vec::new());
        let mut selector = Selector::new(cutter.limits());
        let mut start = 0;
        for length in lengths.into_iter().cycle() {
            if start == data.len() {
                break;
            }
            let end = data.len().min(start + length);
            let context = start.min(hythe_content::CONTEXT_BYTES);
            found.clear();
            cutter.candidates(&data[start - context..end], context, &mut found);
            selector.push((end - start) as u64, &found, &mut cuts);
            start = end;
        }
        selector.finish(&mut cuts);
        let whole: Vec<u64> = cutter.split(&data).into_iter().map(|end| end as u64).collect();
        prop_assert_eq!(cuts, whole);
    }

    #[test]
    fn a_stream_that_arrives_in_pieces_is_cut_like_a_whole(
        data in content(),
        step in 1..5000_usize,
    ) {
        let cutter = keys().cutter(Chunker::Keyed, SMALL);
        let (mut ends, mut start, mut scanned, mut arrived) = (Vec::new(), 0, 0, 0);
        while start < data.len() {
            match cutter.next_cut(&data[start..arrived], scanned) {
                Some(length) => {
                    start += length;
                    scanned = 0;
                    ends.push(start);
                }
                None if arrived == data.len() => {
                    start = arrived;
                    ends.push(start);
                }
                None => {
                    scanned = arrived - start;
                    arrived = data.len().min(arrived + step);
                }
            }
        }
        prop_assert_eq!(ends, cutter.split(&data));
    }
}
