//! What a Synced row is worth after the server was restored from a copy (D6, C5).
//!
//! The restored log lacks its newest part, which this device may have agreed with. Where it does,
//! the row must not be taken for the past of what the log says now: an older content in the log
//! would look like an edit, and replace the newer one on disk. The rows are rewritten once, when
//! the new epoch is seen and the Remote tree is that of the restored log; then planning goes on as
//! ever. What is on disk comes back as edits and new nodes, and nothing is ever deleted.

use hythe_model::VersionId;

use crate::tree::{DiskStamp, RemoteNode, SyncedNode, Versions};

/// What the restored log has of a node from after the position up to which it is the one that
/// this device knew. Each field names the version that the first of its writes since then
/// replaced, or made, if it made the node; none where nobody wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Newer {
    /// Parent and name.
    pub place: Option<VersionId>,
    /// The attributes.
    pub attributes: Option<VersionId>,
    /// The content.
    pub body: Option<VersionId>,
    /// One of the contents written there is the one that was agreed on: another device that had
    /// it has brought it back, and what the log says now came after it.
    pub brought_back: bool,
}

impl Newer {
    /// The versions of a node at that position.
    fn common(&self, now: &Versions) -> Versions {
        Versions {
            place: self.place.unwrap_or(now.place),
            attributes: self.attributes.unwrap_or(now.attributes),
            body: self.body.or(now.body),
        }
    }
}

/// How a field that was agreed on stands to the restored log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// The log had it: what it says now is the same, or came after it.
    Kept,
    /// It was written in the part that is gone, and what the log says now is older.
    Lost,
    /// Neither is known, or others wrote since: what the log says counts.
    Theirs,
}

/// One field: as it was agreed on, as the abandoned log said last, at the common position, and
/// whether it was written since.
fn standing<T: PartialEq>(agreed: T, known: T, common: T, written: bool) -> Standing {
    // Not written in the part that is gone, so all that was agreed on is older than that.
    if known == common || agreed == common {
        return Standing::Kept;
    }
    // A device that was behind may have agreed on something older than the common position.
    if written || agreed != known {
        return Standing::Theirs;
    }
    Standing::Lost
}

/// The Synced row to go on with. None: nothing was agreed on.
///
/// `known` is what the abandoned log said of the node last, `on_disk` whether Local has it, `remote`
/// the node in the restored log.
pub fn after_restore(
    row: &SyncedNode,
    known: &Versions,
    on_disk: bool,
    remote: Option<&RemoteNode>,
    newer: Newer,
) -> Option<SyncedNode> {
    let remote = remote?;
    let (agreed, common) = (&row.versions, newer.common(&remote.versions));
    let place = standing(
        agreed.place,
        known.place,
        common.place,
        newer.place.is_some(),
    );
    let attributes = standing(
        agreed.attributes,
        known.attributes,
        common.attributes,
        newer.attributes.is_some(),
    );
    let body = standing(agreed.body, known.body, common.body, newer.body.is_some());
    if [place, attributes, body] == [Standing::Kept; 3] {
        return Some(row.clone());
    }
    // Not on disk: that deletion meant a state that is gone. Deleted in the log, with another
    // state than was agreed on: so did that one.
    if !on_disk || remote.deleted {
        return None;
    }
    let mut row = row.clone();
    if place == Standing::Lost {
        // What the disk's is a move from.
        row.place = remote.place()?;
        row.versions.place = remote.versions.place;
    }
    if attributes == Standing::Lost {
        attributes_after(&mut row, remote);
    }
    body_after(row, remote, body, newer)
}

/// Older attributes are what the disk's are a change of.
fn attributes_after(row: &mut SyncedNode, remote: &RemoteNode) {
    row.versions.attributes = remote.versions.attributes;
    row.attributes = remote.attributes;
    row.executable_on_disk = remote.attributes.executable;
    row.stamp.modified = remote.attributes.modified;
}

fn body_after(
    mut row: SyncedNode,
    remote: &RemoteNode,
    standing: Standing,
    newer: Newer,
) -> Option<SyncedNode> {
    let same = row.hash.is_some() && (row.size, row.hash) == (remote.size, remote.hash);
    match standing {
        Standing::Kept => {}
        // The same content under another version.
        _ if same => row.versions.body = remote.versions.body,
        // What the log has is news, if it came after what was agreed on. If it did not, the disk's
        // content is not based on it.
        Standing::Theirs if newer.brought_back => {}
        Standing::Theirs => return None,
        Standing::Lost => {
            row.versions.body = remote.versions.body;
            row.size = remote.size;
            row.hash = remote.hash;
            // What the disk has is compared by content.
            row.stamp.inode = DiskStamp::NO_ENTRY;
        }
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

    /// For a device that had all of the abandoned log.
    fn after(on_disk: bool, remote: Option<&RemoteNode>, newer: Newer) -> Option<SyncedNode> {
        after_restore(&row(), &VERSIONS, on_disk, remote, newer)
    }

    /// Written since the common position, over this version.
    fn body_over(version: VersionId) -> Newer {
        Newer {
            body: Some(version),
            ..Newer::default()
        }
    }

    const OLD: VersionId = VersionId([8; 16]);

    #[test]
    fn c5_what_was_not_lost_stays_agreed_on() {
        let same = remote(VERSIONS);
        for on_disk in [true, false] {
            let kept = after(on_disk, Some(&same), Newer::default());
            assert_eq!(kept, Some(row()));
        }
    }

    #[test]
    fn c5_a_deletion_of_what_was_lost_is_void() {
        let older = remote(Versions {
            body: Some(OTHER),
            ..VERSIONS
        });
        assert_eq!(after(false, Some(&older), Newer::default()), None);
        assert_eq!(after(true, None, Newer::default()), None);
    }

    #[test]
    fn sc123_an_older_content_is_what_the_disk_has_an_edit_of() {
        let older = remote(Versions {
            body: Some(OTHER),
            ..VERSIONS
        });
        let row_after = after(true, Some(&older), Newer::default()).unwrap();
        assert_eq!(
            (row_after.versions.body, row_after.hash, row_after.size),
            (Some(OTHER), older.hash, 3)
        );
        assert_ne!(
            row_after.stamp,
            row().stamp,
            "the disk's content must not pass for the log's"
        );
        assert!(!row_after.was_on_disk(), "so its absence proves nothing");
        assert_eq!(row_after.place, row().place);
    }

    #[test]
    fn sc124_a_content_written_since_is_no_base() {
        let theirs = remote(Versions {
            body: Some(OTHER),
            ..VERSIONS
        });
        let newer = body_over(OLD);
        assert_eq!(after(true, Some(&theirs), newer), None);
    }

    #[test]
    fn sc125_a_content_that_others_brought_back_and_edited_on_is_fetched() {
        let theirs = remote(Versions {
            body: Some(OTHER),
            ..VERSIONS
        });
        let newer = Newer {
            brought_back: true,
            ..body_over(OLD)
        };
        let row_after = after(true, Some(&theirs), newer);
        assert_eq!(
            row_after,
            Some(row()),
            "agreed on, and another version by now"
        );
    }

    #[test]
    fn sc123_the_same_content_under_another_version_stays_agreed_on() {
        let brought_back = RemoteNode {
            size: row().size,
            hash: row().hash,
            ..remote(Versions {
                body: Some(OTHER),
                ..VERSIONS
            })
        };
        for newer in [body_over(OLD), Newer::default()] {
            let row_after = after(true, Some(&brought_back), newer).unwrap();
            let expected = SyncedNode {
                versions: brought_back.versions,
                ..row()
            };
            assert_eq!(row_after, expected);
        }
    }

    #[test]
    fn c5_what_the_log_deleted_in_another_state_comes_back() {
        let mut deleted = remote(Versions {
            place: OTHER,
            ..VERSIONS
        });
        deleted.deleted = true;
        let newer = Newer {
            place: Some(OLD),
            ..Newer::default()
        };
        assert_eq!(after(true, Some(&deleted), newer), None);
    }

    #[test]
    fn c5_an_older_place_is_moved_from_and_a_newer_one_followed() {
        let there = remote(Versions {
            place: OTHER,
            ..VERSIONS
        });
        let row_after = after(true, Some(&there), Newer::default()).unwrap();
        assert_eq!(
            (row_after.place.name, row_after.versions.place),
            (name("old"), OTHER)
        );
        let newer = Newer {
            place: Some(OLD),
            ..Newer::default()
        };
        let row_after = after(true, Some(&there), newer).unwrap();
        assert_eq!(
            (row_after.place.name, row_after.versions.place),
            (name("new"), VERSIONS.place)
        );
    }

    #[test]
    fn c5_older_attributes_are_what_the_disk_changed() {
        let there = remote(Versions {
            attributes: OTHER,
            ..VERSIONS
        });
        let row_after = after(true, Some(&there), Newer::default()).unwrap();
        assert_eq!(row_after.versions.attributes, OTHER);
        assert!(
            !row_after.executable_on_disk,
            "so the disk's bit is a change"
        );
    }

    #[test]
    fn sc125_what_was_agreed_on_before_the_backup_is_the_past_of_what_came_since() {
        // Body 3 was in the log when the copy was made; 9 was written over it after the restore.
        let edited = remote(Versions {
            body: Some(OTHER),
            ..VERSIONS
        });
        let over = body_over(VersionId([3; 16]));
        for on_disk in [true, false] {
            assert_eq!(after(on_disk, Some(&edited), over), Some(row()));
        }
        let mut gone = edited;
        gone.deleted = true;
        assert_eq!(after(true, Some(&gone), over), Some(row()));
    }

    #[test]
    fn c5_a_device_that_was_behind_writes_nothing_over_what_it_never_had() {
        // The log has 9 since before the backup; this device had read that, and not fetched it.
        let there = remote(Versions {
            body: Some(OTHER),
            ..VERSIONS
        });
        let before = |known, newer| after_restore(&row(), &known, true, Some(&there), newer);
        let kept = before(there.versions, Newer::default());
        assert_eq!(kept, Some(row()), "so it is still to be fetched");
        // It was written again in the part that is gone. Whether 3 came before 9 is not known.
        let tail = Versions {
            body: Some(OLD),
            ..VERSIONS
        };
        assert_eq!(before(tail, Newer::default()), None);
        assert_eq!(before(tail, body_over(VersionId([3; 16]))), Some(row()));
    }
}
