//! One directory: its names merged with its rows, both in order.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use super::ScanError;
use super::entry::{Child, Depth, Directory};
use super::session::Session;
use super::trouble::Trouble;
use crate::disk::is_elsewhere;
use crate::os::{self, Want};
use crate::state::{LocalSeen, StateError};

impl Session<'_> {
    /// Opens the directory at `path`, which must be the one that was seen, and looks through it.
    /// Returns the directories in it that are to be entered.
    pub(super) fn enter(&mut self, path: &[u8], child: &Child) -> Result<Vec<Child>, ScanError> {
        tracing::trace!(path = %path.escape_ascii(), "looking through");
        let handle = match os::open_below(self.scan.root.directory(), path, Want::Directory) {
            Ok(handle) => handle,
            Err(error) => {
                self.not_opened(path, &error);
                return Ok(Vec::new());
            }
        };
        if os::info_of(&handle).is_ok_and(|info| info.inode != child.inode) {
            // Another directory has the name by now: look at the place again (SC-058).
            self.look_again(b"", path);
            return Ok(Vec::new());
        }
        let is_new = self.announce(&handle, path);
        if child.depth == Depth::Unwatched && !is_new {
            return Ok(Vec::new());
        }
        let mut at = Directory {
            handle: handle.as_fd(),
            path,
            node: child.node,
            deep: child.depth != Depth::Shallow,
            children: Vec::new(),
        };
        self.merge(&mut at)?;
        Ok(at.children)
    }

    /// Tells whoever listens. Without a listener everything is new.
    fn announce(&self, handle: &OwnedFd, path: &[u8]) -> bool {
        self.scan
            .entering
            .is_none_or(|entering| entering.entering(handle.as_fd(), path))
    }

    fn not_opened(&mut self, path: &[u8], error: &io::Error) {
        if is_elsewhere(error) {
            self.look_again(b"", path);
        } else {
            self.trouble(b"", path, Trouble::unreadable(error));
        }
    }

    /// Compares the names of a directory with its rows. Rows without a name are missing; but only
    /// if the listing came to its end (S4).
    fn merge(&mut self, at: &mut Directory<'_>) -> Result<(), ScanError> {
        self.forget_problems_in(at.path);
        let mut names = std::mem::take(&mut self.names);
        let listed = names.read(&mut self.listing, at.handle);
        if let Err(error) = &listed {
            self.trouble(b"", at.path, Trouble::unreadable(error));
        } else {
            let snapshot = Rc::clone(&self.snapshot);
            let rows = snapshot.rows()?;
            let mut statement = rows.local_listing()?;
            let mut known = statement
                .query((self.folder().0, at.node.as_bytes()))
                .map_err(StateError::from)?;
            let mut listed = names.iter().peekable();
            while let Some(row) = known.next().map_err(StateError::from)? {
                let row = LocalSeen::read(row)?;
                while let Some(name) = listed.next_if(|name| *name < row.name) {
                    self.unknown(at, name)?;
                }
                match listed.next_if(|name| *name == row.name) {
                    Some(_) => self.known(at, &row)?,
                    None => self.not_listed(at, row.name)?,
                }
            }
            for name in listed {
                self.unknown(at, name)?;
            }
        }
        self.names = names;
        Ok(())
    }

    fn not_listed(&mut self, at: &Directory<'_>, name: &[u8]) -> Result<(), ScanError> {
        let name = hythe_model::EntryName::new(name).map_err(|_| StateError::Invalid("name"))?;
        if let Some(row) = self
            .snapshot
            .rows()?
            .local_at(self.folder(), at.node, &name)?
        {
            self.miss(at.path, row);
        }
        Ok(())
    }
}
