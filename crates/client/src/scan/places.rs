//! Looking at single places.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, OwnedFd};

use hythe_model::{EntryName, NodeId, NodeKind, TreePath};

use super::ScanError;
use super::entry::{Child, Depth, Directory};
use super::session::Session;
use crate::disk::{Found, is_elsewhere, stamp_of};
use crate::os::{self, Want};

/// So many entries of one directory are looked at one by one; for more, all of it is.
const SINGLE: usize = 256;

/// A directory is followed through so many moves within one scan.
const FOLLOWED: usize = 4;

/// A place, and how deep the known way to it was when it was looked at last.
type Open = (TreePath, usize);

/// A known directory and names in it to be looked at.
struct Group {
    directory: TreePath,
    node: NodeId,
    names: BTreeSet<EntryName>,
}

impl Session<'_> {
    /// Looks at the given places.
    pub(super) fn places(&mut self, places: &BTreeSet<TreePath>) -> Result<(), ScanError> {
        if places.contains(&TreePath::ROOT) {
            let root = self.root_as_child(Depth::Shallow)?;
            self.down(&mut Vec::new(), &root)?;
        }
        let mut open: Vec<Open> = places.iter().map(|place| (place.clone(), 0)).collect();
        while !open.is_empty() {
            let (groups, below) = self.groups(&open)?;
            for group in &groups {
                self.group(group)?;
                self.flush_some()?;
            }
            if below.is_empty() {
                break;
            }
            // Directories above these places were not known. Now they may be.
            self.flush()?;
            open = below;
            open.retain(|(place, _)| !self.is_covered(place));
        }
        Ok(())
    }

    fn is_covered(&self, place: &TreePath) -> bool {
        let path = place.to_bytes();
        self.covered.iter().any(|covered| {
            path.strip_prefix(covered.as_slice())
                .is_some_and(|rest| rest.starts_with(b"/"))
        })
    }

    /// Sorts places by the directory they are in. A place below a directory that is not known
    /// yet means that directory at first; it is returned again, with how deep the known way to it
    /// was, unless that is as deep as the last time.
    fn groups(&self, places: &[Open]) -> Result<(Vec<Group>, Vec<Open>), ScanError> {
        let mut groups: BTreeMap<TreePath, Group> = BTreeMap::new();
        let mut below = Vec::new();
        for (place, reached) in places {
            let Some((directory, node, name)) = self.nearest_known(place)? else {
                continue;
            };
            let depth = directory.names().len() + 1;
            if depth <= *reached {
                continue;
            }
            if depth < place.names().len() {
                below.push((place.clone(), depth));
            }
            let group = groups.entry(directory.clone()).or_insert_with(|| Group {
                directory,
                node,
                names: BTreeSet::new(),
            });
            group.names.insert(name);
        }
        Ok((groups.into_values().collect(), below))
    }

    /// The deepest known directory above a place, and the name in it that leads there.
    fn nearest_known(
        &self,
        place: &TreePath,
    ) -> Result<Option<(TreePath, NodeId, EntryName)>, ScanError> {
        let rows = self.snapshot.rows()?;
        let (mut directory, mut node) = (TreePath::ROOT, self.root);
        let Some((last, above)) = place.names().split_last() else {
            return Ok(None);
        };
        for name in above {
            let row = rows.local_at(self.folder(), node, name)?;
            match row.filter(|row| row.node.kind == NodeKind::Directory) {
                // What is behind a border another folder looks at.
                Some(row) if self.borders.contains_key(&row.node.id) => return Ok(None),
                Some(row) => node = row.node.id,
                None => return Ok(Some((directory, node, name.clone()))),
            }
            directory = directory.join(name.clone());
        }
        Ok(Some((directory, node, last.clone())))
    }

    fn group(&mut self, group: &Group) -> Result<(), ScanError> {
        let path = group.directory.to_bytes();
        let handle = match os::open_below(self.scan.root.directory(), &path, Want::Directory) {
            Ok(handle) => handle,
            Err(error) if is_elsewhere(&error) => {
                // The directory itself is gone or something else: look at its place.
                self.unlooked.push((group.node, group.names.clone()));
                self.place_of_directory(&group.directory)?;
                return Ok(());
            }
            Err(error) => {
                self.trouble(b"", &path, super::trouble::Trouble::unreadable(&error));
                return Ok(());
            }
        };
        let Some(inode) = self.is_the_same(group.node, &handle)? else {
            self.unlooked.push((group.node, group.names.clone()));
            self.place_of_directory(&group.directory)?;
            return Ok(());
        };
        if group.names.len() > SINGLE {
            let child = Child {
                name: Box::default(),
                node: group.node,
                inode,
                depth: Depth::Shallow,
                ticket: None,
            };
            self.down(&mut path.clone(), &child)?;
            return Ok(());
        }
        let mut at = Directory {
            handle: handle.as_fd(),
            path: &path,
            node: group.node,
            deep: false,
            children: Vec::new(),
        };
        self.single(&mut at, &group.names)?;
        let children = at.children;
        for child in children {
            let mut below = super::session::join(&path, &child.name);
            self.down(&mut below, &child)?;
        }
        Ok(())
    }

    /// Looks where directories are that had moved when something in them was to be looked at. A move
    /// of a directory that is watched is told without what it holds, so nobody else would.
    pub(super) fn follow_moves(&mut self) -> Result<(), ScanError> {
        for _ in 0..FOLLOWED {
            let mut unlooked = std::mem::take(&mut self.unlooked);
            unlooked.retain(|(node, _)| self.claimed.contains_key(node));
            if unlooked.is_empty() {
                break;
            }
            for (node, names) in unlooked {
                if let Some(directory) = self.path_now(node)? {
                    self.group(&Group {
                        directory,
                        node,
                        names,
                    })?;
                }
            }
            self.flush()?;
        }
        for node in std::mem::take(&mut self.unentered) {
            let path = self.path_now(node)?;
            self.report.again.extend(path);
        }
        Ok(())
    }

    /// Where a node is, by what was written so far.
    fn path_now(&self, node: NodeId) -> Result<Option<TreePath>, ScanError> {
        let rows = self.snapshot.rows()?;
        Ok(rows.local_path(self.folder(), self.root, node)?)
    }

    /// The inode of an open directory, if it is the one that the node was.
    fn is_the_same(&self, node: NodeId, handle: &OwnedFd) -> Result<Option<u64>, ScanError> {
        let Ok(info) = os::info_of(handle) else {
            return Ok(None);
        };
        if node == self.root {
            return Ok(Some(info.inode));
        }
        let row = self.snapshot.rows()?.local(self.folder(), node)?;
        let same = row.is_some_and(|row| row.node.stamp.same_entry(&stamp_of(&info)));
        Ok(same.then_some(info.inode))
    }

    /// Looks at the place of a directory that could not be opened or is another one by now, in the nearest directory above
    /// it that can.
    fn place_of_directory(&mut self, directory: &TreePath) -> Result<(), ScanError> {
        let Some(above) = directory.parent() else {
            return Ok(());
        };
        for group in self.groups(&[(directory.clone(), 0)])?.0 {
            if group.directory == above {
                self.group(&group)?;
            }
        }
        Ok(())
    }

    /// Looks at single entries of a directory. If some are not there, the directory is listed to
    /// prove it (S4).
    fn single(
        &mut self,
        at: &mut Directory<'_>,
        names: &BTreeSet<EntryName>,
    ) -> Result<(), ScanError> {
        let mut absent = Vec::new();
        for name in names {
            self.forget_problem_at(at.path, name.as_bytes());
            let row = self
                .snapshot
                .rows()?
                .local_at(self.folder(), at.node, name)?;
            match (os::info_at(at.handle, name.as_bytes()), row) {
                (Ok(info), Some(row)) => {
                    let found = Found::new(&info, self.scan.root.mount());
                    self.report.entries += 1;
                    let (id, inode) = (row.node.id, found.stamp.inode);
                    let same_directory = row.node.kind == NodeKind::Directory
                        && row.node.stamp.same_entry(&found.stamp);
                    self.judge(at, row, &found)?;
                    if same_directory && !found.foreign {
                        let name = name.as_bytes().into();
                        let depth = Depth::Shallow;
                        at.children.push(Child {
                            name,
                            node: id,
                            inode,
                            depth,
                            ticket: None,
                        });
                    }
                }
                (Ok(_), None) => self.unknown(at, name.as_bytes(), None)?,
                (Err(error), row) if is_elsewhere(&error) => absent.extend(row),
                (Err(error), _) => {
                    let trouble = super::trouble::Trouble::unreadable(&error);
                    self.trouble(at.path, name.as_bytes(), trouble);
                }
            }
        }
        if absent.is_empty() {
            Ok(())
        } else {
            self.prove_absent(at, absent)
        }
    }

    fn prove_absent(
        &mut self,
        at: &Directory<'_>,
        absent: Vec<crate::state::LocalRow>,
    ) -> Result<(), ScanError> {
        let mut names = std::mem::take(&mut self.names);
        match names.read(&mut self.listing, at.handle) {
            Ok(()) => {
                for row in absent {
                    if names.contains(row.node.place.name.as_bytes()) {
                        self.look_again(at.path, row.node.place.name.as_bytes());
                    } else {
                        self.miss(at.path, row);
                    }
                }
            }
            Err(error) => {
                self.trouble(b"", at.path, super::trouble::Trouble::unreadable(&error));
            }
        }
        self.names = names;
        Ok(())
    }
}
