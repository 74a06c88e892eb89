//! Removing entries that the other side deleted (S2).

use std::io;

use hythe_model::{ContentHash, TreePath};
use hythe_sync::DiskStamp;

use super::batch::Batch;
use super::error::DiskError;
use super::out::OutName;
use super::outcome::{Change, Outcome};
use super::place::Place;
use super::stamp::Found;
use crate::os::{self, FileKind};

impl Batch<'_> {
    /// Removes the entry at `path`, which must be exactly `expected`; a directory must be empty.
    /// A file is first taken out of the tree and looked at again; it is gone for good only when
    /// nobody writes to it any more. `known` as for [`Self::replace`].
    ///
    /// # Errors
    /// The system's.
    pub fn remove(
        &mut self,
        path: &TreePath,
        expected: &DiskStamp,
        known: Option<ContentHash>,
    ) -> Result<Outcome<()>, DiskError> {
        let Some(place) = Place::of(self.root, path)? else {
            return Ok(Outcome::Changed(Change::Instead(None)));
        };
        let found = place
            .look(self.root)
            .map_err(DiskError::at("look at", path))?;
        let Some(found) = found.filter(|found| found.stamp == *expected && !found.foreign) else {
            return Ok(Outcome::Changed(Change::Instead(found)));
        };
        let removed = if found.kind == FileKind::Directory {
            remove_directory(&place)
        } else {
            self.take_out(&place, path, expected, known)
        };
        let outcome = removed.map_err(DiskError::at("remove", path))?;
        self.touch(place.directory);
        Ok(outcome)
    }

    /// Removes the directory at `path` if it is empty, whatever its times: what emptied it was this
    /// batch. Says whether it is gone.
    ///
    /// # Errors
    /// The system's.
    pub fn remove_emptied(&mut self, path: &TreePath) -> Result<bool, DiskError> {
        let Some(place) = Place::of(self.root, path)? else {
            return Ok(true);
        };
        let removed = remove_directory(&place).map_err(DiskError::at("remove", path))?;
        self.touch(place.directory);
        Ok(matches!(
            removed,
            Outcome::Done(()) | Outcome::Changed(Change::Instead(None))
        ))
    }

    fn take_out(
        &self,
        place: &Place,
        path: &TreePath,
        expected: &DiskStamp,
        known: Option<ContentHash>,
    ) -> io::Result<Outcome<()>> {
        let _busy = self.root.out_busy();
        let own = self.root.out();
        let out = OutName::new(Some(expected), None)?.encode();
        match os::move_new(&place.directory, &place.name, own, &out) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Outcome::Changed(Change::Instead(None)));
            }
            other => other?,
        }
        let taken = Found::new(&os::info_at(own, &out)?, self.root.mount());
        if taken.stamp.same_but_changed(expected) {
            self.root.retire(&out, path, known)?;
            return Ok(Outcome::Done(()));
        }
        // The user was quicker. If the name is taken again already, the value stays in
        // `.hythe/out`, where it is found as late.
        match os::move_new(own, &out, &place.directory, &place.name) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(Outcome::Changed(Change::Instead(Some(taken)))),
        }
    }
}

/// Only an empty directory goes; the system itself refuses any other.
fn remove_directory(place: &Place) -> io::Result<Outcome<()>> {
    match os::remove_directory(&place.directory, &place.name) {
        Ok(()) => Ok(Outcome::Done(())),
        Err(error) => match error.kind() {
            io::ErrorKind::DirectoryNotEmpty => Ok(Outcome::Changed(Change::NotEmpty)),
            io::ErrorKind::NotFound => Ok(Outcome::Changed(Change::Instead(None))),
            _ => Err(error),
        },
    }
}
