//! How large chunks are.

use hythe_model::{ChunkClass, Chunker};

/// Length of the chunks of [`Chunker::Fixed`], in bytes.
pub const FIXED_BYTES: u32 = 1 << 20;

/// The class of files up to [`SMALL_FILE`]: 256 KiB. Smaller chunks cost more to seal (64 KiB a
/// third more, 16 KiB twice as much: `examples/throughput.rs`) and more rows in every index;
/// larger ones are no faster, and an edit sends one or two of them.
const DEFAULT_EXPONENT: u8 = 18;

/// The class of the largest files: 4 MiB, so that no chunk is over 16 MiB.
const LARGEST_EXPONENT: u8 = 22;

/// The smallest class a [`crate::Cutter`] takes: its least chunk still holds a whole window.
const SMALLEST_EXPONENT: u8 = 12;

/// Files up to 4 GiB (some 16,000 chunks) keep the default class; each doubling adds one.
const SMALL_FILE: u64 = 4 << 30;

/// How many classes a pinned one may be off before a file is cut anew.
const HYSTERESIS: u8 = 1;

/// Bounds on the length of a chunk, in bytes. The last chunk of a file may be shorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// No cut before this many bytes.
    pub min: u32,
    /// Always a cut after this many bytes.
    pub max: u32,
}

impl Limits {
    /// A quarter and four times of the class's average; a class no file can have counts as the
    /// nearest one that it can.
    pub fn of(chunker: Chunker, class: ChunkClass) -> Self {
        let average = 1_u32 << exponent(class);
        match chunker {
            Chunker::Keyed | Chunker::Carried => Self {
                min: average / 4,
                max: average * 4,
            },
            Chunker::Fixed => Self {
                min: FIXED_BYTES,
                max: FIXED_BYTES,
            },
        }
    }
}

/// The exponent of a class, brought into the range cutters support.
pub(super) fn exponent(class: ChunkClass) -> u8 {
    class.0.clamp(SMALLEST_EXPONENT, LARGEST_EXPONENT)
}

/// The class for a file of `size` bytes. A node's pinned class stays until it is two classes off:
/// a file that grows and shrinks around a border is not cut anew each time.
pub fn class_for(size: u64, pinned: Option<ChunkClass>) -> ChunkClass {
    let doublings = size
        .div_ceil(SMALL_FILE)
        .max(1)
        .next_power_of_two()
        .trailing_zeros();
    let most = LARGEST_EXPONENT - DEFAULT_EXPONENT;
    let natural = DEFAULT_EXPONENT + u8::try_from(doublings).unwrap_or(most).min(most);
    let keeps = |class: &ChunkClass| {
        (DEFAULT_EXPONENT..=LARGEST_EXPONENT).contains(&class.0)
            && class.0.abs_diff(natural) <= HYSTERESIS
    };
    pinned.filter(keeps).unwrap_or(ChunkClass(natural))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn classes_grow_with_files_and_end_at_four_mebibytes() {
        for (size, class) in [
            (0, 18),
            (1, 18),
            (4 * GIB, 18),
            (4 * GIB + 1, 19),
            (8 * GIB, 19),
            (32 * GIB, 21),
            (33 * GIB, 22),
            (1024 * GIB, 22),
            (u64::MAX, 22),
        ] {
            assert_eq!(class_for(size, None), ChunkClass(class), "{size}");
        }
    }

    #[test]
    fn a_pinned_class_holds_until_it_is_two_off() {
        assert_eq!(class_for(5 * GIB, Some(ChunkClass(18))), ChunkClass(18));
        assert_eq!(class_for(9 * GIB, Some(ChunkClass(18))), ChunkClass(20));
        assert_eq!(class_for(5 * GIB, Some(ChunkClass(20))), ChunkClass(20));
        assert_eq!(class_for(GIB, Some(ChunkClass(20))), ChunkClass(18));
        for foreign in [0, 17, 23, 255] {
            assert_eq!(class_for(1, Some(ChunkClass(foreign))), ChunkClass(18));
        }
    }

    #[test]
    fn limits_never_exceed_what_a_chunk_may_be() {
        for class in 0..=255 {
            for chunker in [Chunker::Keyed, Chunker::Fixed] {
                let limits = Limits::of(chunker, ChunkClass(class));
                assert!(limits.max <= hythe_model::layout::MAX_CHUNK_BYTES);
                assert!(limits.min >= 1024 && limits.min <= limits.max);
            }
        }
    }
}
