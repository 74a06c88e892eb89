//! Files on their way into the folder, written where no user looks (S6, C-4).

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use hythe_model::{Attributes, Timestamp};
use hythe_sync::DiskStamp;

use super::error::DiskError;
use super::root::Root;
use super::stamp::stamp_of;
use crate::os::{self, Want};

/// After this many bytes the disk is asked to start writing.
const WRITE_BACK: u64 = 8 << 20;

/// A file being written. Removed again when it is dropped before it was placed.
pub struct Staging {
    file: File,
    entry: Entry,
    length: u64,
    unwritten: std::ops::Range<u64>,
    file_permissions: (u32, u32),
}

/// A file whose bytes and attributes are complete, closed, waiting to be placed. Removed again
/// when it is dropped before that.
pub struct Staged {
    pub(super) entry: Entry,
    pub(super) stamp: DiskStamp,
    pub(super) executable: bool,
    pub(super) durable: bool,
}

/// A name in the staging area.
pub(super) struct Entry {
    directory: Arc<OwnedFd>,
    pub(super) name: Vec<u8>,
    /// Whether the name has left the staging area.
    pub(super) gone: bool,
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.gone {
            let _ = os::remove_file(&self.directory, &self.name);
        }
    }
}

impl Root {
    /// Begins a file in the staging area, readable by its owner alone while it is written.
    ///
    /// # Errors
    /// The system's.
    pub fn stage(&self) -> Result<Staging, DiskError> {
        let failed = || DiskError::own("make a file in", "staging");
        let name = random_name().map_err(failed())?;
        let file = os::create_file(self.staging(), &name).map_err(failed())?;
        let entry = Entry {
            directory: Arc::clone(self.staging()),
            name,
            gone: false,
        };
        let file_permissions = (self.permissions(0o666), self.permissions(0o777));
        Ok(Staging {
            file,
            entry,
            length: 0,
            unwritten: 0..0,
            file_permissions,
        })
    }
}

impl Staging {
    /// Writes bytes at an offset. What lies between is a hole and reads as zeros (SC-071).
    ///
    /// # Errors
    /// The system's, notably a full disk (SC-095).
    pub fn write_at(&mut self, bytes: &[u8], offset: u64) -> Result<(), DiskError> {
        self.file
            .write_all_at(bytes, offset)
            .map_err(DiskError::own("write to", "staging"))?;
        let end = offset + bytes.len() as u64;
        self.length = self.length.max(end);
        self.start_write_back(offset..end);
        Ok(())
    }

    /// Asks the disk to begin with a run of writes once it is long enough, so that the sync at
    /// the end finds little left.
    fn start_write_back(&mut self, written: std::ops::Range<u64>) {
        if self.unwritten.end != written.start {
            self.unwritten = written;
        } else {
            self.unwritten.end = written.end;
        }
        if self.unwritten.end - self.unwritten.start >= WRITE_BACK {
            os::start_write_back(&self.file, self.unwritten.clone());
            self.unwritten.start = self.unwritten.end;
        }
    }

    /// Bytes as they were written, to check or reuse them.
    ///
    /// # Errors
    /// The system's.
    pub fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<(), DiskError> {
        self.file
            .read_exact_at(bytes, offset)
            .map_err(DiskError::own("read from", "staging"))
    }

    /// Completes the file: `size` bytes, the rest a hole; then its attributes. Closes it.
    ///
    /// # Errors
    /// The system's.
    pub fn finish(self, size: u64, attributes: Attributes) -> Result<Staged, DiskError> {
        let Self {
            file,
            entry,
            length,
            file_permissions: (plain, executable),
            ..
        } = self;
        let complete = || -> io::Result<DiskStamp> {
            if size != length {
                file.set_len(size)?;
            }
            let mode = if attributes.executable {
                executable
            } else {
                plain
            };
            os::set_file_permissions(&file, mode)?;
            os::set_file_modified(&file, attributes.modified)?;
            Ok(stamp_of(&os::info_of(&file)?))
        };
        let stamp = complete().map_err(DiskError::own("complete a file in", "staging"))?;
        Ok(Staged {
            entry,
            stamp,
            executable: attributes.executable,
            durable: false,
        })
    }
}

impl Staged {
    /// A name without an entry yet.
    pub(super) fn reserve(root: &Root) -> io::Result<Self> {
        let entry = Entry {
            directory: Arc::clone(root.staging()),
            name: random_name()?,
            gone: true,
        };
        Ok(Self {
            entry,
            stamp: UNKNOWN,
            executable: false,
            durable: true,
        })
    }

    /// The stamp it has, change time apart, also where it is placed.
    pub fn stamp(&self) -> DiskStamp {
        self.stamp
    }

    /// Waits until its bytes are on the disk.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if !self.durable {
            os::sync(os::open_at(
                &self.entry.directory,
                &self.entry.name,
                Want::Content,
            )?)?;
            self.durable = true;
        }
        Ok(())
    }
}

/// The stamp of an entry that is not made yet.
const UNKNOWN: DiskStamp = DiskStamp {
    device: 0,
    inode: 0,
    size: 0,
    modified: Timestamp {
        seconds: 0,
        nanos: 0,
    },
    changed: Timestamp {
        seconds: 0,
        nanos: 0,
    },
    born: None,
};

/// A name nobody can guess.
pub(super) fn random_name() -> io::Result<Vec<u8>> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(data_encoding::HEXLOWER.encode(&bytes).into_bytes())
}
