//! A body that is ready to be committed.

use std::sync::Arc;

use hythe_content::{StoredBody, store_body};
use hythe_model::{Body, LayoutEntry, LinkTarget};

use super::outbox::{Outbox, SealedObject};
use super::{Transfer, TransferError};

/// A body and its stored form, ready for a change set.
pub struct Prepared {
    /// What the version holds.
    pub body: Body,
    /// Plaintext of the body field and what it refers to. Its `nodes` were handed on already.
    pub stored: StoredBody,
}

/// Prepares the text of a symlink, which needs no chunk.
///
/// # Errors
/// Never in practice: every link text fits.
pub fn prepare_link(transfer: &Transfer, target: LinkTarget) -> Result<Prepared, TransferError> {
    let body = Body::Link(target);
    let stored = store_body(&transfer.keys, &body)?;
    Ok(Prepared { body, stored })
}

/// Makes the stored form of a body and puts the nodes of its tree, if it has one, into the outbox.
pub(super) async fn store_layout(
    transfer: &Transfer,
    body: Body,
    outbox: &mut Outbox,
) -> Result<Prepared, TransferError> {
    let keys = Arc::clone(&transfer.keys);
    let (body, stored) = transfer
        .pool
        .run(move |_| {
            let stored = store_body(&keys, &body);
            (body, stored)
        })
        .await?;
    let mut stored = stored?;
    for node in std::mem::take(&mut stored.nodes) {
        outbox.offer(SealedObject::Node(node)).await?;
    }
    Ok(Prepared { body, stored })
}

/// Fills the gaps between chunks, which are in order, with holes.
pub(super) fn entries_with_holes(size: u64, chunks: Vec<(u64, LayoutEntry)>) -> Vec<LayoutEntry> {
    let mut entries = Vec::with_capacity(chunks.len());
    let mut reached = 0;
    for (offset, entry) in chunks {
        if offset > reached {
            entries.push(LayoutEntry::Hole(offset - reached));
        }
        reached = offset + entry.length();
        entries.push(entry);
    }
    if size > reached {
        entries.push(LayoutEntry::Hole(size - reached));
    }
    entries
}
