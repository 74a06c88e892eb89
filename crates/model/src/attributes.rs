//! What a node has besides name and content.

use minicbor::{Decode, Encode};

/// A moment as a file system records it: seconds since 1970-01-01 UTC and nanoseconds after.
///
/// Data, never a judge: nothing is decided by comparing times of two devices (C7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
pub struct Timestamp {
    /// Whole seconds; negative before 1970.
    #[n(0)]
    pub seconds: i64,
    /// 0 to 999,999,999, always forwards from `seconds`.
    #[n(1)]
    pub nanos: u32,
}

/// The attributes that travel with a node. Which of them a kind of node uses: `executable` files
/// only; `modified` files and symlinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
pub struct Attributes {
    /// Whether the owner may execute the file.
    #[n(0)]
    pub executable: bool,
    /// When the content was last modified, as its device said.
    #[n(1)]
    pub modified: Timestamp,
}
