//! The three trees: what the log says, what the disk says, and what both last agreed on.
//!
//! A tree belongs to one sync folder, whose root stands for a directory of a space
//! ([`Trees::root`]). Nodes are keyed by id, so a moved node is the same node at another
//! [`Place`], whatever it holds.

use std::error::Error;

use hythe_model::{
    Attributes, ContentHash, EntryName, NameError, NodeId, NodeKind, Timestamp, VersionId,
};

/// Where a node is: below which parent and under which name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The directory that holds the node.
    pub parent: NodeId,
    /// The node's name there.
    pub name: EntryName,
}

impl Place {
    /// The place called `name` in `parent`.
    pub fn new(parent: NodeId, name: EntryName) -> Self {
        Self { parent, name }
    }
}

/// What a file system says of an entry, taken in one call (S2).
///
/// Two equal stamps of one entry mean: nobody changed it in between. The converse does not hold:
/// a rename or `chmod` changes `changed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DiskStamp {
    /// The file system.
    pub device: u64,
    /// The entry on it; may be used again after the entry is gone.
    pub inode: u64,
    /// Length in bytes; of a symlink, the length of its text.
    pub size: u64,
    /// When the content was last written, as programs may set it (`mtime`).
    pub modified: Timestamp,
    /// When anything was last changed, which programs cannot set (`ctime`).
    pub changed: Timestamp,
    /// When the entry was created, where the file system knows (`btime`).
    pub born: Option<Timestamp>,
}

impl DiskStamp {
    /// The inode of a stamp that no entry has shown.
    pub const NO_ENTRY: u64 = 0;

    /// Whether both describe the same entry, be it changed in between or not.
    pub fn same_entry(&self, other: &Self) -> bool {
        self.device == other.device && self.inode == other.inode && self.born == other.born
    }

    /// Whether both are equal but for `changed`: all that a rename by ourselves may alter.
    pub fn same_but_changed(&self, other: &Self) -> bool {
        Self {
            changed: other.changed,
            ..*self
        } == *other
    }
}

/// An entry of the sync folder as the last scan saw it.
///
/// The scanner gives ids: an entry known by path or by identity (device, inode, birth) keeps its
/// id, any other gets a fresh random one. An entry of another kind is another node (T4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalNode {
    /// The node.
    pub id: NodeId,
    /// Where it is. Of direct children of the sync folder, the parent is [`Trees::root`].
    pub place: Place,
    /// What it is. Never an attachment.
    pub kind: NodeKind,
    /// Whether its owner may execute it; false for all but files.
    pub executable: bool,
    /// Its state on disk. Of directories only the identity means anything.
    pub stamp: DiskStamp,
    /// Hash of the content (of a symlink: of its text), known once it was read under exactly
    /// this stamp.
    pub hash: Option<ContentHash>,
}

impl LocalNode {
    /// The attributes the disk shows.
    pub fn attributes(&self) -> Attributes {
        Attributes {
            executable: self.executable,
            modified: self.stamp.modified,
        }
    }
}

/// Why a live remote node cannot be shown under its name. It is listed and never placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Quarantine {
    /// The name could mean another place.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The name does not fit the tag under which the node was committed.
    #[error("the name is not the one that was announced")]
    Tag,
    /// The sealed name cannot be opened.
    #[error("the name cannot be decrypted")]
    Sealed,
}

/// The ids under which the fields of a node were last written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Versions {
    /// Of parent and name.
    pub place: VersionId,
    /// Of the attributes.
    pub attributes: VersionId,
    /// Of the content; none for directories and attachments.
    pub body: Option<VersionId>,
}

/// A node as the fold of the space's log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteNode {
    /// The node.
    pub id: NodeId,
    /// The directory that holds it, or held it when it was deleted.
    pub parent: NodeId,
    /// Its name, or why that cannot be used.
    pub name: Result<EntryName, Quarantine>,
    /// What it is.
    pub kind: NodeKind,
    /// Whether it was deleted. The log never forgets a node, so this is evidence; a node that
    /// the log does not know at all was never deleted (D6: a restored server).
    pub deleted: bool,
    /// The versions of its fields.
    pub versions: Versions,
    /// Its attributes.
    pub attributes: Attributes,
    /// Length of the content in bytes.
    pub size: u64,
    /// Hash of the content, where its writer gave one and this device has opened it.
    pub hash: Option<ContentHash>,
}

impl RemoteNode {
    /// Where the node is, unless its name is quarantined.
    pub fn place(&self) -> Option<Place> {
        self.name
            .as_ref()
            .ok()
            .map(|name| Place::new(self.parent, name.clone()))
    }

    /// The node as a disk has it: of an attachment there is a directory, and what is in it belongs
    /// to a folder of its own.
    #[must_use]
    pub fn on_disk(self) -> Self {
        let kind = match self.kind {
            NodeKind::Attachment => NodeKind::Directory,
            kind => kind,
        };
        Self { kind, ..self }
    }
}

/// What disk and log last agreed on for one node: the base of every merge.
///
/// It keeps both views of that moment, because they may differ in form: a file system with whole
/// seconds shows another time than the log, and that is no edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncedNode {
    /// The node.
    pub id: NodeId,
    /// Where it was on both sides.
    pub place: Place,
    /// What it is.
    pub kind: NodeKind,
    /// The versions the log had.
    pub versions: Versions,
    /// The attributes the log had.
    pub attributes: Attributes,
    /// The executable bit the disk showed.
    pub executable_on_disk: bool,
    /// The stamp the disk showed while it held this content.
    pub stamp: DiskStamp,
    /// Length of the content in bytes.
    pub size: u64,
    /// Hash of the content, where known.
    pub hash: Option<ContentHash>,
}

impl SyncedNode {
    /// Whether the disk once showed this content. After a restore of the server the content that
    /// the log has may be one that was gone from here before: then its absence is no deletion.
    pub fn was_on_disk(&self) -> bool {
        self.stamp.inode != DiskStamp::NO_ENTRY
    }
}

/// Reading a tree failed. Nothing can be planned from half a view.
#[derive(Debug, thiserror::Error)]
#[error("the stored trees could not be read")]
pub struct TreeError(#[source] pub Box<dyn Error + Send + Sync>);

/// Read access to the three trees of one sync folder, as of one moment.
///
/// The planner reads a few nodes per dirty node and lists a directory only when it appears or
/// goes as a whole.
pub trait Trees {
    /// The directory of the space that the sync folder stands for. It is in no tree itself.
    fn root(&self) -> NodeId;

    /// A node of the log, deleted ones included.
    ///
    /// # Errors
    /// When the store fails, as for all methods here.
    fn remote(&self, id: NodeId) -> Result<Option<RemoteNode>, TreeError>;

    /// An entry on disk.
    ///
    /// # Errors
    /// When the store fails.
    fn local(&self, id: NodeId) -> Result<Option<LocalNode>, TreeError>;

    /// What was last agreed on.
    ///
    /// # Errors
    /// When the store fails.
    fn synced(&self, id: NodeId) -> Result<Option<SyncedNode>, TreeError>;

    /// The live, not quarantined node at a place in the log.
    ///
    /// # Errors
    /// When the store fails.
    fn remote_child(&self, place: &Place) -> Result<Option<NodeId>, TreeError>;

    /// The entry at a place on disk.
    ///
    /// # Errors
    /// When the store fails.
    fn local_child(&self, place: &Place) -> Result<Option<NodeId>, TreeError>;

    /// All live nodes below a directory of the log, quarantined ones included, in any order.
    ///
    /// # Errors
    /// When the store fails.
    fn remote_children(&self, parent: NodeId) -> Result<Vec<NodeId>, TreeError>;

    /// All entries below a directory on disk, in any order.
    ///
    /// # Errors
    /// When the store fails.
    fn local_children(&self, parent: NodeId) -> Result<Vec<NodeId>, TreeError>;
}
