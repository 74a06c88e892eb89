//! Which nodes shall be where: the wishes of single nodes, made into one tree.
//!
//! A wish ([`crate::merge::wish`]) can contradict others: it may close a circle, its parent may be
//! about to go, its name may be taken. Here each of these is settled, in this order, and the
//! result is one [`Fate`] per node and a [`Yield`] for those that give way.

use std::collections::{BTreeMap, BTreeSet};

use hythe_model::NodeId;

use crate::ancestry::Ancestry;
use crate::context::{IdSource, PlanContext};
use crate::fate::{Fate, fate};
use crate::names::{Names, Yield};
use crate::tree::{Place, RemoteNode, TreeError, Trees};
use crate::view::{Item, View};

/// The settled shape of all nodes that are not in agreement, and of what they depend on.
pub(crate) struct Shape<'a> {
    pub view: View<'a>,
    /// The nodes to plan.
    pub work: BTreeMap<NodeId, Fate>,
    pub yields: BTreeMap<NodeId, Yield>,
    pub names: Names<'a>,
    context: &'a PlanContext,
    ancestry: Ancestry,
    queue: BTreeSet<NodeId>,
    /// What directories hold that come as a whole: the next one last.
    below: Vec<NodeId>,
    /// What this plan leaves to the next one.
    pub later: BTreeSet<NodeId>,
}

/// Settles the shape around the dirty nodes.
pub(crate) fn shape<'a>(
    trees: &'a dyn Trees,
    dirty: &BTreeSet<NodeId>,
    context: &'a PlanContext,
    ids: &mut dyn IdSource,
) -> Result<Shape<'a>, TreeError> {
    let mut shape = Shape {
        view: View::new(trees),
        work: BTreeMap::new(),
        yields: BTreeMap::new(),
        names: Names::new(context),
        context,
        ancestry: Ancestry::default(),
        queue: BTreeSet::new(),
        below: Vec::new(),
        later: BTreeSet::new(),
    };
    let mut new = Vec::new();
    for id in dirty {
        // How much is taken away at once shows only when all of it is looked at (S5).
        if trees.synced(*id)?.is_none() {
            new.push(*id);
            continue;
        }
        shape.push(*id)?;
        shape.gather()?;
    }
    for id in new {
        if context.is_full(shape.work.len()) {
            shape.later.insert(id);
            continue;
        }
        shape.push(id)?;
        shape.gather()?;
    }
    shape.revive_parents()?;
    shape.yields = shape.names.part(&mut shape.view, &shape.work, ids)?;
    Ok(shape)
}

impl Shape<'_> {
    /// Queues a node, given by its own id or by that of its entry on disk.
    fn push(&mut self, id: NodeId) -> Result<(), TreeError> {
        let node = self.view.node_of(id)?;
        if node != self.view.root && !self.work.contains_key(&node) {
            self.queue.insert(node);
        }
        Ok(())
    }

    /// Looks at what is queued and all that involves. What comes as a whole is taken depth first,
    /// so that a plan that is full has whole directories and not the tops of many.
    fn gather(&mut self) -> Result<(), TreeError> {
        self.decide()?;
        while let Some(id) = self.below.pop() {
            if self.context.is_full(self.work.len()) {
                self.later.insert(id);
                self.later.extend(self.below.drain(..));
                break;
            }
            self.push(id)?;
            self.decide()?;
        }
        Ok(())
    }

    /// Decides each queued node by itself, and queues what that involves.
    fn decide(&mut self) -> Result<(), TreeError> {
        while let Some(id) = self.queue.pop_first() {
            let (inside, undone) = self.ancestry.is_inside(&mut self.view, id)?;
            self.queue
                .extend(undone.into_iter().filter(|node| *node != id));
            let moved = self.ancestry.moved_with_parent(&mut self.view, id)?;
            let item = self.view.item(id)?.clone();
            let blocked = [id, item.local_id()]
                .iter()
                .any(|id| self.context.blocked.contains(id));
            let fate = if blocked {
                Fate::Stay
            } else {
                fate(&item, inside, moved)
            };
            self.work.insert(id, fate);
            self.involve(&item, fate)?;
        }
        Ok(())
    }

    /// Queues the nodes that a node's fate touches.
    fn involve(&mut self, item: &Item, fate: Fate) -> Result<(), TreeError> {
        let on_disk = item.local.as_ref().map(|node| node.place.clone());
        let in_log = item.live().and_then(RemoteNode::place);
        let wished = item.wish.as_ref().map(|wish| wish.place.clone());
        if on_disk != in_log || wished != in_log {
            let places: BTreeSet<Place> = [on_disk, in_log, wished].into_iter().flatten().collect();
            for place in places {
                self.involve_place(&place)?;
            }
        }
        if let Some(wish) = &item.wish {
            self.involve_parent(wish.place.parent)?;
        }
        if item.is_directory() {
            self.involve_children(item, fate)
        } else {
            Ok(())
        }
    }

    /// Queues who stands at a place on either side.
    fn involve_place(&mut self, place: &Place) -> Result<(), TreeError> {
        if let Some(node) = self.view.node_at(place)? {
            self.push(node)?;
        }
        if let Some(entry) = self.view.entry_at(place)? {
            self.push(entry)?;
        }
        Ok(())
    }

    /// Queues a parent that one side does not have, or knows under another id so far.
    fn involve_parent(&mut self, parent: NodeId) -> Result<(), TreeError> {
        if parent == self.view.root {
            return Ok(());
        }
        let item = self.view.item(parent)?;
        if item.local.is_none() || item.live().is_none() || item.paired.is_some() {
            self.push(parent)?;
        }
        Ok(())
    }

    /// Queues what a directory holds, where it comes or goes as a whole. One that goes cannot be
    /// judged without; one that comes can.
    fn involve_children(&mut self, item: &Item, fate: Fate) -> Result<(), TreeError> {
        let (on_disk, in_log) = (item.local.is_some(), item.live().is_some());
        let (disk, log) = match fate {
            Fate::Keep if item.paired.is_some() => (true, true),
            Fate::Keep => (!in_log, !on_disk),
            Fate::Drop | Fate::Leave => (on_disk, in_log && fate == Fate::Drop),
            Fate::Elsewhere | Fate::Ask | Fate::Stay => (false, false),
        };
        let mut children = Vec::new();
        if disk {
            children.extend(self.view.local_children(item.id)?);
        }
        if log {
            children.extend(self.view.remote_children(item.id)?);
        }
        if fate == Fate::Keep {
            self.below.append(&mut children);
            return Ok(());
        }
        children.into_iter().try_for_each(|child| self.push(child))
    }

    /// Keeps every directory that something living shall be in, with the path to it.
    fn revive_parents(&mut self) -> Result<(), TreeError> {
        let living = self.work.iter().filter(|(_, fate)| **fate == Fate::Keep);
        let living: Vec<NodeId> = living.map(|(id, _)| *id).collect();
        for id in living {
            let mut at = id;
            while let Some(wish) = self.view.item(at)?.wish.clone() {
                at = wish.place.parent;
                match self.work.get_mut(&at) {
                    Some(fate) if *fate == Fate::Drop => *fate = Fate::Keep,
                    _ => break,
                }
            }
        }
        Ok(())
    }
}
