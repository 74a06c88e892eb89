//! What a pass has to plan, taken in parts: a plan and the memory for it do not grow with the tree.

use std::collections::BTreeSet;

use hythe_model::NodeId;
use hythe_sync::{Plan, Step, TreeError, Trees};

/// About how many nodes one plan takes on: a few change sets full, and some 30 MiB of memory while
/// the plan runs.
pub const PLAN_NODES: usize = 10_000;

/// The dirty nodes of a pass.
pub(super) struct Dirty {
    /// For the next plan.
    pub(super) now: BTreeSet<NodeId>,
    /// For the plans after it.
    pub(super) later: BTreeSet<NodeId>,
    /// How many nodes of the next plan earlier ones could not settle.
    carried: usize,
    /// About how many nodes one plan takes on.
    part: usize,
}

impl Dirty {
    pub(super) fn new(nodes: BTreeSet<NodeId>, part: usize) -> Self {
        Self {
            now: BTreeSet::new(),
            later: nodes,
            carried: 0,
            part,
        }
    }

    /// Sets up the next plan: what the one before left open, and some more.
    pub(super) fn next(&mut self, open: BTreeSet<NodeId>) {
        // What came into a plan because of others has had its turn.
        self.later.retain(|id| !open.contains(id));
        self.now = open;
        self.carried = self.now.len();
        let rest = match self.later.iter().nth(self.part).copied() {
            Some(first) => self.later.split_off(&first),
            None => BTreeSet::new(),
        };
        self.now.append(&mut self.later);
        self.later = rest;
    }

    /// How many nodes the next plan may look at. What was carried over comes on top, for it may
    /// never be settled and must not take the place of what can be.
    pub(super) fn limit(&self) -> usize {
        self.carried + self.part
    }

    /// Whether a plan takes anything away from the log while others are still to come: how much is
    /// taken away at once can then only be judged with all of it in one plan (S5).
    pub(super) fn is_parted(&self, plan: &Plan) -> bool {
        let takes_away =
            |step: &Step| matches!(step, Step::RemoteDelete { .. } | Step::RemoteUpdate { .. });
        !self.later.is_empty() && plan.steps.iter().any(takes_away)
    }

    /// Takes all nodes that were ever agreed on into the next plan. Nothing can be taken away of
    /// those that are new to one side: they keep their turns.
    pub(super) fn take_agreed(&mut self, trees: &dyn Trees) -> Result<(), TreeError> {
        for id in std::mem::take(&mut self.later) {
            if trees.synced(id)?.is_some() {
                self.now.insert(id);
                self.carried += 1;
            } else {
                self.later.insert(id);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(range: std::ops::Range<u32>) -> BTreeSet<NodeId> {
        let id = |n: u32| {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&n.to_be_bytes());
            NodeId(bytes)
        };
        range.map(id).collect()
    }

    #[test]
    fn every_node_has_its_turn_once() {
        let mut dirty = Dirty::new(ids(0..23), 10);
        let mut seen = Vec::new();
        while !dirty.later.is_empty() {
            dirty.next(BTreeSet::new());
            assert!(dirty.now.len() <= 10);
            seen.extend(std::mem::take(&mut dirty.now));
        }
        assert_eq!(seen.len(), 23);
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), ids(0..23));
    }

    #[test]
    fn what_stays_open_takes_no_ones_place() {
        let mut dirty = Dirty::new(ids(10..30), 10);
        dirty.next(ids(0..10));
        assert_eq!(dirty.limit(), 20);
        assert_eq!((dirty.now, dirty.later), (ids(0..20), ids(20..30)));
    }
}
