//! What an entry on the disk is, as far as can be told without reading it.

use hythe_model::Timestamp;
use hythe_sync::DiskStamp;

use crate::os::{FileKind, Info};

/// An entry that is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub kind: FileKind,
    /// Its state.
    pub stamp: DiskStamp,
    /// Whether its owner may execute it; only for files.
    pub executable: bool,
    /// How many names it has. A file with one name cannot be in two places.
    pub links: u32,
    /// Whether it belongs to another file system than the folder (SC-062).
    pub foreign: bool,
}

impl Found {
    pub(crate) fn new(info: &Info, mount: u64) -> Self {
        Self {
            kind: info.kind,
            stamp: stamp_of(info),
            executable: info.kind == FileKind::File && info.is_executable(),
            links: info.links,
            foreign: info.mount_root || info.mount != mount,
        }
    }
}

/// The stamp of an entry.
///
/// The device is left out: its number may be another after a restart, and an entry that is not on
/// the folder's own file system is never used. Of a directory only the identity is kept, because
/// its size and times change with its content.
pub fn stamp_of(info: &Info) -> DiskStamp {
    let (size, modified, changed) = match info.kind {
        FileKind::Directory => (0, Timestamp::default(), Timestamp::default()),
        _ => (info.size, info.modified, info.changed),
    };
    DiskStamp {
        device: 0,
        inode: info.inode,
        size,
        modified,
        changed,
        born: info.birth,
    }
}
