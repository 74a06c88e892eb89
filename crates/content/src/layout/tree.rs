//! Writing a body: the field, and the nodes of a tree.

use std::sync::Arc;

use hythe_model::{Body, ChunkId, Layout, LayoutEntry};

use super::body::{MAX_FLAT_ENTRIES, MAX_HEIGHT, MAX_LAYOUT_ENTRIES, Stored, Tree};
use super::entry::{self, Child, Entry};
use super::error::BodyError;
use super::node::{Node, StoredNode, ends_after, seal_node};
use crate::keys::SpaceKeys;

/// A body ready to be sealed and stored.
pub struct StoredBody {
    /// Plaintext of the body field.
    pub field: Vec<u8>,
    /// What the operation names in the clear: the chunks of a flat layout, each once, or the root.
    pub refs: Vec<ChunkId>,
    /// Whether `refs` is the root of a tree.
    pub tree: bool,
    /// The tree's nodes, leaves first; those the space has already need not be sent.
    pub nodes: Vec<StoredNode>,
}

/// Writes a body down. Equal layouts give equal bytes in one key epoch.
///
/// # Errors
/// When the entries do not add up to the size, one of them has an impossible length, or there are
/// more than [`MAX_LAYOUT_ENTRIES`](crate::MAX_LAYOUT_ENTRIES).
pub fn store_body(keys: &SpaceKeys, body: &Body) -> Result<StoredBody, BodyError> {
    let mut nodes = Vec::new();
    let stored = match body {
        Body::Link(target) => Stored::Link(target.clone()),
        Body::File(layout) => {
            check(layout)?;
            if layout.entries.len() <= MAX_FLAT_ENTRIES {
                Stored::Flat(layout.clone())
            } else {
                Stored::Tree(grow(keys, layout, &mut nodes)?)
            }
        }
    };
    let refs = stored.refs();
    Ok(StoredBody {
        field: stored.encode(),
        refs: refs.ids,
        tree: refs.tree,
        nodes,
    })
}

fn check(layout: &Layout) -> Result<(), BodyError> {
    if layout.entries.len() as u64 > MAX_LAYOUT_ENTRIES {
        return Err(BodyError::TooMany);
    }
    let possible = |run: &LayoutEntry| match run {
        LayoutEntry::Chunk(chunk) => entry::is_chunk(chunk),
        LayoutEntry::Hole(length) => *length > 0,
    };
    if !layout.entries.iter().all(possible) {
        return Err(BodyError::Run);
    }
    match entry::sums(&layout.entries) {
        Some((size, _)) if size == layout.size => Ok(()),
        _ => Err(BodyError::Sum),
    }
}

/// Builds level upon level until one node is left: the root.
fn grow(keys: &SpaceKeys, layout: &Layout, nodes: &mut Vec<StoredNode>) -> Result<Tree, BodyError> {
    let head = Layout {
        entries: Arc::new([]),
        ..layout.clone()
    };
    let mut level = level(keys, &layout.entries, Node::Leaf, nodes);
    for height in 0..=MAX_HEIGHT {
        if let [root] = level.as_slice() {
            return Ok(Tree {
                head,
                height,
                root: root.clone(),
            });
        }
        let inner = |children| Node::Inner(height + 1, children);
        level = self::level(keys, &level, inner, nodes);
    }
    // Not reached: MAX_HEIGHT levels of at least 64 each hold MAX_LAYOUT_ENTRIES.
    Err(BodyError::TooMany)
}

/// Seals the nodes of one level and returns their places in the next.
fn level<E: Entry + Clone>(
    keys: &SpaceKeys,
    entries: &[E],
    node: impl Fn(Vec<E>) -> Node,
    nodes: &mut Vec<StoredNode>,
) -> Vec<Child> {
    let mut children = Vec::new();
    let mut rest = entries;
    while !rest.is_empty() {
        let ends = (1..=rest.len()).find(|count| ends_after(&rest[count - 1], *count));
        let (these, after) = rest.split_at(ends.unwrap_or(rest.len()));
        let stored = seal_node(keys, &node(these.to_vec()));
        let (length, runs) = entry::sums(these).unwrap_or_default();
        children.push(Child {
            length,
            entries: runs,
            node: stored.node.clone(),
        });
        nodes.push(stored);
        rest = after;
    }
    children
}
