//! The three trees of a folder as the planner reads them.

use hythe_model::NodeId;
use hythe_sync::{LocalNode, Place, RemoteNode, SyncedNode, TreeError, Trees};

use super::error::StateError;
use super::folders::FolderNumber;
use super::readers::Snapshot;
use super::rows::Rows;
use super::spaces::SpaceNumber;

/// The trees of one folder, as of one moment.
pub struct FolderTrees {
    snapshot: Snapshot,
    folder: FolderNumber,
    space: SpaceNumber,
    root: NodeId,
}

impl FolderTrees {
    pub(super) fn new(snapshot: Snapshot, folder: FolderNumber) -> Result<Self, StateError> {
        let row = snapshot
            .rows()?
            .folder(folder)?
            .ok_or(StateError::Invalid("folder number"))?;
        Ok(Self {
            snapshot,
            folder,
            space: row.space,
            root: row.root,
        })
    }

    /// The tables, as of the same moment.
    ///
    /// # Errors
    /// The database's.
    pub fn rows(&self) -> Result<Rows<'_>, StateError> {
        self.snapshot.rows()
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&Rows<'_>) -> Result<T, StateError>,
    ) -> Result<T, TreeError> {
        self.rows()
            .and_then(|rows| read(&rows))
            .map_err(|error| TreeError(Box::new(error)))
    }
}

impl Trees for FolderTrees {
    fn root(&self) -> NodeId {
        self.root
    }

    fn remote(&self, id: NodeId) -> Result<Option<RemoteNode>, TreeError> {
        self.read(|rows| Ok(rows.remote_node(self.space, id)?.map(RemoteNode::on_disk)))
    }

    fn local(&self, id: NodeId) -> Result<Option<LocalNode>, TreeError> {
        self.read(|rows| Ok(rows.local(self.folder, id)?.map(|row| row.node)))
    }

    fn synced(&self, id: NodeId) -> Result<Option<SyncedNode>, TreeError> {
        self.read(|rows| rows.synced(self.folder, id))
    }

    fn remote_child(&self, place: &Place) -> Result<Option<NodeId>, TreeError> {
        self.read(|rows| rows.remote_by_name(self.space, place.parent, place.name.as_bytes()))
    }

    fn local_child(&self, place: &Place) -> Result<Option<NodeId>, TreeError> {
        self.read(|rows| rows.local_child(self.folder, place))
    }

    fn remote_children(&self, parent: NodeId) -> Result<Vec<NodeId>, TreeError> {
        self.read(|rows| rows.remote_children(self.space, parent))
    }

    fn local_children(&self, parent: NodeId) -> Result<Vec<NodeId>, TreeError> {
        self.read(|rows| rows.local_children(self.folder, parent))
    }
}
