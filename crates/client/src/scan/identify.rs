//! Which node an entry is: pure comparisons.

use hythe_model::NodeKind;
use hythe_sync::DiskStamp;

use crate::disk::Found;
use crate::os::FileKind;
use crate::state::LocalRow;

/// How an entry compares with the row of its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    /// Nothing changed.
    Same,
    /// The same entry, with other content or attributes.
    Changed,
    /// Another entry of the same kind has the name now.
    Replaced,
    /// An entry of another kind has the name now (T4).
    OtherKind,
}

pub(super) fn compare(row: &LocalRow, found: &Found, kind: NodeKind) -> Compared {
    let node = &row.node;
    if node.kind != kind {
        Compared::OtherKind
    } else if !node.stamp.same_entry(&found.stamp) {
        Compared::Replaced
    } else if node.stamp == found.stamp && node.executable == found.executable {
        Compared::Same
    } else {
        Compared::Changed
    }
}

/// Whether an entry found under an unknown name can be the one of a row, moved.
///
/// The file system uses inode numbers again. Where it knows when an entry was born, that settles
/// it; where it does not, a file must also look untouched.
pub(super) fn may_have_moved(row: &LocalRow, found: &Found, kind: NodeKind) -> bool {
    let node = &row.node;
    node.kind == kind
        && node.stamp.same_entry(&found.stamp)
        && (found.stamp.born.is_some()
            || kind == NodeKind::Directory
            || node.stamp.same_but_changed(&found.stamp))
}

/// Whether an entry can be in one place only, so that seeing it here means it is nowhere else.
pub(super) fn has_one_place(found: &Found) -> bool {
    found.kind == FileKind::Directory || found.links <= 1
}

/// Whether content read under `before` is still what is there under `after`: a rename changes
/// nothing but the change time.
pub(super) fn keeps_content(before: &DiskStamp, after: &DiskStamp, was_moved: bool) -> bool {
    before == after || (was_moved && before.same_but_changed(after))
}

/// The kind of node an entry would be; none for what is no data.
pub(super) fn node_kind(kind: FileKind) -> Option<NodeKind> {
    match kind {
        FileKind::Directory => Some(NodeKind::Directory),
        FileKind::File => Some(NodeKind::File),
        FileKind::Symlink => Some(NodeKind::Symlink),
        FileKind::Special(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use hythe_model::{EntryName, NodeId, Timestamp};
    use hythe_sync::{LocalNode, Place};

    use super::*;

    fn stamp(inode: u64, born: Option<i64>) -> DiskStamp {
        let at = |seconds| Timestamp { seconds, nanos: 0 };
        let born = born.map(at);
        DiskStamp {
            device: 0,
            inode,
            size: 1,
            modified: at(5),
            changed: at(6),
            born,
        }
    }

    fn row(stamp: DiskStamp) -> LocalRow {
        let place = Place::new(NodeId::ROOT, EntryName::new(*b"f").unwrap());
        let (id, kind) = (NodeId([1; 16]), NodeKind::File);
        LocalNode {
            id,
            place,
            kind,
            executable: false,
            stamp,
            hash: None,
        }
        .into()
    }

    fn found(stamp: DiskStamp) -> Found {
        Found {
            kind: FileKind::File,
            stamp,
            executable: false,
            links: 1,
            foreign: false,
        }
    }

    #[test]
    fn a_reused_inode_is_another_entry() {
        let known = row(stamp(7, Some(1)));
        assert!(may_have_moved(
            &known,
            &found(stamp(7, Some(1))),
            NodeKind::File
        ));
        assert!(!may_have_moved(
            &known,
            &found(stamp(7, Some(2))),
            NodeKind::File
        ));
        assert!(!may_have_moved(
            &known,
            &found(stamp(8, Some(1))),
            NodeKind::File
        ));
        assert!(!may_have_moved(
            &known,
            &found(stamp(7, Some(1))),
            NodeKind::Symlink
        ));
    }

    #[test]
    fn without_birth_times_a_moved_file_must_look_untouched() {
        let known = row(stamp(7, None));
        let touched = DiskStamp {
            size: 2,
            ..stamp(7, None)
        };
        let renamed = DiskStamp {
            changed: Timestamp::default(),
            ..stamp(7, None)
        };
        assert!(may_have_moved(&known, &found(renamed), NodeKind::File));
        assert!(!may_have_moved(&known, &found(touched), NodeKind::File));
    }

    #[test]
    fn sc070_a_new_change_time_in_place_is_a_change() {
        let known = row(stamp(7, Some(1)));
        let now = DiskStamp {
            changed: Timestamp {
                seconds: 9,
                nanos: 0,
            },
            ..known.node.stamp
        };
        assert_eq!(
            compare(&known, &found(now), NodeKind::File),
            Compared::Changed
        );
        assert!(!keeps_content(&known.node.stamp, &now, false));
        assert!(keeps_content(&known.node.stamp, &now, true));
    }
}
