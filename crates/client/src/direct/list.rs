//! `look` and `list`: what is at a place, and below it.

use hythe_control::{Entry, Events, Failure, Place, Reply};
use hythe_model::{NodeId, NodeKind};
use hythe_sync::RemoteNode;

use super::place::{self, Found};
use super::{current, entry};
use crate::daemon::Door;
use crate::inbox::dropping::only_put;
use crate::state::SpaceNumber;

/// How many entries are gathered before they are told.
const TOGETHER: usize = 256;

/// What is at a place.
pub(super) async fn look(door: &Door, place: &Place, events: &Events) -> Result<Reply, Failure> {
    if let Some(dropped) = place::target(door, place).await? {
        // That there is a root is no secret.
        return match dropped.path.is_root() {
            true => Ok(Reply::Entry(entry::root())),
            false => Err(only_put(&dropped.target)),
        };
    }
    let found = find(door, place, events).await?;
    Ok(Reply::Entry(own(door, &found)?))
}

/// What a directory holds, or one file's own entry.
pub(super) async fn list(
    door: &Door,
    place: &Place,
    recursive: bool,
    events: &Events,
) -> Result<Reply, Failure> {
    let found = place::entered(door, find(door, place, events).await?).await?;
    let directory = found.id().filter(|_| found.is_directory());
    let Some(directory) = directory else {
        events.entries([own(door, &found)?]).await;
        return Ok(Reply::Count(1));
    };
    let mut listing = Listing {
        door,
        space: found.space.number,
        events,
        gathered: Vec::new(),
        count: 0,
    };
    listing.below(directory, recursive).await?;
    Ok(Reply::Count(listing.count))
}

async fn find(door: &Door, place: &Place, events: &Events) -> Result<Found, Failure> {
    let (space, path) = place::resolve(door, place).await?;
    current::catch_up_if_reached(door, &space, events).await?;
    place::existing_at(door, space, path)
}

fn own(door: &Door, found: &Found) -> Result<Entry, Failure> {
    match &found.node {
        Some(node) => Ok(door
            .shared
            .state
            .read(|rows| entry::own(rows, found.space.number, node))?),
        None => Ok(entry::root()),
    }
}

struct Listing<'d> {
    door: &'d Door,
    space: SpaceNumber,
    events: &'d Events,
    gathered: Vec<Entry>,
    count: u64,
}

/// A directory whose children are still to be listed, and its path.
struct Open {
    node: NodeId,
    path: Vec<u8>,
}

impl Listing<'_> {
    /// Parents before children, one directory in memory at a time.
    async fn below(&mut self, directory: NodeId, recursive: bool) -> Result<(), Failure> {
        let mut open = vec![Open {
            node: directory,
            path: Vec::new(),
        }];
        while let Some(next) = open.pop() {
            for (child, entry) in self.children(&next)? {
                let descend = recursive && child.kind == NodeKind::Directory && child.name.is_ok();
                if descend {
                    open.push(Open {
                        node: child.id,
                        path: entry.path.0.clone(),
                    });
                }
                self.gathered.push(entry);
                self.count += 1;
                if self.gathered.len() >= TOGETHER {
                    self.send().await;
                }
            }
        }
        self.send().await;
        Ok(())
    }

    fn children(&self, open: &Open) -> Result<Vec<(RemoteNode, Entry)>, Failure> {
        let space = self.space;
        let entries = self.door.shared.state.read(|rows| {
            let children = rows.remote_list(space, open.node)?.into_iter();
            let shown = children.map(|child| {
                let entry =
                    entry::entry(rows, space, &child, join(&open.path, entry::name(&child)))?;
                Ok((child, entry))
            });
            shown.collect::<Result<Vec<_>, crate::state::StateError>>()
        });
        Ok(entries?)
    }

    async fn send(&mut self) {
        self.events.entries(self.gathered.drain(..)).await;
    }
}

fn join(above: &[u8], name: Vec<u8>) -> Vec<u8> {
    if above.is_empty() {
        return name;
    }
    [above, b"/", &name].concat()
}
