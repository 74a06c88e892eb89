//! One directory: its names merged with its rows, both in order.

use std::io;
use std::os::fd::AsFd;
use std::rc::Rc;

use super::ScanError;
use super::ahead::{Errand, Eyes, Look};
use super::entry::{Child, Depth, Directory};
use super::names::Names;
use super::session::Session;
use super::trouble::Trouble;
use crate::disk::is_elsewhere;
use crate::os::{self, Info, Want};
use crate::state::{LocalSeen, StateError};

impl Session<'_> {
    /// Looks through the directory at `path`, which must be the one that was seen. Returns the
    /// directories in it that are to be entered.
    pub(super) fn enter(
        &mut self,
        path: &[u8],
        child: &Child,
        looked: Option<Look>,
    ) -> Result<Vec<Child>, ScanError> {
        if let Some(filled) = self.borders.get(&child.node).copied() {
            self.at_border(path, filled);
            return Ok(Vec::new());
        }
        let look = looked.unwrap_or_else(|| {
            let (path, inode, depth) = (path.to_vec(), child.inode, child.depth);
            let errand = Errand { path, inode, depth };
            Eyes::of(self.scan).look(&errand, &mut self.listing)
        });
        let listed = match look {
            Look::Listed(listed) => listed,
            Look::Watched => return Ok(Vec::new()),
            Look::Another => {
                // Look at the place again (SC-058).
                self.look_again(b"", path);
                self.unentered.push(child.node);
                return Ok(Vec::new());
            }
            Look::NotOpened(error) => {
                if self.not_opened(path, &error) {
                    self.unentered.push(child.node);
                }
                return Ok(Vec::new());
            }
        };
        let mut at = Directory {
            handle: listed.handle.as_fd(),
            path,
            node: child.node,
            deep: child.depth != Depth::Shallow,
            children: Vec::new(),
        };
        self.forget_problems_in(path);
        match listed.names {
            Ok(names) => self.merge(&mut at, &names, listed.infos)?,
            Err(error) => self.trouble(b"", path, Trouble::unreadable(&error)),
        }
        Ok(at.children)
    }

    /// What is behind a border another folder looks at. Where there is none, somebody has to know that
    /// nobody does.
    fn at_border(&mut self, path: &[u8], filled: bool) {
        let cut = path.iter().rposition(|byte| *byte == b'/');
        let (above, name) = match cut {
            Some(cut) => (&path[..cut], &path[cut + 1..]),
            None => (&[][..], path),
        };
        self.forget_problem_at(above, name);
        if filled {
            return;
        }
        let mut names = Names::default();
        let handle = os::open_below(self.scan.root.directory(), path, Want::Directory);
        let listed = handle.is_ok_and(|handle| names.read(&mut self.listing, &handle).is_ok());
        if listed && names.iter().next().is_some() {
            self.trouble(b"", path, Trouble::not_shown());
        }
    }

    /// Says whether the directory is not there any more.
    fn not_opened(&mut self, path: &[u8], error: &io::Error) -> bool {
        let elsewhere = is_elsewhere(error);
        if elsewhere {
            self.look_again(b"", path);
        } else {
            self.trouble(b"", path, Trouble::unreadable(error));
        }
        elsewhere
    }

    /// Compares the names of a directory, which are all it has, with its rows. Rows without a name
    /// are missing (S4).
    fn merge(
        &mut self,
        at: &mut Directory<'_>,
        names: &Names,
        infos: Vec<io::Result<Info>>,
    ) -> Result<(), ScanError> {
        let snapshot = Rc::clone(&self.snapshot);
        let rows = snapshot.rows()?;
        let mut statement = rows.local_listing()?;
        let mut known = statement
            .query((self.folder().0, at.node.as_bytes()))
            .map_err(StateError::from)?;
        let infos = infos
            .into_iter()
            .map(Some)
            .chain(std::iter::repeat_with(|| None));
        let mut listed = names.iter().zip(infos).peekable();
        while let Some(row) = known.next().map_err(StateError::from)? {
            let row = LocalSeen::read(row)?;
            while let Some((name, info)) = listed.next_if(|(name, _)| *name < row.name) {
                self.unknown(at, name, info)?;
            }
            match listed.next_if(|(name, _)| *name == row.name) {
                Some((_, info)) => self.known(at, &row, info)?,
                None => self.not_listed(at, row.name)?,
            }
        }
        for (name, info) in listed {
            self.unknown(at, name, info)?;
        }
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
