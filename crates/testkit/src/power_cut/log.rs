//! What a program changed below a few directories, call by call.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::reader::Reader;
use super::trace::Trace;

/// A file, directory or symlink, whatever its name. The first ones are the roots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Inode(pub usize);

/// A name in a directory.
pub type Slot = (Inode, Vec<u8>);

/// Seconds and nanoseconds.
pub type Time = (i64, i64);

/// What an inode is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Holds names.
    Directory,
    /// Holds bytes.
    File,
    /// Holds a text.
    Link(Vec<u8>),
}

/// One change, or a promise that changes are durable.
#[derive(Debug, Clone)]
pub enum Change {
    /// A new inode gets a name.
    Make {
        /// The name.
        slot: Slot,
        /// What has it.
        inode: Inode,
    },
    /// A name goes, and with it what had it.
    Remove {
        /// The name.
        slot: Slot,
        /// What had it.
        inode: Inode,
    },
    /// Another name, in place of what had it.
    Rename {
        /// The old name.
        from: Slot,
        /// The new name.
        to: Slot,
        /// What is moved.
        inode: Inode,
        /// What is gone by this.
        replaced: Option<Inode>,
    },
    /// Two names change places.
    Exchange {
        /// The names.
        slots: [Slot; 2],
        /// What had them.
        inodes: [Inode; 2],
    },
    /// Permissions.
    Mode(Inode, u32),
    /// The time of modification; none for the time of the call.
    Modified(Inode, Option<Time>),
    /// Bytes of a file.
    Write {
        /// The file.
        inode: Inode,
        /// Where.
        offset: u64,
        /// What.
        bytes: Vec<u8>,
    },
    /// The length of a file.
    Length(Inode, u64),
    /// Zeros in a file that keeps its length.
    Hole(Inode, u64, u64),
    /// The call that makes an inode durable: all that happened to it before the change `since`.
    Sync {
        /// The file or directory.
        inode: Inode,
        /// What was done before this began.
        since: usize,
    },
    /// The call that makes everything on a file system durable.
    SyncAll {
        /// The root.
        volume: usize,
        /// What was done before this began.
        since: usize,
    },
    /// No change: what the program says of itself.
    Mark(String),
}

/// What the program was told about an inode.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// The inode.
    pub inode: Inode,
    /// After so many changes.
    pub after: usize,
    /// Its number.
    pub number: u64,
    /// When it was modified.
    pub modified: Time,
    /// When anything of it was changed.
    pub changed: Time,
    /// When it was made.
    pub born: Time,
}

/// All that a program did below some directories.
#[derive(Debug, Default, Clone)]
pub struct Log {
    /// What there is, with the number of the file system it is on.
    pub nodes: Vec<(Node, usize)>,
    /// What was done, in order.
    pub changes: Vec<Change>,
    /// What was seen, in order.
    pub looks: Vec<Look>,
    /// The looks at each inode, and the changes that gave it another change time.
    pub(super) known: HashMap<Inode, Known>,
}

#[derive(Debug, Default, Clone)]
pub(super) struct Known {
    looks: Vec<usize>,
    restamped: Vec<usize>,
}

impl Change {
    /// The directories whose names it changes, and whatever gets another name, time or length by it: a
    /// sync of any of them makes it durable.
    pub(super) fn touched(&self) -> Vec<Inode> {
        match self {
            Self::Make { slot, inode } | Self::Remove { slot, inode } => vec![slot.0, *inode],
            Self::Rename {
                from,
                to,
                inode,
                replaced,
            } => [from.0, to.0, *inode]
                .into_iter()
                .chain(*replaced)
                .collect(),
            Self::Exchange { slots, inodes } => {
                vec![slots[0].0, slots[1].0, inodes[0], inodes[1]]
            }
            Self::Mode(inode, _) | Self::Modified(inode, _) | Self::Length(inode, _) => {
                vec![*inode]
            }
            _ => Vec::new(),
        }
    }

    /// What gets another change time by it, as programs are told; of directories they take no notice.
    pub(super) fn restamped(&self) -> Vec<Inode> {
        match self {
            Self::Make { inode, .. } | Self::Remove { inode, .. } => vec![*inode],
            Self::Rename { inode, .. } => vec![*inode],
            Self::Exchange { inodes, .. } => inodes.to_vec(),
            Self::Write { inode, .. } | Self::Hole(inode, ..) => vec![*inode],
            _ => self.touched(),
        }
    }

    /// The file whose bytes or length it changes.
    pub(super) fn written(&self) -> Option<Inode> {
        match self {
            Self::Write { inode, .. } | Self::Length(inode, _) | Self::Hole(inode, ..) => {
                Some(*inode)
            }
            _ => None,
        }
    }
}

impl Log {
    /// Reads the calls of a program that were about anything below `roots`, which were empty when it
    /// started, or about to be made. A directory made in `marks` is a mark.
    ///
    /// # Panics
    /// When the program did what is not understood.
    pub fn read(trace: &Trace, roots: &[PathBuf], marks: &Path) -> Self {
        let mut reader = Reader::new(roots, marks);
        for call in &trace.calls {
            reader.read(call);
        }
        let mut log = reader.end();
        log.note_what_is_known();
        log
    }

    fn note_what_is_known(&mut self) {
        for (at, change) in self.changes.iter().enumerate() {
            for inode in change.restamped() {
                self.known.entry(inode).or_default().restamped.push(at);
            }
        }
        for (at, look) in self.looks.iter().enumerate() {
            self.known.entry(look.inode).or_default().looks.push(at);
        }
    }

    /// What the program was told of an inode: while its last change was `stamped` if it was told
    /// anything then, which is what the bool says; else at some time.
    pub(super) fn look(&self, inode: Inode, stamped: Option<usize>) -> (Option<Look>, bool) {
        let Some(known) = self.known.get(&inode) else {
            return (None, false);
        };
        let since = stamped.map_or(0, |at| at + 1);
        let next = known.restamped.iter().find(|at| **at >= since);
        let next = next.copied().unwrap_or(usize::MAX);
        let mut looks = known.looks.iter().map(|at| self.looks[*at]);
        let first = looks.clone().next();
        match looks.find(|look| look.after >= since && look.after <= next) {
            Some(look) => (Some(look), true),
            None => (first, false),
        }
    }

    /// The same without what `dropped` says: a program that did not do it. Numbers stay.
    #[must_use]
    pub fn without(mut self, dropped: impl Fn(&Self, usize) -> bool) -> Self {
        for at in 0..self.changes.len() {
            if dropped(&self, at) {
                self.changes[at] = Change::Mark(String::new());
            }
        }
        self
    }

    /// The file system that an inode is on.
    pub fn volume(&self, inode: Inode) -> usize {
        self.nodes[inode.0].1
    }
}
