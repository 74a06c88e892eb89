//! `remove`: to the trash, a directory with all it holds.

use hythe_control::{Failure, Place, Reply};
use hythe_model::{NodeId, NodeKind};
use hythe_sync::RemoteNode;

use super::attempt::{Planned, carry_out};
use super::place::{self, shown};
use super::words::refused;
use crate::commit::Edit;
use crate::daemon::Door;
use crate::state::{Rows, SpaceNumber};

/// Removes what is at a place.
pub(super) async fn remove(door: &Door, place: &Place, recursive: bool) -> Result<Reply, Failure> {
    let found = place::existing(door, place).await?;
    let Some(node) = &found.node else {
        return Err(refused("The root of a space cannot be removed")
            .next("Remove what is in it, each by its name."));
    };
    let (space, id) = (&found.space, node.id);
    let plan = |rows: &Rows<'_>| {
        let there = rows
            .remote_node(space.number, id)?
            .filter(|node| !node.deleted);
        let Some(there) = there else {
            return Ok(Planned::new(Vec::new(), ()));
        };
        if !recursive && rows.remote_count(space.number, id)? > 0 {
            return Err(
                refused(format!("{} is not empty", shown(space, &found.path)))
                    .next("`--recursive` removes it with all it holds."),
            );
        }
        Ok(Planned::new(deletes(rows, space.number, there)?, ()))
    };
    let removed = carry_out(door, space, plan).await?;
    Ok(Reply::Count(removed.edits))
}

/// The deletes of a node and everything below it, children first.
fn deletes(rows: &Rows<'_>, space: SpaceNumber, top: RemoteNode) -> Result<Vec<Edit>, Failure> {
    let (mut open, mut edits) = (vec![top], Vec::new());
    while let Some(node) = open.pop() {
        if node.kind == NodeKind::Directory {
            open.extend(rows.remote_list(space, node.id)?);
        }
        edits.push(delete(node.id, node));
    }
    // Each was taken before what it holds.
    edits.reverse();
    Ok(edits)
}

pub(super) fn delete(id: NodeId, node: RemoteNode) -> Edit {
    Edit::Delete {
        node: id,
        expected: node.versions,
    }
}
