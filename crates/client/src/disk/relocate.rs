//! Moving and renaming entries, directories of any size included (T2).

use std::io;

use hythe_model::TreePath;
use hythe_sync::DiskStamp;

use super::batch::Batch;
use super::error::DiskError;
use super::outcome::{Change, Outcome};
use super::place::Place;
use super::stamp::Found;
use crate::os;

impl Batch<'_> {
    /// Moves the entry at `from`, which must be the one that `expected` speaks of, to `to`, which
    /// must be free. An edit of it meanwhile moves along, and does not get into the stamp that is
    /// returned, so that it is still found as an edit.
    ///
    /// # Errors
    /// The system's.
    pub fn move_entry(
        &mut self,
        from: &TreePath,
        to: &TreePath,
        expected: &DiskStamp,
    ) -> Result<Outcome<Found>, DiskError> {
        let failed = || DiskError::at("move", from);
        let (Some(old), Some(new)) = (Place::of(self.root, from)?, Place::of(self.root, to)?)
        else {
            return Ok(Outcome::Changed(Change::NoParent));
        };
        let found = old.look(self.root).map_err(failed())?;
        if !found.is_some_and(|found| found.stamp.same_entry(expected) && !found.foreign) {
            return Ok(Outcome::Changed(Change::Instead(found)));
        }
        match os::move_new(&old.directory, &old.name, &new.directory, &new.name) {
            Ok(()) => {}
            Err(error) => return moved_not(&error).ok_or_else(|| failed()(error)),
        }
        let moved = new.look(self.root).map_err(failed())?;
        let outcome = match moved {
            Some(moved) if moved.stamp.same_but_changed(expected) => Outcome::Done(moved),
            Some(moved) if moved.stamp.same_entry(expected) => Outcome::Done(Found {
                stamp: *expected,
                ..moved
            }),
            other => self.move_back(&old, &new, other).map_err(failed())?,
        };
        self.touch(old.directory);
        self.touch(new.directory);
        Ok(outcome)
    }

    /// Something else had been put under the old name and was moved: it goes back. If its name is
    /// taken again it stays where it is; nothing is lost, and the next scan finds it.
    fn move_back(
        &self,
        old: &Place,
        new: &Place,
        instead: Option<Found>,
    ) -> io::Result<Outcome<Found>> {
        match os::move_new(&new.directory, &new.name, &old.directory, &old.name) {
            Err(error)
                if !matches!(
                    error.kind(),
                    io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound
                ) =>
            {
                Err(error)
            }
            _ => Ok(Outcome::Changed(Change::Instead(instead))),
        }
    }
}

fn moved_not(error: &io::Error) -> Option<Outcome<Found>> {
    match error.kind() {
        io::ErrorKind::AlreadyExists => Some(Outcome::Changed(Change::Taken)),
        io::ErrorKind::NotFound => Some(Outcome::Changed(Change::Instead(None))),
        // A directory cannot go below itself: the caller's view is out of date.
        io::ErrorKind::InvalidInput => Some(Outcome::Changed(Change::NoParent)),
        _ => None,
    }
}
