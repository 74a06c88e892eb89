//! From candidates to cuts.

use super::class::Limits;

/// Picks cuts from the candidates of consecutive segments: the first that leaves a chunk long
/// enough, and one by force where a chunk would become too long.
#[derive(Debug, Clone)]
pub struct Selector {
    limits: Limits,
    /// Where the chunk under way begins.
    start: u64,
    /// Where the segments so far end.
    end: u64,
}

impl Selector {
    /// Starts at the beginning of a file.
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            start: 0,
            end: 0,
        }
    }

    /// Takes the next segment, `length` bytes with these candidates, and appends to `cuts` the
    /// ends of chunks, counted from the start of the file.
    pub fn push(&mut self, length: u64, candidates: &[u32], cuts: &mut Vec<u64>) {
        for candidate in candidates {
            let candidate = self.end + u64::from(*candidate);
            self.force(candidate, cuts);
            if candidate >= self.start + u64::from(self.limits.min) {
                self.cut(candidate, cuts);
            }
        }
        self.end += length;
        self.force(self.end, cuts);
    }

    /// Ends the file: appends the end of its last chunk, if one is under way.
    pub fn finish(self, cuts: &mut Vec<u64>) {
        if self.end > self.start {
            cuts.push(self.end);
        }
    }

    /// Cuts until the chunk under way is shorter than the limit at `position`.
    fn force(&mut self, position: u64, cuts: &mut Vec<u64>) {
        while position >= self.start + u64::from(self.limits.max) {
            self.cut(self.start + u64::from(self.limits.max), cuts);
        }
    }

    fn cut(&mut self, position: u64, cuts: &mut Vec<u64>) {
        cuts.push(position);
        self.start = position;
    }
}
