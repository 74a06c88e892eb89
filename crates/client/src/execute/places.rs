//! Where nodes are on disk while a plan runs.
//!
//! Steps name places by parent id and name. The path of a parent follows from the local tree, and
//! from the steps that ran since it was read.

use std::collections::HashMap;

use hythe_model::{NodeId, TreePath};
use hythe_sync::{Place, TreeError, Trees};

/// Longest chain of parents followed: deeper than any tree a file system can hold below one folder
/// by paths of `PATH_MAX` is allowed (SC-045), a circle is not.
const MAX_DEPTH: usize = 65_536;

/// The places of nodes on disk.
pub struct Places<'t> {
    trees: &'t dyn Trees,
    moved: HashMap<NodeId, Option<Place>>,
    directories: HashMap<NodeId, TreePath>,
}

impl<'t> Places<'t> {
    /// The places that the local tree says.
    pub fn new(trees: &'t dyn Trees) -> Self {
        Self {
            trees,
            moved: HashMap::new(),
            directories: HashMap::new(),
        }
    }

    /// A node was put at a place, or moved there with all it holds.
    pub fn put(&mut self, node: NodeId, place: Place) {
        // Paths below a moved directory change with it.
        self.directories.clear();
        self.moved.insert(node, Some(place));
    }

    /// A node is at a place it was not in before, and nothing was below it.
    pub fn put_leaf(&mut self, node: NodeId, place: Place) {
        self.moved.insert(node, Some(place));
    }

    /// A node is no longer on disk.
    pub fn gone(&mut self, node: NodeId) {
        self.moved.insert(node, None);
    }

    /// Where a node is; none when it is not on disk.
    ///
    /// # Errors
    /// When the trees cannot be read.
    pub fn of(&self, node: NodeId) -> Result<Option<Place>, TreeError> {
        match self.moved.get(&node) {
            Some(place) => Ok(place.clone()),
            None => Ok(self.trees.local(node)?.map(|local| local.place)),
        }
    }

    /// The path of a place; none when a directory above it is not on disk.
    ///
    /// # Errors
    /// When the trees cannot be read.
    pub fn path(&mut self, place: &Place) -> Result<Option<TreePath>, TreeError> {
        let above = self.directory(place.parent)?;
        Ok(above.map(|path| path.join(place.name.clone())))
    }

    /// The path of a node; none when it is not on disk.
    ///
    /// # Errors
    /// When the trees cannot be read.
    pub fn path_of(&mut self, node: NodeId) -> Result<Option<TreePath>, TreeError> {
        match self.of(node)? {
            Some(place) => self.path(&place),
            None => Ok(None),
        }
    }

    fn directory(&mut self, node: NodeId) -> Result<Option<TreePath>, TreeError> {
        if let Some(path) = self.directories.get(&node) {
            return Ok(Some(path.clone()));
        }
        let (mut names, mut at) = (Vec::new(), node);
        while at != self.trees.root() {
            let Some(place) = self.of(at)?.filter(|_| names.len() < MAX_DEPTH) else {
                return Ok(None);
            };
            names.push(place.name);
            at = place.parent;
        }
        let path: TreePath = names.into_iter().rev().collect();
        self.directories.insert(node, path.clone());
        Ok(Some(path))
    }
}
