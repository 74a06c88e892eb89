//! What is on the disks after a power cut.

use super::log::{Change, Inode, Log, Look, Node, Time};

/// What an entry holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// Entries.
    Directory,
    /// Bytes.
    File(Vec<u8>),
    /// A text.
    Link(Vec<u8>),
}

/// One entry.
#[derive(Debug, Clone)]
pub struct Item {
    /// The file system, by its number.
    pub volume: usize,
    /// The names from its root on.
    pub path: Vec<Vec<u8>>,
    /// Which inode it is.
    pub inode: Inode,
    /// What it holds.
    pub held: Held,
    /// Permissions.
    pub mode: u32,
    /// When it was modified, where that is known.
    pub modified: Option<Time>,
    /// What the program was told of it, if it was told anything.
    pub known: Option<Look>,
    /// Whether it was told that when the inode was as it is here.
    pub is_as_known: bool,
}

/// Everything that is on the disks, directories before what is in them.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The entries.
    pub items: Vec<Item>,
}

/// What is there of an inode.
pub(super) struct Found {
    pub inode: Inode,
    /// The changes of its names and attributes.
    pub about: Vec<usize>,
    pub bytes: Vec<u8>,
    /// The last change of its bytes of which everything is there.
    pub last: Option<usize>,
}

impl State {
    /// A number that tells states apart.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut items: Vec<&Item> = self.items.iter().collect();
        items.sort_by(|one, other| (one.volume, &one.path).cmp(&(other.volume, &other.path)));
        let mut hasher = blake3::Hasher::new();
        for item in items {
            let text = format!(
                "{} {:?} {:?} {} {:?} {:?}",
                item.volume, item.path, item.inode, item.mode, item.modified, item.is_as_known
            );
            hasher.update(text.as_bytes());
            match &item.held {
                Held::Directory => hasher.update(b"d"),
                Held::File(bytes) | Held::Link(bytes) => {
                    hasher.update(blake3::hash(bytes).as_bytes())
                }
            };
        }
        *hasher.finalize().as_bytes()
    }

    /// Adds an entry.
    pub(super) fn add(&mut self, log: &Log, volume: usize, path: Vec<Vec<u8>>, found: Found) {
        let Found {
            inode,
            about,
            bytes,
            last,
        } = found;
        let held = match &log.nodes[inode.0].0 {
            Node::Directory => Held::Directory,
            Node::File => Held::File(bytes),
            Node::Link(text) => Held::Link(text.clone()),
        };
        let (mut mode, mut modified) = (0o644, None);
        for at in &about {
            match &log.changes[*at] {
                Change::Mode(_, new) => mode = *new,
                Change::Modified(_, time) => modified = time.map(|time| (*at, time)),
                _ => {}
            }
        }
        let stamped = about.iter().copied().filter(|at| {
            let change = &log.changes[*at];
            change.restamped().contains(&inode)
        });
        let stamped = stamped.chain(last).max();
        let (known, is_as_known) = log.look(inode, stamped);
        let written = |set: usize| last.is_some_and(|last| last > set);
        let modified = match modified {
            Some((set, time)) if !written(set) => Some(time),
            _ => known.filter(|_| is_as_known).map(|look| look.modified),
        };
        self.items.push(Item {
            volume,
            path,
            inode,
            held,
            mode,
            modified,
            known,
            is_as_known,
        });
    }
}
