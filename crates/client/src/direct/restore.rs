//! `restore`: what was deleted comes back, and so does an older version of a file, each as a new
//! change.

use std::sync::Arc;

use hythe_control::{Failure, Place, Reply};
use hythe_model::{NodeId, NodeKind, TreePath};
use hythe_sync::RemoteNode;

use super::attempt::{Planned, carry_out, fresh_version};
use super::place::{self, child, nothing, shown};
use super::together::Together;
use super::words::{broke_off, refused};
use super::write::again;
use super::{current, entry, past};
use crate::commit::{Edit, NewAttributes, NewBody};
use crate::daemon::{Door, Space};
use crate::state::{Rows, SpaceNumber, StateError};
use crate::transfer::load_layout;

/// Brings back what a place names.
pub(super) async fn restore(
    door: &Door,
    place: &Place,
    version: Option<&str>,
) -> Result<Reply, Failure> {
    let (space, path) = place::resolve(door, place).await?;
    current::catch_up(door, &space).await?;
    let there = match place::find_at(door, Arc::clone(&space), path.clone()) {
        Ok(found) if found.path.is_root() => {
            return Err(refused("The root of a space is always there"));
        }
        Ok(found) => found.node,
        Err(_) => None,
    };
    let node = match (there, version) {
        (Some(node), Some(_)) => node,
        (Some(_), None) => {
            return Err(refused(format!("{} was not deleted", shown(&space, &path)))
                .next("Name a version of it: `hythe history` lists them."));
        }
        (None, _) => {
            let node = place::deleted(door, &space, &path).await?;
            undelete(door, &space, &path, &node).await?;
            node
        }
    };
    if let Some(version) = version {
        bring_version(door, &space, &node, version).await?;
    }
    let restored =
        door.shared
            .state
            .read(|rows| match rows.remote_node(space.number, node.id)? {
                Some(node) => entry::own(rows, space.number, &node).map(Some),
                None => Ok(None),
            });
    let restored: Option<_> = restored.map_err(Failure::from)?;
    restored
        .map(Reply::Entry)
        .ok_or_else(|| nothing(&space, &path))
}

/// Makes an older version of a file the present one.
async fn bring_version(
    door: &Door,
    space: &Space,
    node: &RemoteNode,
    version: &str,
) -> Result<(), Failure> {
    if node.kind != NodeKind::File {
        return Err(refused("Only a file has versions"));
    }
    let older = past::version(door, space, node.id, version).await?;
    let transfer = current::transfer(space).await?;
    let body = load_layout(&transfer, &older.field).await?;
    let id = node.id;
    let carried = carry_out(door, space, |rows| {
        let there = rows
            .remote_node(space.number, id)?
            .filter(|node| !node.deleted);
        let versions = there.map(|node| node.versions);
        let Some((versions, expected)) = versions.and_then(|v| Some((v, v.body?))) else {
            return Err(refused("The file was deleted meanwhile"));
        };
        let attributes = match older.attributes {
            Some(attributes) => Some(NewAttributes {
                expected: versions.attributes,
                new: fresh_version()?,
                attributes,
            }),
            None => None,
        };
        let prepared = again(&transfer, &body)?;
        let body = Some(NewBody {
            expected,
            new: fresh_version()?,
            prepared,
        });
        Ok(Planned::new(
            vec![Edit::Update {
                node: id,
                attributes,
                body,
            }],
            (),
        ))
    });
    carried.await?;
    Ok(())
}

/// Brings back a deleted node, the directories it was in, and all that was deleted together with
/// it.
async fn undelete(
    door: &Door,
    space: &Space,
    path: &TreePath,
    node: &RemoteNode,
) -> Result<(), Failure> {
    let below = match node.kind {
        NodeKind::Directory => Together::of(door, space, node.id).await?,
        _ => Together::default(),
    };
    let plan = |rows: &Rows<'_>| plan_undelete(rows, space, path, node.id, &below);
    carry_out(door, space, plan).await?;
    Ok(())
}

fn plan_undelete(
    rows: &Rows<'_>,
    space: &Space,
    path: &TreePath,
    node: NodeId,
    below: &Together,
) -> Result<Planned<()>, Failure> {
    let number = space.number;
    let mut edits = Vec::new();
    let mut chain = above(rows, number, node)?;
    chain.push(node);
    let mut parent = NodeId::ROOT;
    for id in chain {
        let known = rows.remote_node(number, id)?;
        let there = known.ok_or_else(|| broke_off("a node is not known any more"))?;
        if !there.deleted {
            parent = id;
            continue;
        }
        let Ok(name) = there.name.clone() else {
            return Err(nothing(space, path));
        };
        let taken = child(rows, number, parent, &name)?;
        match taken {
            // What was made there since takes the place of the directory that was deleted.
            Some(other) if id != node && other.kind == NodeKind::Directory => parent = other.id,
            Some(_) => {
                return Err(refused(format!(
                    "Something else is at {} by now",
                    shown(space, path)
                ))
                .next("Move that away with `hythe mv`, then restore again."));
            }
            None => {
                edits.push(back(&there, parent)?);
                parent = id;
            }
        }
    }
    for id in &below.nodes {
        let there = rows.remote_node(number, *id)?.filter(|there| there.deleted);
        if let Some(there) = there {
            edits.push(back(&there, there.parent)?);
        }
    }
    Ok(Planned::new(edits, ()))
}

fn back(node: &RemoteNode, parent: NodeId) -> Result<Edit, Failure> {
    let name = node
        .name
        .clone()
        .map_err(|why| refused("An item cannot be named").because(why))?;
    let (expected, new) = (node.versions.place, fresh_version()?);
    Ok(Edit::Restore {
        node: node.id,
        parent,
        name,
        expected,
        new,
    })
}

/// The directories above a node, outermost first.
fn above(rows: &Rows<'_>, space: SpaceNumber, node: NodeId) -> Result<Vec<NodeId>, StateError> {
    let (mut found, mut at) = (Vec::new(), node);
    while let Some(there) = rows
        .remote_node(space, at)?
        .filter(|there| there.parent != NodeId::ROOT)
    {
        found.push(there.parent);
        at = there.parent;
    }
    found.reverse();
    Ok(found)
}
