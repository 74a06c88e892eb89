//! Chance that comes from a seed.

/// A row of numbers that a seed determines (SplitMix64).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The row of a seed and of what it is drawn for.
    pub fn new(seed: u64, what: u64) -> Self {
        let mut chance = Self(seed ^ what.wrapping_mul(0xd134_2543_de82_ef95));
        chance.number();
        chance
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from a range.
    pub fn within(&mut self, range: std::ops::RangeInclusive<usize>) -> usize {
        let span = (range.end() - range.start()) as u64 + 1;
        range.start() + (self.number() % span) as usize
    }

    /// True once in two.
    pub fn coin(&mut self) -> bool {
        self.number() & 1 == 1
    }
}
