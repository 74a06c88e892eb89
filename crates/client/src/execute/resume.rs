//! Going on with a download that was broken off: by a lost connection, by the end of the daemon or
//! of the machine.
//!
//! A large file is staged as a [`Part`], which stays. Nothing in a part is trusted, whoever wrote it
//! and whatever reached the disk: each range is compared with the chunk that belongs there, and
//! what differs is fetched again.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use hythe_model::{Layout, LayoutEntry};
use hythe_sync::{TreeError, Trees};

use super::content::Earlier;
use super::{Context, RunError};
use crate::disk::{DiskError, Part, Root, Staging};
use crate::transfer::{Transfer, TransferError, verified_ranges};

/// From this size on what was fetched of a file is kept: what is smaller comes in one request, so
/// there is no middle in which it could break off.
pub const PART_FROM: u64 = 4 << 20;

/// How long to wait for who still writes to a part. It was told to stop before anybody asked.
const PATIENCE: Duration = Duration::from_secs(10);

/// A file to be filled, and what is right in it already.
pub struct Begun {
    pub staging: Staging,
    pub have: Vec<Range<u64>>,
}

/// Begins a file in the staging area, or goes on with what is there of it.
pub async fn begin(
    transfer: &Transfer,
    root: &Root,
    part: Part,
    layout: &Layout,
) -> Result<Begun, TransferError> {
    let fresh = |staging| Begun {
        staging,
        have: Vec::new(),
    };
    if layout.size < PART_FROM {
        return root.stage().map(fresh).map_err(local);
    }
    let Ok(staged) = tokio::time::timeout(PATIENCE, root.stage_part(part)).await else {
        return root.stage().map(fresh).map_err(local);
    };
    let mut staging = staged.map_err(local)?;
    if staging.length() == 0 {
        return Ok(fresh(staging));
    }
    if let Err(error) = make_holes(&mut staging, layout) {
        tracing::debug!(%error, "beginning a file anew");
        staging.discard();
        return root.stage().map(fresh).map_err(local);
    }
    let earlier = staging.reader().map_err(local)?;
    let have = verified_ranges(transfer, layout, Arc::new(Earlier(earlier))).await?;
    let bytes: u64 = have.iter().map(|range| range.end - range.start).sum();
    tracing::info!(node = %part.node, bytes, of = layout.size, "going on with a download");
    Ok(Begun { staging, have })
}

/// A layout's holes are not fetched, so whatever the part has there is taken out.
fn make_holes(staging: &mut Staging, layout: &Layout) -> Result<(), DiskError> {
    let mut offset = 0;
    for entry in layout.entries.iter() {
        let end = offset + entry.length();
        if matches!(entry, LayoutEntry::Hole(_)) && offset < staging.length() {
            staging.make_hole(offset..end.min(staging.length()))?;
        }
        offset = end;
    }
    Ok(())
}

fn local(error: DiskError) -> TransferError {
    TransferError::Local(error.source)
}

/// Lets the parts go that will not be gone on with.
///
/// # Errors
/// When the trees cannot be read.
pub fn drop_unwanted_parts(cx: &Context) -> Result<(), RunError> {
    let parts = cx.root.known_parts();
    if parts.is_empty() {
        return Ok(());
    }
    let trees = cx.state.folder_trees(cx.folder)?;
    for part in parts {
        if !is_wanted(&trees, part)? {
            cx.root.drop_part(part);
        }
    }
    Ok(())
}

/// Whether the log has content of the node that this disk was not agreed to have. Which version of
/// it does not matter: a later one may share much with it.
fn is_wanted(trees: &dyn Trees, part: Part) -> Result<bool, TreeError> {
    let Some(there) = trees.remote(part.node)?.filter(|there| !there.deleted) else {
        return Ok(false);
    };
    let agreed = trees.synced(part.node)?.and_then(|row| row.versions.body);
    Ok(agreed != there.versions.body)
}
