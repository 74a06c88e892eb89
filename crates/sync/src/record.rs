//! What the Synced row of a node becomes when a step was done.
//!
//! One function, so that the client, the tests and a restart after a crash write the same.

use hythe_model::{Attributes, ContentHash, NodeId, NodeKind, VersionId};

use crate::plan::{Replaces, Step};
use crate::tree::{DiskStamp, Place, SyncedNode, Versions};

/// What the executor saw when it had done a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Done {
    /// The entry's stamp on disk just before, which the executor compared with what is expected.
    pub before: Option<DiskStamp>,
    /// The entry's stamp on disk afterwards; none after remote steps and removals.
    pub stamp: Option<DiskStamp>,
    /// Whether its executable bit is set on disk afterwards.
    pub executable: bool,
    /// Length and hash of the content that was read and sent, or fetched and written.
    pub content: Option<(u64, ContentHash)>,
}

/// The Synced row of [`Step::node`] after `step`, given the row before. None: no row.
///
/// Call it for each step in order; a step that was not done changes
/// nothing.
pub fn synced_after(step: &Step, before: Option<&SyncedNode>, done: &Done) -> Option<SyncedNode> {
    match step {
        Step::Record(row) => Some((**row).clone()),
        Step::Forget { .. } | Step::RemoteDelete { .. } | Step::LocalDelete { .. } => None,
        Step::Adopt { .. } | Step::NeedHash { .. } => before.cloned(),
        Step::RemoteCreate { .. } => created(step, done),
        Step::RemoteMove { to, new, .. } | Step::RemoteRestore { to, new, .. } => {
            before.map(|row| placed(row, to, *new))
        }
        Step::RemoteUpdate { .. } => before.map(|row| updated(step, row, done)),
        Step::LocalCreateDirectory { .. } | Step::Download { .. } => brought(step, done),
        Step::LocalAttributes {
            attributes,
            version,
            ..
        } => before.map(|row| SyncedNode {
            attributes: *attributes,
            executable_on_disk: done.executable,
            stamp: done.stamp.unwrap_or(row.stamp),
            versions: Versions {
                attributes: *version,
                ..row.versions
            },
            ..row.clone()
        }),
        Step::LocalMove { .. } => before.map(|row| moved(step, row, done)),
    }
}

fn placed(row: &SyncedNode, to: &Place, version: VersionId) -> SyncedNode {
    SyncedNode {
        place: to.clone(),
        versions: Versions {
            place: version,
            ..row.versions
        },
        ..row.clone()
    }
}

/// After [`Step::RemoteCreate`]: the log has what the disk had when it was read.
fn created(step: &Step, done: &Done) -> Option<SyncedNode> {
    let Step::RemoteCreate {
        node,
        to,
        kind,
        attributes,
        new,
        stamp,
    } = step
    else {
        return None;
    };
    Some(SyncedNode {
        id: *node,
        place: to.clone(),
        kind: *kind,
        versions: *new,
        attributes: *attributes,
        executable_on_disk: attributes.executable,
        stamp: *stamp,
        size: done.content.map_or(0, |(size, _)| size),
        hash: done.content.map(|(_, hash)| hash),
    })
}

/// After [`Step::RemoteUpdate`]: each field that was written is agreed on.
fn updated(step: &Step, before: &SyncedNode, done: &Done) -> SyncedNode {
    let mut row = before.clone();
    let Step::RemoteUpdate {
        attributes, body, ..
    } = step
    else {
        return row;
    };
    if let Some(body) = body {
        row.versions.body = Some(body.new);
        row.stamp = body.stamp;
        row.size = done.content.map_or(body.stamp.size, |(size, _)| size);
        row.hash = done.content.map(|(_, hash)| hash);
    }
    // Attributes merged from both sides are agreed on only once the disk shows them too.
    if let Some(write) = attributes.as_ref().filter(|write| write.settles) {
        row.versions.attributes = write.new;
        row.attributes = write.attributes;
        row.executable_on_disk = write.attributes.executable;
        row.stamp.modified = write.attributes.modified;
    }
    row
}

/// After [`Step::LocalCreateDirectory`] or [`Step::Download`]: the disk has what the log has.
fn brought(step: &Step, done: &Done) -> Option<SyncedNode> {
    let stamp = done.stamp?;
    match step {
        Step::LocalCreateDirectory { node, to, versions } => Some(SyncedNode {
            id: *node,
            place: to.clone(),
            kind: NodeKind::Directory,
            versions: *versions,
            attributes: Attributes::default(),
            executable_on_disk: false,
            stamp,
            size: 0,
            hash: None,
        }),
        Step::Download {
            node,
            to,
            kind,
            versions,
            attributes,
            size,
            hash,
            ..
        } => Some(SyncedNode {
            id: *node,
            place: to.clone(),
            kind: *kind,
            versions: *versions,
            attributes: *attributes,
            executable_on_disk: done.executable,
            stamp,
            size: *size,
            hash: hash.or(done.content.map(|(_, hash)| hash)),
        }),
        _ => None,
    }
}

/// After [`Step::LocalMove`]: the rename changed the stamp, which is no edit if there was none
/// before; the place is agreed on if the log says it.
fn moved(step: &Step, before: &SyncedNode, done: &Done) -> SyncedNode {
    let Step::LocalMove { to, version, .. } = step else {
        return before.clone();
    };
    let mut row = match version {
        Some(version) => placed(before, to, *version),
        None => before.clone(),
    };
    if Some(row.stamp) == done.before {
        row.stamp = done.stamp.unwrap_or(row.stamp);
    }
    row
}

/// The node that a download's conflict copy becomes, with the place it goes to.
pub fn copy_made(step: &Step) -> Option<(NodeId, Place)> {
    match step {
        Step::Download {
            to,
            replaces: Replaces::Copy { becomes, name, .. },
            ..
        } => Some((*becomes, Place::new(to.parent, name.clone()))),
        _ => None,
    }
}
