//! Reading a file as it is at one instant, or not at all (S7).

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use hythe_model::{Timestamp, TreePath};
use hythe_sync::DiskStamp;

use super::error::DiskError;
use super::outcome::{Change, Outcome};
use super::place::{Place, is_elsewhere};
use super::root::Root;
use super::stamp::Found;
use crate::os::{self, FileKind, Want, Writers};

/// A file open for reading. What was read is one state of the file only if
/// [`Self::is_unchanged`] says so afterwards.
pub struct Reading {
    file: File,
    found: Found,
    mount: u64,
    place: String,
}

/// A run of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extent {
    /// Stored bytes.
    Data(Range<u64>),
    /// A hole: reads as zeros and need not be read (SC-071).
    Hole(Range<u64>),
}

impl Root {
    /// Opens the file at `path` for reading; with `expected`, only if it is exactly that. Never
    /// opens a pipe, socket or device (SC-060). Where the file system stamps coarsely this waits
    /// until a later write would get another stamp (SC-164).
    ///
    /// # Errors
    /// The system's.
    pub fn read(
        &self,
        path: &TreePath,
        expected: Option<&DiskStamp>,
    ) -> Result<Outcome<Reading>, DiskError> {
        let failed = || DiskError::at("read", path);
        let Some(place) = Place::of(self, path)? else {
            return Ok(Outcome::Changed(Change::NoParent));
        };
        let before = place.look(self).map_err(failed())?;
        let fits = |found: &Found| {
            found.kind == FileKind::File
                && !found.foreign
                && expected.is_none_or(|expected| found.stamp == *expected)
        };
        let Some(before) = before.filter(fits) else {
            return Ok(Outcome::Changed(Change::Instead(before)));
        };
        self.outwait(&before.stamp)?;
        let file = match os::open_at(&place.directory, &place.name, Want::Content) {
            Ok(file) => File::from(file),
            Err(error) if is_elsewhere(&error) => {
                return Ok(Outcome::Changed(Change::Instead(None)));
            }
            Err(error) => return Err(failed()(error)),
        };
        let found = Found::new(&os::info_of(&file).map_err(failed())?, self.mount());
        if found.kind != FileKind::File || found.stamp != before.stamp {
            return Ok(Outcome::Changed(Change::Instead(Some(found))));
        }
        let place = path.to_string();
        Ok(Outcome::Done(Reading {
            file,
            found,
            mount: self.mount(),
            place,
        }))
    }

    /// Waits while a write could still get the stamp that was just seen.
    fn outwait(&self, stamp: &DiskStamp) -> Result<(), DiskError> {
        let tick = self.grain().tick();
        // Bounded: a stamp from the future, as a wrong clock leaves it, is not waited for.
        for _ in 0..4 {
            if tick.is_zero() || !is_young(stamp, self.now()?, tick) {
                break;
            }
            std::thread::sleep(tick);
        }
        Ok(())
    }
}

/// Whether a stamp was taken so recently that another change could carry it as well.
pub(crate) fn is_young(stamp: &DiskStamp, now: Timestamp, tick: Duration) -> bool {
    let nanos = |time: Timestamp| i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos);
    let age = nanos(now) - nanos(stamp.changed.max(stamp.modified));
    age <= i128::try_from(tick.as_nanos()).unwrap_or(i128::MAX)
}

impl Reading {
    /// The file as it was when it was opened.
    pub fn found(&self) -> &Found {
        &self.found
    }

    /// Its length when it was opened.
    pub fn size(&self) -> u64 {
        self.found.stamp.size
    }

    /// The run that begins at `offset`; none at the end. Holes are not read.
    ///
    /// # Errors
    /// The system's.
    pub fn extent(&self, offset: u64) -> Result<Option<Extent>, DiskError> {
        let size = self.size();
        if offset >= size {
            return Ok(None);
        }
        let data = os::data_from(&self.file, offset).map_err(|source| self.error(source))?;
        Ok(Some(match data {
            Some(data) if data.start.max(offset) == offset => {
                Extent::Data(offset..data.end.min(size))
            }
            Some(data) => Extent::Hole(offset..data.start.min(size)),
            None => Extent::Hole(offset..size),
        }))
    }

    /// Reads at an offset as many bytes as there are, at most the buffer's length.
    ///
    /// # Errors
    /// The system's.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, DiskError> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.error(error)),
            }
        }
        Ok(filled)
    }

    /// Whether somebody has the file open for writing: then wait for the stability window before
    /// what was read becomes a version (S7).
    pub fn writers(&self) -> Writers {
        os::writers(&self.file)
    }

    /// Whether the file is still exactly what it was when it was opened.
    ///
    /// # Errors
    /// The system's.
    pub fn is_unchanged(&self) -> Result<bool, DiskError> {
        let info = os::info_of(&self.file).map_err(|source| self.error(source))?;
        Ok(Found::new(&info, self.mount).stamp == self.found.stamp)
    }

    fn error(&self, source: std::io::Error) -> DiskError {
        DiskError {
            action: "read",
            place: self.place.clone(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(modified: i64, changed: i64) -> DiskStamp {
        let at = |millis: i64| Timestamp {
            seconds: millis.div_euclid(1000),
            nanos: u32::try_from(millis.rem_euclid(1000)).unwrap() * 1_000_000,
        };
        DiskStamp {
            device: 0,
            inode: 1,
            size: 1,
            modified: at(modified),
            changed: at(changed),
            born: None,
        }
    }

    #[test]
    fn sc164_a_stamp_is_young_within_the_tick_of_either_time() {
        let now = stamp(0, 10_000).changed;
        let tick = Duration::from_millis(10);
        let young = |modified, changed| is_young(&stamp(modified, changed), now, tick);
        assert!(young(0, 10_000));
        assert!(young(0, 9_990));
        assert!(!young(0, 9_989));
        assert!(young(9_995, 0), "the content's time counts as well");
        assert!(young(0, 11_000), "a stamp from the future proves nothing");
        assert!(!young(-5_000, -5_000));
    }
}
