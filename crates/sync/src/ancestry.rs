//! What a node owes to the directories above it: whether it is in the folder at all, whether the
//! wishes make a circle, and whether a folder took it along.
//!
//! Every walk upwards ends at the first directory that was walked from before, so the whole costs
//! one visit per directory, however deep the tree (SC-045).

use std::collections::{BTreeMap, BTreeSet};

use hythe_model::NodeId;

use crate::fate::move_on_one_side;
use crate::merge::{Origin, Wish};
use crate::tree::{RemoteNode, TreeError};
use crate::view::{Item, View};

/// What is known of the directories above the nodes of one plan.
#[derive(Debug, Default)]
pub(crate) struct Ancestry {
    /// Whether the wished parents of a node lead to the folder's root.
    inside: BTreeMap<NodeId, bool>,
    /// Whether a node that one side removed was moved on the other.
    moved: BTreeMap<NodeId, bool>,
}

/// Where the wished parents of a node lead.
enum Leads {
    To(bool),
    Circle(Vec<NodeId>),
}

impl Ancestry {
    /// Whether the node's wished place is in this folder.
    ///
    /// Takes back moves of the disk that, together with moves of the log, would make a circle
    /// above the node (SC-014), and says by the second value which. The log's own tree has no
    /// circle, so there always is such a move. Nothing said before changes: who leads into a
    /// circle meets it.
    pub fn is_inside(
        &mut self,
        view: &mut View<'_>,
        id: NodeId,
    ) -> Result<(bool, Vec<NodeId>), TreeError> {
        let mut undone = Vec::new();
        loop {
            match self.follow(view, id)? {
                Leads::To(inside) => return Ok((inside, undone)),
                Leads::Circle(nodes) => {
                    let before = undone.len();
                    for node in nodes {
                        if undo_move(view.item(node)?) {
                            undone.push(node);
                        }
                    }
                    if undone.len() == before {
                        // A circle of the log itself, which its fold refuses: it is not inside.
                        return Ok((false, undone));
                    }
                }
            }
        }
    }

    fn follow(&mut self, view: &mut View<'_>, id: NodeId) -> Result<Leads, TreeError> {
        let (mut path, mut seen) = (Vec::new(), BTreeSet::new());
        let mut at = id;
        let inside = loop {
            if at == view.root {
                break true;
            }
            if let Some(known) = self.inside.get(&at) {
                break *known;
            }
            if !seen.insert(at) {
                let start = path.iter().position(|node| *node == at).unwrap_or(0);
                return Ok(Leads::Circle(path.split_off(start)));
            }
            path.push(at);
            match &view.item(at)?.wish {
                Some(wish) => at = wish.place.parent,
                None => break false,
            }
        };
        self.inside
            .extend(path.into_iter().map(|node| (node, inside)));
        Ok(Leads::To(inside))
    }

    /// Whether a node that one side removed was moved on the other, by itself or with a directory
    /// above it that was removed too: whoever moves a folder wants what it holds.
    pub fn moved_with_parent(
        &mut self,
        view: &mut View<'_>,
        id: NodeId,
    ) -> Result<bool, TreeError> {
        let mut path = Vec::new();
        let mut at = id;
        let moved = loop {
            if let Some(known) = self.moved.get(&at) {
                break *known;
            }
            if at == view.root || path.len() > MAX_DEPTH {
                break false;
            }
            path.push(at);
            match move_on_one_side(view.item(at)?) {
                Some((false, parent)) => at = parent,
                Some((true, _)) => break true,
                None => break false,
            }
        };
        self.moved
            .extend(path.into_iter().map(|node| (node, moved)));
        Ok(moved)
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

/// Longer chains of parents are no tree.
pub(crate) const MAX_DEPTH: usize = 1 << 20;
