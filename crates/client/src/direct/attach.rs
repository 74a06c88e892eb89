//! `attach` and `detach`: another space, shown at a place of this one.

use std::sync::Arc;

use hythe_content::store_attachment;
use hythe_control::{Failure, Place, Reply};
use hythe_model::{Attributes, EntryName, NodeId, NodeKind, SpaceId};
use hythe_space::operation::BodyWrite;

use super::attempt::{Planned, carry_out, fresh, fresh_version};
use super::change::{free, own};
use super::current;
use super::place::{self, shown, space_named};
use super::words::refused;
use crate::commit::{Copied, Edit};
use crate::daemon::{Door, Space};
use crate::state::Rows;

/// Shows a space at a place where nothing is yet.
pub(crate) async fn attach(door: &Door, named: &str, place: &Place) -> Result<Reply, Failure> {
    let target = space_named(door, named).await?;
    let (space, path) = place::resolve(door, place).await?;
    current::catch_up(door, &space).await?;
    if target.personal {
        return Err(refused("Your personal space is not shown inside others")
            .next("`hythe share` makes a space of one of its folders."));
    }
    if target.number == space.number {
        return Err(refused("A space is not shown inside itself"));
    }
    let made = carry_out(door, &space, |rows| {
        let (parent, name) = free(rows, &space, &path)?;
        check_once(rows, &space, target.id)?;
        let node = NodeId(fresh()?);
        Ok(Planned::new(
            vec![attachment(node, parent, name, target.id)?],
            node,
        ))
    });
    let made = made.await?.then;
    own(door, &space, made)
}

/// Refuses to show a space twice in the tree of another: all its members would have it twice.
pub(super) fn check_once(rows: &Rows<'_>, space: &Space, target: SpaceId) -> Result<(), Failure> {
    let attachments = rows.attachments(space.number)?;
    let Some(there) = attachments.iter().find(|row| row.target == Some(target)) else {
        return Ok(());
    };
    let path = rows.remote_path(space.number, there.node)?;
    let at = path.map_or_else(|| space.name(), |path| shown(space, &path));
    Err(refused(format!("The space is shown at {at} already"))
        .next("Move it with `hythe mv`, or take it out there with `hythe spaces detach`."))
}

/// Takes a space out of the place where it is shown. The space itself stays as it is.
pub(crate) async fn detach(door: &Door, place: &Place) -> Result<Reply, Failure> {
    let found = place::existing(door, place).await?;
    let is = |kind: NodeKind| kind == NodeKind::Attachment;
    let Some(node) = found.node.filter(|node| is(node.kind)) else {
        return Err(refused(format!(
            "No space is attached at {}",
            shown(&found.space, &found.path)
        ))
        .next("`hythe ls` marks attached spaces."));
    };
    let number = found.space.number;
    carry_out(door, &found.space, |rows| {
        let there = rows.remote_node(number, node.id)?;
        let edits = there
            .filter(|there| !there.deleted)
            .map(|there| Edit::Delete {
                node: there.id,
                expected: there.versions,
            });
        Ok(Planned::new(edits.into_iter().collect(), ()))
    })
    .await?;
    Ok(Reply::Done)
}

/// The edit that makes an attachment.
///
/// # Errors
/// Where the system gives no random numbers.
pub(crate) fn attachment(
    node: NodeId,
    parent: NodeId,
    name: EntryName,
    target: SpaceId,
) -> Result<Edit, Failure> {
    let stored = store_attachment(target);
    let write = BodyWrite {
        version: fresh_version()?,
        size: 0,
        tree: stored.tree,
        refs: stored.refs,
    };
    Ok(Edit::Copy(Box::new(Copied {
        node,
        kind: NodeKind::Attachment,
        parent,
        name,
        attributes: Attributes::default(),
        place_version: fresh_version()?,
        attributes_version: fresh_version()?,
        body: Some((write, stored.field)),
    })))
}

/// The space that an attachment shows, if this account takes part in it.
pub(super) async fn attached(
    door: &Door,
    space: &Space,
    node: NodeId,
) -> Result<Option<Arc<Space>>, Failure> {
    let number = space.number;
    let target = door.shared.state.read(|rows| rows.attached(number, node))?;
    let Some(target) = target else {
        return Ok(None);
    };
    if let Some(space) = door.shared.living_space(target) {
        return Ok(Some(space));
    }
    door.shared.learn_spaces().await?;
    Ok(door.shared.living_space(target))
}
