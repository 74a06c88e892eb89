//! What disk and log agree on, written down field by field.
//!
//! A field that is agreed on is recorded even while others are not: a move is then no move any
//! more, though the content is still on its way.

use hythe_model::NodeKind;

use crate::merge::{AttributesMerge, Body};
use crate::tree::{LocalNode, RemoteNode, SyncedNode};

/// The Synced row of a node that is on both sides. None as long as there is nothing to begin a
/// row with.
pub(crate) fn agreed_row(
    row: Option<&SyncedNode>,
    local: &LocalNode,
    remote: &RemoteNode,
    body: Body,
    merged: AttributesMerge,
) -> Option<SyncedNode> {
    let agreed = Agreed {
        place: remote.place().as_ref() == Some(&local.place),
        body: body == Body::Agreed,
        attributes: merged == AttributesMerge::default()
            && !matches!(body, Body::Conflict | Body::Ask),
    };
    match row {
        Some(row) => Some(agreed.over(row, local, remote)),
        None => agreed.whole(local, remote),
    }
}

/// The fields that disk and log agree on.
struct Agreed {
    place: bool,
    body: bool,
    attributes: bool,
}

impl Agreed {
    /// A first Synced row, if all is agreed on.
    fn whole(&self, local: &LocalNode, remote: &RemoteNode) -> Option<SyncedNode> {
        (self.place && self.body && self.attributes).then(|| SyncedNode {
            id: remote.id,
            place: local.place.clone(),
            kind: remote.kind,
            versions: remote.versions,
            attributes: remote.attributes,
            executable_on_disk: local.executable,
            stamp: local.stamp,
            size: remote.size,
            hash: remote.hash.or(local.hash),
        })
    }

    /// A Synced row with the agreed fields brought up to date.
    fn over(&self, row: &SyncedNode, local: &LocalNode, remote: &RemoteNode) -> SyncedNode {
        let mut row = row.clone();
        if self.place {
            row.place = local.place.clone();
            row.versions.place = remote.versions.place;
        }
        if self.body {
            let known = remote.hash.or(local.hash);
            row.hash = known.or(row
                .hash
                .filter(|_| row.versions.body == remote.versions.body));
            row.versions.body = remote.versions.body;
            row.size = remote.size;
        }
        if self.attributes {
            row.versions.attributes = remote.versions.attributes;
            row.attributes = remote.attributes;
            row.executable_on_disk = local.executable;
        }
        // What happens inside a directory changes its stamp; only its identity means anything.
        let stale = local.kind != NodeKind::Directory || !row.stamp.same_entry(&local.stamp);
        if self.body && self.attributes && stale {
            row.stamp = local.stamp;
        }
        row
    }
}
