//! Files whose name was taken by another file.
//!
//! A program that saves by writing a new file and renaming it over the old one leaves the name
//! with another inode, and means the same document. A user who swaps two files, or a program that
//! rotates logs, leaves known names with other inodes too, and means that the files moved. What
//! tells the two apart is the old inode: gone in the first case, elsewhere in the second. So all
//! such names are gathered and settled together.

use std::collections::HashMap;

use hythe_model::NodeKind;
use hythe_sync::LocalNode;

use super::ScanError;
use super::identify::{has_one_place, keeps_content, may_have_moved};
use super::session::{Session, fresh_id};
use crate::disk::Found;
use crate::state::LocalRow;

/// A known name with another file.
pub(super) struct Replaced {
    /// What had the name.
    pub(super) before: LocalRow,
    /// What has it, as the same node.
    pub(super) next: LocalRow,
    /// The same, as the system showed it.
    pub(super) found: Found,
    /// Path of the directory.
    pub(super) directory: Vec<u8>,
}

impl Session<'_> {
    /// Says which node each file is that took a known name.
    pub(super) fn settle_replaced(&mut self) -> Result<(), ScanError> {
        let replaced = std::mem::take(&mut self.replaced);
        let keeps = keep_names(&replaced, |node| self.claimed.contains_key(&node.id));
        for (one, keeps) in replaced.into_iter().zip(keeps) {
            if keeps {
                self.observe(one.next);
            } else {
                self.follow_inode(one)?;
            }
        }
        Ok(())
    }

    /// The file is the node that its inode was, and new if that is not known.
    fn follow_inode(&mut self, one: Replaced) -> Result<(), ScanError> {
        let Replaced {
            before,
            mut next,
            found,
            directory,
        } = one;
        self.miss(&directory, before);
        match self.moved_from(&found, next.node.kind)? {
            Some(moved) => {
                next.node.id = moved.node.id;
                self.claim(&moved.node, next);
            }
            None => {
                next.node.id = fresh_id()?;
                self.observe(next);
            }
        }
        Ok(())
    }

    /// Notes that a node is now what `next` says, and nowhere else. What is known of its content
    /// stays known if only its place changed.
    pub(super) fn claim(&mut self, before: &LocalNode, mut next: LocalRow) {
        self.claimed.insert(before.id, next.node.place.clone());
        let stamps = (&before.stamp, &next.node.stamp);
        let kept = before
            .hash
            .filter(|_| keeps_content(stamps.0, stamps.1, true));
        next.node.hash = next.node.hash.or(kept);
        self.observe(next);
    }

    /// The row of the node that an entry was, under another name, before.
    pub(super) fn moved_from(
        &mut self,
        found: &Found,
        kind: NodeKind,
    ) -> Result<Option<LocalRow>, ScanError> {
        if !self.knows_any {
            return Ok(None);
        }
        let candidates = self
            .snapshot
            .rows()?
            .local_by_inode(self.folder(), found.stamp.inode)?;
        for row in candidates {
            if !self.claimed.contains_key(&row.node.id)
                && may_have_moved(&row, found, kind)
                && (has_one_place(found) || !self.is_still_there(&row)?)
            {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    /// Whether an entry with several names still has the one its row says: then what was found
    /// elsewhere is another name of it, and a node of its own (SC-025).
    fn is_still_there(&self, row: &LocalRow) -> Result<bool, ScanError> {
        let rows = self.snapshot.rows()?;
        let Some(path) = rows.local_path(self.folder(), self.root, row.node.id)? else {
            return Ok(false);
        };
        let there = self.scan.root.stat(&path)?;
        Ok(there.is_some_and(|there| there.stamp.same_entry(&row.node.stamp)))
    }
}

/// For each name whether it keeps its node.
///
/// It does when the inode that had it is nowhere to be seen; and when that inode is seen only
/// under a name that keeps its own node. In a circle of names all files moved.
fn keep_names(replaced: &[Replaced], is_claimed: impl Fn(&LocalNode) -> bool) -> Vec<bool> {
    let seen: HashMap<u64, usize> = replaced
        .iter()
        .enumerate()
        .map(|(index, one)| (one.found.stamp.inode, index))
        .collect();
    let mut keeps: Vec<Option<bool>> = vec![None; replaced.len()];
    for start in 0..replaced.len() {
        let (mut chain, mut at) = (Vec::new(), start);
        let answer = loop {
            let Some(one) = replaced.get(at) else {
                break true;
            };
            if let Some(known) = keeps.get(at).copied().flatten() {
                break known;
            }
            let circle = chain.contains(&at);
            chain.push(at);
            if circle || is_claimed(&one.before.node) {
                break false;
            }
            match seen.get(&one.before.node.stamp.inode) {
                Some(next) => at = *next,
                None => break true,
            }
        };
        for index in chain {
            if let Some(slot) = keeps.get_mut(index) {
                *slot = Some(answer);
            }
        }
    }
    keeps.into_iter().map(|keep| keep.unwrap_or(true)).collect()
}

#[cfg(test)]
mod tests {
    use hythe_model::{EntryName, NodeId, Timestamp};
    use hythe_sync::{DiskStamp, Place};

    use super::*;
    use crate::os::FileKind;

    /// A name that had inode `before` and has inode `now`.
    fn replaced(before: u8, now: u8) -> Replaced {
        let stamp = |inode: u8| DiskStamp {
            device: 0,
            inode: inode.into(),
            size: 0,
            modified: Timestamp::default(),
            changed: Timestamp::default(),
            born: None,
        };
        let row = |inode: u8| -> LocalRow {
            let place = Place::new(NodeId::ROOT, EntryName::new([b'a' + before]).unwrap());
            let (id, kind) = (NodeId([before; 16]), NodeKind::File);
            LocalNode {
                id,
                place,
                kind,
                executable: false,
                stamp: stamp(inode),
                hash: None,
            }
            .into()
        };
        let found = Found {
            kind: FileKind::File,
            stamp: stamp(now),
            executable: false,
            links: 1,
            foreign: false,
        };
        Replaced {
            before: row(before),
            next: row(now),
            found,
            directory: Vec::new(),
        }
    }

    #[test]
    fn sc064_a_vanished_inode_leaves_its_node_to_the_name() {
        assert_eq!(keep_names(&[replaced(1, 9)], |_| false), [true]);
    }

    #[test]
    fn sc019_in_a_swap_the_nodes_move() {
        let swap = [replaced(1, 2), replaced(2, 1)];
        assert_eq!(keep_names(&swap, |_| false), [false, false]);
    }

    #[test]
    fn sc020_a_rotation_moves_nodes_if_none_was_overwritten() {
        // 1 → 2's name, 2 → a new name (claimed), 1's name has a new file.
        let rotation = [replaced(1, 9), replaced(2, 1)];
        assert_eq!(
            keep_names(&rotation, |node| node.id == NodeId([2; 16])),
            [false, false]
        );
        // 2 was overwritten: every name keeps its node.
        assert_eq!(keep_names(&rotation, |_| false), [true, true]);
    }
}
