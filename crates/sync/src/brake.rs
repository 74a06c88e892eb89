//! Reasons to stop before something is regretted: mass changes, and a root that is not what it
//! was. Each is a small pure question with an answer that can be shown in a sentence.

use std::collections::BTreeSet;

use hythe_model::{DeviceId, NodeId, NodeKind};

use crate::plan::{Plan, Step};

/// So many deletions and replacements are never held (S5).
pub const FREE_CHANGES: u64 = 50;

/// Above [`FREE_CHANGES`], one in so many synced nodes may change unasked (S5: 25 %).
pub const FREE_SHARE: u64 = 4;

/// Fewer nodes than this vanish by hand every day; more, and all of them, is worth a question.
pub const EMPTIED_FROM: u64 = 10;

/// What the brake must know besides the plan (S5).
#[derive(Debug, Clone, Copy)]
pub struct Brake<'a> {
    /// How many nodes the folder has in Synced.
    pub synced_nodes: u64,
    /// Deletions and replacements that this device sent in the current window, unasked.
    pub sent_before: Counts,
    /// Nodes that this device created within the last hour: they do not count.
    pub recent: &'a BTreeSet<NodeId>,
    /// Whether the user has said yes to what is held.
    pub approved: bool,
}

/// Changes that take something away from the other devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Nodes deleted in the log.
    pub deleted: u64,
    /// Contents replaced in the log.
    pub replaced: u64,
}

impl Counts {
    fn sum(self) -> u64 {
        self.deleted + self.replaced
    }
}

/// A mass change that waits for a yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} deletions and {} replaced contents are more than {limit} of {synced_nodes} at once",
    counts.deleted, counts.replaced)]
pub struct Held {
    /// What would be sent, with what was sent in the window before.
    pub counts: Counts,
    /// How much of it may go unasked.
    pub limit: u64,
    /// How many nodes are synced.
    pub synced_nodes: u64,
}

impl Brake<'_> {
    /// A brake that never holds: for plans that are only shown.
    pub fn released(recent: &BTreeSet<NodeId>) -> Brake<'_> {
        Brake {
            synced_nodes: 0,
            sent_before: Counts::default(),
            recent,
            approved: true,
        }
    }

    /// Says whether the plan's remote half must wait.
    ///
    /// Contents that may only have been touched are read first when they would decide it: their
    /// updates become [`Step::NeedHash`], and the next plan knows.
    /// Updates of the nodes in `brought_back` do not count.
    pub(crate) fn apply(&self, plan: &mut Plan, brought_back: &BTreeSet<NodeId>) -> Option<Held> {
        if self.approved {
            return None;
        }
        let limit = FREE_CHANGES.max(self.synced_nodes / FREE_SHARE);
        let certain = self.count(plan, brought_back, false);
        if certain.sum() > limit {
            return Some(Held {
                counts: certain,
                limit,
                synced_nodes: self.synced_nodes,
            });
        }
        if self.count(plan, brought_back, true).sum() > limit {
            plan.steps.iter_mut().for_each(read_first);
            plan.steps.sort_by_key(Step::half);
        }
        None
    }

    /// Counts what the plan takes away; with or without contents that may only be touched.
    fn count(&self, plan: &Plan, brought_back: &BTreeSet<NodeId>, with_unread: bool) -> Counts {
        let mut counts = self.sent_before;
        for step in plan
            .steps
            .iter()
            .filter(|step| !self.recent.contains(&step.node()))
        {
            match step {
                Step::RemoteDelete { .. } => counts.deleted += 1,
                Step::RemoteUpdate {
                    body: Some(body), ..
                } if !brought_back.contains(&step.node()) => {
                    counts.replaced += u64::from(with_unread || body.unless.is_none());
                }
                _ => {}
            }
        }
        counts
    }
}

fn read_first(step: &mut Step) {
    if let Step::RemoteUpdate {
        node,
        body: Some(body),
        ..
    } = step
        && body.unless.is_some()
    {
        *step = Step::NeedHash {
            node: *node,
            stamp: body.stamp,
        };
    }
}

/// What tells one root of a sync folder from another (SC-137, SC-138).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RootMark {
    /// The device the folder's marker was written by.
    pub device: DeviceId,
    /// The folder, as that device numbers it.
    pub folder: u64,
    /// The file system the root is on.
    pub file_system: u64,
    /// The root directory on it.
    pub inode: u64,
    /// How often the marker was written: an older copy has a smaller one.
    pub generation: u64,
}

/// Why a folder pauses, with not one deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RootTrouble {
    /// Nothing is there, or no directory (SC-135).
    #[error("the folder is not there: is its disk mounted?")]
    Vanished,
    /// It lacks the marker, or has another one (SC-137, SC-138).
    #[error("another folder stands in its place")]
    Replaced,
    /// All that was synced is gone at once.
    #[error("everything in the folder is gone")]
    Emptied,
}

/// Whether the root is missing. `found` is what stands at its path.
pub fn root_vanished(found: Option<NodeKind>) -> Option<RootTrouble> {
    (found != Some(NodeKind::Directory)).then_some(RootTrouble::Vanished)
}

/// Whether the root is another one than it was. `found` is what its marker and the disk say.
pub fn root_replaced(expected: &RootMark, found: Option<&RootMark>) -> Option<RootTrouble> {
    (found != Some(expected)).then_some(RootTrouble::Replaced)
}

/// Whether the root lost all it held. Counts of synced nodes, and of entries the scan has seen.
pub fn root_emptied(synced_nodes: u64, seen: u64) -> Option<RootTrouble> {
    (seen == 0 && synced_nodes >= EMPTIED_FROM).then_some(RootTrouble::Emptied)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: RootMark = RootMark {
        device: DeviceId([1; 32]),
        folder: 1,
        file_system: 7,
        inode: 2,
        generation: 3,
    };

    #[test]
    fn sc135_a_missing_root_is_trouble() {
        assert_eq!(root_vanished(None), Some(RootTrouble::Vanished));
        assert_eq!(
            root_vanished(Some(NodeKind::File)),
            Some(RootTrouble::Vanished)
        );
        assert_eq!(root_vanished(Some(NodeKind::Directory)), None);
    }

    #[test]
    fn sc137_sc138_another_root_is_trouble() {
        assert_eq!(root_replaced(&MARK, Some(&MARK)), None);
        assert_eq!(root_replaced(&MARK, None), Some(RootTrouble::Replaced));
        let others = [
            RootMark { inode: 3, ..MARK },
            RootMark {
                file_system: 8,
                ..MARK
            },
            RootMark {
                generation: 2,
                ..MARK
            },
            RootMark {
                device: DeviceId([2; 32]),
                ..MARK
            },
        ];
        for other in others {
            assert_eq!(
                root_replaced(&MARK, Some(&other)),
                Some(RootTrouble::Replaced)
            );
        }
    }

    #[test]
    fn an_emptied_root_is_trouble_unless_it_held_little() {
        assert_eq!(root_emptied(10, 0), Some(RootTrouble::Emptied));
        assert_eq!(root_emptied(10, 1), None);
        assert_eq!(root_emptied(9, 0), None);
    }
}
