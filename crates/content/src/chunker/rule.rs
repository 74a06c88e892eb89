//! The rule of [`super::scan`] as it is written there, position by position, against the code
//! that makes it fast.

use hythe_model::{ChunkClass, Chunker, KeyEpoch, Secret32, SpaceId};

use super::scan::{CONTEXT_BYTES, Cutter};
use super::select::Selector;
use crate::keys::{EpochSecret, SpaceKeys};

fn cutter(seed: u8, class: u8) -> Cutter {
    let secret = EpochSecret::new(Secret32::new([seed; 32]));
    let keys = SpaceKeys::derive(&SpaceId([1; 32]), KeyEpoch::FIRST, &secret);
    keys.cutter(Chunker::Keyed, ChunkClass(class))
}

fn random(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new()
        .update(&seed.to_le_bytes())
        .finalize_xof()
        .fill(&mut bytes);
    bytes
}

/// Contents of every sort that the fast code treats apart.
fn contents() -> Vec<(&'static str, Vec<u8>)> {
    let zeros = vec![0; 9000];
    // A byte whose runs are all anchors.
    let anchors = vec![12; 9000];
    let mixed = [
        &random(1, 5000)[..],
        &[0; 5000],
        &random(2, 70),
        &[255; 3],
        &[12; 300],
        &[0; 64],
    ];
    let words = random(3, 6000)
        .iter()
        .flat_map(|b| [b"haven", b"river"][usize::from(b % 2)])
        .copied()
        .collect();
    let two: Vec<u8> = random(4, 9000)
        .iter()
        .map(|b| b"AC"[usize::from(b % 2)])
        .collect();
    // Long runs, then something that may be an anchor, then pairs of equal bytes.
    let pairs = |seed| {
        random(seed, 45)
            .iter()
            .flat_map(|b| [b"AC"[usize::from(b % 2)]; 2])
            .collect()
    };
    let runs: Vec<Vec<u8>> = (0..400)
        .flat_map(|seed| [vec![0; 200], random(seed, 6), pairs(seed)])
        .collect();
    vec![
        ("runs", runs.concat()),
        ("empty", Vec::new()),
        ("short", random(5, 63)),
        ("one window", random(5, 64)),
        ("random", random(6, 20_000)),
        ("zeros", zeros),
        ("anchors", anchors),
        ("mixed", mixed.concat()),
        ("words", words),
        ("two letters", two),
    ]
}

fn by_the_rule(cutter: &Cutter, data: &[u8]) -> Vec<u32> {
    let anchor = |i: usize| {
        let word = |at: usize| u16::from_be_bytes([data[at - 1], data[at]]);
        let sum = word(i - 2)
            .wrapping_mul(0x51ED)
            .wrapping_add(word(i).wrapping_mul(0x9E37));
        sum >= 0xF000
    };
    let candidate = |i: &usize| {
        let owner = (63.max(i - 63)..=*i)
            .rev()
            .find(|a| anchor(*a))
            .unwrap_or(*i);
        let window = data[owner - 63..=owner].try_into().unwrap();
        cutter.decides(window) == Some(i - owner)
    };
    (63..data.len())
        .filter(candidate)
        .map(|i| i as u32 + 1)
        .collect()
}

#[test]
fn candidates_are_what_the_rule_says() {
    for (name, data) in contents() {
        for (seed, threshold) in [(1, None), (2, Some(u32::MAX)), (3, Some(u32::MAX / 3))] {
            let mut cutter = cutter(seed, 12);
            cutter.set_threshold(threshold);
            let mut found = Vec::new();
            cutter.candidates(&data, 0, &mut found);
            assert_eq!(found, by_the_rule(&cutter, &data), "{name}, key {seed}");
        }
    }
}

#[test]
fn every_position_of_constant_data_gets_the_same_decision() {
    // With the highest threshold place decides alone: one key in 64 makes all positions candidates.
    let zeros = vec![0; 10_000];
    let counts: Vec<usize> = (0..=255)
        .map(|seed| {
            let mut cutter = cutter(seed, 12);
            cutter.set_threshold(Some(u32::MAX));
            let mut found = Vec::new();
            cutter.candidates(&zeros, 0, &mut found);
            found.len()
        })
        .collect();
    assert!(
        counts.iter().all(|n| *n == 0 || *n == zeros.len() - 63),
        "{counts:?}"
    );
    assert!(counts.iter().any(|n| *n > 0) && counts.contains(&0));
}

#[test]
fn segments_give_what_the_whole_gives() {
    for (name, data) in contents() {
        let mut cutter = cutter(2, 12);
        cutter.set_threshold(Some(u32::MAX / 3));
        let mut whole = Vec::new();
        cutter.candidates(&data, 0, &mut whole);
        for length in [1, 63, 64, 65, 127, 1000, 4096, 4097] {
            let mut parts = Vec::new();
            let mut start = 0;
            while start < data.len() {
                let end = data.len().min(start + length);
                let context = start.min(CONTEXT_BYTES);
                let mut found = Vec::new();
                cutter.candidates(&data[start - context..end], context, &mut found);
                parts.extend(found.iter().map(|at| at + start as u32));
                start = end;
            }
            assert_eq!(parts, whole, "{name} in segments of {length}");
        }
    }
}

#[test]
fn context_is_as_long_as_it_has_to_be_and_no_longer() {
    let mut cutter = cutter(2, 12);
    cutter.set_threshold(Some(u32::MAX / 3));
    let data = random(9, 50_000);
    let mut whole = Vec::new();
    cutter.candidates(&data, 0, &mut whole);
    let with = |context: usize| {
        let mut found = 0;
        for at in (1000..49_000).step_by(40) {
            let mut here = Vec::new();
            cutter.candidates(&data[at - context..at + 1], context, &mut here);
            found += usize::from(here.is_empty() != whole.contains(&(at as u32 + 1)));
        }
        found
    };
    let expected = (1000..49_000).step_by(40).count();
    assert_eq!(with(CONTEXT_BYTES), expected);
    assert!(with(CONTEXT_BYTES / 2) < expected);
}

#[test]
fn skipping_to_the_least_length_misses_no_cut() {
    // Dense candidates, so that many chunks end at exactly the least length.
    let mut cutter = cutter(2, 12);
    cutter.set_threshold(Some(u32::MAX / 3));
    let data = random(10, 2 << 20);
    let (mut candidates, mut cuts) = (Vec::new(), Vec::new());
    cutter.candidates(&data, 0, &mut candidates);
    let mut selector = Selector::new(cutter.limits());
    selector.push(data.len() as u64, &candidates, &mut cuts);
    selector.finish(&mut cuts);
    let least = u64::from(cutter.limits().min);
    assert!(cuts.windows(2).any(|pair| pair[1] - pair[0] == least));
    let ends: Vec<u64> = cutter
        .split(&data)
        .into_iter()
        .map(|end| end as u64)
        .collect();
    assert_eq!(ends, cuts);
}
