//! Nodes as listings show them.

use hythe_content::load_body;
use hythe_control::{Entry, EntryKind, Octets};
use hythe_model::{Body, LinkTarget, NodeId, NodeKind};
use hythe_sync::RemoteNode;

use crate::state::{Rows, SpaceNumber, StateError};

/// The entry of a node under a path.
pub(super) fn entry(
    rows: &Rows<'_>,
    space: SpaceNumber,
    node: &RemoteNode,
    path: Vec<u8>,
) -> Result<Entry, StateError> {
    let target = match node.kind {
        NodeKind::Symlink => link_text(rows, space, node.id)?,
        _ => None,
    };
    let has_content = matches!(node.kind, NodeKind::File | NodeKind::Symlink);
    Ok(Entry {
        path: Octets(path),
        kind: kind(node.kind),
        size: (node.kind == NodeKind::File).then_some(node.size),
        modified: has_content.then(|| node.attributes.modified.into()),
        executable: node.kind == NodeKind::File && node.attributes.executable,
        target: target.map(|text| Octets(text.as_bytes().to_vec())),
        node: node.id,
        quarantine: node.name.as_ref().err().map(ToString::to_string),
    })
}

/// The entry of the one node that a request is about.
pub(super) fn own(
    rows: &Rows<'_>,
    space: SpaceNumber,
    node: &RemoteNode,
) -> Result<Entry, StateError> {
    entry(rows, space, node, name(node))
}

/// The root of a space, which is in no tree itself.
pub(super) fn root() -> Entry {
    Entry {
        path: Octets(Vec::new()),
        kind: EntryKind::Directory,
        size: None,
        modified: None,
        executable: false,
        target: None,
        node: NodeId::ROOT,
        quarantine: None,
    }
}

/// The name of a node, for messages.
pub(super) fn named(node: &RemoteNode) -> String {
    Octets(name(node)).to_string()
}

/// The name of a node; the id where its name cannot be shown.
pub(super) fn name(node: &RemoteNode) -> Vec<u8> {
    match &node.name {
        Ok(name) => name.as_bytes().to_vec(),
        Err(_) => node.id.to_string().into_bytes(),
    }
}

fn kind(kind: NodeKind) -> EntryKind {
    match kind {
        NodeKind::Directory => EntryKind::Directory,
        NodeKind::File => EntryKind::File,
        NodeKind::Symlink => EntryKind::Symlink,
        NodeKind::Attachment => EntryKind::Attachment,
    }
}

fn link_text(
    rows: &Rows<'_>,
    space: SpaceNumber,
    node: NodeId,
) -> Result<Option<LinkTarget>, StateError> {
    let Some(field) = rows.remote_body(space, node)? else {
        return Ok(None);
    };
    // The text stands in the field itself: nothing is ever fetched for it.
    Ok(match load_body(&field, &mut |_| Err(())) {
        Ok(Body::Link(target)) => Some(target),
        _ => None,
    })
}
