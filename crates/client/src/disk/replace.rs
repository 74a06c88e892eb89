//! Replacing what a name holds: exchange, verify, keep the old one until nobody writes to it (S2).

use std::io;

use hythe_model::{ContentHash, EntryName, LinkTarget, Timestamp, TreePath};
use hythe_sync::DiskStamp;

use super::batch::{Batch, with_executable};
use super::error::DiskError;
use super::out::OutName;
use super::outcome::{Change, Outcome};
use super::place::Place;
use super::staged::Staged;
use super::stamp::Found;
use crate::os::{self, FileKind, Want};

/// How often a value may change hands while it is put back. Whatever is left in `.hythe/out` after
/// that comes back as late.
const PUT_BACKS: usize = 16;

impl Batch<'_> {
    /// Puts a staged file in place of the file or symlink at `path`, which must be exactly
    /// `expected`. `known` is the hash of what is there, if the caller has it: with it, something
    /// written late can be told from nothing written.
    ///
    /// # Errors
    /// The system's.
    pub fn replace(
        &mut self,
        mut staged: Staged,
        path: &TreePath,
        expected: &DiskStamp,
        known: Option<ContentHash>,
    ) -> Result<Outcome<Found>, DiskError> {
        staged.flush().map_err(DiskError::own("sync", "staging"))?;
        self.exchange(staged, FileKind::File, path, expected, known)
    }

    /// Puts a symlink in place of the file or symlink at `path`, as [`Self::replace`].
    ///
    /// # Errors
    /// The system's.
    pub fn replace_link(
        &mut self,
        target: &LinkTarget,
        modified: Timestamp,
        path: &TreePath,
        expected: &DiskStamp,
    ) -> Result<Outcome<Found>, DiskError> {
        let staged = self.root.stage_link(target, modified)?;
        self.exchange(staged, FileKind::Symlink, path, expected, None)
    }

    /// Puts a staged file in place of whatever is at `path`, which gets the free name `aside` in
    /// the same directory: a conflict copy. Returns both. Nothing comes to `aside` but what was at
    /// `path` when the names were exchanged.
    ///
    /// # Errors
    /// The system's.
    pub fn replace_aside(
        &mut self,
        mut staged: Staged,
        path: &TreePath,
        aside: &EntryName,
    ) -> Result<Outcome<(Found, Found)>, DiskError> {
        staged.flush().map_err(DiskError::own("sync", "staging"))?;
        self.exchange_aside(staged, FileKind::File, path, aside)
    }

    /// Puts a symlink in place of whatever is at `path`, as [`Self::replace_aside`].
    ///
    /// # Errors
    /// The system's.
    pub fn replace_link_aside(
        &mut self,
        target: &LinkTarget,
        modified: Timestamp,
        path: &TreePath,
        aside: &EntryName,
    ) -> Result<Outcome<(Found, Found)>, DiskError> {
        let staged = self.root.stage_link(target, modified)?;
        self.exchange_aside(staged, FileKind::Symlink, path, aside)
    }

    fn exchange(
        &mut self,
        mut staged: Staged,
        kind: FileKind,
        path: &TreePath,
        expected: &DiskStamp,
        known: Option<ContentHash>,
    ) -> Result<Outcome<Found>, DiskError> {
        let failed = || DiskError::at("replace", path);
        let Some(place) = Place::of(self.root, path)? else {
            return Ok(Outcome::Changed(Change::NoParent));
        };
        let found = place.look(self.root).map_err(failed())?;
        if !found.is_some_and(|found| is_expected(&found, expected)) {
            return Ok(Outcome::Changed(Change::Instead(found)));
        }
        if kind == FileKind::File {
            self.keep_permissions(&mut staged, &place)
                .map_err(failed())?;
        }
        let busy = self.root.out_busy();
        let name = OutName::new(Some(expected), Some(&staged.stamp))
            .map_err(failed())?
            .encode();
        let Some(exchanged) = self.swap(&mut staged, &name, &place).map_err(failed())? else {
            return Ok(Outcome::Changed(Change::Instead(None)));
        };
        if !exchanged.stamp.same_but_changed(expected) {
            self.put_back(&place, &name, &exchanged.stamp, &staged.stamp)
                .map_err(failed())?;
            drop(busy);
            self.touch(place.directory);
            return Ok(Outcome::Changed(Change::Instead(Some(exchanged))));
        }
        self.root.retire(&name, path, known).map_err(failed())?;
        drop(busy);
        let placed = self.placed(&place, &staged.stamp, kind, staged.executable);
        self.touch(place.directory);
        Ok(Outcome::Done(placed))
    }

    fn exchange_aside(
        &mut self,
        mut staged: Staged,
        kind: FileKind,
        path: &TreePath,
        aside: &EntryName,
    ) -> Result<Outcome<(Found, Found)>, DiskError> {
        let failed = || DiskError::at("replace", path);
        let Some(place) = Place::of(self.root, path)? else {
            return Ok(Outcome::Changed(Change::NoParent));
        };
        match place.look(self.root).map_err(failed())? {
            Some(found) if !found.foreign => {}
            other => return Ok(Outcome::Changed(Change::Instead(other))),
        }
        let busy = self.root.out_busy();
        // The name promises nothing about what comes out: after a crash it is a late value.
        let name = OutName::new(None, Some(&staged.stamp))
            .map_err(failed())?
            .encode();
        let Some(exchanged) = self.swap(&mut staged, &name, &place).map_err(failed())? else {
            return Ok(Outcome::Changed(Change::Instead(None)));
        };
        let aside = Place {
            directory: place.again().map_err(failed())?,
            name: aside.as_bytes().to_vec(),
        };
        match os::move_new(self.root.out(), &name, &aside.directory, &aside.name) {
            Ok(()) => {}
            Err(error) => {
                self.put_back(&place, &name, &exchanged.stamp, &staged.stamp)
                    .map_err(failed())?;
                return match error.kind() {
                    io::ErrorKind::AlreadyExists => Ok(Outcome::Changed(Change::Taken)),
                    _ => Err(failed()(error)),
                };
            }
        }
        drop(busy);
        let placed = self.placed(&place, &staged.stamp, kind, staged.executable);
        let moved = self.placed(
            &aside,
            &exchanged.stamp,
            exchanged.kind,
            exchanged.executable,
        );
        self.touch(place.directory);
        Ok(Outcome::Done((placed, moved)))
    }

    /// Exchanges a staged entry with what is at `place`, by way of the name `out` in `.hythe/out`,
    /// which says after a crash what either is. Returns what came out; none when there was
    /// nothing, and then nothing was done.
    fn swap(&self, staged: &mut Staged, out: &[u8], place: &Place) -> io::Result<Option<Found>> {
        let own = self.root.out();
        os::move_new(self.root.staging(), &staged.entry.name, own, out)?;
        staged.entry.gone = true;
        match os::exchange(own, out, &place.directory, &place.name) {
            Ok(()) => Ok(Some(Found::new(&os::info_at(own, out)?, self.root.mount()))),
            Err(error) => {
                os::remove_file(own, out)?;
                if error.kind() == io::ErrorKind::NotFound {
                    Ok(None)
                } else {
                    Err(error)
                }
            }
        }
    }

    /// The user was quicker: what came out is no value we know, so it gets its name back, and
    /// what we had put there is thrown away. If the user goes on saving in that moment, values are
    /// exchanged until the newest has the name: that is so when what comes out is what was put
    /// there last. Older ones that are left in `.hythe/out` are found there as late.
    fn put_back(
        &self,
        place: &Place,
        out: &[u8],
        theirs: &DiskStamp,
        ours: &DiskStamp,
    ) -> io::Result<()> {
        let own = self.root.out();
        let (mut held, mut put_before) = (*theirs, *ours);
        for _ in 0..PUT_BACKS {
            match os::exchange(own, out, &place.directory, &place.name) {
                Ok(()) => {}
                // The name is free by now: the user's value can simply have it again.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return os::move_new(own, out, &place.directory, &place.name);
                }
                Err(error) => return Err(error),
            }
            let pulled = Found::new(&os::info_at(own, out)?, self.root.mount()).stamp;
            if pulled.same_but_changed(ours) {
                return os::remove_file(own, out);
            }
            if pulled.same_but_changed(&put_before) {
                break;
            }
            put_before = std::mem::replace(&mut held, pulled);
        }
        Ok(())
    }

    /// A file keeps the permissions its owner gave it; only the right to execute travels.
    fn keep_permissions(&self, staged: &mut Staged, place: &Place) -> io::Result<()> {
        let old = os::info_at(&place.directory, &place.name)?;
        if old.kind != FileKind::File {
            return Ok(());
        }
        let entry = os::open_at(self.root.staging(), &staged.entry.name, Want::Entry)?;
        let wanted = with_executable(old.mode, staged.executable);
        if os::info_of(&entry)?.mode != wanted {
            os::set_permissions(&entry, wanted)?;
            staged.stamp = super::stamp::stamp_of(&os::info_of(&entry)?);
        }
        Ok(())
    }
}

fn is_expected(found: &Found, expected: &DiskStamp) -> bool {
    matches!(found.kind, FileKind::File | FileKind::Symlink)
        && !found.foreign
        && found.stamp == *expected
}
