//! The planner: from trees and dirty nodes to a plan.
//!
//! 1. `shape` settles which nodes live and where, around the dirty ones.
//! 2. Here each node is looked at once: what must move, come and go on each side, and what
//!    becomes of its content and attributes (`merge`).
//! 3. `order` puts the moving, coming and going of each side in a valid order, and
//!    `remote_half` and `local_half` write the steps.
//!
//! The cost is that of the dirty nodes and the paths above them; a directory is listed only when
//! it comes or goes as a whole.

use std::collections::{BTreeMap, BTreeSet};

use hythe_model::{NodeId, NodeKind};

use crate::context::{IdSource, PlanContext};
use crate::merge::{self, AttributesMerge, Body, Same};
use crate::plan::{AttributesWrite, BodyWrite, Plan, Problem, Replaces, Step};
use crate::shape::{Fate, Shape, Yield, shape};
use crate::tree::{LocalNode, Place, RemoteNode, SyncedNode, TreeError, Trees};
use crate::view::Item;
use crate::{local_half, remote_half};

/// Plans what to do about the dirty nodes.
///
/// `dirty` holds every node that a scan or the log changed since the last plan, joined with that
/// plan's [`Plan::open`]. It may be given in parts, in any order: what a node depends on is found
/// (C4). Nodes in agreement cost a look and yield nothing.
///
/// # Errors
/// When the trees cannot be read; never because of what they hold.
pub fn plan(
    trees: &dyn Trees,
    dirty: &BTreeSet<NodeId>,
    context: &PlanContext,
    ids: &mut dyn IdSource,
) -> Result<Plan, TreeError> {
    if root_gone(trees)? {
        let problems = vec![Problem::RootGone];
        return Ok(Plan {
            steps: Vec::new(),
            problems,
            open: dirty.clone(),
        });
    }
    let mut draft = Draft::new(shape(trees, dirty, context, ids)?);
    let work: Vec<(NodeId, Fate)> = draft
        .shape
        .work
        .iter()
        .map(|(id, fate)| (*id, *fate))
        .collect();
    for (id, fate) in work {
        let item = draft.shape.view.item(id)?.clone();
        draft.look_at(&item, fate, ids)?;
    }
    let mut steps = std::mem::take(&mut draft.books);
    steps.sort_by_key(books_order);
    steps.extend(remote_half::steps(&mut draft, ids)?);
    steps.extend(local_half::steps(&mut draft, ids)?);
    Ok(Plan {
        steps,
        problems: draft.problems,
        open: draft.open,
    })
}

/// Whether the log has no directory any more that the folder could stand for.
fn root_gone(trees: &dyn Trees) -> Result<bool, TreeError> {
    let root = trees.root();
    if root == NodeId::ROOT {
        return Ok(false);
    }
    let node = trees.remote(root)?;
    Ok(node.is_none_or(|node| node.deleted || node.kind != NodeKind::Directory))
}

/// Entries get their ids before anything else speaks of them.
fn books_order(step: &Step) -> u8 {
    match step {
        Step::Adopt { .. } => 0,
        Step::Record(_) | Step::Forget { .. } => 1,
        _ => 2,
    }
}

/// What the nodes looked at so far ask for.
pub(crate) struct Draft<'a> {
    pub shape: Shape<'a>,
    pub books: Vec<Step>,
    /// Where nodes shall be made, restored or moved to in the log.
    pub remote_wanted: BTreeMap<NodeId, Place>,
    pub remote_gone: BTreeSet<NodeId>,
    /// New content and attributes for the log.
    pub sends: BTreeMap<NodeId, Step>,
    /// Where nodes shall be made or moved to on disk.
    pub local_wanted: BTreeMap<NodeId, Place>,
    pub local_gone: BTreeSet<NodeId>,
    /// What shall become of the content and attributes of entries on disk.
    pub brings: BTreeMap<NodeId, Bring>,
    problems: Vec<Problem>,
    open: BTreeSet<NodeId>,
}

/// A change of an entry's content or attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bring {
    /// The log's content takes the place of the node's former one.
    Replace,
    /// The log's content takes the place; what stands there becomes a conflict copy.
    Displace,
    /// Only attributes change.
    Attributes(hythe_model::Attributes),
}

impl<'a> Draft<'a> {
    fn new(shape: Shape<'a>) -> Self {
        Self {
            shape,
            books: Vec::new(),
            remote_wanted: BTreeMap::new(),
            remote_gone: BTreeSet::new(),
            sends: BTreeMap::new(),
            local_wanted: BTreeMap::new(),
            local_gone: BTreeSet::new(),
            brings: BTreeMap::new(),
            problems: Vec::new(),
            open: BTreeSet::new(),
        }
    }

    fn look_at(
        &mut self,
        item: &Item,
        fate: Fate,
        ids: &mut dyn IdSource,
    ) -> Result<(), TreeError> {
        self.note_problem(item);
        match fate {
            Fate::Keep => self.keep(item, ids),
            Fate::Drop => self.drop(item),
            Fate::Leave => self.leave(item, ids)?,
            Fate::Elsewhere => self.forget(item),
            Fate::Ask => self.ask(item),
            Fate::Stay => {
                self.keep_open(item);
            }
        }
        Ok(())
    }

    /// The node is to be planned again. A pair may come apart until then, so both ids are.
    fn keep_open(&mut self, item: &Item) {
        self.open.extend([item.id, item.local_id()]);
    }

    fn note_problem(&mut self, item: &Item) {
        let Some(remote) = item.live() else { return };
        let node = item.id;
        let problem = match remote.name {
            Err(why) => Problem::Quarantined { node, why },
            Ok(_) if remote.kind == NodeKind::Attachment => Problem::NotPlaced {
                node,
                kind: remote.kind,
            },
            Ok(_) => return,
        };
        self.problems.push(problem);
        self.keep_open(item);
    }

    /// The node is on neither side: nothing is left to agree on.
    fn forget(&mut self, item: &Item) {
        if item.synced.is_some() || item.stale_row {
            self.books.push(Step::Forget { node: item.id });
        }
    }

    fn ask(&mut self, item: &Item) {
        self.keep_open(item);
        if let Some(local) = &item.local {
            self.books.push(Step::NeedHash {
                node: item.local_id(),
                stamp: local.stamp,
            });
        }
    }

    /// The node goes from the side that still has it.
    fn drop(&mut self, item: &Item) {
        if item.local.is_some() {
            self.local_gone.insert(item.id);
        } else if item.live().is_some() {
            self.remote_gone.insert(item.id);
        } else {
            return self.forget(item);
        }
        self.keep_open(item);
    }

    /// The node lives elsewhere in the log: its entry goes, once the log has its content.
    fn leave(&mut self, item: &Item, ids: &mut dyn IdSource) -> Result<(), TreeError> {
        self.keep_open(item);
        let (Some(local), Some(remote)) = (&item.local, item.live()) else {
            return Ok(());
        };
        let saved = match &item.synced {
            Some(synced) => merge::removable(local, remote, synced),
            None => merge::same_content(local, remote.size, remote.hash),
        };
        let edited_remotely = item
            .synced
            .as_ref()
            .is_none_or(|row| row.versions.body != remote.versions.body);
        match (saved, item.paired) {
            (Same::Yes, None) => {
                self.local_gone.insert(item.id);
            }
            (Same::Yes, Some(entry)) => {
                self.books.push(Step::Adopt {
                    local: entry,
                    node: item.id,
                });
            }
            (Same::Unread, _) if edited_remotely => self.ask(item),
            // Edited here, moved there: both.
            (Same::No | Same::Unread, _) if !edited_remotely => {
                let body = merge::body(local, remote, item.synced.as_ref());
                self.send(item, local, remote, body, ids);
            }
            // Both edited: the entry stays, as a node of its own. Beside a node that was created
            // in the directory meanwhile, it needs another name first.
            (_, Some(_)) => {
                let tag = remote.versions.place;
                let place = &local.place;
                let to = self.shape.conflict_place(place, local.kind, &tag.0, ids)?;
                self.local_wanted.insert(item.id, to);
            }
            (_, None) => {
                self.books.push(Step::Adopt {
                    local: item.id,
                    node: ids.node(),
                });
            }
        }
        Ok(())
    }

    /// The node lives on both sides.
    fn keep(&mut self, item: &Item, ids: &mut dyn IdSource) {
        let Some(wish) = &item.wish else { return };
        let yielded = self.shape.yields.get(&item.id).cloned();
        match (&item.local, &item.remote) {
            (Some(local), Some(remote)) if !remote.deleted => {
                return self.keep_both(item, local, remote, yielded, ids);
            }
            (Some(local), remote) => {
                if let Some(Yield::Entry(to)) = yielded {
                    self.local_wanted.insert(item.id, to);
                } else {
                    self.remote_wanted.insert(item.id, wish.place.clone());
                    if local.place != wish.place {
                        self.local_wanted.insert(item.id, wish.place.clone());
                    }
                    if let Some(remote) = remote {
                        let body = merge::restored_body(local, remote, item.synced.as_ref());
                        self.send(item, local, remote, body, ids);
                    }
                }
            }
            (None, Some(_)) => {
                if let Some(Yield::Node(to)) = yielded {
                    self.remote_wanted.insert(item.id, to);
                } else {
                    self.local_wanted.insert(item.id, wish.place.clone());
                }
            }
            (None, None) => return,
        }
        self.keep_open(item);
    }

    fn keep_both(
        &mut self,
        item: &Item,
        local: &LocalNode,
        remote: &RemoteNode,
        yielded: Option<Yield>,
        ids: &mut dyn IdSource,
    ) {
        let body = merge::body(local, remote, item.synced.as_ref());
        if let Some(entry) = item.paired {
            match body {
                Body::Ask => return self.ask(item),
                Body::Conflict => {
                    self.keep_open(item);
                    self.brings.insert(item.id, Bring::Displace);
                    return;
                }
                _ => self.books.push(Step::Adopt {
                    local: entry,
                    node: item.id,
                }),
            }
        }
        let moving = self.place_both(item, local, remote, yielded);
        let merged = merge::attributes(local, remote, item.synced.as_ref(), body);
        let sending = matches!(body, Body::Send { .. }) || merged.send.is_some();
        if sending {
            self.send(item, local, remote, body, ids);
        } else if let Some(bring) = bring(body, &merged) {
            // One local step per node and plan: a move changes the stamp that the next expects.
            if !self.local_wanted.contains_key(&item.id) {
                self.brings.insert(item.id, bring);
            }
        }
        if body == Body::Ask {
            self.ask(item);
        }
        self.record(item, local, remote, body, merged);
        if moving || sending || body != Body::Agreed || merged != AttributesMerge::default() {
            self.keep_open(item);
        }
    }

    /// What must move for a node that is on both sides; whether anything must.
    fn place_both(
        &mut self,
        item: &Item,
        local: &LocalNode,
        remote: &RemoteNode,
        yielded: Option<Yield>,
    ) -> bool {
        let Some(wish) = &item.wish else { return false };
        match yielded {
            Some(Yield::Entry(to)) => {
                self.local_wanted.insert(item.id, to);
                return true;
            }
            Some(Yield::Node(to)) => {
                self.remote_wanted.insert(item.id, to);
                return true;
            }
            None => {}
        }
        let to_log =
            wish.origin == merge::Origin::Local && remote.place().as_ref() != Some(&wish.place);
        if to_log {
            self.remote_wanted.insert(item.id, wish.place.clone());
        }
        let to_disk = local.place != wish.place;
        if to_disk {
            self.local_wanted.insert(item.id, wish.place.clone());
        }
        to_log || to_disk
    }

    /// Writes what the disk has to the log.
    fn send(
        &mut self,
        item: &Item,
        local: &LocalNode,
        remote: &RemoteNode,
        body: Body,
        ids: &mut dyn IdSource,
    ) {
        let merged = merge::attributes(local, remote, item.synced.as_ref(), body);
        let attributes = merged.send.map(|attributes| AttributesWrite {
            expected: remote.versions.attributes,
            new: ids.version(),
            attributes,
            settles: attributes == local.attributes(),
        });
        let body = match body {
            Body::Send { unless } => Some(BodyWrite {
                expected: remote.versions.body,
                new: ids.version(),
                stamp: local.stamp,
                unless,
            }),
            _ => None,
        };
        if attributes.is_some() || body.is_some() {
            self.sends.insert(
                item.id,
                Step::RemoteUpdate {
                    node: item.id,
                    attributes,
                    body,
                },
            );
        }
    }

    /// Records what both sides agree on, field by field.
    fn record(
        &mut self,
        item: &Item,
        local: &LocalNode,
        remote: &RemoteNode,
        body: Body,
        merged: AttributesMerge,
    ) {
        let agreed = Agreed {
            place: remote.place().as_ref() == Some(&local.place),
            body: body == Body::Agreed,
            attributes: merged == AttributesMerge::default()
                && !matches!(body, Body::Conflict | Body::Ask),
        };
        let row = match &item.synced {
            Some(row) => Some(agreed.over(row, local, remote)),
            None => agreed.whole(local, remote),
        };
        let Some(row) = row else {
            self.keep_open(item);
            return;
        };
        if item.synced.as_ref() != Some(&row) {
            self.books.push(Step::Record(Box::new(row)));
        }
    }
}

fn bring(body: Body, merged: &AttributesMerge) -> Option<Bring> {
    match body {
        Body::Fetch => Some(Bring::Replace),
        Body::Conflict => Some(Bring::Displace),
        Body::Agreed => merged.bring.map(Bring::Attributes),
        Body::Send { .. } | Body::Ask => None,
    }
}

/// The fields that disk and log agree on.
struct Agreed {
    place: bool,
    body: bool,
    attributes: bool,
}

impl Agreed {
    /// A first Synced row, if all is agreed on.
    fn whole(&self, local: &LocalNode, remote: &RemoteNode) -> Option<SyncedNode> {
        (self.place && self.body && self.attributes).then(|| SyncedNode {
            id: remote.id,
            place: local.place.clone(),
            kind: remote.kind,
            versions: remote.versions,
            attributes: remote.attributes,
            executable_on_disk: local.executable,
            stamp: local.stamp,
            size: remote.size,
            hash: remote.hash.or(local.hash),
        })
    }

    /// A Synced row with the agreed fields brought up to date.
    fn over(&self, row: &SyncedNode, local: &LocalNode, remote: &RemoteNode) -> SyncedNode {
        let mut row = row.clone();
        if self.place {
            row.place = local.place.clone();
            row.versions.place = remote.versions.place;
        }
        if self.body {
            let known = remote.hash.or(local.hash);
            row.hash = known.or(row
                .hash
                .filter(|_| row.versions.body == remote.versions.body));
            row.versions.body = remote.versions.body;
            row.size = remote.size;
        }
        if self.attributes {
            row.versions.attributes = remote.versions.attributes;
            row.attributes = remote.attributes;
            row.executable_on_disk = local.executable;
        }
        // What happens inside a directory changes its stamp; only its identity means anything.
        let stale = local.kind != NodeKind::Directory || !row.stamp.same_entry(&local.stamp);
        if self.body && self.attributes && stale {
            row.stamp = local.stamp;
        }
        row
    }
}

/// What a download puts at a place where `item` has an entry.
pub(crate) fn replaces(item: &Item, copy: Option<(NodeId, Place)>) -> Replaces {
    match (&item.local, copy) {
        (None, _) => Replaces::Nothing,
        (Some(local), None) => Replaces::Same(local.stamp),
        (Some(local), Some((becomes, to))) => Replaces::Copy {
            occupant: item.local_id(),
            becomes,
            name: to.name,
            stamp: local.stamp,
        },
    }
}
