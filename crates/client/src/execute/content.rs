//! Files of the disk as transfers see them.

use std::io;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::disk::{DiskError, Extent, Reading, StagedReader, Staging};
use crate::os::Writers;
use crate::transfer::{SourceFile, TargetFile};

/// A file being read for an upload.
pub struct Source(pub Reading);

impl Source {
    /// Whether what was read is one state of the file (S7).
    pub fn is_whole(&self) -> Result<bool, DiskError> {
        self.0.is_unchanged()
    }

    /// Whether somebody has the file open for writing.
    pub fn is_being_written(&self) -> bool {
        matches!(self.0.writers(), Writers::Some)
    }
}

impl SourceFile for Source {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn extents(&self) -> io::Result<Vec<Range<u64>>> {
        let (mut found, mut at) = (Vec::new(), 0);
        while let Some(extent) = self.0.extent(at).map_err(|error| error.source)? {
            at = match extent {
                Extent::Data(run) => {
                    let end = run.end;
                    found.push(run);
                    end
                }
                Extent::Hole(run) => run.end,
            };
        }
        Ok(found)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        match self.0.read_at(buffer, offset) {
            Ok(count) if count == buffer.len() => Ok(()),
            Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) => Err(error.source),
        }
    }
}

/// A file being written by a download. Pieces come from several threads; each is one call.
pub struct Target(Mutex<Option<Staging>>);

impl Target {
    pub fn new(staging: Staging) -> Self {
        Self(Mutex::new(Some(staging)))
    }

    /// The staged file, once no transfer writes to it any more; none the second time.
    pub fn take(&self) -> Option<Staging> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl TargetFile for Target {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut staging = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let staging = staging.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        staging
            .write_at(bytes, offset)
            .map_err(|error| error.source)
    }
}

/// What an earlier download left in a file that is being written.
pub struct Earlier(pub StagedReader);

impl SourceFile for Earlier {
    fn size(&self) -> u64 {
        self.0.length()
    }

    fn extents(&self) -> io::Result<Vec<Range<u64>>> {
        let (mut found, mut at) = (Vec::new(), 0);
        while let Some(stored) = self.0.data_from(at)? {
            // Ends where the file does, also when it is made shorter meanwhile.
            if stored.end <= at {
                break;
            }
            at = stored.end;
            found.push(stored);
        }
        Ok(found)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }
}
