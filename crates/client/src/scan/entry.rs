//! One entry of a directory.

use std::io;
use std::os::fd::BorrowedFd;

use hythe_model::{ContentHash, EntryName, NodeId, NodeKind};
use hythe_sync::ignore::{Ignored, entry_name};
use hythe_sync::{LocalNode, Place};

use super::ScanError;
use super::ahead::Ticket;
use super::identify::{Compared, compare, keeps_content, node_kind};
use super::replaced::Replaced;
use super::session::{Session, fresh_id};
use super::trouble::Trouble;
use crate::disk::{Found, Marker};
use crate::os::{self, FileKind, Info};
use crate::state::{LocalRow, LocalSeen, StampBytes, kind_number};

/// An open directory of the folder that is being looked at.
pub(super) struct Directory<'d> {
    pub(super) handle: BorrowedFd<'d>,
    /// Its path below the folder.
    pub(super) path: &'d [u8],
    /// Its node.
    pub(super) node: NodeId,
    /// Whether known directories in it are to be entered as well.
    pub(super) deep: bool,
    /// Directories in it that are to be entered.
    pub(super) children: Vec<Child>,
}

/// A directory to be entered.
pub(super) struct Child {
    pub(super) name: Box<[u8]>,
    pub(super) node: NodeId,
    pub(super) inode: u64,
    pub(super) depth: Depth,
    /// Where it was asked to be looked into ahead of its turn.
    pub(super) ticket: Option<Ticket>,
}

/// How far a directory is looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// With everything below it.
    All,
    /// With everything below it, unless whoever listens has watched it all along.
    Unwatched,
    /// The entries right in it, and everything below new directories.
    Shallow,
}

impl Session<'_> {
    /// Looks at an entry whose place has a row. The common case, nothing changed, compares bytes
    /// and allocates nothing.
    pub(super) fn known(
        &mut self,
        at: &mut Directory<'_>,
        row: &LocalSeen<'_>,
        info: Option<io::Result<Info>>,
    ) -> Result<(), ScanError> {
        let Some(found) = self.look(at, row.name, info) else {
            return Ok(());
        };
        let kind = node_kind(found.kind);
        let unchanged = !row.racy
            && !found.foreign
            && kind.is_some_and(|kind| kind_number(kind) == row.kind)
            && found.executable == row.executable
            && StampBytes::new(&found.stamp).as_slice() == row.stamp;
        if unchanged {
            if kind == Some(NodeKind::Directory) && at.deep {
                let node = NodeId::from_slice(row.node)
                    .map_err(|_| crate::state::StateError::Invalid("node id"))?;
                at.enter(row.name, node, found.stamp.inode, Depth::All);
            }
            return Ok(());
        }
        let name = EntryName::new(row.name);
        let name = name.map_err(|_| crate::state::StateError::Invalid("name"))?;
        match self
            .snapshot
            .rows()?
            .local_at(self.folder(), at.node, &name)?
        {
            Some(row) => self.judge(at, row, &found),
            None => self.unknown_found(at, name.as_bytes(), &found),
        }
    }

    /// Looks at an entry whose place has no row.
    pub(super) fn unknown(
        &mut self,
        at: &mut Directory<'_>,
        name: &[u8],
        info: Option<io::Result<Info>>,
    ) -> Result<(), ScanError> {
        if at.path.is_empty() && name == crate::disk::HYTHE {
            return Ok(());
        }
        match self.look(at, name, info) {
            Some(found) => self.unknown_found(at, name, &found),
            None => Ok(()),
        }
    }

    /// What the system says about an entry, asked now unless it was asked before; none when it
    /// cannot be told, which is no evidence of anything.
    fn look(
        &mut self,
        at: &Directory<'_>,
        name: &[u8],
        info: Option<io::Result<Info>>,
    ) -> Option<Found> {
        self.report.entries += 1;
        match info.unwrap_or_else(|| os::info_at(at.handle, name)) {
            Ok(info) => Some(Found::new(&info, self.scan.root.mount())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.look_again(at.path, name);
                None
            }
            Err(error) => {
                self.trouble(at.path, name, Trouble::unreadable(&error));
                None
            }
        }
    }

    /// Decides what an entry is whose place has a row that differs.
    pub(super) fn judge(
        &mut self,
        at: &mut Directory<'_>,
        row: LocalRow,
        found: &Found,
    ) -> Result<(), ScanError> {
        let (id, name) = (row.node.id, row.node.place.name.clone());
        if self
            .claimed
            .get(&id)
            .is_some_and(|place| *place != row.node.place)
        {
            return self.unknown_found(at, name.as_bytes(), found);
        }
        if found.foreign {
            // Something was mounted over it. What is below is still there (SC-062).
            self.trouble(at.path, name.as_bytes(), Trouble::mounted());
            return Ok(());
        }
        let Some(kind) = node_kind(found.kind) else {
            self.miss(at.path, row);
            return self.unknown_found(at, name.as_bytes(), found);
        };
        match compare(&row, found, kind) {
            Compared::Same if row.racy => self.reread(row),
            Compared::Same => {}
            Compared::Changed => {
                let next = self.row(at, row.node.id, &name, kind, found);
                let hash = next.node.hash;
                let kept = row
                    .node
                    .hash
                    .filter(|_| keeps_content(&row.node.stamp, &found.stamp, false));
                self.observe(with_hash(next, hash.or(kept)));
            }
            Compared::OtherKind => {
                self.miss(at.path, row);
                return self.unknown_found(at, name.as_bytes(), found);
            }
            Compared::Replaced => return self.replaced(at, row, kind, found),
        }
        if kind == NodeKind::Directory && at.deep {
            at.enter(name.as_bytes(), id, found.stamp.inode, Depth::All);
        }
        Ok(())
    }

    /// A stamp that proved nothing when it was taken: what is there must be read.
    fn reread(&mut self, mut row: LocalRow) {
        if !self.is_racy(&row) {
            row.node.hash = None;
            self.observe(row);
        }
    }

    /// Another entry of the same kind has the name. For a directory the identity decides at once;
    /// which node a file is depends on what else is found.
    fn replaced(
        &mut self,
        at: &mut Directory<'_>,
        row: LocalRow,
        kind: NodeKind,
        found: &Found,
    ) -> Result<(), ScanError> {
        let name = row.node.place.name.clone();
        if kind == NodeKind::Directory {
            self.miss(at.path, row);
            return self.unknown_found(at, name.as_bytes(), found);
        }
        let next = self.row(at, row.node.id, &name, kind, found);
        let directory = at.path.to_vec();
        self.replaced.push(Replaced {
            before: row,
            next,
            found: *found,
            directory,
        });
        Ok(())
    }

    fn unknown_found(
        &mut self,
        at: &mut Directory<'_>,
        name: &[u8],
        found: &Found,
    ) -> Result<(), ScanError> {
        let kind = node_kind(found.kind);
        let name = match (entry_name(name, kind), found.kind) {
            (Ok(name), _) => name,
            (Err(_), FileKind::Special(special)) => {
                self.trouble(at.path, name, Trouble::special(special));
                return Ok(());
            }
            (Err(ignored @ (Ignored::Ours | Ignored::Special | Ignored::Name(_))), _) => {
                self.trouble(at.path, name, Trouble::ignored(ignored));
                return Ok(());
            }
        };
        let Some(kind) = kind else { return Ok(()) };
        if found.foreign {
            self.trouble(at.path, name.as_bytes(), Trouble::mounted());
            return Ok(());
        }
        match self.moved_from(found, kind)? {
            Some(moved) => self.moved_here(at, moved, &name, found),
            None => self.fresh(at, &name, kind, found),
        }
    }

    fn moved_here(
        &mut self,
        at: &mut Directory<'_>,
        before: LocalRow,
        name: &EntryName,
        found: &Found,
    ) -> Result<(), ScanError> {
        let node = before.node;
        let next = self.row(at, node.id, name, node.kind, found);
        self.claim(&node, next);
        if node.kind == NodeKind::Directory {
            let depth = if at.deep {
                Depth::All
            } else {
                Depth::Unwatched
            };
            at.enter(name.as_bytes(), node.id, found.stamp.inode, depth);
        }
        Ok(())
    }

    fn fresh(
        &mut self,
        at: &mut Directory<'_>,
        name: &EntryName,
        kind: NodeKind,
        found: &Found,
    ) -> Result<(), ScanError> {
        let id = fresh_id()?;
        let row = self.row(at, id, name, kind, found);
        self.observe(row);
        // Asked only where nothing is known: an open more for each directory makes the time longer
        // in which a move can get ahead of the watcher.
        let foreign = !self.knows_any && is_sync_folder(at.handle, name.as_bytes(), found);
        if kind == NodeKind::Directory && !foreign {
            at.enter(name.as_bytes(), id, found.stamp.inode, Depth::All);
        }
        Ok(())
    }

    /// A row for an entry. A symlink's text is read at once; a file's content is not.
    fn row(
        &self,
        at: &Directory<'_>,
        id: NodeId,
        name: &EntryName,
        kind: NodeKind,
        found: &Found,
    ) -> LocalRow {
        let hash = match kind {
            NodeKind::Symlink => os::read_link(at.handle, name.as_bytes())
                .ok()
                .map(|text| ContentHash(*blake3::hash(&text).as_bytes())),
            _ => None,
        };
        let place = Place::new(at.node, name.clone());
        let (executable, stamp) = (found.executable, found.stamp);
        LocalNode {
            id,
            place,
            kind,
            executable,
            stamp,
            hash,
        }
        .into()
    }
}

fn with_hash(mut row: LocalRow, hash: Option<ContentHash>) -> LocalRow {
    row.node.hash = hash;
    row
}

impl Directory<'_> {
    fn enter(&mut self, name: &[u8], node: NodeId, inode: u64, depth: Depth) {
        self.children.push(Child {
            name: name.into(),
            node,
            inode,
            depth,
            ticket: None,
        });
    }
}

/// Whether a directory that nothing is known of is a folder of its own: then, after the state was
/// lost, it fills an attachment that is not known yet. A copy of one is an ordinary directory.
fn is_sync_folder(directory: BorrowedFd<'_>, name: &[u8], found: &Found) -> bool {
    let marker = Marker::of(directory, name);
    marker.is_some_and(|marker| marker.inode == found.stamp.inode)
}
