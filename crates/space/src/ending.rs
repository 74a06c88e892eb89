//! The end of a space: an owner says when, and can take it back until then.

use hythe_model::HeaderHash;
use minicbor::{Decode, Encode};

/// Says that the space ends, or that it does not. Everything goes on as before until then; the
/// server removes the space when the time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct EndSpace {
    /// When it ends, in milliseconds since 1970: one day to a year after the header's time. None
    /// takes an end back.
    #[n(0)]
    pub ends_ms: Option<i64>,
}

/// That a space ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct EndRecord {
    /// When, in milliseconds since 1970.
    #[n(0)]
    pub at_ms: i64,
    /// The change set that said so.
    #[n(1)]
    pub by: HeaderHash,
}
