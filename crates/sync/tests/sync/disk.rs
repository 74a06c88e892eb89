//! A disk in a map: what a file system does, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use hythe_model::{Attributes, ContentHash, EntryName, NodeKind, Timestamp};
use hythe_sync::DiskStamp;

/// Kind, content, executable and time by path.
pub type Listing = BTreeMap<Vec<EntryName>, (NodeKind, Content, bool, i64)>;

/// The inode of the sync folder's root.
pub const ROOT: u64 = 1;

/// The content of a file, as a number. Contents 0 and 2 have one length, 1 and 3 another.
pub type Content = u32;

pub fn size_of(content: Content) -> u64 {
    u64::from(content % 2) + 1
}

pub fn hash_of(content: Content) -> ContentHash {
    let mut bytes = [7; 32];
    bytes[..4].copy_from_slice(&content.to_be_bytes());
    ContentHash(bytes)
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub parent: u64,
    pub name: EntryName,
    pub kind: NodeKind,
    pub content: Content,
    pub executable: bool,
    pub modified: i64,
    changed: i64,
}

/// Entries by inode. Inodes are never used twice.
#[derive(Debug, Clone)]
pub struct Disk {
    pub entries: BTreeMap<u64, Entry>,
    next_inode: u64,
    clock: i64,
}

impl Disk {
    pub fn new(clock: i64) -> Self {
        Self {
            entries: BTreeMap::new(),
            next_inode: ROOT + 1,
            clock,
        }
    }

    fn tick(&mut self) -> i64 {
        self.clock += 1;
        self.clock
    }

    /// A directory's times change with what is in it.
    fn tick_directory(&mut self, inode: u64) {
        let now = self.tick();
        if let Some(entry) = self.entries.get_mut(&inode) {
            (entry.modified, entry.changed) = (now, now);
        }
    }

    pub fn stamp(&self, inode: u64) -> Option<DiskStamp> {
        let entry = self.entries.get(&inode)?;
        let time = |seconds| Timestamp { seconds, nanos: 0 };
        Some(DiskStamp {
            device: 1,
            inode,
            size: if entry.kind == NodeKind::Directory {
                0
            } else {
                size_of(entry.content)
            },
            modified: time(entry.modified),
            changed: time(entry.changed),
            born: None,
        })
    }

    pub fn at(&self, parent: u64, name: &EntryName) -> Option<u64> {
        let mut all = self.entries.iter();
        all.find(|(_, entry)| entry.parent == parent && entry.name == *name)
            .map(|(inode, _)| *inode)
    }

    pub fn children(&self, parent: u64) -> Vec<u64> {
        let inside = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.parent == parent);
        let mut inside: Vec<_> = inside
            .map(|(inode, entry)| (entry.name.clone(), *inode))
            .collect();
        inside.sort();
        inside.into_iter().map(|(_, inode)| inode).collect()
    }

    pub fn exists(&self, inode: u64) -> bool {
        inode == ROOT || self.entries.contains_key(&inode)
    }

    /// Whether `inode` is `other` or below it.
    pub fn is_in(&self, inode: u64, other: u64) -> bool {
        let mut at = inode;
        while at != other {
            match self.entries.get(&at) {
                Some(entry) => at = entry.parent,
                None => return false,
            }
        }
        true
    }

    pub fn create(
        &mut self,
        parent: u64,
        name: &EntryName,
        kind: NodeKind,
        content: Content,
    ) -> u64 {
        assert!(self.at(parent, name).is_none(), "created over {name}");
        assert!(self.exists(parent), "created in nothing");
        let now = self.tick();
        let inode = self.next_inode;
        self.next_inode += 1;
        let name = name.clone();
        let entry = Entry {
            parent,
            name,
            kind,
            content,
            executable: false,
            modified: now,
            changed: now,
        };
        self.entries.insert(inode, entry);
        self.tick_directory(parent);
        inode
    }

    pub fn write(&mut self, inode: u64, content: Content) {
        let now = self.tick();
        if let Some(entry) = self.entries.get_mut(&inode) {
            (entry.content, entry.modified, entry.changed) = (content, now, now);
        }
    }

    pub fn set_attributes(&mut self, inode: u64, attributes: Attributes) {
        let now = self.tick();
        if let Some(entry) = self.entries.get_mut(&inode) {
            entry.executable = attributes.executable;
            (entry.modified, entry.changed) = (attributes.modified.seconds, now);
        }
    }

    pub fn touch(&mut self, inode: u64) {
        let now = self.tick();
        if let Some(entry) = self.entries.get_mut(&inode) {
            (entry.modified, entry.changed) = (now, now);
        }
    }

    pub fn chmod(&mut self, inode: u64) {
        let now = self.tick();
        if let Some(entry) = self.entries.get_mut(&inode) {
            (entry.executable, entry.changed) = (!entry.executable, now);
        }
    }

    pub fn rename(&mut self, inode: u64, parent: u64, name: &EntryName) {
        assert!(
            self.at(parent, name).is_none_or(|at| at == inode),
            "renamed over {name}"
        );
        assert!(!self.is_in(parent, inode), "renamed into itself");
        let now = self.tick();
        let from = self.entries.get(&inode).map_or(ROOT, |entry| entry.parent);
        if let Some(entry) = self.entries.get_mut(&inode) {
            (entry.parent, entry.name, entry.changed) = (parent, name.clone(), now);
        }
        self.tick_directory(from);
        self.tick_directory(parent);
    }

    pub fn remove(&mut self, inode: u64) {
        for child in self.children(inode) {
            self.remove(child);
        }
        if let Some(entry) = self.entries.remove(&inode) {
            self.tick_directory(entry.parent);
        }
    }

    /// The contents of all files.
    pub fn contents(&self) -> BTreeSet<Content> {
        let files = self
            .entries
            .values()
            .filter(|entry| entry.kind == NodeKind::File);
        files.map(|entry| entry.content).collect()
    }

    fn path(&self, inode: u64) -> Vec<EntryName> {
        let (mut path, mut at) = (Vec::new(), inode);
        while let Some(entry) = self.entries.get(&at) {
            path.push(entry.name.clone());
            at = entry.parent;
        }
        path.reverse();
        path
    }

    /// All entries of some kinds, in order of their paths.
    pub fn of_kind(&self, kinds: &[NodeKind]) -> Vec<u64> {
        let some = self
            .entries
            .iter()
            .filter(|(_, entry)| kinds.contains(&entry.kind));
        let by_path: BTreeMap<_, _> = some.map(|(inode, _)| (self.path(*inode), *inode)).collect();
        by_path.into_values().collect()
    }

    pub fn is_file(&self, inode: u64) -> bool {
        self.entries
            .get(&inode)
            .is_some_and(|entry| entry.kind == NodeKind::File)
    }

    /// All there is, by path: what two devices that agree have in common.
    pub fn listing(&self) -> Listing {
        let row = |inode: u64, entry: &Entry| {
            // Times of directories do not travel.
            let modified = if entry.kind == NodeKind::Directory {
                0
            } else {
                entry.modified
            };
            (
                self.path(inode),
                (entry.kind, entry.content, entry.executable, modified),
            )
        };
        self.entries
            .iter()
            .map(|(inode, entry)| row(*inode, entry))
            .collect()
    }
}
