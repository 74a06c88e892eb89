//! A run of changes to the disk, and the order in which they must reach it.
//!
//! First the bytes of every staged file, then the names, then the directories that hold the
//! names; only after [`Batch::finish`] may the caller record what was done. Whatever a power cut
//! leaves is then either the old state or the new one (S10).

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use hythe_model::{Attributes, LinkTarget, Timestamp, TreePath};
use hythe_sync::DiskStamp;

use super::error::DiskError;
use super::outcome::{Change, Outcome};
use super::place::Place;
use super::root::Root;
use super::staged::Staged;
use super::stamp::{Found, stamp_of};
use crate::os::{self, FileKind, Lease, Want, Writers};

/// Up to so many files, or directories, are synced one by one; more by one sync of the whole file
/// system, which costs about as much as three.
const FEW: usize = 3;

/// Changes to one folder that become durable together.
pub struct Batch<'r> {
    pub(super) root: &'r Root,
    /// Directories with new or removed names, and their inodes.
    touched: Vec<(u64, OwnedFd)>,
    /// Whether there are more of them than are kept, or more files than are synced one by one.
    many: bool,
    /// So many files of others were synced one by one.
    files: usize,
}

impl Root {
    /// Begins a run of changes.
    pub fn batch(&self) -> Batch<'_> {
        Batch {
            root: self,
            touched: Vec::new(),
            many: false,
            files: 0,
        }
    }
}

impl Batch<'_> {
    /// Waits until the bytes of all these files are on the disk. A file that was not flushed
    /// here is flushed alone when it is placed.
    ///
    /// # Errors
    /// The system's; then none of them may be placed.
    pub fn flush(&mut self, staged: &mut [Staged]) -> Result<(), DiskError> {
        let flush = |staged: &mut [Staged]| -> io::Result<()> {
            if staged.len() <= FEW {
                return staged.iter_mut().try_for_each(Staged::flush);
            }
            let synced = os::sync_file_system(self.root.staging());
            staged.iter_mut().for_each(|file| match &synced {
                Ok(()) => file.durable = true,
                Err(_) => file.is_doubtful(),
            });
            synced
        };
        flush(staged).map_err(DiskError::own("sync", "staging"))
    }

    /// Gives a staged file its name, which must be free.
    ///
    /// # Errors
    /// The system's.
    pub fn place_new(
        &mut self,
        mut staged: Staged,
        path: &TreePath,
    ) -> Result<Outcome<Found>, DiskError> {
        staged.flush().map_err(DiskError::own("sync", "staging"))?;
        let Some(place) = Place::of(self.root, path)? else {
            return Ok(Outcome::Changed(Change::NoParent));
        };
        let moved = os::move_new(
            self.root.staging(),
            &staged.entry.name,
            &place.directory,
            &place.name,
        );
        if let Some(change) = taken(moved).map_err(DiskError::at("place", path))? {
            return Ok(Outcome::Changed(change));
        }
        staged.entry.gone = true;
        let found = self.placed(&place, &staged.stamp, FileKind::File, staged.executable);
        self.touch(place.directory);
        Ok(Outcome::Done(found))
    }

    /// Makes a directory, whose name must be free.
    ///
    /// # Errors
    /// The system's.
    pub fn make_directory(&mut self, path: &TreePath) -> Result<Outcome<Found>, DiskError> {
        let failed = || DiskError::at("make the directory", path);
        let Some(place) = Place::of(self.root, path)? else {
            return Ok(Outcome::Changed(Change::NoParent));
        };
        let made = os::make_directory(&place.directory, &place.name, self.root.permissions(0o777));
        if let Some(change) = taken(made).map_err(failed())? {
            return Ok(Outcome::Changed(change));
        }
        let found = place.look(self.root).map_err(failed())?;
        self.touch(place.directory);
        match found {
            Some(found) if found.kind == FileKind::Directory => Ok(Outcome::Done(found)),
            other => Ok(Outcome::Changed(Change::Instead(other))),
        }
    }

    /// Makes a symlink, whose name must be free. It appears complete, with its time.
    ///
    /// # Errors
    /// The system's.
    pub fn make_link(
        &mut self,
        path: &TreePath,
        target: &LinkTarget,
        modified: Timestamp,
    ) -> Result<Outcome<Found>, DiskError> {
        let staged = self.root.stage_link(target, modified)?;
        self.place_link(staged, path)
    }

    fn place_link(
        &mut self,
        mut staged: Staged,
        path: &TreePath,
    ) -> Result<Outcome<Found>, DiskError> {
        let Some(place) = Place::of(self.root, path)? else {
            return Ok(Outcome::Changed(Change::NoParent));
        };
        let moved = os::move_new(
            self.root.staging(),
            &staged.entry.name,
            &place.directory,
            &place.name,
        );
        if let Some(change) = taken(moved).map_err(DiskError::at("place", path))? {
            return Ok(Outcome::Changed(change));
        }
        staged.entry.gone = true;
        let found = self.placed(&place, &staged.stamp, FileKind::Symlink, false);
        self.touch(place.directory);
        Ok(Outcome::Done(found))
    }

    /// Sets what attributes the entry has: of a file both, of a symlink the time. Writers are held
    /// off for that moment, because setting the time would hide what they wrote.
    ///
    /// # Errors
    /// The system's.
    pub fn set_attributes(
        &mut self,
        path: &TreePath,
        expected: &DiskStamp,
        attributes: Attributes,
    ) -> Result<Outcome<Found>, DiskError> {
        let failed = || DiskError::at("set the attributes of", path);
        let Some(place) = Place::of(self.root, path)? else {
            return Ok(Outcome::Changed(Change::NoParent));
        };
        let found = place.look(self.root).map_err(failed())?;
        let Some(found) = found.filter(|found| found.stamp == *expected) else {
            return Ok(Outcome::Changed(Change::Instead(found)));
        };
        let want = if found.kind == FileKind::File {
            Want::Content
        } else {
            Want::Entry
        };
        let entry = os::open_at(&place.directory, &place.name, want).map_err(failed())?;
        let outcome = match found.kind {
            FileKind::File => self.set_file(&entry.into(), expected, attributes),
            FileKind::Symlink => self.set_link(&entry, expected, attributes.modified),
            _ => Ok(Outcome::Done(found)),
        };
        let outcome = outcome.map_err(failed())?;
        self.touch(place.directory);
        Ok(outcome)
    }

    fn set_file(
        &self,
        file: &std::fs::File,
        expected: &DiskStamp,
        attributes: Attributes,
    ) -> io::Result<Outcome<Found>> {
        let lease = Lease::take(file);
        let info = os::info_of(file)?;
        let now = Found::new(&info, self.root.mount());
        if matches!(lease, Err(Writers::Some)) || now.stamp != *expected {
            return Ok(Outcome::Changed(Change::Instead(Some(now))));
        }
        if now.executable != attributes.executable {
            os::set_file_permissions(file, with_executable(info.mode, attributes.executable))?;
        }
        os::set_file_modified(file, attributes.modified)?;
        os::sync(file)?;
        Ok(Outcome::Done(Found::new(
            &os::info_of(file)?,
            self.root.mount(),
        )))
    }

    fn set_link(
        &self,
        entry: &OwnedFd,
        expected: &DiskStamp,
        modified: Timestamp,
    ) -> io::Result<Outcome<Found>> {
        let now = Found::new(&os::info_of(entry)?, self.root.mount());
        if now.stamp != *expected {
            return Ok(Outcome::Changed(Change::Instead(Some(now))));
        }
        os::set_modified(entry, modified)?;
        Ok(Outcome::Done(Found::new(
            &os::info_of(entry)?,
            self.root.mount(),
        )))
    }

    /// What has the name `path` was put there by somebody else, who may not have synced it: it is on
    /// the disk too, name and bytes, when [`Self::finish`] returns. If nothing has the name, that
    /// is.
    ///
    /// # Errors
    /// The system's; then nothing of the batch may be recorded.
    pub fn include(&mut self, path: &TreePath) -> Result<(), DiskError> {
        if self.many {
            return Ok(());
        }
        let Some(place) = Place::of(self.root, path)? else {
            return Ok(());
        };
        let found = place
            .look(self.root)
            .map_err(DiskError::at("look at", path))?;
        if found.is_some_and(|found| found.kind == FileKind::File && !found.foreign) {
            self.files += 1;
            self.many =
                self.files > FEW || !sync_file(&place).map_err(DiskError::at("sync", path))?;
        }
        self.touch(place.directory);
        Ok(())
    }

    /// As [`Self::include`], for everything in the folder.
    pub fn include_all(&mut self) {
        self.many = true;
    }

    /// Whether [`Self::finish`] waits for everything in the folder.
    pub fn includes_all(&self) -> bool {
        self.many
    }

    /// Waits until every name changed since [`Root::batch`] is on the disk.
    ///
    /// # Errors
    /// The system's; then nothing of the batch may be recorded.
    pub fn finish(self) -> Result<(), DiskError> {
        let finish = || -> io::Result<()> {
            if self.many {
                return os::sync_file_system(self.root.directory());
            }
            self.touched
                .iter()
                .try_for_each(|(_, directory)| os::sync(directory))
        };
        finish().map_err(|source| DiskError {
            action: "sync the directories of",
            place: self.root.path().display().to_string(),
            source,
        })
    }

    /// Remembers a directory that has to be synced.
    pub(super) fn touch(&mut self, directory: OwnedFd) {
        if self.many {
            return;
        }
        let Ok(info) = os::info_of(directory.as_fd()) else {
            self.many = true;
            return;
        };
        if self.touched.iter().any(|(inode, _)| *inode == info.inode) {
            return;
        }
        if self.touched.len() == FEW {
            self.many = true;
            self.touched.clear();
            return;
        }
        self.touched.push((info.inode, directory));
    }

    /// What is to be recorded of an entry just put at `place`. If the user was quicker and
    /// something else is there by now, the record still speaks of ours, so that the next look
    /// finds a difference.
    pub(super) fn placed(
        &self,
        place: &Place,
        stamp: &DiskStamp,
        kind: FileKind,
        executable: bool,
    ) -> Found {
        match place.look(self.root) {
            Ok(Some(found)) if found.kind == kind && found.stamp.same_but_changed(stamp) => found,
            _ => Found {
                kind,
                stamp: *stamp,
                executable,
                links: 1,
                foreign: false,
            },
        }
    }
}

impl Root {
    /// Makes a symlink in the staging area.
    pub(super) fn stage_link(
        &self,
        target: &LinkTarget,
        modified: Timestamp,
    ) -> Result<Staged, DiskError> {
        let stage = || -> io::Result<Staged> {
            let mut staged = Staged::reserve(self)?;
            os::make_link(self.staging(), &staged.entry.name, target.as_bytes())?;
            staged.entry.gone = false;
            let entry = os::open_at(self.staging(), &staged.entry.name, Want::Entry)?;
            os::set_modified(&entry, modified)?;
            staged.stamp = stamp_of(&os::info_of(&entry)?);
            Ok(staged)
        };
        stage().map_err(DiskError::own("make a symlink in", "staging"))
    }
}

/// Waits until a file's bytes are on the disk; false when this user may not open it.
fn sync_file(place: &Place) -> io::Result<bool> {
    match os::open_at(&place.directory, &place.name, Want::Content) {
        Ok(file) => os::sync(file).map(|()| true),
        // Removed meanwhile: then that is what has to be on the disk.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(false),
        Err(error) => Err(error),
    }
}

/// Sorts "the name is taken" from failures.
fn taken(result: io::Result<()>) -> io::Result<Option<Change>> {
    match result {
        Ok(()) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Some(Change::Taken)),
        Err(error) => Err(error),
    }
}

/// Permissions `mode` with or without the right to execute for those who may read. Never
/// set-user-id and its like (C-5).
pub(super) fn with_executable(mode: u32, executable: bool) -> u32 {
    let plain = mode & 0o666;
    if executable {
        plain | (plain & 0o444) >> 2
    } else {
        plain
    }
}
