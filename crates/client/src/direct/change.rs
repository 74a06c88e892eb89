//! `link`, `make_directory`, `move`: changes of the tree that carry no content.

use hythe_control::{Events, Failure, FailureKind, Octets, Place, Reply};
use hythe_model::{Attributes, EntryName, LinkTarget, NodeId, NodeKind, Timestamp, TreePath};
use hythe_sync::RemoteNode;

use super::across;
use super::attempt::{Planned, carry_out, fresh, fresh_version, fresh_versions};
use super::place::{self, child, nothing, shown, walk};
use super::words::refused;
use super::{current, entry};
use crate::commit::Edit;
use crate::daemon::{Door, Space, now_ms};
use crate::state::Rows;
use crate::transfer::prepare_link;

/// Makes a symlink.
pub(super) async fn link(door: &Door, place: &Place, target: &Octets) -> Result<Reply, Failure> {
    let unusable =
        |error| Failure::new(FailureKind::Usage, "The link text cannot be used").because(error);
    let target = LinkTarget::new(target.0.clone()).map_err(unusable)?;
    let (space, path) = place::resolve(door, place).await?;
    current::catch_up(door, &space).await?;
    let transfer = current::transfer(&space).await?;
    let made = carry_out(door, &space, |rows| {
        let (parent, name) = free(rows, &space, &path)?;
        let node = NodeId(fresh()?);
        let edit = Edit::Create {
            node,
            kind: NodeKind::Symlink,
            parent,
            name,
            attributes: Attributes {
                executable: false,
                modified: now(),
            },
            new: fresh_versions(true)?,
            body: Some(prepare_link(&transfer, target.clone())?),
        };
        Ok(Planned::new(vec![edit], node))
    });
    let made = made.await?.then;
    own(door, &space, made)
}

/// Makes a directory, and with `parents` those above it.
pub(super) async fn make_directory(
    door: &Door,
    place: &Place,
    parents: bool,
) -> Result<Reply, Failure> {
    let (space, path) = place::resolve(door, place).await?;
    current::catch_up(door, &space).await?;
    let made = carry_out(door, &space, |rows| {
        if parents {
            return directories(rows, &space, &path);
        }
        let (parent, name) = free(rows, &space, &path)?;
        let (node, edit) = directory(parent, name)?;
        Ok(Planned::new(vec![edit], node))
    });
    let made = made.await?.then;
    own(door, &space, made)
}

/// The directories that are missing on a path.
fn directories(
    rows: &Rows<'_>,
    space: &Space,
    path: &TreePath,
) -> Result<Planned<NodeId>, Failure> {
    let (mut above, mut edits) = (NodeId::ROOT, Vec::new());
    for (depth, name) in path.names().iter().enumerate() {
        // What lies below a directory that is to be made is missing too.
        let there = match edits.is_empty() {
            true => node_at(rows, space, above, name)?,
            false => None,
        };
        above = match there {
            Some(node) if node.kind == NodeKind::Directory => node.id,
            Some(_) => {
                let at: TreePath = path.names().iter().take(depth + 1).cloned().collect();
                return Err(refused(format!("{} is no directory", shown(space, &at))));
            }
            None => {
                let (node, edit) = directory(above, name.clone())?;
                edits.push(edit);
                node
            }
        };
    }
    Ok(Planned::new(edits, above))
}

fn node_at(
    rows: &Rows<'_>,
    space: &Space,
    parent: NodeId,
    name: &EntryName,
) -> Result<Option<RemoteNode>, Failure> {
    Ok(child(rows, space.number, parent, name)?)
}

fn directory(parent: NodeId, name: EntryName) -> Result<(NodeId, Edit), Failure> {
    let node = NodeId(fresh()?);
    let edit = Edit::Create {
        node,
        kind: NodeKind::Directory,
        parent,
        name,
        attributes: Attributes::default(),
        new: fresh_versions(false)?,
        body: None,
    };
    Ok((node, edit))
}

/// Moves or renames.
pub(super) async fn relocate(
    door: &Door,
    from: &Place,
    to: &Place,
    events: &Events,
) -> Result<Reply, Failure> {
    let (space, from) = place::resolve(door, from).await?;
    let (other, to) = place::resolve(door, to).await?;
    current::catch_up(door, &other).await?;
    let (other, to) = place::landing(door, other, to).await?;
    if space.number != other.number {
        return across::relocate(door, (space, from), (other, to), events).await;
    }
    current::catch_up(door, &space).await?;
    // The node is chosen once: should others move it meanwhile, it is still the one that is meant.
    let moved = place::existing_at(door, space.clone(), from.clone())?.node;
    let Some(moved) = moved else {
        return Err(refused("The root of a space cannot be moved"));
    };
    let plan = |rows: &Rows<'_>| plan_move(rows, &space, moved.id, &from, &to);
    carry_out(door, &space, plan).await?;
    Ok(Reply::Done)
}

fn plan_move(
    rows: &Rows<'_>,
    space: &Space,
    node: NodeId,
    from: &TreePath,
    to: &TreePath,
) -> Result<Planned<()>, Failure> {
    let there = rows
        .remote_node(space.number, node)?
        .filter(|node| !node.deleted);
    let Some(there) = there else {
        return Err(nothing(space, from));
    };
    let Some(own_name) = from.name() else {
        return Err(nothing(space, from));
    };
    let (mut parent, target) = walk(rows, space.number, to)?.ok_or_else(|| nothing(space, to))?;
    let mut name = to.name();
    let into = to.is_root()
        || target
            .as_ref()
            .is_some_and(|t| t.kind == NodeKind::Directory && t.id != node);
    let mut taken = target.as_ref().map(|target| target.id);
    if into {
        parent = target.map_or(NodeId::ROOT, |target| target.id);
        name = Some(own_name);
        taken = rows.remote_by_name(space.number, parent, own_name.as_bytes())?;
    }
    let Some(name) = name else {
        return Err(nothing(space, to));
    };
    match taken {
        Some(by) if by == node => return Ok(Planned::new(Vec::new(), ())),
        Some(_) => {
            let at = if into {
                to.join(name.clone())
            } else {
                to.clone()
            };
            return Err(refused(format!("{} is there already", shown(space, &at)))
                .next("Remove it first, or name another target."));
        }
        None => {}
    }
    if to.starts_with(from) {
        return Err(refused(format!(
            "{} cannot be moved below itself",
            shown(space, from)
        )));
    }
    let edit = Edit::Move {
        node,
        parent,
        name: name.clone(),
        expected: there.versions.place,
        new: fresh_version()?,
    };
    Ok(Planned::new(vec![edit], ()))
}

/// A place where nothing is yet, in a directory that is there.
pub(super) fn free(
    rows: &Rows<'_>,
    space: &Space,
    path: &TreePath,
) -> Result<(NodeId, EntryName), Failure> {
    let Some((parent, there)) = walk(rows, space.number, path)? else {
        return Err(match path.parent() {
            Some(above) => nothing(space, &above),
            None => nothing(space, path),
        });
    };
    match (path.name(), there) {
        (Some(name), None) => Ok((parent, name.clone())),
        _ => Err(refused(format!("{} is there already", shown(space, path)))),
    }
}

/// The entry of a node that was made.
pub(super) fn own(door: &Door, space: &Space, node: NodeId) -> Result<Reply, Failure> {
    let entry = door
        .shared
        .state
        .read(|rows| match rows.remote_node(space.number, node)? {
            Some(node) => entry::own(rows, space.number, &node),
            None => Ok(entry::root()),
        });
    Ok(Reply::Entry(entry?))
}

/// This device's clock, as an attribute of a node.
pub(crate) fn now() -> Timestamp {
    let ms = now_ms();
    let nanos = u32::try_from(ms.rem_euclid(1000)).unwrap_or_default() * 1_000_000;
    Timestamp {
        seconds: ms.div_euclid(1000),
        nanos,
    }
}
