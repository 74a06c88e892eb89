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

#[cfg(test)]
mod tests {
    use hythe_model::{Attributes, ContentHash, EntryName, NodeId, NodeKind, Timestamp, VersionId};

    use super::*;
    use crate::tree::Place;

    const VERSIONS: Versions = Versions {
        place: VersionId([1; 16]),
        attributes: VersionId([2; 16]),
        body: Some(VersionId([3; 16])),
    };
    const OTHER: VersionId = VersionId([9; 16]);

    fn name(text: &str) -> EntryName {
        EntryName::new(text).unwrap()
    }

    fn row() -> SyncedNode {
        let time = Timestamp {
            seconds: 5,
            nanos: 0,
        };
        SyncedNode {
            id: NodeId([7; 16]),
            place: Place::new(NodeId::ROOT, name("new")),
            kind: NodeKind::File,
            versions: VERSIONS,
            attributes: Attributes::default(),
            executable_on_disk: true,
            stamp: DiskStamp {
                device: 1,
                inode: 1,
                size: 4,
                modified: time,
                changed: time,
                born: None,
            },
            size: 4,
            hash: Some(ContentHash([4; 32])),
        }
    }

    fn remote(versions: Versions) -> RemoteNode {
        RemoteNode {
            id: NodeId([7; 16]),
            parent: NodeId::ROOT,
            name: Ok(name("old")),
            kind: NodeKind::File,
            deleted: false,
            versions,
            attributes: Attributes::default(),
            size: 3,
            hash: Some(ContentHash([3; 32])),
        }
    }

    #[test]
    fn c5_what_was_not_lost_stays_agreed_on() {
        let same = remote(VERSIONS);
        for on_disk in [true, false] {
            let kept = after_restore(&row(), on_disk, Some(&same), Newer::default());
            assert_eq!(kept, Some(row()));
        }
    }

    #[test]
    fn c5_a_deletion_of_what_was_lost_is_void() {
        let older = remote(Versions {
            body: Some(OTHER),
            ..VERSIONS
        });
        assert_eq!(
            after_restore(&row(), false, Some(&older), Newer::default()),
            None
        );
        assert_eq!(after_restore(&row(), true, None, Newer::default()), None);
    }

    #[test]
    fn sc123_an_older_content_is_what_the_disk_has_an_edit_of() {
        let older = remote(Versions {
            body: Some(OTHER),
            ..VERSIONS
        });
        let after = after_restore(&row(), true, Some(&older), Newer::default()).unwrap();
        assert_eq!(
            (after.versions.body, after.hash, after.size),
            (Some(OTHER), older.hash, 3)
        );
        assert_ne!(
            after.stamp,
            row().stamp,
            "the disk's content must not pass for the log's"
        );
        assert_eq!(after.place, row().place);
    }

    #[test]
    fn sc124_a_content_written_since_is_no_base() {
        let theirs = remote(Versions {
            body: Some(OTHER),
            ..VERSIONS
        });
        let newer = Newer {
            body: true,
            ..Newer::default()
        };
        assert_eq!(after_restore(&row(), true, Some(&theirs), newer), None);
    }

    #[test]
    fn c5_an_older_place_is_moved_from_and_a_newer_one_followed() {
        let there = remote(Versions {
            place: OTHER,
            ..VERSIONS
        });
        let after = after_restore(&row(), true, Some(&there), Newer::default()).unwrap();
        assert_eq!(
            (after.place.name, after.versions.place),
            (name("old"), OTHER)
        );
        let newer = Newer {
            place: true,
            ..Newer::default()
        };
        let after = after_restore(&row(), true, Some(&there), newer).unwrap();
        assert_eq!(
            (after.place.name, after.versions.place),
            (name("new"), VERSIONS.place)
        );
    }

    #[test]
    fn c5_older_attributes_are_what_the_disk_changed() {
        let there = remote(Versions {
            attributes: OTHER,
            ..VERSIONS
        });
        let after = after_restore(&row(), true, Some(&there), Newer::default()).unwrap();
        assert_eq!(after.versions.attributes, OTHER);
        assert!(!after.executable_on_disk, "so the disk's bit is a change");
    }
}
