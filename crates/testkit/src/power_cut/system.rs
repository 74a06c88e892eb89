//! What file systems may leave, and which of it.

/// What is written to the disk as one, at least.
const SECTOR: usize = 512;
const PAGE: usize = 4096;

/// How a file system keeps what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileSystem {
    /// ext4, `data=ordered`: names and attributes in the order of the calls; a file is never longer
    /// than what was written of it, in whichever order that was. Nothing is relied on of what `auto_da_alloc`
    /// does for programs that forget to sync.
    Ext4Ordered,
    /// ext4, `data=writeback`: lengths may be there before bytes, which are zeros or stale.
    Ext4Writeback,
    /// XFS: as ordered, and bytes that were not written may be zeros.
    Xfs,
    /// btrfs: what was synced is there with its names; everything else as of some moment since the
    /// last commit. Pages are old or new, never torn.
    Btrfs,
}

impl FileSystem {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Ext4Ordered,
        Self::Ext4Writeback,
        Self::Xfs,
        Self::Btrfs,
    ];

    /// What it may leave of bytes that were not synced.
    pub fn bytes(self) -> &'static [Bytes] {
        use Bytes::{All, Garbage, None, Parts, Zeros};
        match self {
            Self::Ext4Ordered | Self::Btrfs => &[None, All, Parts],
            Self::Ext4Writeback => &[None, All, Parts, Zeros, Garbage],
            Self::Xfs => &[None, All, Parts, Zeros],
        }
    }

    /// What is written as one.
    pub(super) fn unit(self) -> usize {
        match self {
            Self::Btrfs => PAGE,
            _ => SECTOR,
        }
    }
}

/// How much of the names and attributes is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Names {
    /// What must be.
    Least,
    /// Whatever was done.
    Most,
    /// Something between.
    Between,
}

impl Names {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Least, Self::Most, Self::Between];
}

/// What is there of bytes that were not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bytes {
    /// Nothing.
    None,
    /// Everything.
    All,
    /// Some sectors of each file, by chance.
    Parts,
    /// Of files that grew the length, and zeros.
    Zeros,
    /// Of files that grew the length, and what stood on the disk before.
    Garbage,
}

/// Which of the states that are possible at a point.
#[derive(Debug, Clone, Copy)]
pub struct Choice {
    /// The file system.
    pub system: FileSystem,
    /// Names.
    pub names: Names,
    /// Bytes.
    pub bytes: Bytes,
    /// For what is left to chance.
    pub seed: u64,
}
