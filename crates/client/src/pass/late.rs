//! What a user wrote to a file whose name had gone to another value: it gets a name in the tree again.

use std::collections::BTreeSet;

use hythe_model::{EntryName, NodeKind, TreePath};
use hythe_sync::conflict_name::{ConflictMark, conflict_name};

use super::{PassError, Passing, today};
use crate::disk::{Late, Outcome};
use crate::state::StateError;

/// Gives what is found in `.hythe/out` names in the tree. Returns the directories where to look.
pub(super) fn bring_back(pass: &Passing) -> Result<BTreeSet<TreePath>, PassError> {
    let root = &pass.cx.root;
    let mut places = BTreeSet::new();
    if !root.keeps_any_out()? {
        return Ok(places);
    }
    for late in root.settle_out()? {
        let path = path(pass, &late)?;
        let mut batch = root.batch();
        if let Outcome::Done(_) = batch.place_late(&late, &path)? {
            batch.finish()?;
            tracing::info!(%path, "kept what was written late");
            places.extend(path.parent());
        }
    }
    Ok(places)
}

fn path(pass: &Passing, late: &Late) -> Result<TreePath, StateError> {
    let origin = match &late.origin {
        Some(origin) => origin.clone(),
        None => remembered(pass, late)?.unwrap_or_default(),
    };
    let fallback = || EntryName::new("recovered").ok();
    let Some(name) = origin.name().cloned().or_else(fallback) else {
        return Ok(origin);
    };
    let inode = late.stamp.inode.to_le_bytes();
    let date = today();
    let mark = ConflictMark {
        device: &pass.pass.device,
        date: &date,
        tag: [inode[0], inode[1], inode[2]],
    };
    let above = origin.parent().unwrap_or_default();
    // The directory may be gone by now; the root is always there.
    let above = match pass.cx.root.stat(&above) {
        Ok(Some(_)) => above,
        _ => TreePath::ROOT,
    };
    Ok(above.join(conflict_name(&name, NodeKind::File, &mark)))
}

/// Where the file was when it was seen last: after a crash no note beside it says so, and its record may.
/// Only a name follows from this, so a number that another file had before does no harm.
fn remembered(pass: &Passing, late: &Late) -> Result<Option<TreePath>, StateError> {
    let folder = pass.cx.folder;
    let root = pass.cx.root.marker().node;
    let inodes = late.expected_inode.into_iter().chain([late.stamp.inode]);
    pass.cx.state.read(|rows| {
        for inode in inodes {
            for row in rows.local_by_inode(folder, inode)? {
                if let Some(path) = rows.local_path(folder, root, row.node.id)? {
                    return Ok(Some(path));
                }
            }
        }
        Ok(None)
    })
}
