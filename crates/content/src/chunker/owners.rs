//! Which positions share a cipher block: anchors and owners, by the public rule of
//! [`super::scan`].

use std::ops::Range;

use super::hash::WINDOW;

/// How many positions an anchor can own.
pub(super) const REACH: usize = 64;

/// The first position with a whole window.
const FIRST: usize = WINDOW - 1;

/// Two odd factors under which no run of a byte that files are padded with is all anchors, which
/// would be right but slow. 16-bit words, because every compiler makes vectors of these.
const ANCHOR_FACTORS: [u16; 2] = [0x51ED, 0x9E37];
const ANCHOR_LEAST: u16 = 0xF000;

/// Bytes that decide whether their last one is an anchor.
const ANCHOR_BYTES: usize = 4;

/// Positions whose anchors are found together, as the bits of a word.
const GROUP: usize = 64;
const GROUP_BYTES: usize = GROUP + ANCHOR_BYTES - 1;

/// Positions looked at before their blocks are enciphered.
const STRIDE: usize = 4096;

/// Whether the public rule makes `position` an anchor; it has at least three bytes before it.
pub(super) fn is_anchor(data: &[u8], position: usize) -> bool {
    let word = |at: usize| u16::from(data[at - 1]) << 8 | u16::from(data[at]);
    anchors(word(position - 2), word(position))
}

#[inline]
fn anchors(left: u16, right: u16) -> bool {
    let [a, b] = ANCHOR_FACTORS;
    left.wrapping_mul(a).wrapping_add(right.wrapping_mul(b)) >= ANCHOR_LEAST
}

/// The anchors of a group as bits; `bytes` begins three bytes before its first position. Written
/// so that the compiler makes vectors of it: words, then flags, then eight flags to a byte.
fn anchor_bits(bytes: &[u8; GROUP_BYTES]) -> u64 {
    let mut words = [0; GROUP_BYTES - 1];
    for (i, word) in words.iter_mut().enumerate() {
        *word = u16::from(bytes[i]) << 8 | u16::from(bytes[i + 1]);
    }
    let mut flags = [0; GROUP];
    for (i, flag) in flags.iter_mut().enumerate() {
        *flag = u8::from(anchors(words[i], words[i + 2]));
    }
    let eights = flags.as_chunks().0.iter().enumerate();
    eights.fold(0, |bits, (i, eight)| {
        let gathered = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        bits | gathered << (8 * i)
    })
}

/// Walks over the owners of a range of positions, a stride at a time.
pub(super) struct Owners<'a> {
    data: &'a [u8],
    /// Where the next group begins.
    at: usize,
    end: usize,
    /// The first position that no anchor seen so far owns.
    orphans: usize,
    /// How many orphans up to the last one found repeat the byte before them.
    equal: usize,
    owners: Vec<usize>,
}

impl<'a> Owners<'a> {
    pub(super) fn new(data: &'a [u8], positions: Range<usize>) -> Self {
        let first = positions.start.max(FIRST);
        Self {
            data,
            at: (first + 1).saturating_sub(REACH).max(FIRST),
            end: positions.end,
            orphans: first,
            equal: 0,
            owners: Vec::with_capacity(STRIDE / 8),
        }
    }

    pub(super) fn found(&self) -> &[usize] {
        &self.owners
    }

    /// Collects the owners of the next stride; false when there is none left.
    pub(super) fn gather(&mut self) -> bool {
        self.owners.clear();
        let stop = self.end.min(self.at + STRIDE);
        let more = self.at < stop;
        while self.at < stop {
            self.gather_group(stop);
        }
        more
    }

    fn gather_group(&mut self, stop: usize) {
        let (start, end) = (self.at, stop.min(self.at + GROUP));
        let bytes = &self.data[start + 1 - ANCHOR_BYTES..end];
        let mut bits = if let Ok(whole) = bytes.try_into() {
            anchor_bits(whole)
        } else {
            let mut padded = [0; GROUP_BYTES];
            padded[..bytes.len()].copy_from_slice(bytes);
            anchor_bits(&padded) & !(u64::MAX << (end - start))
        };
        while bits != 0 {
            let anchor = start + bits.trailing_zeros() as usize;
            bits &= bits - 1;
            self.gather_orphans(anchor);
            self.owners.push(anchor);
            self.equal = 0;
            self.orphans = self.orphans.max(anchor + REACH);
        }
        self.gather_orphans(end);
        self.at = end;
    }

    /// Adds the positions before `end` that own themselves. In a run of equal bytes they all have
    /// the same window and so the same decision: the first stand for them, see [`Hits::hit`].
    #[inline]
    fn gather_orphans(&mut self, end: usize) {
        for position in self.orphans..end {
            let same = self.data[position] == self.data[position - 1];
            self.equal = if same { self.equal + 1 } else { 0 };
            if self.equal < WINDOW {
                self.owners.push(position);
            }
        }
        self.orphans = self.orphans.max(end);
    }
}

/// Whether `position` and the one before it have the same window, because all its bytes are equal.
pub(super) fn is_run(data: &[u8], position: usize) -> bool {
    position >= WINDOW && data[position - WINDOW..position] == data[position - FIRST..=position]
}
