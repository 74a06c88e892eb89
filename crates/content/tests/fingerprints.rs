//! A19: cuts tell nothing about content or keys to somebody who knows all of the content.

mod samples;

use hythe_content::SpaceKeys;
use hythe_model::{Chunker, KeyEpoch};
use samples::{SMALL, SPACE, keys_of, random};

const LENGTH: usize = 24 << 20;

/// The probability of a candidate at one position in the class.
fn probability() -> f64 {
    1.0 / (0.75 * f64::from(1 << SMALL.0))
}

fn candidates(keys: &SpaceKeys, data: &[u8]) -> Vec<u32> {
    let mut found = Vec::new();
    keys.cutter(Chunker::Keyed, SMALL)
        .candidates(data, 0, &mut found);
    found
}

/// Whether a count is within five standard deviations of what chance gives.
fn by_chance(count: usize, trials: usize, probability: f64) -> bool {
    let mean = trials as f64 * probability;
    (count as f64 - mean).abs() < 5.0 * (mean * (1.0 - probability)).sqrt().max(1.0)
}

/// The public rule, written out again.
fn is_anchor(data: &[u8], i: usize) -> bool {
    let word = |at: usize| u16::from_be_bytes([data[at - 1], data[at]]);
    word(i - 2)
        .wrapping_mul(0x51ED)
        .wrapping_add(word(i).wrapping_mul(0x9E37))
        >= 0xF000
}

#[test]
fn a19_candidates_have_the_frequency_of_chance_and_keys_share_none() {
    let data = random(1, LENGTH);
    let one = candidates(&keys_of(SPACE, KeyEpoch::FIRST, 1), &data);
    let two = candidates(&keys_of(SPACE, KeyEpoch::FIRST, 2), &data);
    assert!(by_chance(one.len(), LENGTH, probability()), "{}", one.len());
    let common = one
        .iter()
        .filter(|at| two.binary_search(at).is_ok())
        .count();
    assert!(
        by_chance(common, one.len(), probability()),
        "{common} of {}",
        one.len()
    );
}

#[test]
fn a19_candidates_do_not_show_the_public_anchors() {
    let data = random(2, LENGTH);
    let found = candidates(&keys_of(SPACE, KeyEpoch::FIRST, 1), &data);
    for distance in 0..8 {
        let at = |i: usize| is_anchor(&data, i - distance);
        let share = (100..LENGTH).filter(|i| at(*i)).count() as f64 / (LENGTH - 100) as f64;
        let count = found.iter().filter(|end| at(**end as usize - 1)).count();
        assert!(
            by_chance(count, found.len(), share),
            "distance {distance}: {count}"
        );
    }
}

/// Rank over GF(2) of the windows' bits and a constant: less than full means that some linear
/// function of the content has the same value at every cut, which is what the published attacks
/// solve for.
fn rank(windows: impl Iterator<Item = Vec<u8>>) -> usize {
    let mut basis: Vec<Option<Vec<u64>>> = vec![None; 513];
    for window in windows {
        let mut row: Vec<u64> = window
            .chunks(8)
            .map(|b| b.iter().fold(0, |w, b| w << 8 | u64::from(*b)))
            .collect();
        row.push(1);
        for column in 0..513 {
            if row[column / 64] >> (column % 64) & 1 == 0 {
                continue;
            }
            match &basis[column] {
                Some(other) => row.iter_mut().zip(other).for_each(|(a, b)| *a ^= b),
                None => {
                    basis[column] = Some(row);
                    break;
                }
            }
        }
    }
    basis.iter().flatten().count()
}

#[test]
fn a19_no_linear_function_of_the_window_is_constant_over_the_cuts() {
    let data = random(3, 8 << 20);
    let owner = |end: u32| {
        let last = end as usize - 1;
        (last - 63..=last)
            .rev()
            .find(|a| is_anchor(&data, *a))
            .unwrap_or(last)
    };
    let window = |last: usize| data[last - 63..=last].to_vec();
    let found = candidates(&keys_of(SPACE, KeyEpoch::FIRST, 1), &data);
    assert!(found.len() > 2000);
    assert_eq!(rank(found.iter().map(|end| window(owner(*end)))), 513);
    assert_eq!(rank(found.iter().map(|end| window(*end as usize - 1))), 513);

    // The same look at a chunker of the sort that was broken finds it at once: here a cut is
    // where ten secret linear functions of the window are zero.
    let secret = random(4, 640);
    let linear = |last: &usize| {
        let window = &data[last - 63..=*last];
        secret.chunks(64).all(|mask| {
            let parity = window
                .iter()
                .zip(mask)
                .map(|(w, m)| (w & m).count_ones())
                .sum::<u32>();
            parity % 2 == 0
        })
    };
    let broken = (63..data.len()).step_by(2).filter(linear).take(2000);
    assert_eq!(rank(broken.map(window)), 503);
}
