//! The trees as the planner sees them: each node read once, and new entries on disk known as the
//! nodes of the log that stand at the same place.
//!
//! Two devices that create the same name make two ids for what the user takes for one thing. So a
//! new entry on disk is **paired** with the node of the same kind that the log has at its place,
//! if that has no entry yet. A paired directory is one directory from then on (its children meet
//! each other); a paired file is compared by content. [`crate::Step::Adopt`] makes it lasting.

use std::collections::BTreeMap;

use hythe_model::{NodeId, NodeKind};

use crate::merge::{Wish, wish};
use crate::tree::{LocalNode, Place, RemoteNode, SyncedNode, TreeError, Trees};

/// One node in all three trees.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub id: NodeId,
    /// The entry on disk, its parent given as a node.
    pub local: Option<LocalNode>,
    /// The id by which Local knows the entry, if that is another one: the entry is paired.
    pub paired: Option<NodeId>,
    pub remote: Option<RemoteNode>,
    /// What was agreed on, as far as it is a base to merge on.
    pub synced: Option<SyncedNode>,
    /// There is a Synced row that is no base.
    pub stale_row: bool,
    /// Where the node belongs.
    pub wish: Option<Wish>,
    /// The disk's move was taken back, because it would have made a circle.
    pub undone: bool,
}

impl Item {
    /// The node in the log, if it is alive there.
    pub fn live(&self) -> Option<&RemoteNode> {
        self.remote.as_ref().filter(|node| !node.deleted)
    }

    /// What the node is.
    pub fn kind(&self) -> Option<NodeKind> {
        let local = self.local.as_ref().map(|node| node.kind);
        let remote = self.remote.as_ref().map(|node| node.kind);
        local
            .or(remote)
            .or(self.synced.as_ref().map(|row| row.kind))
    }

    pub fn is_directory(&self) -> bool {
        self.kind() == Some(NodeKind::Directory)
    }

    /// The id by which the Local tree knows the node's entry.
    pub fn local_id(&self) -> NodeId {
        self.paired.unwrap_or(self.id)
    }
}

/// Reads the trees, and remembers what it read for the time of one plan.
pub(crate) struct View<'a> {
    trees: &'a dyn Trees,
    pub root: NodeId,
    items: BTreeMap<NodeId, Item>,
    /// The node of each local id that was asked for.
    nodes: BTreeMap<NodeId, NodeId>,
}

impl<'a> View<'a> {
    pub fn new(trees: &'a dyn Trees) -> Self {
        Self {
            trees,
            root: trees.root(),
            items: BTreeMap::new(),
            nodes: BTreeMap::new(),
        }
    }

    /// A node in all three trees. `id` is a node's, not a paired entry's.
    pub fn item(&mut self, id: NodeId) -> Result<&mut Item, TreeError> {
        // Whether a node is paired depends on its parent's entry. Parents first, without
        // recursion: a tree may be a thousand directories deep (SC-045).
        let mut missing = Vec::new();
        let mut at = id;
        while at != self.root && !self.items.contains_key(&at) && !missing.contains(&at) {
            missing.push(at);
            match self.trees.remote(at)?.filter(|node| !node.deleted) {
                Some(node) if self.trees.local(at)?.is_none() => at = node.parent,
                _ => break,
            }
        }
        while let Some(next) = missing.pop() {
            let item = self.load(next)?;
            self.items.insert(next, item);
        }
        Ok(self.items.entry(id).or_insert_with(|| Item::nowhere(id)))
    }

    fn load(&mut self, id: NodeId) -> Result<Item, TreeError> {
        let remote = self.trees.remote(id)?;
        let row = self.trees.synced(id)?;
        let found = match self.trees.local(id)? {
            Some(node) => Some(node),
            None => self.paired_entry(remote.as_ref())?,
        };
        let paired = found
            .as_ref()
            .map(|node| node.id)
            .filter(|local| *local != id);
        let local = match found {
            Some(mut node) => {
                node.id = id;
                node.place.parent = self.node_of(node.place.parent)?;
                Some(node)
            }
            None => None,
        };
        let base = row
            .as_ref()
            .filter(|row| is_base(row, remote.as_ref(), paired))
            .cloned();
        let wish = wish(local.as_ref(), remote.as_ref(), base.as_ref());
        let stale_row = row.is_some() && base.is_none();
        Ok(Item {
            id,
            local,
            paired,
            remote,
            synced: base,
            stale_row,
            wish,
            undone: false,
        })
    }

    /// The node that an entry on disk stands for: its own id, or the node it is paired with.
    pub fn node_of(&mut self, local: NodeId) -> Result<NodeId, TreeError> {
        // Up to an entry whose node is known, then down again: a new directory in a new directory
        // can only be paired once its parent is.
        let mut chain: Vec<LocalNode> = Vec::new();
        let mut at = local;
        let mut node = loop {
            if let Some(node) = self.nodes.get(&at) {
                break *node;
            }
            if at == self.root || !self.is_new(at)? {
                break at;
            }
            match self.trees.local(at)? {
                Some(entry) => {
                    at = entry.place.parent;
                    chain.push(entry);
                }
                None => break at,
            }
        };
        while let Some(entry) = chain.pop() {
            let place = Place::new(node, entry.place.name.clone());
            node = self.counterpart(&entry, &place)?.unwrap_or(entry.id);
            self.nodes.insert(entry.id, node);
        }
        Ok(node)
    }

    /// The node that a new entry at `place` is paired with.
    fn counterpart(&self, entry: &LocalNode, place: &Place) -> Result<Option<NodeId>, TreeError> {
        let Some(id) = self.trees.remote_child(place)? else {
            return Ok(None);
        };
        let fits = self
            .trees
            .remote(id)?
            .is_some_and(|node| node.kind == entry.kind);
        Ok((fits && self.trees.local(id)?.is_none()).then_some(id))
    }

    /// The new entry on disk that is paired with a node which has none of its own.
    fn paired_entry(
        &mut self,
        remote: Option<&RemoteNode>,
    ) -> Result<Option<LocalNode>, TreeError> {
        let Some(remote) = remote.filter(|node| !node.deleted) else {
            return Ok(None);
        };
        let Some(place) = remote.place() else {
            return Ok(None);
        };
        let Some(id) = self.entry_at(&place)? else {
            return Ok(None);
        };
        let entry = self
            .trees
            .local(id)?
            .filter(|entry| entry.kind == remote.kind);
        Ok(if self.is_new(id)? { entry } else { None })
    }

    /// The local id of what stands on disk at a place given by its parent node.
    pub fn entry_at(&mut self, place: &Place) -> Result<Option<NodeId>, TreeError> {
        let Some(parent) = self.entry_of(place.parent)? else {
            return Ok(None);
        };
        self.trees
            .local_child(&Place::new(parent, place.name.clone()))
    }

    /// The local id of a directory that has an entry on disk.
    fn entry_of(&mut self, node: NodeId) -> Result<Option<NodeId>, TreeError> {
        if node == self.root {
            return Ok(Some(node));
        }
        let item = self.item(node)?;
        Ok(item.local.is_some().then(|| item.local_id()))
    }

    /// Whether an entry on disk was never seen by the log nor agreed on.
    fn is_new(&self, id: NodeId) -> Result<bool, TreeError> {
        Ok(self.trees.remote(id)?.is_none() && self.trees.synced(id)?.is_none())
    }

    /// The live node at a place in the log.
    pub fn node_at(&self, place: &Place) -> Result<Option<NodeId>, TreeError> {
        self.trees.remote_child(place)
    }

    /// The live nodes in a directory of the log.
    pub fn remote_children(&self, node: NodeId) -> Result<Vec<NodeId>, TreeError> {
        self.trees.remote_children(node)
    }

    /// The nodes whose entries are in a directory on disk.
    pub fn local_children(&mut self, node: NodeId) -> Result<Vec<NodeId>, TreeError> {
        let Some(entry) = self.entry_of(node)? else {
            return Ok(Vec::new());
        };
        let children = self.trees.local_children(entry)?;
        children
            .into_iter()
            .map(|child| self.node_of(child))
            .collect()
    }

    /// Whether nothing at all is at a place, on disk or in the log.
    pub fn is_free(&mut self, place: &Place) -> Result<bool, TreeError> {
        Ok(self.node_at(place)?.is_none() && self.entry_at(place)?.is_none())
    }
}

impl Item {
    fn nowhere(id: NodeId) -> Self {
        let (local, paired, remote, synced, wish) = (None, None, None, None, None);
        Self {
            id,
            local,
            paired,
            remote,
            synced,
            stale_row: false,
            wish,
            undone: false,
        }
    }
}

/// Whether a Synced row says what both sides had in common.
fn is_base(row: &SyncedNode, remote: Option<&RemoteNode>, paired: Option<NodeId>) -> bool {
    let Some(remote) = remote else {
        // The log does not know the node: it was restored from an older copy, and what was agreed
        // with the lost log is void.
        return false;
    };
    // A paired entry took the place of the node's former one. That is a new content of the same
    // file (SC-031) if the file was there; if it has been moved there since, it is another file.
    paired.is_none() || remote.place().is_some_and(|place| place == row.place)
}
