//! What Hythe asks of an operating system: one small contract, one folder per system behind it.
//!
//! Everything here takes an open directory and one name, or an open file; nothing takes a path of
//! the whole system except [`open_root`]. The types are the same on every system; the functions
//! come from the folder of the system this was built for.

use hythe_model::Timestamp;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::*;

#[cfg(not(target_os = "linux"))]
compile_error!("this system has no folder in crates/client/src/os yet");

/// What an entry of a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// Holds entries.
    Directory,
    /// Holds bytes.
    File,
    /// Holds a text that the system would follow, and Hythe does not.
    Symlink,
    /// Something that is no data: never opened, never synced, always reported (SC-060).
    Special(Special),
}

/// Entries that are no data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Special {
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A block or character device.
    Device,
    /// A kind this program does not know.
    Unknown,
}

/// What the system says about an entry, of itself and never of what a symlink points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Info {
    /// What it is.
    pub kind: FileKind,
    /// Number of the device it is on. May change from one start of the system to the next.
    pub device: u64,
    /// Number of the inode on that device.
    pub inode: u64,
    /// Number of names the inode has.
    pub links: u32,
    /// Permission bits, set-user-id and its like included.
    pub mode: u32,
    /// Owner of the inode.
    pub owner: u32,
    /// Length in bytes.
    pub size: u64,
    /// When the content was last modified; anybody may set it.
    pub modified: Timestamp,
    /// When anything of the inode was last changed; only the system sets it.
    pub changed: Timestamp,
    /// When the inode was made, where the file system knows.
    pub birth: Option<Timestamp>,
    /// Number of the mount it was reached through.
    pub mount: u64,
    /// Whether another file system is mounted exactly here.
    pub mount_root: bool,
}

impl Info {
    /// Whether the owner may execute it.
    pub fn is_executable(&self) -> bool {
        self.mode & 0o100 != 0
    }
}

/// Whether somebody has a file open for writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writers {
    /// Nobody, at the moment of asking.
    None,
    /// At least one.
    Some,
    /// This file system, or this user's rights, give no answer.
    Unknown,
}
