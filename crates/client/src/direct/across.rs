//! `move` over a border between two spaces: copied first, then removed (D2).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use hythe_control::{Events, Failure, Reply};
use hythe_model::{EntryName, NodeId, NodeKind, TreePath};
use hythe_sync::{RemoteNode, Versions};

use super::anew::{Ids, Sealing};
use super::attach::check_once;
use super::attempt::{Planned, carry_out, fresh};
use super::change::free;
use super::copy::{Copying, Target, check_readable};
use super::current;
use super::place::{self, shown};
use super::remove::delete;
use super::words::refused;
use crate::daemon::{Door, Space};
use crate::state::{Rows, StateError};

/// A place in a space.
pub(super) type End = (Arc<Space>, TreePath);

/// Moves what is at a place into another space, under new ids: what it was before stays in the
/// trash of the space it left. Says how much was sealed anew, where that is done.
pub(super) async fn relocate(
    door: &Door,
    from: End,
    to: End,
    events: &Events,
) -> Result<Reply, Failure> {
    let ((space, from), (other, to)) = (from, to);
    current::catch_up(door, &space).await?;
    current::catch_up(door, &other).await?;
    let moved = place::existing_at(door, space.clone(), from.clone())?.node;
    let Some(top) = moved else {
        return Err(refused("The root of a space cannot be moved"));
    };
    let (number, shown_from) = (space.number, shown(&space, &from));
    let nodes = door.shared.state.read(|rows| {
        check_readable(rows, number, top.id, &shown_from)?;
        check_attachments(rows, &space, &top, &other)?;
        Ok::<_, Failure>(with_versions(rows, &space, &top)?)
    })?;
    if is_open(&space) && !is_open(&other) {
        let (ids, parent, name) = copy_of(door, (&space, &from), (&other, &to), top.id).await?;
        let sealing = Sealing {
            door,
            from: &space,
            to: &other,
            ids,
            top: top.id,
            parent,
            name,
            events,
            shown: &shown_from,
        };
        sealing.run(&nodes).await?;
        remove_copied(door, &space, &nodes, &shown_from).await?;
        return Ok(Reply::Count(nodes.len() as u64));
    }
    let (parent, name) = target(door, &other, &to, &from)?;
    let mut ids: HashMap<NodeId, NodeId> = HashMap::new();
    for (id, _) in &nodes {
        ids.insert(*id, NodeId(fresh()?));
    }
    let as_what = |rows: &Rows<'_>, id: NodeId| {
        let above = rows.remote_node(number, id)?.map(|node| node.parent);
        let node = ids.get(&id).copied();
        Ok(match (node, above.and_then(|above| ids.get(&above))) {
            (Some(node), _) if id == top.id => Some(Target {
                node,
                parent,
                name: Some(name.clone()),
            }),
            (Some(node), Some(parent)) => Some(Target {
                node,
                parent: *parent,
                name: None,
            }),
            _ => None,
        })
    };
    let copying = Copying {
        door,
        from: &space,
        to: &other,
    };
    let all: Vec<NodeId> = nodes.iter().map(|(id, _)| *id).collect();
    copying.run(&all, as_what).await?;
    remove_copied(door, &space, &nodes, &shown_from).await?;
    Ok(Reply::Done)
}

/// What shows a space that the other tree shows already is not moved there.
fn check_attachments(
    rows: &Rows<'_>,
    space: &Space,
    top: &RemoteNode,
    other: &Space,
) -> Result<(), Failure> {
    let below = rows.remote_below(space.number, top.id)?;
    let is_moved = |node: NodeId| node == top.id || below.contains(&node);
    for attachment in rows.attachments(space.number)? {
        if let Some(target) = attachment.target.filter(|_| is_moved(attachment.node)) {
            check_once(rows, other, target)?;
        }
    }
    Ok(())
}

/// What lies in an open space was sealed under keys that its server has. Taken over as it is, it
/// would lie in a sealed space and be readable there.
fn is_open(space: &Space) -> bool {
    space.replica.standing().is_some_and(|now| now.open)
}

/// As what, and where, a tree is sealed anew: as what a move to the same place that was broken off has
/// begun, or else to a place that is free.
async fn copy_of(
    door: &Door,
    (space, from): (&Space, &TreePath),
    (other, to): (&Arc<Space>, &TreePath),
    top: NodeId,
) -> Result<(Ids, NodeId, EntryName), Failure> {
    let into = from.name().map(|name| to.join(name.clone()));
    let mut ids = Ids::of(space, other).await?;
    loop {
        let (number, made) = (other.number, ids.node(top));
        let (there, path) = door.shared.state.read(|rows| {
            let there = rows.remote_node(number, made)?;
            Ok::<_, StateError>((there, rows.remote_path(number, made)?))
        })?;
        let Some(there) = there else {
            let (parent, name) = target(door, other, to, from)?;
            return Ok((ids, parent, name));
        };
        let is_meant = path.is_some() && (path.as_ref() == Some(to) || path == into);
        match there.name {
            Ok(name) if is_meant && !there.deleted => return Ok((ids, there.parent, name)),
            _ => {}
        }
        ids = ids
            .next()
            .ok_or_else(|| refused("This was moved there too often"))?;
    }
}

/// A node and all below it, parents first, as they are now.
fn with_versions(
    rows: &Rows<'_>,
    space: &Space,
    top: &RemoteNode,
) -> Result<Vec<(NodeId, Versions)>, StateError> {
    let mut nodes = vec![(top.id, top.versions)];
    if top.kind == NodeKind::Directory {
        for id in rows.remote_below(space.number, top.id)? {
            nodes.extend(
                rows.remote_node(space.number, id)?
                    .map(|node| (id, node.versions)),
            );
        }
    }
    Ok(nodes)
}

/// Where it goes: into a directory that is there, else to a place that is free.
fn target(
    door: &Door,
    space: &Arc<Space>,
    to: &TreePath,
    from: &TreePath,
) -> Result<(NodeId, EntryName), Failure> {
    let there = place::find_at(door, space.clone(), to.clone())?;
    let into = there.is_directory();
    let at = match (into, from.name()) {
        (true, Some(name)) => to.join(name.clone()),
        _ => to.clone(),
    };
    door.shared.state.read(|rows| free(rows, space, &at))
}

/// Removes what was copied, exactly as it was then: what was written since stays.
async fn remove_copied(
    door: &Door,
    space: &Space,
    nodes: &[(NodeId, Versions)],
    shown: &str,
) -> Result<(), Failure> {
    let number = space.number;
    let known: HashSet<NodeId> = nodes.iter().map(|(id, _)| *id).collect();
    carry_out(door, space, |rows| {
        let mut edits = Vec::new();
        for (id, versions) in nodes.iter().rev() {
            let there = rows.remote_node(number, *id)?;
            let Some(there) = there.filter(|there| !there.deleted) else {
                continue;
            };
            if there.versions != *versions {
                return Err(changed(shown));
            }
            edits.push(delete(*id, there));
        }
        for (id, _) in nodes {
            // What came since would be in the way of the delete; it stays, with what holds it.
            if !rows
                .remote_children(number, *id)?
                .iter()
                .all(|child| known.contains(child))
            {
                return Err(changed(shown));
            }
        }
        Ok(Planned::new(edits, ()))
    })
    .await?;
    Ok(())
}

fn changed(shown: &str) -> Failure {
    refused(format!("{shown} was changed while it was copied"))
        .next("The copy is whole as of before. Remove one of the two.")
}
