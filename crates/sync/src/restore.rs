//! What a Synced row is worth after the server was restored from a copy (D6, C5).
//!
//! The restored log lacks its newest part, which this device may have agreed with. Where it does,
//! the row must not be taken for the past of what the log says now: an older content in the log
//! would look like an edit, and replace the newer one on disk. The rows are rewritten once, when
//! the new epoch is seen and the Remote tree is that of the restored log; then planning goes on as
//! ever. What is on disk comes back as edits and new nodes, and nothing is ever deleted.

use crate::tree::{DiskStamp, RemoteNode, SyncedNode, Versions};

/// Which fields of a node the log has from after the restore, by another device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Newer {
    /// Parent and name.
    pub place: bool,
    /// The attributes.
    pub attributes: bool,
    /// The content.
    pub body: bool,
}

/// The Synced row to go on with. None: nothing was agreed on.
///
/// `on_disk` says whether Local has the node, `remote` is the node in the restored log.
pub fn after_restore(
    row: &SyncedNode,
    on_disk: bool,
    remote: Option<&RemoteNode>,
    newer: Newer,
) -> Option<SyncedNode> {
    let remote = remote?;
    if remote.versions == row.versions {
        // Nothing that was agreed on is lost.
        return Some(row.clone());
    }
    let other_body = remote.versions.body != row.versions.body;
    // Not on disk: that deletion meant a state that is gone. Deleted in the log, with another
    // content: so did that one. Written by others since: what the disk has is not based on it.
    if !on_disk || remote.deleted || (other_body && newer.body) {
        return None;
    }
    let mut row = row.clone();
    // Each older field is what the disk's value is a change of.
    if remote.versions.place != row.versions.place && !newer.place {
        row.place = remote.place()?;
        row.versions.place = remote.versions.place;
    }
    if remote.versions.attributes != row.versions.attributes && !newer.attributes {
        row.versions.attributes = remote.versions.attributes;
        row.attributes = remote.attributes;
        row.executable_on_disk = remote.attributes.executable;
        row.stamp.modified = remote.attributes.modified;
    }
    if other_body {
        row.versions = Versions {
            body: remote.versions.body,
            ..row.versions
        };
        row.size = remote.size;
        row.hash = remote.hash;
        // No entry shows this stamp: what the disk has is compared by content.
        row.stamp = DiskStamp {
            inode: 0,
            ..row.stamp
        };
    }
    Some(row)
}
