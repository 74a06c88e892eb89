//! Reading directories: raw `getdents64` into one reused buffer.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;

use rustix::fs::{FileType, RawDir};

use crate::os::FileKind;

/// Large enough that a directory of a thousand entries is one call.
const BUFFER: usize = 64 << 10;

/// Reads directories, one after the other, with one buffer.
pub struct Listing {
    buffer: Box<[MaybeUninit<u8>]>,
}

impl Default for Listing {
    fn default() -> Self {
        Self {
            buffer: vec![MaybeUninit::uninit(); BUFFER].into_boxed_slice(),
        }
    }
}

impl Listing {
    /// Calls `each` with every name but `.` and `..`, and its kind where the file system tells.
    /// The directory must be freshly opened: reading goes on where its handle stands.
    ///
    /// # Errors
    /// The system's. What came before an error is no complete listing (S4).
    pub fn read(
        &mut self,
        directory: impl AsFd,
        mut each: impl FnMut(&[u8], Option<FileKind>),
    ) -> io::Result<()> {
        let mut entries = RawDir::new(directory, &mut self.buffer);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => None,
                known => Some(super::info::kind(known)),
            };
            each(name, kind);
        }
        Ok(())
    }
}
