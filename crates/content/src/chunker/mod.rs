//! Where files are cut: content-defined, keyed, and fast.
//!
//! Published attacks recover the secret of every chunker whose cut decisions are a linear or weak
//! function of the content (Borg, Restic, Tarsnap and others; "Breaking and Fixing
//! Content-Defined Chunking", 2025). What survives is a universal hash of the window followed by
//! a cipher: unless two windows collide (2^-64 for a pair), decisions are the output of a
//! pseudo-random function at distinct points, and known plaintext teaches nothing about the rest.
//!
//! One hash and one cipher block for every byte would cost 3 s per GiB. So positions share them:
//! a public, keyless rule picks an *anchor* about every 16 bytes, and the block of an anchor
//! decides at once whether there is a candidate among the up to 64 positions it owns, and at
//! which. Because that place within the block's reach is uniform and is dropped when another
//! anchor owns it, every position is a candidate with exactly the same probability whatever the
//! anchors: they show in the cost, never in the cuts. See [`scan`] for the rule itself.

mod class;
mod hash;
mod owners;
#[cfg(test)]
mod rule;
mod scan;
mod select;

pub use class::{FIXED_BYTES, Limits, class_for};
pub use scan::{CONTEXT_BYTES, Cutter};
pub use select::Selector;
