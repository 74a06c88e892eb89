//! The nouns of Hythe: ids, names, paths, node attributes, versions and layouts.
//!
//! Pure values. This crate knows no I/O, no async, no clock and no network message; what it does
//! know is the CBOR form of an id, because the log, the content formats and the network all write
//! an id the same way (a byte string of its exact length).

pub mod attributes;
pub mod ids;
pub mod layout;
pub mod name;
pub mod node;
pub mod path;
pub mod position;
pub mod secret;
pub mod space_name;

pub use attributes::{Attributes, Timestamp};
pub use ids::{
    AccountId, ChainHash, ChunkId, ContentHash, DeviceId, HeaderHash, LinkId, NameTag, NodeId,
    OpeningId, OperationId, SealHash, ServerEpoch, SpaceId, UploadId, VersionId,
};
pub use layout::{Body, ChunkClass, ChunkRef, Chunker, Layout, LayoutEntry, LinkTarget};
pub use name::{EntryName, NameError};
pub use node::{LinkKind, NodeKind, Role};
pub use path::TreePath;
pub use position::{Cursor, Head, KeyEpoch};
pub use secret::Secret32;
pub use space_name::{SpaceName, SpaceNameError};
