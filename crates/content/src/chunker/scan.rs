//! Candidates for cuts.
//!
//! For a byte at index i of a file, counted from 0, with at least 63 bytes before it:
//! * i is an **anchor** when BE16(bytes i-3, i-2) × 0x51ED + BE16(bytes i-1, i) × 0x9E37, modulo
//!   2^16, is at least 0xF000;
//! * the **owner** of i is the last anchor in i-63..=i, or i itself where there is none;
//! * x = AES-128(LE128(universal hash of the 64 bytes up to and including the owner));
//! * a chunk may end after i when LE32(x₀..x₃) < threshold and x₄ mod 64 = i - owner.
//!
//! So a decision depends on nothing but the 127 bytes up to and including i, segments of a file
//! can be scanned in any order, and every position is a candidate with probability
//! threshold / 2^38 = 4 / (3 × average): after the least length of a quarter of the average, the
//! mean chunk is the average. A larger class has a smaller threshold, so its candidates are among
//! those of a smaller class: a file that changes class keeps many of its cuts.

use std::ops::{ControlFlow, Range};

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Block};
use hythe_model::{ChunkClass, Chunker};

use super::class::{Limits, exponent};
use super::hash::{WINDOW, universal};
use super::owners::{Owners, REACH, is_anchor, is_run};
use crate::keys::SpaceKeys;

/// How many bytes before a segment decide about cuts in it, where the file has as many: 126.
pub const CONTEXT_BYTES: usize = (WINDOW - 1) + (REACH - 1);

/// Cipher blocks per call: several times what any hardware keeps in flight.
const BATCH: usize = 64;

/// Finds where chunks of a file may end. Made by [`SpaceKeys::cutter`]; cheap to share.
pub struct Cutter {
    hash: [u64; WINDOW / 8],
    cipher: Aes128,
    threshold: u32,
    limits: Limits,
}

impl SpaceKeys {
    /// The cutter for files of this chunker and class.
    pub fn cutter(&self, chunker: Chunker, class: ChunkClass) -> Cutter {
        let threshold = match chunker {
            Chunker::Keyed | Chunker::Carried => (1_u32 << (40 - u32::from(exponent(class)))) / 3,
            Chunker::Fixed => 0,
        };
        Cutter {
            hash: self.cuts.hash,
            cipher: Aes128::new(&self.cuts.cipher.into()),
            threshold,
            limits: Limits::of(chunker, class),
        }
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.hash);
    }
}

impl Cutter {
    /// Bounds on the length of the chunks.
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// Appends to `out` the ends of chunks that are possible in a segment, ascending and counted
    /// from the segment's start; a [`Selector`](super::Selector) picks from them.
    ///
    /// `data` is the segment with `context` bytes of the file before it: [`CONTEXT_BYTES`], or as
    /// many as there are. A segment is at most 4 GiB long.
    pub fn candidates(&self, data: &[u8], context: usize, out: &mut Vec<u32>) {
        let _ = self.scan(data, context..data.len(), &mut |position| {
            out.push((position + 1 - context) as u32);
            ControlFlow::Continue(())
        });
    }

    /// Finds the end of the chunk that begins at the start of `data`; none when `data` is too
    /// short to tell, and the rest of a file is then its last chunk. Looks only where the chunk
    /// may end, so it does a quarter less than [`Self::candidates`], and finds the same.
    ///
    /// `scanned` is the length `data` had when the same chunk could not be ended before; else 0.
    pub fn next_cut(&self, data: &[u8], scanned: usize) -> Option<usize> {
        let (min, max) = (self.limits.min as usize, self.limits.max as usize);
        let to = data.len().min(max);
        let from = scanned.max(min - 1);
        let found = self.scan(data, from..to, &mut ControlFlow::Break);
        match found {
            ControlFlow::Break(position) => Some(position + 1),
            ControlFlow::Continue(()) => (data.len() >= max).then_some(max),
        }
    }

    /// Cuts a whole file that is in memory: the ends of its chunks.
    pub fn split(&self, data: &[u8]) -> Vec<usize> {
        let mut ends = Vec::new();
        let mut start = 0;
        while start < data.len() {
            start += self
                .next_cut(&data[start..], 0)
                .unwrap_or(data.len() - start);
            ends.push(start);
        }
        ends
    }

    /// Visits the candidates among `positions` of `data` in ascending order.
    fn scan(
        &self,
        data: &[u8],
        positions: Range<usize>,
        visit: &mut dyn FnMut(usize) -> ControlFlow<usize>,
    ) -> ControlFlow<usize> {
        if self.threshold == 0 || positions.is_empty() {
            return ControlFlow::Continue(());
        }
        let mut owners = Owners::new(data, positions.clone());
        let mut hits = Hits {
            data,
            positions,
            next: 0,
            visit,
        };
        while owners.gather() {
            for batch in owners.found().chunks(BATCH) {
                self.decide(batch, &mut hits)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Hashes and enciphers the windows of some owners and visits the candidates among them.
    fn decide(&self, owners: &[usize], hits: &mut Hits<'_>) -> ControlFlow<usize> {
        let mut blocks = [Block::default(); BATCH];
        for (owner, block) in owners.iter().zip(&mut blocks) {
            if let Some((_, window)) = hits.data[..=*owner].split_last_chunk() {
                *block = universal(window, &self.hash).to_le_bytes().into();
            }
        }
        self.cipher.encrypt_blocks(&mut blocks[..owners.len()]);
        for (owner, block) in owners.iter().zip(&blocks) {
            let [a, b, c, d, place, ..] = block.0;
            if u32::from_le_bytes([a, b, c, d]) < self.threshold {
                hits.hit(*owner, usize::from(place) % REACH)?;
            }
        }
        ControlFlow::Continue(())
    }
}

/// Turns owners whose block says "here" into candidates.
struct Hits<'a> {
    data: &'a [u8],
    positions: Range<usize>,
    /// Candidates before this position were visited.
    next: usize,
    visit: &'a mut dyn FnMut(usize) -> ControlFlow<usize>,
}

impl Hits<'_> {
    /// `owner`'s block names the position `place` after it. Rare, so it may look at the data again.
    fn hit(&mut self, owner: usize, place: usize) -> ControlFlow<usize> {
        let candidate = owner + place;
        if is_anchor(self.data, owner) {
            let owns = candidate < self.positions.end
                && !(owner + 1..=candidate).any(|position| is_anchor(self.data, position));
            return if owns {
                self.visit(candidate)
            } else {
                ControlFlow::Continue(())
            };
        }
        if place != 0 {
            return ControlFlow::Continue(());
        }
        self.visit(owner)?;
        let (data, end) = (self.data, self.positions.end);
        (owner + 1..end)
            .take_while(|next| is_run(data, *next) && !is_anchor(data, *next))
            .try_for_each(|position| self.visit(position))
    }

    fn visit(&mut self, position: usize) -> ControlFlow<usize> {
        if position < self.next || position < self.positions.start {
            return ControlFlow::Continue(());
        }
        self.next = position + 1;
        (self.visit)(position)
    }
}

#[cfg(test)]
impl Cutter {
    /// Another threshold than the class's, for more candidates.
    pub(super) fn set_threshold(&mut self, threshold: Option<u32>) {
        self.threshold = threshold.unwrap_or(self.threshold);
    }

    /// Which place after its owner the block of a window names, if any.
    pub(super) fn decides(&self, window: &[u8; WINDOW]) -> Option<usize> {
        let mut block = Block::from(universal(window, &self.hash).to_le_bytes());
        self.cipher.encrypt_block(&mut block);
        let value = u64::from_le_bytes(*block.first_chunk()?);
        ((value as u32) < self.threshold).then_some((value >> 32) as usize % REACH)
    }
}
