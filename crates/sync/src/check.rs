//! The last look before a plan is carried out: nothing that was not seen elsewhere may go.
//!
//! Written without the planner in mind: it asks the trees again, step by step. A finding is a
//! bug of the planner, or trees that changed since; either way nothing is done.

use std::collections::{BTreeMap, BTreeSet};

use hythe_model::{NodeId, NodeKind, VersionId};

use crate::brake::{Brake, Held};
use crate::merge::{Same, same_content};
use crate::plan::{BodyWrite, Half, Plan, Replaces, Step};
use crate::tree::{DiskStamp, LocalNode, Place, TreeError, Trees, Versions};

/// Why a plan is not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The trees could not be read.
    #[error(transparent)]
    Trees(#[from] TreeError),
    /// The node would be deleted in the log without proof that it was deleted on disk (S4).
    #[error("{0} would be deleted on the server without evidence")]
    NoEvidence(NodeId),
    /// Content on disk would go that nothing else has (S1, S2).
    #[error("{0} would be removed or replaced with unsaved content")]
    Unsaved(NodeId),
    /// A directory would go that holds something.
    #[error("{0} would be removed but is not empty")]
    NotEmpty(NodeId),
    /// Something would be put where something else stands.
    #[error("{0} would be put in a place that is taken")]
    Taken(NodeId),
    /// The step speaks of another state than the trees.
    #[error("{0} has changed since it was planned")]
    Outdated(NodeId),
}

/// A plan that was checked. Executors take nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedPlan {
    plan: Plan,
    held: Option<Held>,
}

impl CheckedPlan {
    /// The plan. While [`Self::held`], its remote half is left out.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What waits for the user's yes.
    pub fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    /// [`Self::plan`] and [`Self::held`], to be carried out.
    pub fn into_parts(self) -> (Plan, Option<Held>) {
        (self.plan, self.held)
    }
}

/// Checks a plan against the trees it was made from, and against the brake (S5).
///
/// # Errors
/// When any step could destroy what nothing else has; then nothing of the plan may be done.
pub fn check(mut plan: Plan, trees: &dyn Trees, brake: &Brake<'_>) -> Result<CheckedPlan, Refused> {
    let mut checker = Checker {
        trees,
        adopted: BTreeMap::new(),
        local_places: BTreeMap::new(),
        left_disk: BTreeSet::new(),
        left_log: BTreeSet::new(),
        place_versions: BTreeMap::new(),
    };
    for step in &plan.steps {
        checker.step(step)?;
    }
    let brought_back = brought_back(&plan, trees)?;
    let held = brake.apply(&mut plan, &brought_back);
    if held.is_some() {
        plan.steps.retain(|step| step.half() != Half::Remote);
    }
    Ok(CheckedPlan { plan, held })
}

/// The nodes of which the plan sends a content over one that a restored server brought up again:
/// that replaces nothing anybody has seen lately, so the brake does not count it.
fn brought_back(plan: &Plan, trees: &dyn Trees) -> Result<BTreeSet<NodeId>, TreeError> {
    let mut nodes = BTreeSet::new();
    for step in &plan.steps {
        let Step::RemoteUpdate {
            node,
            body: Some(_),
            ..
        } = step
        else {
            continue;
        };
        if trees.synced(*node)?.is_some_and(|row| !row.was_on_disk()) {
            nodes.insert(*node);
        }
    }
    Ok(nodes)
}

struct Checker<'a> {
    trees: &'a dyn Trees,
    /// Local ids of nodes that the plan adopts.
    adopted: BTreeMap<NodeId, NodeId>,
    /// Who is at places that the plan touched on disk.
    local_places: BTreeMap<Place, Option<NodeId>>,
    /// Entries that were removed, or moved to another parent.
    left_disk: BTreeSet<NodeId>,
    /// Nodes that were deleted, or moved to another parent, in the log.
    left_log: BTreeSet<NodeId>,
    place_versions: BTreeMap<NodeId, VersionId>,
}

impl Checker<'_> {
    fn step(&mut self, step: &Step) -> Result<(), Refused> {
        match step {
            Step::Adopt { local, node } => self.adopt(*local, *node),
            Step::Record(_) | Step::Forget { .. } | Step::NeedHash { .. } => Ok(()),
            Step::RemoteCreate { .. } | Step::RemoteRestore { .. } => Ok(()),
            Step::RemoteMove {
                node,
                expected,
                new,
                ..
            } => self.remote_move(*node, *expected, *new),
            Step::RemoteUpdate { node, body, .. } => self.remote_update(*node, body.as_ref()),
            Step::RemoteDelete { node, expected } => self.remote_delete(*node, *expected),
            Step::LocalCreateDirectory { node, to, .. } => self.put(*node, to),
            Step::Download {
                node, to, replaces, ..
            } => self.download(*node, to, replaces),
            Step::LocalAttributes { node, stamp, .. } => self.entry(*node, stamp).map(drop),
            Step::LocalMove { node, from, to, .. } => self.local_move(*node, from, to),
            Step::LocalDelete {
                node,
                from,
                kind,
                stamp,
            } => self.local_delete(*node, from, *kind, stamp),
        }
    }

    fn adopt(&mut self, local: NodeId, node: NodeId) -> Result<(), Refused> {
        // Two entries under one id would make one of them vanish from the books.
        if self.trees.local(node)?.is_some() {
            return Err(Refused::Taken(node));
        }
        self.adopted.insert(node, local);
        Ok(())
    }

    fn local(&self, node: NodeId) -> Result<Option<LocalNode>, TreeError> {
        self.trees
            .local(self.adopted.get(&node).copied().unwrap_or(node))
    }

    /// The entry of a node, if it is as planned.
    fn entry(&self, node: NodeId, stamp: &DiskStamp) -> Result<LocalNode, Refused> {
        match self.local(node)? {
            Some(local) if local.stamp == *stamp => Ok(local),
            _ => Err(Refused::Outdated(node)),
        }
    }

    /// Whether what an entry holds is kept by the log as well.
    fn is_saved(&self, node: NodeId, local: &LocalNode) -> Result<bool, Refused> {
        let Some(remote) = self.trees.remote(node)? else {
            return Ok(false);
        };
        let synced = self.trees.synced(node)?;
        let agreed = synced.is_some_and(|row| {
            row.stamp == local.stamp || same_content(local, row.size, row.hash) == Same::Yes
        });
        Ok(agreed || same_content(local, remote.size, remote.hash) == Same::Yes)
    }

    fn remote_move(
        &mut self,
        node: NodeId,
        expected: VersionId,
        new: VersionId,
    ) -> Result<(), Refused> {
        if self.place_version(node)? != Some(expected) {
            return Err(Refused::Outdated(node));
        }
        self.place_versions.insert(node, new);
        self.left_log.insert(node);
        Ok(())
    }

    fn place_version(&self, node: NodeId) -> Result<Option<VersionId>, Refused> {
        let there = self.trees.remote(node)?.filter(|remote| !remote.deleted);
        let made = self.place_versions.get(&node).copied();
        Ok(made.or(there.map(|remote| remote.versions.place)))
    }

    fn remote_update(&self, node: NodeId, body: Option<&BodyWrite>) -> Result<(), Refused> {
        let Some(body) = body else { return Ok(()) };
        self.entry(node, &body.stamp)?;
        match self.trees.remote(node)? {
            Some(remote) if remote.versions.body == body.expected => Ok(()),
            _ => Err(Refused::Outdated(node)),
        }
    }

    fn remote_delete(&mut self, node: NodeId, expected: Versions) -> Result<(), Refused> {
        let remote = self.trees.remote(node)?.filter(|remote| !remote.deleted);
        let (Some(remote), Some(synced)) = (remote, self.trees.synced(node)?) else {
            return Err(Refused::NoEvidence(node));
        };
        let seen = synced.was_on_disk() && synced.versions.body == remote.versions.body;
        if !seen || self.local(node)?.is_some() {
            return Err(Refused::NoEvidence(node));
        }
        let there = Versions {
            place: expected.place,
            ..remote.versions
        };
        if there != expected || self.place_version(node)? != Some(expected.place) {
            return Err(Refused::Outdated(node));
        }
        for child in self.trees.remote_children(node)? {
            if !self.left_log.contains(&child) {
                return Err(Refused::NotEmpty(node));
            }
        }
        self.left_log.insert(node);
        Ok(())
    }

    /// Whether anything stands at a place on disk by now.
    fn taken(&self, place: &Place) -> Result<bool, TreeError> {
        if let Some(now) = self.local_places.get(place) {
            return Ok(now.is_some());
        }
        let parent = self
            .adopted
            .get(&place.parent)
            .copied()
            .unwrap_or(place.parent);
        Ok(self
            .trees
            .local_child(&Place::new(parent, place.name.clone()))?
            .is_some())
    }

    fn put(&mut self, node: NodeId, to: &Place) -> Result<(), Refused> {
        if self.taken(to)? {
            return Err(Refused::Taken(node));
        }
        self.local_places.insert(to.clone(), Some(node));
        Ok(())
    }

    fn download(&mut self, node: NodeId, to: &Place, replaces: &Replaces) -> Result<(), Refused> {
        match replaces {
            Replaces::Nothing => self.put(node, to),
            Replaces::Same(stamp) => {
                let local = self.entry(node, stamp)?;
                let saved = self.is_saved(node, &local)?;
                if saved {
                    Ok(())
                } else {
                    Err(Refused::Unsaved(node))
                }
            }
            Replaces::Copy {
                occupant,
                becomes,
                name,
                stamp,
            } => {
                self.entry(*occupant, stamp)?;
                if becomes == &node {
                    return Err(Refused::Unsaved(node));
                }
                self.put(*becomes, &Place::new(to.parent, name.clone()))
            }
        }
    }

    fn local_move(&mut self, node: NodeId, from: &Place, to: &Place) -> Result<(), Refused> {
        self.put(node, to)?;
        self.local_places.insert(from.clone(), None);
        if from.parent != to.parent {
            self.left_disk.insert(node);
        }
        Ok(())
    }

    fn local_delete(
        &mut self,
        node: NodeId,
        from: &Place,
        kind: NodeKind,
        stamp: &DiskStamp,
    ) -> Result<(), Refused> {
        let local = self.entry(node, stamp)?;
        if kind == NodeKind::Directory {
            for child in self.trees.local_children(local.id)? {
                if !self.left_disk.contains(&child) {
                    return Err(Refused::NotEmpty(node));
                }
            }
        } else if !self.is_saved(node, &local)? {
            return Err(Refused::Unsaved(node));
        }
        self.local_places.insert(from.clone(), None);
        self.left_disk.insert(node);
        Ok(())
    }
}
