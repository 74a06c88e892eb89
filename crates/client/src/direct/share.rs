//! Sharing a folder where it is: it becomes a space of its own, attached in its place (D2).
//!
//! The folder is frozen, so that all of it can be read and none of it changes; its nodes are made
//! once more in the new space, under the same ids and versions, with the chunks that are stored
//! already; one change set then puts an attachment in its place. Whatever breaks off in between
//! leaves the folder readable, and the same request goes on where it ended.

use std::collections::BTreeMap;
use std::sync::Arc;

use hythe_control::{Failure, Place};
use hythe_model::{NodeId, NodeKind, Role, SpaceId, SpaceName};
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
use crate::daemon::{Door, Space};
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

fn owned(space: &Space) -> Result<(), Failure> {
    let standing = space.replica.standing();
    if standing.and_then(|standing| standing.role) == Some(Role::Owner) {
        return Ok(());
    }
    Err(refused(format!(
        "Only owners of {} may share its folders",
        space.name()
    )))
}

/// A space of this account, followed and read.
async fn joined(door: &Door, id: SpaceId) -> Result<Arc<Space>, Failure> {
    door.shared.learn_spaces().await?;
    let mut spaces = door.shared.living_spaces().into_iter();
    let space = spaces.find(|space| space.id == id);
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
    let made = commit::found_space(&door.shared.common, &name, sealed).await?;
    let to = joined(door, made).await?;
    let at = from.replica.head().await;
    let origin = CameFrom {
        space: from.id,
        node: node.id,
        at,
    };
    let applied = to.replica.came_from(origin).await?;
    tell(door, &to, applied);
    carry_out(door, from, |rows| {
        let Some(record) = record(rows, number, node.id)?.filter(NodeRecord::is_alive) else {
            return Err(refused(format!("{place} is not there any more")));
        };
        let begin = Operation::MoveOut(MoveOut {
            node: node.id,
            expected: record.place.version,
            to: to.id,
        });
        let edits = match record.leaving {
            Some(_) => Vec::new(),
            None => vec![Edit::Clear(begin)],
        };
        Ok(Planned::new(edits, ()))
    })
    .await?;
    Ok(to)
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
