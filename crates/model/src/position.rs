//! Places in a log.

use minicbor::{Decode, Encode};

use crate::ids::ChainHash;

/// A position in a space's log: the number of change sets up to and including it. 0 is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct Cursor(#[n(0)] pub u64);

impl Cursor {
    /// Before the first change set.
    pub const START: Self = Self(0);

    /// The position after this one. Saturates: no log reaches 2^64.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A position and the chain hash there: names one history, not just a place in any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Head {
    /// The position.
    #[n(0)]
    pub cursor: Cursor,
    /// The chain hash at that position.
    #[n(1)]
    pub chain: ChainHash,
}

impl Head {
    /// The head of an empty log.
    pub const START: Self = Self {
        cursor: Cursor::START,
        chain: ChainHash::START,
    };
}

/// The generation of a space's secret, from 1; grows by one when a member or device leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct KeyEpoch(#[n(0)] pub u32);

impl KeyEpoch {
    /// The generation a space is created with.
    pub const FIRST: Self = Self(1);

    /// The generation after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}
