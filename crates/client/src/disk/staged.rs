//! Files on their way into the folder, written where no user looks (S6, C-4).

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use hythe_model::{Attributes, Timestamp};
use hythe_sync::DiskStamp;

use super::error::DiskError;
use super::part::Held;
use super::root::Root;
use super::stamp::stamp_of;
use crate::os::{self, Want};

/// After this many bytes the disk is asked to start writing.
const WRITE_BACK: u64 = 8 << 20;

/// A file being written. Removed again when it is dropped before it was placed, unless it is a
/// [`Part`](super::Part).
pub struct Staging {
    file: File,
    entry: Entry,
    length: u64,
    unwritten: std::ops::Range<u64>,
    file_permissions: (u32, u32),
}

/// A file whose bytes and attributes are complete, closed, waiting to be placed. Removed again
/// when it is dropped before that, unless it is a [`Part`](super::Part).
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
    /// Of a part, the right to write to it; a part stays when this is dropped.
    held: Option<Held>,
}

impl Entry {
    fn new(directory: &Arc<OwnedFd>, name: Vec<u8>) -> Self {
        Self {
            directory: Arc::clone(directory),
            name,
            gone: false,
            held: None,
        }
    }

    /// The name of a part.
    pub(super) fn of_part(directory: &Arc<OwnedFd>, name: Vec<u8>, held: Held) -> Self {
        let mut entry = Self::new(directory, name);
        entry.held = Some(held);
        entry
    }

    /// Removes a part, while the right to write to it is still held: afterwards the same name may
    /// be somebody else's.
    fn give_up(&mut self) {
        if let Some(held) = self.held.take() {
            // What stays is swept when it is too old; nothing in it is trusted until then.
            let _ = os::remove_file(&self.directory, &self.name);
            self.gone = true;
            held.is_gone();
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        match &self.held {
            Some(held) if self.gone => held.is_gone(),
            // What is in it may be gone on with.
            Some(_) => {}
            None if self.gone => {}
            None => {
                // What stays is removed when the folder is opened the next time.
                let _ = os::remove_file(&self.directory, &self.name);
            }
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
        Ok(self.staging_of(file, Entry::new(self.staging(), name), 0))
    }

    pub(super) fn staging_of(&self, file: File, entry: Entry, length: u64) -> Staging {
        Staging {
            file,
            entry,
            length,
            unwritten: 0..0,
            file_permissions: (self.permissions(0o666), self.permissions(0o777)),
        }
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

    /// How long the file is by now. Of a part that is gone on with, not nothing from the start.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Makes a range a hole, whatever was there.
    ///
    /// # Errors
    /// The system's; some file systems cannot.
    pub fn make_hole(&mut self, range: std::ops::Range<u64>) -> Result<(), DiskError> {
        os::make_hole(&self.file, range).map_err(DiskError::own("make a hole in", "staging"))
    }

    /// What is in it, to be read beside the writing.
    ///
    /// # Errors
    /// The system's.
    pub fn reader(&self) -> Result<StagedReader, DiskError> {
        let file = self
            .file
            .try_clone()
            .map_err(DiskError::own("read from", "staging"))?;
        let length = self.length;
        Ok(StagedReader { file, length })
    }

    /// Removes the file, also a part.
    pub fn discard(mut self) {
        // Of what is no part, dropping it is enough.
        self.entry.give_up();
    }

    /// Completes the file: `size` bytes, the rest a hole; then its attributes. Closes it.
    ///
    /// # Errors
    /// The system's.
    pub fn finish(self, size: u64, attributes: Attributes) -> Result<Staged, DiskError> {
        let Self {
            file,
            mut entry,
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
        let stamp = complete().map_err(|source| {
            entry.give_up();
            DiskError::own("complete a file in", "staging")(source)
        })?;
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
        let mut entry = Entry::new(root.staging(), random_name()?);
        entry.gone = true;
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
        if self.durable {
            return Ok(());
        }
        let open = os::open_at(&self.entry.directory, &self.entry.name, Want::Content);
        let synced = open.and_then(os::sync);
        match &synced {
            Ok(()) => self.durable = true,
            Err(_) => self.is_doubtful(),
        }
        synced
    }

    /// Its bytes may not have reached the disk. The system says so once, and then shows them as if
    /// they had: nothing of it is gone on with.
    pub(super) fn is_doubtful(&mut self) {
        self.entry.give_up();
    }
}

/// Reads from a file that is being staged.
pub struct StagedReader {
    file: File,
    length: u64,
}

impl StagedReader {
    /// How long the file was when reading began.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The next range that is stored at or after `offset`; none when only a hole is left.
    ///
    /// # Errors
    /// The system's.
    pub fn data_from(&self, offset: u64) -> io::Result<Option<std::ops::Range<u64>>> {
        os::data_from(&self.file, offset)
    }

    /// Fills the buffer from an offset.
    ///
    /// # Errors
    /// The system's.
    pub fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
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
