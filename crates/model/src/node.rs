//! Kinds of node and roles of members.

use minicbor::{Decode, Encode};

/// What a node is. The kind of a node never changes: a type change is a delete and a create (T4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum NodeKind {
    /// Holds other nodes.
    #[n(0)]
    Directory,
    /// Holds bytes.
    #[n(1)]
    File,
    /// Holds a link text, which Hythe never follows.
    #[n(2)]
    Symlink,
    /// Shows another space here.
    #[n(3)]
    Attachment,
}

/// What a member may do in a space, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Role {
    /// Everything, including members and keys.
    #[n(0)]
    Owner,
    /// Read and write nodes.
    #[n(1)]
    Editor,
    /// Read only.
    #[n(2)]
    Viewer,
    /// Upload only.
    #[n(3)]
    Drop,
}

impl Role {
    /// Whether the role may write any node of the space.
    pub fn may_write(self) -> bool {
        matches!(self, Self::Owner | Self::Editor)
    }

    /// Whether the role may change members and keys.
    pub fn may_govern(self) -> bool {
        matches!(self, Self::Owner)
    }
}

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum LinkKind {
    /// To be looked at: programs offer no copy. The bytes are the same as those of a download.
    #[n(0)]
    View,
    /// To be copied.
    #[n(1)]
    Download,
    /// To put files there; nothing is shown of what is there.
    #[n(2)]
    Upload,
}
