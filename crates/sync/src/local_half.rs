//! The steps that change the disk.

use std::collections::BTreeMap;

use hythe_model::{NodeId, NodeKind};

use crate::draft::{Bring, Draft};
use crate::merge::{Origin, moved_on_disk};
use crate::names::Yield;
use crate::order::{Motion, Side, order};
use crate::plan::{MoveReason, Replaces, Step};
use crate::tree::{Place, RemoteNode, TreeError};
use crate::view::{Item, View};

/// Writes the local half: first the shape, new files included, then content and attributes of
/// what is there.
pub(crate) fn steps(draft: &mut Draft<'_>) -> Result<Vec<Step>, TreeError> {
    let root = draft.shape.view.root;
    let mut side = Disk(&mut draft.shape.view);
    let motions = order(&mut side, root, &draft.local_wanted, &draft.local_gone)?;
    let mut places = BTreeMap::new();
    let mut steps = Vec::with_capacity(motions.len() + draft.brings.len());
    for motion in motions {
        steps.extend(shape_step(draft, &mut places, motion)?);
    }
    for (node, bring) in std::mem::take(&mut draft.brings) {
        steps.extend(content_step(draft.shape.view.item(node)?, bring));
    }
    Ok(steps)
}

/// `places` holds where entries are after the steps before, if those moved them.
fn shape_step(
    draft: &mut Draft<'_>,
    places: &mut BTreeMap<NodeId, Place>,
    motion: Motion,
) -> Result<Option<Step>, TreeError> {
    let (Motion::Put(node, to) | Motion::Aside(node, to) | Motion::Remove(node, to)) = &motion;
    let item = draft.shape.view.item(*node)?.clone();
    let Some(local) = &item.local else {
        return Ok(item.live().map(|remote| arrival(&item, remote, to.clone())));
    };
    let from = places
        .get(node)
        .cloned()
        .unwrap_or_else(|| local.place.clone());
    let (node, stamp) = (*node, local.stamp);
    if let Motion::Remove(..) = motion {
        return Ok(Some(Step::LocalDelete {
            node,
            from,
            kind: local.kind,
            stamp,
        }));
    }
    let (version, reason) = match motion {
        Motion::Aside(..) => (None, MoveReason::Aside),
        _ => move_reason(&item, draft.shape.yields.get(&node)),
    };
    places.insert(node, to.clone());
    // A paired entry that only moves is still known by its own id.
    let node = item.local_id();
    Ok(Some(Step::LocalMove {
        node,
        from,
        to: to.clone(),
        stamp,
        version,
        reason,
    }))
}

/// Why an entry moves to its place, and the version by which the log says so, if it does.
fn move_reason(
    item: &Item,
    yielded: Option<&Yield>,
) -> (Option<hythe_model::VersionId>, MoveReason) {
    if yielded.is_some() || item.paired.is_some() {
        return (None, MoveReason::Conflict);
    }
    let wish = item
        .wish
        .as_ref()
        .filter(|wish| wish.origin == Origin::Remote);
    let (Some(wish), Some(remote)) = (wish, item.live()) else {
        // Back from where an interrupted plan had put it aside.
        return (None, MoveReason::Follow);
    };
    let user_moved = item
        .local
        .as_ref()
        .is_some_and(|l| moved_on_disk(l, item.synced.as_ref()));
    let reason = match (item.undone, wish.overruled && user_moved) {
        (true, _) => MoveReason::Undone,
        (false, true) => MoveReason::Overruled,
        (false, false) => MoveReason::Follow,
    };
    (Some(remote.versions.place), reason)
}

/// The step that brings a node to a disk that does not have it.
fn arrival(item: &Item, remote: &RemoteNode, to: Place) -> Step {
    match remote.kind {
        NodeKind::Directory => Step::LocalCreateDirectory {
            node: item.id,
            to,
            versions: remote.versions,
        },
        _ => download(remote, to, Replaces::Nothing),
    }
}

fn download(remote: &RemoteNode, to: Place, replaces: Replaces) -> Step {
    Step::Download {
        node: remote.id,
        to,
        kind: remote.kind,
        versions: remote.versions,
        attributes: remote.attributes,
        size: remote.size,
        hash: remote.hash,
        replaces,
    }
}

fn content_step(item: &Item, bring: Bring) -> Option<Step> {
    let (Some(local), Some(remote)) = (&item.local, item.live()) else {
        return None;
    };
    Some(match bring {
        Bring::Content(replaces) => download(remote, local.place.clone(), replaces),
        Bring::Attributes(attributes) => Step::LocalAttributes {
            node: item.id,
            attributes,
            version: remote.versions.attributes,
            stamp: local.stamp,
        },
    })
}

/// The disk as a side to bring in order.
struct Disk<'a, 'b>(&'a mut View<'b>);

impl Side for Disk<'_, '_> {
    fn place(&mut self, node: NodeId) -> Result<Option<Place>, TreeError> {
        Ok(self
            .0
            .item(node)?
            .local
            .as_ref()
            .map(|local| local.place.clone()))
    }

    fn occupant(&mut self, place: &Place) -> Result<Option<NodeId>, TreeError> {
        match self.0.entry_at(place)? {
            Some(entry) => Ok(Some(self.0.node_of(entry)?)),
            None => Ok(None),
        }
    }

    fn children(&mut self, node: NodeId) -> Result<Vec<NodeId>, TreeError> {
        self.0.local_children(node)
    }
}
