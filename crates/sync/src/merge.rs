//! The merge of one node by itself: its place, content and attributes on disk (L), in the log (R)
//! and as last agreed on (S). `docs/semantics.md` has the table; what depends on other nodes
//! (parents, circles, equal names) is in `shape`.

use hythe_model::{Attributes, ContentHash, NodeKind};

use crate::conflict_name::aside_name;
use crate::tree::{LocalNode, Place, RemoteNode, SyncedNode};

/// Who says where a node belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The log: the disk follows.
    Remote,
    /// The disk: the log follows.
    Local,
    /// The disk, but the log is not told: its name for the node is quarantined.
    Frozen,
}

/// Where a node belongs by its own three states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    pub place: Place,
    pub origin: Origin,
    /// Both sides moved it, differently.
    pub overruled: bool,
}

/// Where the node belongs, as far as it alone is concerned. None: nowhere in this folder.
pub(crate) fn wish(
    local: Option<&LocalNode>,
    remote: Option<&RemoteNode>,
    synced: Option<&SyncedNode>,
) -> Option<Wish> {
    let live = remote.filter(|node| !node.deleted && node.kind != NodeKind::Attachment);
    let Some(remote) = live else {
        // R is gone: if the node lives on, then where it is on disk.
        return local.map(|node| by(Origin::Local, user_place(node, synced)));
    };
    let Some(there) = remote.place() else {
        // R has a name that cannot be used: a rename on disk mends it, else nothing moves.
        let local = local?;
        let origin = if moved_on_disk(local, synced) {
            Origin::Local
        } else {
            Origin::Frozen
        };
        return Some(by(origin, user_place(local, synced)));
    };
    let (Some(local), Some(synced)) = (local, synced) else {
        // Only R has a place worth keeping: without S nothing says that the disk moved it.
        return Some(by(Origin::Remote, there));
    };
    if !moved_on_disk(local, Some(synced)) {
        return Some(by(Origin::Remote, there));
    }
    // An aside name in R is half of a move of our own, cut off by the end of a change set.
    if there == synced.place || there.name == aside_name(local.id) {
        return Some(by(Origin::Local, local.place.clone()));
    }
    // Moved on both sides: the log's order wins.
    let overruled = there != local.place;
    Some(Wish {
        place: there,
        origin: Origin::Remote,
        overruled,
    })
}

fn by(origin: Origin, place: Place) -> Wish {
    Wish {
        place,
        origin,
        overruled: false,
    }
}

/// Whether the user moved the entry. One that stands aside was moved by a plan that was cut off.
pub(crate) fn moved_on_disk(local: &LocalNode, synced: Option<&SyncedNode>) -> bool {
    let Some(synced) = synced else { return false };
    local.place != synced.place && local.place.name != aside_name(local.id)
}

/// Where the user has the entry.
fn user_place(local: &LocalNode, synced: Option<&SyncedNode>) -> Place {
    match synced {
        Some(row) if local.place.name == aside_name(local.id) => row.place.clone(),
        _ => local.place.clone(),
    }
}

/// The answer to "is the content the same?", when it may be too early to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Same {
    Yes,
    No,
    /// Only the content itself can tell.
    Unread,
}

/// Whether the disk still holds the content that was agreed on.
pub(crate) fn unchanged_on_disk(local: &LocalNode, synced: &SyncedNode) -> Same {
    if local.kind == NodeKind::Directory || local.stamp == synced.stamp {
        return Same::Yes;
    }
    same_content(local, synced.size, synced.hash)
}

/// Whether the disk holds content of this size and hash. A content whose hash its writer did not
/// give is never known to be equal.
pub(crate) fn same_content(local: &LocalNode, size: u64, hash: Option<ContentHash>) -> Same {
    if local.kind == NodeKind::Directory {
        return Same::Yes;
    }
    match (hash, local.hash) {
        _ if local.stamp.size != size => Same::No,
        (None, _) => Same::No,
        (Some(_), None) => Same::Unread,
        (Some(theirs), Some(ours)) if theirs == ours => Same::Yes,
        _ => Same::No,
    }
}

/// What becomes of the content of a node that is on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// Both sides hold the same.
    Agreed,
    /// The disk's content goes to the log, unless it has this hash after all.
    Send { unless: Option<ContentHash> },
    /// The log's content goes to disk.
    Fetch,
    /// Both changed: the log's keeps the name, the disk's becomes a conflict copy.
    Conflict,
    /// The disk's content must be read first.
    Ask,
}

/// The content of a node that is on disk and in the log.
pub(crate) fn body(local: &LocalNode, remote: &RemoteNode, synced: Option<&SyncedNode>) -> Body {
    let Some(synced) = synced else {
        // Nothing was agreed on: only equality avoids a conflict.
        return match same_content(local, remote.size, remote.hash) {
            Same::Yes => Body::Agreed,
            Same::No => Body::Conflict,
            Same::Unread => Body::Ask,
        };
    };
    let edited_remotely = remote.versions.body != synced.versions.body;
    match (unchanged_on_disk(local, synced), edited_remotely) {
        (Same::Yes, false) => Body::Agreed,
        (Same::Yes, true) => Body::Fetch,
        (Same::No, false) => Body::Send { unless: None },
        // Perhaps only touched. Reading and sending is one pass, so it is decided while reading.
        (Same::Unread, false) => Body::Send {
            unless: synced.hash,
        },
        (Same::No, true) => match same_content(local, remote.size, remote.hash) {
            Same::Yes => Body::Agreed,
            Same::No => Body::Conflict,
            Same::Unread => Body::Ask,
        },
        // Perhaps only touched, which would mean Fetch: no conflict copies of old content (SC-008).
        (Same::Unread, true) => Body::Ask,
    }
}

/// The content of a node that is deleted in the log and comes back with the disk's content.
pub(crate) fn restored_body(
    local: &LocalNode,
    remote: &RemoteNode,
    synced: Option<&SyncedNode>,
) -> Body {
    let unchanged = match synced {
        Some(synced) if synced.versions.body == remote.versions.body => {
            unchanged_on_disk(local, synced)
        }
        _ => same_content(local, remote.size, remote.hash),
    };
    match unchanged {
        Same::Yes => Body::Agreed,
        Same::No => Body::Send { unless: None },
        Same::Unread => Body::Send {
            unless: remote.hash,
        },
    }
}

/// What becomes of the attributes of a node that is on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct AttributesMerge {
    /// What the log shall say, if it must change.
    pub send: Option<Attributes>,
    /// What the disk shall show, if it must change.
    pub bring: Option<Attributes>,
}

/// The attributes, each by itself; where both sides changed one, the log's wins.
///
/// Only a change since S is a reason to act: a file system that cannot store an attribute shows
/// another value for ever. The time goes with the content it belongs to.
pub(crate) fn attributes(
    local: &LocalNode,
    remote: &RemoteNode,
    synced: Option<&SyncedNode>,
    body: Body,
) -> AttributesMerge {
    if matches!(body, Body::Conflict | Body::Ask) {
        // The entry is not this node's content, or perhaps not.
        return AttributesMerge::default();
    }
    let (disk, log) = (local.attributes(), remote.attributes);
    let agreed = |get: fn(&SyncedNode) -> bool| synced.map(get);
    let executable = match local.kind {
        NodeKind::File => one_attribute(
            disk.executable,
            log.executable,
            agreed(|row| row.executable_on_disk),
            agreed(|row| row.attributes.executable),
        ),
        _ => Move::Stay,
    };
    let modified = match body {
        _ if local.kind == NodeKind::Directory => Move::Stay,
        Body::Send { .. } if disk.modified != log.modified => Move::Send,
        Body::Send { .. } => Move::Stay,
        _ => one_attribute(
            disk.modified,
            log.modified,
            synced.map(|row| row.stamp.modified),
            synced.map(|row| row.attributes.modified),
        ),
    };
    let send = Attributes {
        executable: if executable == Move::Send {
            disk.executable
        } else {
            log.executable
        },
        modified: if modified == Move::Send {
            disk.modified
        } else {
            log.modified
        },
    };
    let bring = Attributes {
        executable: if executable == Move::Bring {
            log.executable
        } else {
            disk.executable
        },
        modified: if modified == Move::Bring {
            log.modified
        } else {
            disk.modified
        },
    };
    AttributesMerge {
        send: (send != log).then_some(send),
        bring: (bring != disk).then_some(bring),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    Stay,
    Send,
    Bring,
}

/// One attribute: on disk, in the log, and as each of them showed it when they agreed.
fn one_attribute<T: PartialEq>(disk: T, log: T, disk_then: Option<T>, log_then: Option<T>) -> Move {
    let changed_in_log = log_then.is_none_or(|then| then != log);
    let changed_on_disk = disk_then.is_none_or(|then| then != disk);
    match (changed_in_log, changed_on_disk) {
        _ if disk == log => Move::Stay,
        (true, _) => Move::Bring,
        (false, true) => Move::Send,
        (false, false) => Move::Stay,
    }
}

/// What a deleted or departing node's content on disk is, if it may be removed.
pub(crate) fn removable(local: &LocalNode, remote: &RemoteNode, synced: &SyncedNode) -> Same {
    match unchanged_on_disk(local, synced) {
        Same::Yes => Same::Yes,
        other => match same_content(local, remote.size, remote.hash) {
            Same::Yes => Same::Yes,
            Same::Unread => Same::Unread,
            Same::No => other,
        },
    }
}
