//! Which nodes shall be where: the wishes of single nodes, made into one tree.
//!
//! A wish ([`crate::merge::wish`]) can contradict others: its parent may be about to go, it may
//! close a circle, its name may be taken. Here each of these is settled, in this order, and the
//! result is one [`Fate`] per node.

use std::collections::{BTreeMap, BTreeSet};

use hythe_model::{NodeId, NodeKind};

use crate::conflict_name::{ConflictMark, conflict_name};
use crate::context::{IdSource, PlanContext};
use crate::merge::{Origin, Same, Wish, moved_on_disk, removable};
use crate::tree::{Place, RemoteNode, SyncedNode, TreeError, Trees};
use crate::view::{Item, View};

/// What becomes of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It lives, on both sides.
    Keep,
    /// It goes from the side that still has it.
    Drop,
    /// It lives in the log, outside this folder: it goes from the disk.
    Leave,
    /// It lives in the log, outside this folder or not placeable, and is not on disk.
    Elsewhere,
    /// Its content must be read before this can be said.
    Ask,
    /// Nothing is done about it now.
    Stay,
}

/// Who gives way when two nodes have one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Yield {
    /// The entry on disk takes a conflict name; the log learns of it by the next plan.
    Entry(Place),
    /// The node in the log takes a conflict name; the disk learns of it by the next plan.
    Node(Place),
}

/// The settled shape of all nodes that are not in agreement, and of what they depend on.
pub(crate) struct Shape<'a> {
    pub view: View<'a>,
    context: &'a PlanContext,
    /// The nodes to plan.
    pub work: BTreeMap<NodeId, Fate>,
    pub yields: BTreeMap<NodeId, Yield>,
    /// Conflict names given in this plan.
    claimed: BTreeSet<Place>,
    queue: BTreeSet<NodeId>,
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
        context,
        work: BTreeMap::new(),
        yields: BTreeMap::new(),
        claimed: BTreeSet::new(),
        queue: BTreeSet::new(),
    };
    for id in dirty {
        shape.push(*id)?;
    }
    shape.gather()?;
    shape.revive_parents()?;
    shape.part_names(ids)?;
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

    /// Decides each queued node by itself, and queues what that involves.
    fn gather(&mut self) -> Result<(), TreeError> {
        while let Some(id) = self.queue.pop_first() {
            let circle = self.break_circles(id)?;
            if circle {
                // Taken-back moves may put nodes decided before somewhere else: once more, all.
                self.queue
                    .extend(std::mem::take(&mut self.work).into_keys());
            }
            let fate = self.fate(id)?;
            self.work.insert(id, fate);
            self.involve(id, fate)?;
        }
        Ok(())
    }

    /// Takes back moves of the disk that, together with moves of the log, would make a circle
    /// above `id` (SC-014). The log's own tree has none, so a circle always has such a move.
    fn break_circles(&mut self, id: NodeId) -> Result<bool, TreeError> {
        let mut broken = false;
        loop {
            let Some(circle) = self.circle_above(id)? else {
                return Ok(broken);
            };
            let mut undone = false;
            for node in circle {
                undone |= undo_move(self.view.item(node)?);
            }
            if !undone {
                // The log itself has a circle, which its fold refuses: nothing here can mend it.
                return Ok(broken);
            }
            broken = true;
        }
    }

    /// The nodes of the circle that the wished parents of a node run into.
    fn circle_above(&mut self, id: NodeId) -> Result<Option<Vec<NodeId>>, TreeError> {
        let (mut path, mut seen) = (vec![id], BTreeSet::from([id]));
        let mut at = id;
        while let Some(parent) = self.wished_parent(at)? {
            if !seen.insert(parent) {
                let start = path.iter().position(|node| *node == parent).unwrap_or(0);
                return Ok(Some(path.split_off(start)));
            }
            path.push(parent);
            at = parent;
        }
        Ok(None)
    }

    /// The directory a node wishes to be in; none below the folder's root or nowhere.
    fn wished_parent(&mut self, id: NodeId) -> Result<Option<NodeId>, TreeError> {
        let root = self.view.root;
        let parent = self
            .view
            .item(id)?
            .wish
            .as_ref()
            .map(|wish| wish.place.parent);
        Ok(parent.filter(|parent| *parent != root))
    }

    /// What becomes of one node, its parents taken as they wish to be.
    fn fate(&mut self, id: NodeId) -> Result<Fate, TreeError> {
        let inside = self.is_inside(id)?;
        let moved = self.moved_with_parent(id)?;
        let item = self.view.item(id)?.clone();
        if self.context.blocked.contains(&id) || self.context.blocked.contains(&item.local_id()) {
            return Ok(Fate::Stay);
        }
        Ok(match (&item.local, item.live()) {
            (None, None) => Fate::Drop,
            (None, Some(remote)) => fate_of_absent(&item, remote, inside, moved),
            (Some(_), None) => fate_of_deleted(&item, moved),
            // A move on disk is an answer to any move in the log but one of the node itself.
            (Some(_), Some(_))
                if item
                    .wish
                    .as_ref()
                    .is_some_and(|w| w.origin != Origin::Remote) =>
            {
                Fate::Keep
            }
            (Some(_), Some(_)) if inside => Fate::Keep,
            (Some(_), Some(_)) => Fate::Leave,
        })
    }

    /// Whether the node's wished place is in this folder.
    fn is_inside(&mut self, id: NodeId) -> Result<bool, TreeError> {
        let mut at = id;
        // A circle was broken before, or is the log's own and then is not inside.
        let mut seen = BTreeSet::from([id]);
        while let Some(parent) = self.wished_parent(at)? {
            if !seen.insert(parent) {
                return Ok(false);
            }
            at = parent;
        }
        Ok(self.view.item(at)?.wish.is_some())
    }

    /// Whether a node that one side removed was moved on the other, by itself or with a directory
    /// above it that was removed too: whoever moves a folder wants what it holds.
    fn moved_with_parent(&mut self, id: NodeId) -> Result<bool, TreeError> {
        let mut at = id;
        while at != self.view.root {
            let item = self.view.item(at)?;
            let (moved, parent) = match (&item.local, item.live()) {
                (Some(local), None) => (
                    moved_on_disk(local, item.synced.as_ref()),
                    local.place.parent,
                ),
                (None, Some(remote)) => (moved_in_log(remote, item.synced.as_ref()), remote.parent),
                _ => return Ok(false),
            };
            if moved {
                return Ok(true);
            }
            at = parent;
        }
        Ok(false)
    }

    /// Queues the nodes that a node's fate touches.
    fn involve(&mut self, id: NodeId, fate: Fate) -> Result<(), TreeError> {
        let item = self.view.item(id)?.clone();
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
            self.involve_children(&item, fate)?;
        }
        Ok(())
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

    /// Queues a parent that one side does not have.
    fn involve_parent(&mut self, parent: NodeId) -> Result<(), TreeError> {
        if parent == self.view.root {
            return Ok(());
        }
        let item = self.view.item(parent)?;
        if item.local.is_none() || item.live().is_none() {
            self.push(parent)?;
        }
        Ok(())
    }

    /// Queues what a directory holds, where it comes or goes as a whole.
    fn involve_children(&mut self, item: &Item, fate: Fate) -> Result<(), TreeError> {
        let (on_disk, in_log) = (item.local.is_some(), item.live().is_some());
        let (disk, log) = match fate {
            Fate::Keep if item.paired.is_some() => (true, true),
            Fate::Keep => (!in_log, !on_disk),
            Fate::Drop | Fate::Leave => (on_disk, in_log && fate == Fate::Drop),
            Fate::Elsewhere | Fate::Ask | Fate::Stay => (false, false),
        };
        if disk {
            for child in self.view.local_children(item.id)? {
                self.push(child)?;
            }
        }
        if log {
            for child in self.view.remote_children(item.id)? {
                self.push(child)?;
            }
        }
        Ok(())
    }

    /// Keeps every directory that something living shall be in, with the path to it.
    fn revive_parents(&mut self) -> Result<(), TreeError> {
        let living: Vec<NodeId> = self.with_fate(Fate::Keep).collect();
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

    /// The nodes of one fate.
    pub fn with_fate(&self, wanted: Fate) -> impl Iterator<Item = NodeId> + '_ {
        self.work
            .iter()
            .filter(move |(_, fate)| **fate == wanted)
            .map(|(id, _)| *id)
    }

    /// Gives a conflict name to one of two nodes that belong at one place.
    ///
    /// Siblings on disk differ, and so do siblings in the log; so of two that meet, one is there
    /// by the disk's word and the other by the log's.
    fn part_names(&mut self, ids: &mut dyn IdSource) -> Result<(), TreeError> {
        let living: Vec<NodeId> = self.with_fate(Fate::Keep).collect();
        for id in living {
            let item = self.view.item(id)?.clone();
            let Some(wish) = item
                .wish
                .clone()
                .filter(|wish| wish.origin != Origin::Remote)
            else {
                continue;
            };
            let Some(other) = self.view.node_at(&wish.place)?.filter(|other| *other != id) else {
                continue;
            };
            if !self.holds_place(other, &wish.place)? {
                continue;
            }
            self.part(&item, other, &wish.place, ids)?;
        }
        Ok(())
    }

    /// Whether a node of the log keeps the place where the log has it.
    fn holds_place(&mut self, id: NodeId, place: &Place) -> Result<bool, TreeError> {
        let fate = self.work.get(&id).copied();
        let stays = !matches!(fate, Some(Fate::Drop | Fate::Ask | Fate::Stay));
        let item = self.view.item(id)?;
        Ok(stays && item.wish.as_ref().is_none_or(|wish| wish.place == *place))
    }

    /// The entry on disk gives way to the node of the log. But a directory never gives way to
    /// what is none, because it may hold the work of many (SC-055, SC-056).
    fn part(
        &mut self,
        item: &Item,
        other: NodeId,
        place: &Place,
        ids: &mut dyn IdSource,
    ) -> Result<(), TreeError> {
        let holder = self.view.item(other)?.clone();
        let (kind, tag) = match holder.live() {
            Some(remote) => (remote.kind, remote.versions.place),
            None => return Ok(()),
        };
        if item.is_directory() && kind != NodeKind::Directory {
            let to = self.conflict_place(place, kind, &tag.0, ids)?;
            self.yields.insert(other, Yield::Node(to));
        } else if let Some(kind) = item.kind() {
            let to = self.conflict_place(place, kind, &tag.0, ids)?;
            self.yields.insert(item.id, Yield::Entry(to));
        }
        Ok(())
    }

    /// A free place beside `place`, named after the version that keeps the name.
    pub fn conflict_place(
        &mut self,
        place: &Place,
        kind: NodeKind,
        version: &[u8; 16],
        ids: &mut dyn IdSource,
    ) -> Result<Place, TreeError> {
        let mut bytes = *version;
        loop {
            for three in bytes.chunks_exact(3) {
                let tag = [three[0], three[1], three[2]];
                let mark = ConflictMark {
                    device: &self.context.device,
                    date: &self.context.date,
                    tag,
                };
                let to = Place::new(place.parent, conflict_name(&place.name, kind, &mark));
                if !self.claimed.contains(&to) && self.view.is_free(&to)? {
                    self.claimed.insert(to.clone());
                    return Ok(to);
                }
            }
            bytes = ids.version().0;
        }
    }
}

/// Takes back a move on disk, if the log has a place to go back to.
fn undo_move(item: &mut Item) -> bool {
    let there = item.live().and_then(RemoteNode::place);
    match (&mut item.wish, there) {
        (Some(wish), Some(there)) if wish.origin == Origin::Local => {
            *wish = Wish {
                place: there,
                origin: Origin::Remote,
                overruled: false,
            };
            item.undone = true;
            true
        }
        _ => false,
    }
}

/// Whether the log has a node at another place than was agreed on.
fn moved_in_log(remote: &RemoteNode, synced: Option<&SyncedNode>) -> bool {
    synced.is_some_and(|row| remote.place().is_none_or(|place| place != row.place))
}

/// A node that is alive in the log and not on disk.
fn fate_of_absent(item: &Item, remote: &RemoteNode, inside: bool, moved: bool) -> Fate {
    // Never seen here: it comes, if it belongs here.
    let arrives = if inside { Fate::Keep } else { Fate::Elsewhere };
    let Some(synced) = &item.synced else {
        return arrives;
    };
    // It was here and was removed, which the scan has proven (S4).
    if moved || remote.versions.body != synced.versions.body {
        // Edit and move beat delete: it comes back (S3, SC-033, SC-037).
        return arrives;
    }
    // The log has not changed since: it goes there too.
    Fate::Drop
}

/// A node that is on disk and, in the log, deleted or unknown.
fn fate_of_deleted(item: &Item, moved: bool) -> Fate {
    let (Some(local), Some(remote), Some(synced)) = (&item.local, &item.remote, &item.synced)
    else {
        // Unknown to the log, or nothing says that the log's deletion meant this content.
        return Fate::Keep;
    };
    if moved {
        return Fate::Keep;
    }
    match removable(local, remote, synced) {
        Same::Yes => Fate::Drop,
        // Edit beats delete (S3).
        Same::No => Fate::Keep,
        // It may have been edited: hash before unlink (SC-038).
        Same::Unread => Fate::Ask,
    }
}
