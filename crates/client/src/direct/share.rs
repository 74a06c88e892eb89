//! Sharing a folder where it is: it becomes a space of its own, attached in its place (D2).
//!
//! The folder is frozen, so that all of it can be read and none of it changes; its nodes are made
//! once more in the new space, under the same ids and versions, with the chunks that are stored
//! already; one change set then puts an attachment in its place. Whatever breaks off in between
//! leaves the folder readable, and the same request goes on where it ended.

use std::collections::BTreeMap;
use std::sync::Arc;

use hythe_control::{Failure, Place};
use hythe_model::{NodeId, NodeKind, SpaceId, SpaceName};
use hythe_space::moving::{CameFrom, MoveOut, MovedOut, StayHere};
use hythe_space::{NodeRecord, Operation};
use hythe_sync::RemoteNode;

use super::attach::{attached, attachment};
use super::attempt::{NotCarried, Planned, carry_out, fresh};
use super::copy::{Copying, Target, check_readable, record};
use super::current::{catch_up, tell};
use super::place::{self, Found, shown};
use super::words::refused;
use crate::commit::{self, Edit};
use crate::daemon::{Door, Space, owned};
use crate::state::Rows;

/// A folder on its way into a space of its own.
struct Moving<'d> {
    door: &'d Door,
    from: Arc<Space>,
    node: RemoteNode,
    to: Arc<Space>,
    /// The place, for messages.
    shown: String,
}

/// Makes a folder a space of its own, attached in its place, and returns that space. Of a folder
/// that is one already, its space.
pub(crate) async fn share_folder(
    door: &Door,
    place: &Place,
    name: Option<SpaceName>,
) -> Result<Arc<Space>, Failure> {
    let found = place::existing(door, place).await?;
    let place = shown(&found.space, &found.path);
    let Found { space, node, .. } = found;
    let Some(node) = node else {
        return Err(refused(format!("{place} is a whole space"))
            .next("Share it by its name; of your personal space, share folders."));
    };
    match node.kind {
        NodeKind::Directory => {}
        NodeKind::Attachment => {
            return attached(door, &space, node.id)
                .await?
                .ok_or_else(|| refused(format!("{place} shows a space that you take no part in")));
        }
        _ => {
            return Err(refused(format!("{place} is no folder"))
                .next("To give a single file to others, put it into a folder."));
        }
    }
    owned(&space)?;
    let number = space.number;
    let record = door
        .shared
        .state
        .read(|rows| record(rows, number, node.id))?;
    let to = match record.and_then(|record| record.leaving) {
        Some(begun) => joined(door, begun).await?,
        None => begin(door, &space, &node, &place, name).await?,
    };
    let moving = Moving {
        door,
        from: space,
        node,
        to,
        shown: place,
    };
    match moving.copy().await {
        Ok(()) => {}
        Err(NotCarried::ChunksMissing(failure)) => {
            moving.call_off().await?;
            return Err(failure.next(
                "The folder stays as it was. `hythe verify` names what is damaged and what mends it.",
            ));
        }
        Err(NotCarried::Failed(failure)) => {
            return Err(failure.next(
                "The folder can be read, and is not written until it is shared: give the same \
                 command again.",
            ));
        }
    }
    moving.hand_over().await?;
    moving.invite_members().await?;
    Ok(moving.to)
}

/// A space of this account, followed and read.
async fn joined(door: &Door, id: SpaceId) -> Result<Arc<Space>, Failure> {
    door.shared.learn_spaces().await?;
    let space = door.shared.living_space(id);
    let space = space.ok_or_else(|| refused("The space that it was to become is not there"))?;
    catch_up(door, &space).await?;
    Ok(space)
}

/// Makes the space and freezes the folder.
async fn begin(
    door: &Door,
    from: &Arc<Space>,
    node: &RemoteNode,
    place: &str,
    name: Option<SpaceName>,
) -> Result<Arc<Space>, Failure> {
    let number = from.number;
    door.shared
        .state
        .read(|rows| check_readable(rows, number, node.id, place))?;
    let to = match begun(door, from.id, node.id).await? {
        Some(space) => space,
        None => found(door, from, node, name).await?,
    };
    freeze(door, from, node, place, to.id).await?;
    Ok(to)
}

/// The space that an earlier try has made of a folder. Anybody may say that a space was made of it:
/// one in which somebody else is or was is not taken for it.
async fn begun(door: &Door, space: SpaceId, node: NodeId) -> Result<Option<Arc<Space>>, Failure> {
    door.shared.learn_spaces().await?;
    for made in door.shared.living_spaces() {
        catch_up(door, &made).await?;
        let origin = made.replica.space_record()?.and_then(|now| now.came_from);
        let is_it = origin.is_some_and(|origin| (origin.space, origin.node) == (space, node));
        if is_it && is_own(door, &made)? {
            return Ok(Some(made));
        }
    }
    Ok(None)
}

/// Whether nobody but this account, and the server of an open space, ever was in a space.
fn is_own(door: &Door, space: &Space) -> Result<bool, Failure> {
    let (own, server) = (door.shared.device.account, space.replica.server()?);
    let members = space.replica.members()?;
    Ok(members
        .iter()
        .all(|member| member.account == own || Some(member.account) == server))
}

/// Makes the space of a folder.
async fn found(
    door: &Door,
    from: &Space,
    node: &RemoteNode,
    name: Option<SpaceName>,
) -> Result<Arc<Space>, Failure> {
    let name = match name {
        Some(name) => name,
        None => own_name(node)?,
    };
    let mut others = door.shared.living_spaces().into_iter();
    if others.any(|space| space.name() == name.as_str()) {
        return Err(
            refused(format!("You have a space that is called {name}")).next("Name it with --name.")
        );
    }
    let sealed = from
        .replica
        .standing()
        .is_some_and(|standing| !standing.open);
    let origin = CameFrom {
        space: from.id,
        node: node.id,
        at: from.replica.head().await,
    };
    let common = &door.shared.common;
    let made = commit::found_space(common, &name, sealed, Some(origin)).await?;
    joined(door, made).await
}

/// From here on nothing in the folder is written.
async fn freeze(
    door: &Door,
    from: &Space,
    node: &RemoteNode,
    place: &str,
    to: SpaceId,
) -> Result<(), Failure> {
    let number = from.number;
    carry_out(door, from, |rows| {
        let Some(record) = record(rows, number, node.id)?.filter(NodeRecord::is_alive) else {
            return Err(refused(format!("{place} is not there any more")));
        };
        let begin = Operation::MoveOut(MoveOut {
            node: node.id,
            expected: record.place.version,
            to,
        });
        let edits = match record.leaving {
            Some(_) => Vec::new(),
            None => vec![Edit::Clear(begin)],
        };
        Ok(Planned::new(edits, ()))
    })
    .await?;
    Ok(())
}

/// What the space is called where nobody says: as the folder.
fn own_name(node: &RemoteNode) -> Result<SpaceName, Failure> {
    let name = node.name.as_ref().ok();
    let text = name.and_then(|name| std::str::from_utf8(name.as_bytes()).ok());
    let name = text.and_then(|text| SpaceName::new(text).ok());
    name.filter(|name| name.as_str() != crate::daemon::PERSONAL)
        .ok_or_else(|| {
            refused("A space cannot be called as this folder is").next("Name it with --name.")
        })
}

impl Moving<'_> {
    /// Makes what the folder holds in the new space, as far as it is not there yet.
    async fn copy(&self) -> Result<(), NotCarried> {
        let (from, folder) = (self.from.number, self.node.id);
        let nodes = self
            .door
            .shared
            .state
            .read(|rows| rows.remote_below(from, folder))
            .map_err(Failure::from)?;
        let copying = Copying {
            door: self.door,
            from: &self.from,
            to: &self.to,
        };
        let under = |rows: &Rows<'_>, id: NodeId| {
            let parent = rows.remote_node(from, id)?.map(|node| node.parent);
            let parent = parent.map(|parent| match parent == folder {
                true => NodeId::ROOT,
                false => parent,
            });
            Ok(parent.map(|parent| Target {
                node: id,
                parent,
                name: None,
            }))
        };
        copying.run(&nodes, under).await
    }

    /// Puts the attachment in the folder's place.
    async fn hand_over(&self) -> Result<(), Failure> {
        let (number, folder) = (self.from.number, self.node.id);
        carry_out(self.door, &self.from, |rows| {
            let there = rows.remote_node(number, folder)?;
            let Some(there) = there.filter(|there| !there.deleted) else {
                return Ok(Planned::new(Vec::new(), ()));
            };
            self.check_whole(rows)?;
            let Ok(name) = there.name else {
                return Err(refused(format!("{} has no name any more", self.shown)));
            };
            let ended = Operation::MovedOut(MovedOut {
                node: folder,
                to: self.to.id,
            });
            let edits = vec![
                Edit::Clear(ended),
                attachment(NodeId(fresh()?), there.parent, name, self.to.id)?,
            ];
            Ok(Planned::new(edits, ()))
        })
        .await?;
        Ok(())
    }

    /// Never half: every node is in the new space before the folder goes.
    fn check_whole(&self, rows: &Rows<'_>) -> Result<(), Failure> {
        for id in rows.remote_below(self.from.number, self.node.id)? {
            let (before, after) = (
                rows.remote_node(self.from.number, id)?,
                rows.remote_node(self.to.number, id)?,
            );
            let versions = |node: Option<RemoteNode>| node.map(|node| node.versions);
            if versions(before) != versions(after) {
                return Err(refused(format!(
                    "{} is not in the new space as it is here",
                    self.shown
                ))
                .because(format!("node {id} differs")));
            }
        }
        Ok(())
    }

    async fn call_off(&self) -> Result<(), Failure> {
        let (number, folder) = (self.from.number, self.node.id);
        carry_out(self.door, &self.from, |rows| {
            let record = record(rows, number, folder)?;
            let frozen = record.is_some_and(|record| record.is_alive() && record.leaving.is_some());
            let stay = Operation::StayHere(StayHere { node: folder });
            let edits = if frozen {
                vec![Edit::Clear(stay)]
            } else {
                Vec::new()
            };
            Ok(Planned::new(edits, ()))
        })
        .await?;
        Ok(())
    }

    /// Whoever could see the folder until now is invited, with the same role.
    async fn invite_members(&self) -> Result<(), Failure> {
        let own = self.door.shared.device.account;
        let server = self.from.replica.server()?;
        let there: BTreeMap<_, _> = self
            .to
            .replica
            .members()?
            .into_iter()
            .filter_map(|member| Some((member.account, member.role?)))
            .collect();
        for member in self.from.replica.members()? {
            let Some(role) = member.role else { continue };
            let known = there.contains_key(&member.account);
            if member.account == own || Some(member.account) == server || known {
                continue;
            }
            let (applied, _) = self.to.replica.share(member.account, role).await?;
            tell(self.door, &self.to, applied);
        }
        Ok(())
    }
}
