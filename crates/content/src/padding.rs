//! Filling up what is sealed, so that its length says less: in sealed spaces, where the server is to
//! know no more of a file than it must (A31).

use crate::seal::OVERHEAD;
use hythe_model::layout::MAX_CHUNK_BYTES;

/// Names and attributes are filled up to a multiple of this.
const STEP_BYTES: usize = 32;

/// No padded chunk, and no padded body, is smaller than this.
const LEAST_BYTES: usize = 256;

/// No padded chunk is larger than this: servers take objects of little more than a chunk.
const MOST_BYTES: usize = MAX_CHUNK_BYTES as usize + (32 << 10);

/// What a padded chunk holds beside its content: the content's length.
const LENGTH_BYTES: usize = 4;

/// What stands between a field's plaintext and its filling.
const MARK: u8 = 1;

/// The next length that Padmé allows: of a length's binary digits it keeps as many at the top as
/// the number of its digits has (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and
/// Communication with PURBs", 2019). At most 12 % longer, and log log bits are told.
pub(crate) fn padme(length: usize) -> usize {
    if length < 2 {
        return length;
    }
    let exponent = length.ilog2();
    let kept = exponent.ilog2() + 1;
    // Fewer digits than a number has: never below zero for two and more.
    let mask = (1_usize << exponent.saturating_sub(kept)) - 1;
    length.saturating_add(mask) & !mask
}

/// The length of a sealed chunk whose content takes `content` bytes; `form` is what ends it.
fn chunk_bytes(content: usize, form: usize) -> usize {
    let least = OVERHEAD + content + LENGTH_BYTES + form;
    padme(least.max(LEAST_BYTES)).min(MOST_BYTES.max(least))
}

/// The most that a chunk of `length` bytes takes, padded or not.
pub(crate) fn most_chunk_bytes(length: usize) -> usize {
    chunk_bytes(length, 1)
}

/// Fills up what stands in `out` from `start` on, the content of a chunk before its form byte: zeros,
/// then the content's length.
pub(crate) fn fill_chunk(out: &mut Vec<u8>, start: usize) {
    let content = out.len() - start;
    let filled = chunk_bytes(content, 1) - OVERHEAD - LENGTH_BYTES - 1;
    out.resize(start + filled, 0);
    // A chunk has 16 MiB at most.
    out.extend_from_slice(&(content as u32).to_be_bytes());
}

/// The content among what was filled up, its form byte taken off; none where it was filled up in
/// another way.
pub(crate) fn chunk_content(filled: &[u8]) -> Option<&[u8]> {
    let (rest, length) = filled.split_last_chunk::<LENGTH_BYTES>()?;
    let (content, zeros) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    let whole = chunk_bytes(content.len(), 1) == OVERHEAD + filled.len() + 1;
    (whole && zeros.iter().all(|byte| *byte == 0)).then_some(content)
}

/// The plaintext of a field, marked and filled up to a multiple of 32 bytes.
pub(crate) fn fill_small(plain: &[u8]) -> Vec<u8> {
    fill(plain, (plain.len() + 1).next_multiple_of(STEP_BYTES))
}

/// The same for a body, whose length goes by Padmé.
pub(crate) fn fill_large(plain: &[u8]) -> Vec<u8> {
    fill(plain, padme((plain.len() + 1).max(LEAST_BYTES)))
}

fn fill(plain: &[u8], length: usize) -> Vec<u8> {
    let mut filled = Vec::with_capacity(length);
    filled.extend_from_slice(plain);
    filled.push(MARK);
    filled.resize(length, 0);
    filled
}

/// Takes mark and filling off; false where there is no mark.
pub(crate) fn strip(filled: &mut Vec<u8>) -> bool {
    let mark = filled.iter().rposition(|byte| *byte != 0);
    match mark.filter(|at| filled.get(*at) == Some(&MARK)) {
        Some(at) => {
            filled.truncate(at);
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a31_padme_is_what_the_paper_says() {
        for (length, padded) in [
            (0, 0),
            (1, 1),
            (2, 2),
            (8, 8),
            (9, 10),
            (255, 256),
            (256, 256),
            (257, 272),
            (1000, 1024),
            (1 << 20, 1 << 20),
            ((1 << 20) + 1, (1 << 20) + (1 << 15)),
        ] {
            assert_eq!(padme(length), padded, "{length}");
        }
    }

    #[test]
    fn a31_padding_costs_little_and_leaves_few_lengths() {
        let mut lengths = std::collections::BTreeSet::new();
        let mut length = 1_usize;
        while length <= MAX_CHUNK_BYTES as usize {
            let padded = most_chunk_bytes(length);
            assert!(
                padded >= length + OVERHEAD + 5 && padded <= MOST_BYTES,
                "{length}"
            );
            if length > LEAST_BYTES {
                assert!(
                    padded - length <= length * 3 / 25 + 40,
                    "{length}: {padded}"
                );
            }
            lengths.insert(padded);
            length += 1 + length / 1000;
        }
        assert!(lengths.len() < 400, "{}", lengths.len());
    }

    #[test]
    fn what_was_filled_up_comes_back_and_nothing_else_does() {
        for length in [0, 1, 30, 31, 32, 255, 256, 10_000] {
            let plain = vec![0; length];
            for mut filled in [fill_small(&plain), fill_large(&plain)] {
                assert!(filled.len() > length);
                assert!(strip(&mut filled));
                assert_eq!(filled, plain);
            }
            let mut filled = plain.clone();
            fill_chunk(&mut filled, 0);
            assert_eq!(chunk_content(&filled), Some(&plain[..]));
            // In another way: more of it, or with something in it.
            let mut more = plain.clone();
            more.resize(filled.len(), 0);
            more.extend_from_slice(&(length as u32).to_be_bytes());
            assert_eq!(chunk_content(&more), None, "{length}");
            let at = filled.len() - LENGTH_BYTES - 1;
            filled[at] ^= 1;
            assert_eq!(chunk_content(&filled), None, "{length}");
        }
        assert_eq!(chunk_content(&[0xff; 8]), None);
        assert!(!strip(&mut vec![0; 32]));
        assert!(!strip(&mut vec![]));
        assert!(!strip(&mut vec![2, 0, 0]));
    }
}
