//! Which name leads to which inode.

use std::collections::{BTreeMap, HashMap};

use super::log::{Inode, Slot};

/// The entries of all directories. An inode has one name at a time.
#[derive(Debug, Clone, Default)]
pub(super) struct Entries {
    by_slot: BTreeMap<Slot, Inode>,
    by_inode: HashMap<Inode, Slot>,
}

impl Entries {
    pub fn get(&self, slot: &Slot) -> Option<Inode> {
        self.by_slot.get(slot).copied()
    }

    /// Gives an inode a name, and no other; what had the name has none any more.
    pub fn put(&mut self, slot: &Slot, inode: Inode) {
        if let Some(before) = self.by_inode.remove(&inode) {
            self.by_slot.remove(&before);
        }
        if let Some(replaced) = self.by_slot.insert(slot.clone(), inode) {
            self.by_inode.remove(&replaced);
        }
        self.by_inode.insert(inode, slot.clone());
    }

    /// Takes a name away, if it is the inode's.
    pub fn remove(&mut self, slot: &Slot, inode: Inode) {
        if self.by_slot.get(slot) == Some(&inode) {
            self.by_slot.remove(slot);
            self.by_inode.remove(&inode);
        }
    }

    /// What is in a directory.
    pub fn of(&self, directory: Inode) -> impl Iterator<Item = (&[u8], Inode)> {
        let all = self.by_slot.range((directory, Vec::new())..);
        all.take_while(move |((of, _), _)| *of == directory)
            .map(|((_, name), inode)| (name.as_slice(), *inode))
    }

    /// What a path below a directory leads to.
    pub fn find(&self, directory: Inode, path: &[u8]) -> Option<Inode> {
        let names = path.split(|byte| *byte == b'/');
        let names = names.filter(|name| !name.is_empty() && *name != b".");
        names
            .into_iter()
            .try_fold(directory, |at, name| self.get(&(at, name.to_vec())))
    }
}
