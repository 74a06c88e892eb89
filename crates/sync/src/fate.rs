//! What becomes of a node, by its own three states and two facts about the nodes above it.

use crate::merge::{Origin, Same, moved_on_disk, removable};
use crate::tree::{LocalNode, RemoteNode, SyncedNode};
use crate::view::Item;

/// What becomes of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It lives, on both sides.
    Keep,
    /// It goes from the side that still has it.
    Drop,
    /// It lives in the log, outside this folder: it goes from the disk.
    Leave,
    /// It lives in the log, outside this folder or not placeable, and is not on disk.
    Elsewhere,
    /// Its content must be read before this can be said.
    Ask,
    /// Nothing is done about it now.
    Stay,
}

/// What becomes of a node. `inside` says whether its wished place is in this folder, `moved`
/// whether it, or a directory that went with it, was moved on the side that still has it.
pub(crate) fn fate(item: &Item, inside: bool, moved: bool) -> Fate {
    match (&item.local, item.live()) {
        (None, None) => Fate::Drop,
        (None, Some(remote)) => fate_of_absent(item.synced.as_ref(), remote, inside, moved),
        (Some(local), None) => fate_of_deleted(item, local, moved),
        // The disk moved it and the log did not: where it is now, is where the user wants it,
        // even if the directory it came from has left this folder.
        (Some(_), Some(_))
            if item
                .wish
                .as_ref()
                .is_some_and(|w| w.origin != Origin::Remote) =>
        {
            Fate::Keep
        }
        (Some(_), Some(_)) if inside => Fate::Keep,
        (Some(_), Some(_)) => Fate::Leave,
    }
}

/// A node that is alive in the log and not on disk.
fn fate_of_absent(
    synced: Option<&SyncedNode>,
    remote: &RemoteNode,
    inside: bool,
    moved: bool,
) -> Fate {
    // Never seen here: it comes, if it belongs here.
    let arrives = if inside { Fate::Keep } else { Fate::Elsewhere };
    let Some(synced) = synced else { return arrives };
    if !synced.was_on_disk() {
        return arrives;
    }
    // It was here and was removed, which the scan has proven (S4).
    if moved || remote.versions.body != synced.versions.body {
        // Edit and move beat delete: it comes back (S3, SC-033, SC-037).
        return arrives;
    }
    // The log has not changed since: it goes there too.
    Fate::Drop
}

/// A node that is on disk and, in the log, deleted or unknown.
fn fate_of_deleted(item: &Item, local: &LocalNode, moved: bool) -> Fate {
    let (Some(remote), Some(synced)) = (&item.remote, &item.synced) else {
        // Unknown to the log, or nothing says that the log's deletion meant this content.
        return Fate::Keep;
    };
    if moved {
        return Fate::Keep;
    }
    match removable(local, remote, synced) {
        Same::Yes => Fate::Drop,
        // Edit beats delete (S3).
        Same::No => Fate::Keep,
        // It may have been edited: hash before unlink (SC-038).
        Same::Unread => Fate::Ask,
    }
}

/// On which side a node was moved that the other side no longer has, and the parent it has there.
/// None: it is on both sides or on neither.
pub(crate) fn move_on_one_side(item: &Item) -> Option<(bool, hythe_model::NodeId)> {
    match (&item.local, item.live()) {
        (Some(local), None) => Some((
            moved_on_disk(local, item.synced.as_ref()),
            local.place.parent,
        )),
        (None, Some(remote)) => Some((moved_in_log(remote, item.synced.as_ref()), remote.parent)),
        _ => None,
    }
}

/// Whether the log has a node at another place than was agreed on.
fn moved_in_log(remote: &RemoteNode, synced: Option<&SyncedNode>) -> bool {
    synced.is_some_and(|row| remote.place().is_none_or(|place| place != row.place))
}
