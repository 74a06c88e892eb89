//! Removing from the disk what a folder and its space agree on, because it is to be here no more.

use std::path::Path;

use hythe_model::{NodeId, NodeKind, TreePath};

use crate::disk::{Batch, DiskError, Outcome, Root};
use crate::state::{FolderNumber, LocalRow, Rows, State, StateError};

/// Why nothing more was removed.
#[derive(Debug, thiserror::Error)]
pub enum ClearError {
    /// The disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The folder cannot be opened.
    #[error(transparent)]
    Open(#[from] crate::disk::OpenError),
    /// The state database.
    #[error(transparent)]
    State(#[from] StateError),
}

/// What removing came to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Cleared {
    /// Files and symlinks that are gone.
    pub removed: u64,
    /// Whether all of it went, and nothing else is in the folder.
    pub whole: bool,
}

/// An entry as it was seen last.
struct Seen {
    local: LocalRow,
    /// Whether the space has exactly this, at this place.
    agreed: bool,
    path: TreePath,
}

/// Removes every entry of a folder that is as it was agreed on, and directories that are empty then.
/// What was changed, moved or made here and not sent stays. Blocks.
///
/// # Errors
/// The state's, and the disk's for what is not about one entry.
pub fn remove_agreed(
    state: &State,
    folder: FolderNumber,
    node: NodeId,
    root: &Root,
) -> Result<Cleared, ClearError> {
    let mut nodes = state.read(|rows| rows.local_below(folder, node))?;
    nodes.reverse();
    let (mut batch, mut removed, mut all) = (root.batch(), 0, true);
    for one in nodes {
        let Some(seen) = state.read(|rows| look(rows, folder, node, one))? else {
            continue;
        };
        let gone = seen.agreed && remove(&mut batch, &seen);
        let is_directory = seen.local.node.kind == NodeKind::Directory;
        removed += u64::from(gone && !is_directory);
        all &= gone;
    }
    batch.finish()?;
    let others = std::fs::read_dir(root.path()).into_iter().flatten().count();
    // `.hythe` itself is still there.
    let whole = all && others <= 1;
    Ok(Cleared { removed, whole })
}

fn look(
    rows: &Rows<'_>,
    folder: FolderNumber,
    root: NodeId,
    node: NodeId,
) -> Result<Option<Seen>, StateError> {
    let path = rows.local_path(folder, root, node)?;
    let (Some(local), Some(path)) = (rows.local(folder, node)?, path) else {
        return Ok(None);
    };
    let agreed = rows.synced(folder, node)?.is_some_and(|synced| {
        let is_directory = local.node.kind == NodeKind::Directory;
        synced.place == local.node.place && (is_directory || synced.stamp == local.node.stamp)
    });
    Ok(Some(Seen {
        local,
        agreed,
        path,
    }))
}

/// What cannot be removed is still there, and the others go on (C3).
fn remove(batch: &mut Batch<'_>, seen: &Seen) -> bool {
    let Seen { local, path, .. } = seen;
    let gone = if local.node.kind == NodeKind::Directory {
        batch.remove_emptied(path)
    } else {
        let removed = batch.remove(path, &local.node.stamp, local.node.hash);
        removed.map(|outcome| matches!(outcome, Outcome::Done(())))
    };
    gone.unwrap_or_else(|error| {
        tracing::warn!(%error, "an entry stays that was to go");
        false
    })
}

/// Takes Hythe's own directory out of one that is none of its folders any more. What was kept there
/// for a writer stays.
pub async fn take_own(path: &Path) {
    let own = path.join(".hythe");
    let taking = tokio::task::spawn_blocking(move || {
        for name in ["marker", "marker.next", "lock"] {
            let _ = std::fs::remove_file(own.join(name));
        }
        for name in ["staging", "out", ""] {
            let _ = std::fs::remove_dir(own.join(name));
        }
    });
    if let Err(error) = taking.await {
        tracing::debug!("the marker of a folder that ended stays: {error}");
    }
}
