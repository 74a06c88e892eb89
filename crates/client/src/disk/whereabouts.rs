//! Where a sync folder is that is not at its place any more.
//!
//! Looks and changes nothing. What it looks through is bounded, and it stays on the file system
//! where each search begins; symlinks are not followed. A directory counts only for its marker:
//! the name says nothing.

use std::collections::{HashMap, VecDeque};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::identity::{Inspection, Mismatch, Owner, Verdict};
use super::root::HYTHE;

/// How far below the directory that held the folder, the one above it, and the user's home.
const NEAR: u32 = 3;
const AROUND: u32 = 2;
const AT_HOME: u32 = 4;

/// Entries looked at below each of the three: a second's work, where all has to come from a disk.
const MOST_ENTRIES: usize = 50_000;

/// A directory with the marker of a folder that is not at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it is the very directory, by file system and inode. If not it is a copy of it, as
    /// is what came from another file system.
    pub same: bool,
}

/// Where to look for a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    place: PathBuf,
    hints: Vec<PathBuf>,
    starts: Vec<(PathBuf, u32)>,
}

impl Moved {
    /// Judges one directory: a folder as this device left it last, or a copy of that. A copy from
    /// an earlier time is somebody's backup, and nothing that was moved.
    pub fn at(path: &Path, owner: &Owner) -> Option<Self> {
        let same = match Inspection::of(path).ok()?.judge(owner) {
            Ok(()) => true,
            Err(Verdict::Reconcile(Mismatch::Copied)) => false,
            Err(_) => return None,
        };
        let path = path.to_owned();
        Some(Self { path, same })
    }
}

impl Places {
    /// Around the place that the folder had, then the user's home.
    pub fn around(place: &Path, home: Option<&Path>) -> Self {
        let above = place.ancestors().skip(1).find(|above| above.is_dir());
        let near = above.map(|above| (above, NEAR));
        let around = above.and_then(Path::parent).map(|above| (above, AROUND));
        let home = home.map(|home| (home, AT_HOME));
        let owned = |(path, depth): (&Path, u32)| (path.to_owned(), depth);
        Self {
            place: place.to_owned(),
            hints: Vec::new(),
            starts: [near, around, home]
                .into_iter()
                .flatten()
                .map(owned)
                .collect(),
        }
    }

    /// Looks here first.
    #[must_use]
    pub fn first(mut self, hint: Option<PathBuf>) -> Self {
        self.hints.extend(hint);
        self
    }

    /// Looks. The very directory is taken before a copy, the first copy before others.
    pub fn search(&self, owner: &Owner) -> Option<Moved> {
        let hinted = self.hints.iter().filter(|hint| **hint != self.place);
        let mut copy = None;
        for moved in hinted.filter_map(|hint| Moved::at(hint, owner)) {
            if moved.same {
                return Some(moved);
            }
            copy.get_or_insert(moved);
        }
        let mut walk = Walk {
            owner,
            place: &self.place,
            listed: HashMap::new(),
            copy,
        };
        let found = self
            .starts
            .iter()
            .find_map(|(start, depth)| walk.below(start, *depth));
        found.or(walk.copy)
    }
}

/// One search.
struct Walk<'a> {
    owner: &'a Owner,
    place: &'a Path,
    /// Directories that were listed, by device and inode, with how deep below them it was looked.
    listed: HashMap<(u64, u64), u32>,
    copy: Option<Moved>,
}

impl Walk<'_> {
    /// Looks below a directory, the nearest first.
    fn below(&mut self, start: &Path, depth: u32) -> Option<Moved> {
        let device = fs::metadata(start).ok()?.dev();
        let mut left = MOST_ENTRIES;
        let mut open = VecDeque::from([(start.to_owned(), depth)]);
        while let Some((directory, depth)) = open.pop_front() {
            if !self.enters(&directory, device, depth) {
                continue;
            }
            let listed = Listed::of(&directory, &mut left);
            match listed.marked {
                true => match self.judge(&directory) {
                    Some(moved) => return Some(moved),
                    None => continue,
                },
                false if depth == 0 => continue,
                false => open.extend(listed.below.into_iter().map(|path| (path, depth - 1))),
            }
        }
        None
    }

    /// Whether a directory is on the file system of the search, and was not looked through yet.
    fn enters(&mut self, directory: &Path, device: u64, depth: u32) -> bool {
        // Not followed: what was a directory when it was listed may be a symlink by now.
        let Ok(found) = fs::symlink_metadata(directory) else {
            return false;
        };
        let key = (found.dev(), found.ino());
        let before = self.listed.get(&key).is_some_and(|known| *known >= depth);
        if !found.is_dir() || found.dev() != device || before {
            return false;
        }
        self.listed.insert(key, depth);
        true
    }

    /// The very directory ends the search; the first copy is kept.
    fn judge(&mut self, directory: &Path) -> Option<Moved> {
        let moved = Moved::at(directory, self.owner).filter(|found| found.path != self.place)?;
        if moved.same {
            return Some(moved);
        }
        self.copy.get_or_insert(moved);
        None
    }
}

/// What a directory holds, as far as the search goes on there.
#[derive(Default)]
struct Listed {
    /// Whether it has a marker, or at least Hythe's own directory.
    marked: bool,
    /// Its directories, but hidden ones: there are many, and nobody keeps a sync folder there.
    below: Vec<PathBuf>,
}

impl Listed {
    fn of(directory: &Path, left: &mut usize) -> Self {
        let mut listed = Self::default();
        let Ok(entries) = fs::read_dir(directory) else {
            return listed;
        };
        for entry in entries.take(*left).flatten() {
            *left -= 1;
            let name = entry.file_name();
            listed.marked |= name.as_bytes() == HYTHE;
            let hidden = name.as_bytes().starts_with(b".");
            if !hidden && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                listed.below.push(entry.path());
            }
        }
        // The same directories are found, whatever order the system lists them in.
        listed.below.sort();
        listed
    }
}
