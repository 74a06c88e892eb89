//! What a version holds, written down: flat where it is short, as a tree where it is long.
//!
//! A tree's leaves hold runs of the file, its inner nodes hold leaves; both are cut after entries
//! whose id says so, like the file itself, so an edit changes one leaf and the nodes above it and
//! two versions share the rest. Every node is stored like a chunk: sealed under a key that
//! follows from its content, named by a recomputed id, with its references in the clear.

mod attachment;
mod body;
mod entry;
mod error;
mod glance;
#[cfg(test)]
mod hostile;
mod lacking;
mod node;
mod read;
mod tree;

pub use attachment::{read_attachment, store_attachment};
pub use body::{FieldRefs, MAX_FLAT_ENTRIES, MAX_LAYOUT_ENTRIES, field_refs};
pub use error::{BodyError, LoadError};
pub use glance::size_and_hash;
pub use lacking::lacking_nodes;
pub(crate) use node::node_refs;
pub use node::{MAX_NODE_BYTES, StoredNode};
pub use read::{Span, entries_in, load_body};
pub use tree::{StoredBody, store_body};
