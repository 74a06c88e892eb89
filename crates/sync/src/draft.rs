//! What each node asks for, before any order: wanted places, removals, content to send and to
//! bring, and what to write down.

use std::collections::{BTreeMap, BTreeSet};

use hythe_model::{Attributes, NodeId, NodeKind};

use crate::agree::agreed_row;
use crate::conflict_name::{Original, original};
use crate::context::IdSource;
use crate::fate::Fate;
use crate::merge::{self, AttributesMerge, Body, Origin, Same};
use crate::names::{Copies, Twin, Yield};
use crate::plan::{AttributesWrite, BodyWrite, Problem, Replaces, Step};
use crate::shape::Shape;
use crate::tree::{LocalNode, Place, RemoteNode, TreeError};
use crate::view::Item;

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
    pub problems: Vec<Problem>,
    pub open: BTreeSet<NodeId>,
    /// Nodes whose content conflicts.
    conflicts: BTreeSet<NodeId>,
}

/// A change of an entry's content or attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bring {
    /// The log's content takes the entry's place.
    Content(Replaces),
    /// Only attributes change.
    Attributes(Attributes),
}

impl<'a> Draft<'a> {
    pub fn new(shape: Shape<'a>) -> Self {
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
            conflicts: BTreeSet::new(),
        }
    }

    /// Takes up what one node asks for.
    pub fn look_at(
        &mut self,
        item: &Item,
        fate: Fate,
        ids: &mut dyn IdSource,
    ) -> Result<(), TreeError> {
        self.note_problem(item);
        if let (Fate::Leave | Fate::Elsewhere, Some(Yield::Node(to))) =
            (fate, self.shape.yields.get(&item.id))
        {
            // Outside this folder too a name is only one node's: there, where a directory of the
            // log has left and the disk still has something new in it.
            self.remote_wanted.insert(item.id, to.clone());
            self.keep_open(item);
            return Ok(());
        }
        match fate {
            Fate::Keep => self.keep(item, ids),
            Fate::Drop => self.drop(item),
            Fate::Leave => self.leave(item, ids)?,
            Fate::Elsewhere => self.forget(item),
            Fate::Ask => self.ask(item),
            Fate::Stay => self.keep_open(item),
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
        let synced = item.synced.as_ref();
        let edited_remotely = synced.is_none_or(|row| row.versions.body != remote.versions.body);
        match (saved, edited_remotely, item.paired) {
            (Same::Yes, _, None) => {
                self.local_gone.insert(item.id);
            }
            (Same::Yes, _, Some(entry)) => {
                self.books.push(Step::Adopt {
                    local: entry,
                    node: item.id,
                });
            }
            // Edited here, moved there: both. It goes when the log has the edit.
            (_, false, _) => {
                self.send(item, local, remote, merge::body(local, remote, synced), ids)
            }
            (Same::Unread, true, _) => self.ask(item),
            // Edited on both sides: the entry stays, as a node of its own.
            (Same::No, true, None) => {
                self.books.push(Step::Adopt {
                    local: item.id,
                    node: ids.node(),
                });
            }
            // Beside a node that came to be under the same name, it needs another name for that.
            (Same::No, true, Some(_)) => {
                let to = self.copy_place(local, remote, ids)?;
                self.local_wanted.insert(item.id, to);
            }
        }
        Ok(())
    }

    /// The node lives on both sides.
    fn keep(&mut self, item: &Item, ids: &mut dyn IdSource) {
        match (&item.local, &item.remote) {
            (Some(local), Some(remote)) if !remote.deleted => {
                self.keep_both(item, local, remote, ids);
            }
            (Some(local), remote) => self.keep_local(item, local, remote.as_ref(), ids),
            (None, Some(_)) => self.keep_remote(item),
            (None, None) => {}
        }
    }

    /// The log must get the node, or get it back.
    fn keep_local(
        &mut self,
        item: &Item,
        local: &LocalNode,
        remote: Option<&RemoteNode>,
        ids: &mut dyn IdSource,
    ) {
        self.keep_open(item);
        if let Some(Yield::Entry(to)) = self.shape.yields.get(&item.id) {
            self.local_wanted.insert(item.id, to.clone());
            return;
        }
        let Some(wish) = &item.wish else { return };
        self.remote_wanted.insert(item.id, wish.place.clone());
        if local.place != wish.place {
            self.local_wanted.insert(item.id, wish.place.clone());
        }
        if let Some(remote) = remote {
            let body = merge::restored_body(local, remote, item.synced.as_ref());
            self.send(item, local, remote, body, ids);
        }
    }

    /// The disk must get the node, or get it back.
    fn keep_remote(&mut self, item: &Item) {
        self.keep_open(item);
        if let Some(Yield::Node(to)) = self.shape.yields.get(&item.id) {
            self.remote_wanted.insert(item.id, to.clone());
        } else if let Some(wish) = &item.wish {
            self.local_wanted.insert(item.id, wish.place.clone());
        }
    }

    fn keep_both(
        &mut self,
        item: &Item,
        local: &LocalNode,
        remote: &RemoteNode,
        ids: &mut dyn IdSource,
    ) {
        let body = merge::body(local, remote, item.synced.as_ref());
        if let Some(entry) = item.paired {
            match body {
                Body::Ask => return self.ask(item),
                Body::Conflict => {
                    self.keep_open(item);
                    self.conflicts.insert(item.id);
                    return;
                }
                _ => self.books.push(Step::Adopt {
                    local: entry,
                    node: item.id,
                }),
            }
        }
        let moving = self.place_both(item, local, remote);
        let merged = merge::attributes(local, remote, item.synced.as_ref(), body);
        let sending = matches!(body, Body::Send { .. }) || merged.send.is_some();
        if sending {
            self.send(item, local, remote, body, ids);
        } else if !self.local_wanted.contains_key(&item.id) {
            // One local step per node and plan: a move changes the stamp that the next expects.
            self.bring(item, local, body, &merged);
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
    fn place_both(&mut self, item: &Item, local: &LocalNode, remote: &RemoteNode) -> bool {
        let Some(wish) = &item.wish else { return false };
        match self.shape.yields.get(&item.id) {
            Some(Yield::Entry(to)) => {
                self.local_wanted.insert(item.id, to.clone());
                return true;
            }
            Some(Yield::Node(to)) => {
                self.remote_wanted.insert(item.id, to.clone());
                return true;
            }
            None => {}
        }
        let to_log = wish.origin == Origin::Local && remote.place().as_ref() != Some(&wish.place);
        if to_log {
            self.remote_wanted.insert(item.id, wish.place.clone());
        }
        let to_disk = local.place != wish.place;
        if to_disk {
            self.local_wanted.insert(item.id, wish.place.clone());
        }
        to_log || to_disk
    }

    /// Writes what the log has to the disk.
    fn bring(&mut self, item: &Item, local: &LocalNode, body: Body, merged: &AttributesMerge) {
        let bring = match body {
            Body::Fetch => Bring::Content(Replaces::Same(local.stamp)),
            Body::Conflict => {
                self.conflicts.insert(item.id);
                return;
            }
            Body::Agreed => match merged.bring {
                Some(attributes) => Bring::Attributes(attributes),
                None => return,
            },
            Body::Send { .. } | Body::Ask => return,
        };
        self.brings.insert(item.id, bring);
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

    /// Records what both sides agree on.
    fn record(
        &mut self,
        item: &Item,
        local: &LocalNode,
        remote: &RemoteNode,
        body: Body,
        merged: AttributesMerge,
    ) {
        match agreed_row(item.synced.as_ref(), local, remote, body, merged) {
            None => self.keep_open(item),
            Some(row) if item.synced.as_ref() == Some(&row) => {}
            Some(row) => self.books.push(Step::Record(Box::new(row))),
        }
    }

    /// Decides what becomes of the entries whose content conflicts: a copy that is on its way from
    /// another device, if it holds the same, else one of their own.
    pub fn settle_conflicts(&mut self, ids: &mut dyn IdSource) -> Result<(), TreeError> {
        let mut copies = Copies::default();
        for id in self.local_wanted.keys() {
            copies.note(self.shape.view.item(*id)?);
        }
        self.share_copies(&mut copies)?;
        for id in std::mem::take(&mut self.conflicts) {
            let item = self.shape.view.item(id)?.clone();
            let (Some(local), Some(remote)) = (&item.local, item.live()) else {
                continue;
            };
            let (becomes, to) = match copies.take(local, copy_of(local, remote)) {
                Twin::Unread(alike) => {
                    self.ask_before(&item, &alike);
                    continue;
                }
                Twin::Found(node, place) => {
                    self.local_wanted.remove(&node);
                    (node, place)
                }
                // A paired entry has no node of its own in the log yet and keeps its id.
                Twin::None => {
                    let becomes = item.paired.unwrap_or_else(|| ids.node());
                    (becomes, self.copy_place(local, remote, ids)?)
                }
            };
            let (occupant, stamp) = (item.local_id(), local.stamp);
            let replaces = Replaces::Copy {
                occupant,
                becomes,
                name: to.name,
                stamp,
            };
            self.brings.insert(id, Bring::Content(replaces));
        }
        Ok(())
    }

    /// An entry must be read before these nodes may come.
    fn ask_before(&mut self, item: &Item, nodes: &[NodeId]) {
        self.ask(item);
        self.local_wanted.retain(|id, _| !nodes.contains(id));
    }

    /// Conflict copies made here that the log does not have yet, and that another device made too.
    fn share_copies(&mut self, copies: &mut Copies) -> Result<(), TreeError> {
        let wanted: Vec<NodeId> = self.remote_wanted.keys().copied().collect();
        for id in wanted {
            let item = self.shape.view.item(id)?.clone();
            let (Some(local), None, None) = (&item.local, &item.remote, &item.synced) else {
                continue;
            };
            let Some(original) = original(&local.place.name, local.kind) else {
                continue;
            };
            match copies.take(local, original) {
                Twin::None => continue,
                Twin::Unread(alike) => self.ask_before(&item, &alike),
                Twin::Found(node, _) => {
                    self.local_wanted.remove(&node);
                    self.books.push(Step::Adopt { local: id, node });
                }
            }
            self.remote_wanted.remove(&id);
        }
        Ok(())
    }

    /// Where an entry goes that the log's content displaces.
    fn copy_place(
        &mut self,
        local: &LocalNode,
        remote: &RemoteNode,
        ids: &mut dyn IdSource,
    ) -> Result<Place, TreeError> {
        let tag = remote.versions.body.unwrap_or(remote.versions.place);
        let shape = &mut self.shape;
        shape
            .names
            .conflict_place(&mut shape.view, &local.place, local.kind, tag.0, ids)
    }
}

/// The conflict copy that an entry would become by losing to the log's content.
fn copy_of(local: &LocalNode, remote: &RemoteNode) -> Original {
    let name = &local.place.name;
    let [a, b, c, ..] = remote.versions.body.unwrap_or(remote.versions.place).0;
    let named = original(name, local.kind).map(|original| original.name);
    Original {
        name: named.unwrap_or_else(|| name.as_bytes().to_vec()),
        tag: [a, b, c],
    }
}
