//! Two nodes, one place: who keeps the name, and what the other is called.

use std::collections::{BTreeMap, BTreeSet};

use hythe_model::{ContentHash, NodeId, NodeKind};

use crate::conflict_name::{ConflictMark, Original, conflict_name, original};
use crate::context::{IdSource, PlanContext};
use crate::fate::Fate;
use crate::merge::Origin;
use crate::tree::{LocalNode, Place, TreeError};
use crate::view::{Item, View};

/// Who gives way when two nodes have one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Yield {
    /// The entry on disk takes a conflict name; the log learns of it by the next plan.
    Entry(Place),
    /// The node in the log takes a conflict name; the disk learns of it by the next plan.
    Node(Place),
}

/// Gives conflict names.
#[derive(Debug)]
pub(crate) struct Names<'a> {
    context: &'a PlanContext,
    /// Names given in this plan.
    claimed: BTreeSet<Place>,
}

impl<'a> Names<'a> {
    pub fn new(context: &'a PlanContext) -> Self {
        Self {
            context,
            claimed: BTreeSet::new(),
        }
    }

    /// Gives a conflict name to one of two nodes wherever two belong at one place.
    ///
    /// Siblings on disk differ, and so do siblings in the log; so of two that meet, one is there
    /// by the disk's word and the other by the log's.
    pub fn part(
        &mut self,
        view: &mut View<'_>,
        work: &BTreeMap<NodeId, Fate>,
        ids: &mut dyn IdSource,
    ) -> Result<BTreeMap<NodeId, Yield>, TreeError> {
        let mut yields = BTreeMap::new();
        for id in work
            .iter()
            .filter(|(_, fate)| **fate == Fate::Keep)
            .map(|(id, _)| *id)
        {
            let item = view.item(id)?.clone();
            let wish = item
                .wish
                .as_ref()
                .filter(|wish| wish.origin != Origin::Remote);
            let Some(place) = wish.map(|wish| wish.place.clone()) else {
                continue;
            };
            let Some(other) = view.node_at(&place)?.filter(|other| *other != id) else {
                continue;
            };
            let holder = view.item(other)?.clone();
            if holds_place(&holder, work.get(&other), &place) {
                yields.extend(self.part_two(view, &item, &holder, &place, ids)?);
            }
        }
        Ok(yields)
    }

    /// The entry on disk gives way to the node of the log. But a directory never gives way to
    /// what is none, because it may hold the work of many (SC-055, SC-056).
    fn part_two(
        &mut self,
        view: &mut View<'_>,
        item: &Item,
        holder: &Item,
        place: &Place,
        ids: &mut dyn IdSource,
    ) -> Result<Option<(NodeId, Yield)>, TreeError> {
        let (Some(kind), Some(remote)) = (item.kind(), holder.live()) else {
            return Ok(None);
        };
        let version = remote.versions.place.0;
        let stays = kind == NodeKind::Directory && remote.kind != NodeKind::Directory;
        Ok(Some(if stays {
            let to = self.conflict_place(view, place, remote.kind, version, ids)?;
            (holder.id, Yield::Node(to))
        } else {
            let to = self.conflict_place(view, place, kind, version, ids)?;
            (item.id, Yield::Entry(to))
        }))
    }

    /// A free place beside `place`, named after the version that keeps the name.
    pub fn conflict_place(
        &mut self,
        view: &mut View<'_>,
        place: &Place,
        kind: NodeKind,
        version: [u8; 16],
        ids: &mut dyn IdSource,
    ) -> Result<Place, TreeError> {
        let given = version
            .chunks_exact(3)
            .map(|three| [three[0], three[1], three[2]]);
        let drawn = (0..MORE_TRIES).map(|_| {
            let [a, b, c, ..] = ids.version().0;
            [a, b, c]
        });
        let mut last = place.clone();
        for tag in given.chain(drawn) {
            let (device, date) = (&self.context.device, &self.context.date);
            let name = conflict_name(&place.name, kind, &ConflictMark { device, date, tag });
            last = Place::new(place.parent, name);
            if !self.claimed.contains(&last) && view.is_free(&last)? {
                break;
            }
        }
        self.claimed.insert(last.clone());
        Ok(last)
    }
}

/// How many names are tried after those that the version gives. All taken means a damaged store;
/// then the step that wants the name fails where it stands, and nothing is overwritten.
const MORE_TRIES: usize = 16;

/// Whether a node of the log keeps the place where the log has it.
fn holds_place(item: &Item, fate: Option<&Fate>, place: &Place) -> bool {
    let stays = !matches!(fate, Some(Fate::Drop | Fate::Ask | Fate::Stay));
    stays && item.wish.as_ref().is_none_or(|wish| wish.place == *place)
}

/// Conflict copies that other devices made and that come to this disk with this plan.
///
/// When two devices lose to one version with the same value, one copy of it is enough (S12): the
/// second device's entry becomes the first one's copy. The digits in the name tell the version, so
/// a user's file that is merely called like a copy is none (SC-051).
#[derive(Debug, Default)]
pub(crate) struct Copies(BTreeMap<(NodeId, Original), Vec<Copy>>);

#[derive(Debug)]
struct Copy {
    node: NodeId,
    place: Place,
    kind: NodeKind,
    size: u64,
    hash: ContentHash,
}

/// What there is for an entry that is, or is to become, a conflict copy.
pub(crate) enum Twin {
    /// No copy of its value.
    None,
    /// This node, at this place, is a copy of its value.
    Found(NodeId, Place),
    /// These have the same length: they wait until the entry has been read.
    Unread(Vec<NodeId>),
}

impl Copies {
    /// Notes a node that comes to this disk, if it is a conflict copy.
    pub fn note(&mut self, item: &Item) {
        let arrives = item.local.is_none() && item.synced.is_none();
        let Some(remote) = item.live().filter(|_| arrives) else {
            return;
        };
        let (Some(place), Some(hash)) = (remote.place(), remote.hash) else {
            return;
        };
        if let Some(original) = original(&place.name, remote.kind) {
            let (kind, size) = (remote.kind, remote.size);
            let copy = Copy {
                node: item.id,
                place,
                kind,
                size,
                hash,
            };
            self.0
                .entry((remote.parent, original))
                .or_default()
                .push(copy);
        }
    }

    /// Looks for a copy of what an entry holds, made of `original` in the entry's directory, and
    /// takes it out: it is one entry's only.
    pub fn take(&mut self, local: &LocalNode, original: Original) -> Twin {
        let Some(copies) = self.0.get_mut(&(local.place.parent, original)) else {
            return Twin::None;
        };
        let fits = |copy: &Copy| copy.kind == local.kind && copy.size == local.stamp.size;
        if local.hash.is_none() {
            let alike: Vec<NodeId> = copies
                .iter()
                .filter(|copy| fits(copy))
                .map(|copy| copy.node)
                .collect();
            return if alike.is_empty() {
                Twin::None
            } else {
                Twin::Unread(alike)
            };
        }
        match copies
            .iter()
            .position(|copy| fits(copy) && local.hash == Some(copy.hash))
        {
            Some(at) => {
                let copy = copies.swap_remove(at);
                Twin::Found(copy.node, copy.place)
            }
            None => Twin::None,
        }
    }
}
