//! Three trees in maps: for tests, and for a plan of what is not stored.

use std::collections::{BTreeMap, BTreeSet};

use hythe_model::NodeId;

use crate::tree::{LocalNode, Place, RemoteNode, SyncedNode, TreeError, Trees};

/// [`Trees`] held in memory. Written through its methods, which keep places and children in step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapTrees {
    root: NodeId,
    remote: BTreeMap<NodeId, RemoteNode>,
    local: BTreeMap<NodeId, LocalNode>,
    synced: BTreeMap<NodeId, SyncedNode>,
    remote_places: BTreeMap<Place, NodeId>,
    local_places: BTreeMap<Place, NodeId>,
    /// Live nodes of the log by parent, quarantined ones included.
    remote_children: BTreeMap<NodeId, BTreeSet<NodeId>>,
    local_children: BTreeMap<NodeId, BTreeSet<NodeId>>,
}

impl MapTrees {
    /// Empty trees of a folder that stands for the directory `root`.
    pub fn new(root: NodeId) -> Self {
        Self {
            root,
            remote: BTreeMap::new(),
            local: BTreeMap::new(),
            synced: BTreeMap::new(),
            remote_places: BTreeMap::new(),
            local_places: BTreeMap::new(),
            remote_children: BTreeMap::new(),
            local_children: BTreeMap::new(),
        }
    }

    /// Writes a node of the log. Places are unique among live nodes; the last one written wins.
    pub fn set_remote(&mut self, node: RemoteNode) {
        if let Some(old) = self.remote.remove(&node.id) {
            self.take_out_remote(&old);
        }
        if !node.deleted {
            if let Some(place) = node.place() {
                self.remote_places.insert(place, node.id);
            }
            self.remote_children
                .entry(node.parent)
                .or_default()
                .insert(node.id);
        }
        self.remote.insert(node.id, node);
    }

    /// Makes the log not know a node, as if it had never been.
    pub fn forget_remote(&mut self, id: NodeId) {
        if let Some(old) = self.remote.remove(&id) {
            self.take_out_remote(&old);
        }
    }

    fn take_out_remote(&mut self, node: &RemoteNode) {
        if let Some(place) = node.place()
            && self.remote_places.get(&place) == Some(&node.id)
        {
            self.remote_places.remove(&place);
        }
        if let Some(children) = self.remote_children.get_mut(&node.parent) {
            children.remove(&node.id);
        }
    }

    /// Writes an entry on disk. Places are unique; the last one written wins.
    pub fn set_local(&mut self, node: LocalNode) {
        self.remove_local(node.id);
        self.local_places.insert(node.place.clone(), node.id);
        self.local_children
            .entry(node.place.parent)
            .or_default()
            .insert(node.id);
        self.local.insert(node.id, node);
    }

    /// Removes an entry on disk.
    pub fn remove_local(&mut self, id: NodeId) {
        let Some(old) = self.local.remove(&id) else {
            return;
        };
        if self.local_places.get(&old.place) == Some(&id) {
            self.local_places.remove(&old.place);
        }
        if let Some(children) = self.local_children.get_mut(&old.place.parent) {
            children.remove(&id);
        }
    }

    /// Does to Local what [`crate::Step::Adopt`] says: the entry `from` is `to` from now on.
    pub fn adopt(&mut self, from: NodeId, to: NodeId) {
        let Some(mut node) = self.local.get(&from).cloned() else {
            return;
        };
        self.remove_local(from);
        node.id = to;
        self.set_local(node);
        for child in self.local_children.remove(&from).unwrap_or_default() {
            if let Some(mut child) = self.local.get(&child).cloned() {
                child.place.parent = to;
                self.set_local(child);
            }
        }
    }

    /// Writes or removes a Synced row.
    pub fn set_synced(&mut self, id: NodeId, row: Option<SyncedNode>) {
        match row {
            Some(row) => self.synced.insert(id, row),
            None => self.synced.remove(&id),
        };
    }

    /// All nodes of the log, deleted ones included, by id.
    pub fn all_remote(&self) -> impl Iterator<Item = &RemoteNode> {
        self.remote.values()
    }

    /// All entries on disk, by id.
    pub fn all_local(&self) -> impl Iterator<Item = &LocalNode> {
        self.local.values()
    }

    /// All Synced rows, by id.
    pub fn all_synced(&self) -> impl Iterator<Item = &SyncedNode> {
        self.synced.values()
    }
}

impl Trees for MapTrees {
    fn root(&self) -> NodeId {
        self.root
    }

    fn remote(&self, id: NodeId) -> Result<Option<RemoteNode>, TreeError> {
        Ok(self.remote.get(&id).cloned())
    }

    fn local(&self, id: NodeId) -> Result<Option<LocalNode>, TreeError> {
        Ok(self.local.get(&id).cloned())
    }

    fn synced(&self, id: NodeId) -> Result<Option<SyncedNode>, TreeError> {
        Ok(self.synced.get(&id).cloned())
    }

    fn remote_child(&self, place: &Place) -> Result<Option<NodeId>, TreeError> {
        Ok(self.remote_places.get(place).copied())
    }

    fn local_child(&self, place: &Place) -> Result<Option<NodeId>, TreeError> {
        Ok(self.local_places.get(place).copied())
    }

    fn remote_children(&self, parent: NodeId) -> Result<Vec<NodeId>, TreeError> {
        let children = self.remote_children.get(&parent);
        Ok(children
            .map(|ids| ids.iter().copied().collect())
            .unwrap_or_default())
    }

    fn local_children(&self, parent: NodeId) -> Result<Vec<NodeId>, TreeError> {
        let children = self.local_children.get(&parent);
        Ok(children
            .map(|ids| ids.iter().copied().collect())
            .unwrap_or_default())
    }
}
