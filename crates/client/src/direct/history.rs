//! `history`: what happened to a node.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hythe_content::{Field, SpaceKeys};
use hythe_control::{Change, Events, Failure, Octets, Place, Reply, Revision, Through};
use hythe_model::{AccountId, DeviceId, EntryName, KeyEpoch, LinkId, NodeId, OperationId};
use hythe_space::{AccountState, Accounts, Devices};
use hythe_sync::RemoteNode;
use hythe_wire::history::{Action, HistoryEntry};

use super::place::{self, shown};
use super::words::refused;
use super::{entry, past};
use crate::daemon::{Door, Space};
use crate::replica::size_and_hash;
use crate::state::{Rows, SpaceNumber, StateError};

/// Tells what happened to a node, newest first.
pub(super) async fn history(door: &Door, place: &Place, events: &Events) -> Result<Reply, Failure> {
    let (space, path) = place::resolve(door, place).await?;
    super::current::catch_up(door, &space).await?;
    let node = match place::find_at(door, Arc::clone(&space), path.clone()) {
        Ok(found) if path.is_root() => {
            return Err(refused(format!(
                "{} has no history of its own",
                shown(&found.space, &path)
            ))
            .next("Name a file or directory in it."));
        }
        Ok(found) => found.node,
        Err(_) => None,
    };
    let node = match node {
        Some(node) => node,
        None => place::deleted(door, &space, &path).await?,
    };
    let revisions = Telling::new(door, &space).await.revisions(&node).await?;
    let count = revisions.len() as u64;
    events.revisions(revisions).await;
    Ok(Reply::Count(count))
}

/// Names and keys for the lines of a history.
struct Telling<'t> {
    door: &'t Door,
    space: &'t Space,
    devices: BTreeMap<DeviceId, String>,
    /// Login names of members.
    members: BTreeMap<AccountId, String>,
    /// Links into the space that this account may know of.
    links: BTreeSet<LinkId>,
    accounts: Arc<Accounts>,
}

impl<'t> Telling<'t> {
    async fn new(door: &'t Door, space: &'t Space) -> Self {
        // Without names, a history still tells what happened.
        let api = &door.shared.api;
        let views = api.devices().await.unwrap_or_default();
        let devices = views.into_iter().map(|view| (view.id, view.name)).collect();
        let members = api.members(space.id).await.unwrap_or_default().into_iter();
        let named = members.filter_map(|view| Some((view.account, view.login?)));
        let links = api.links(space.id).await.map(|list| list.links);
        let links = links.unwrap_or_default().into_iter();
        Self {
            door,
            space,
            devices,
            members: named.collect(),
            links: links.map(|view| view.link).collect(),
            accounts: door.shared.common.accounts.all(),
        }
    }

    /// Who did it, where that is somebody else than this device's account.
    fn account(&self, entry: &HistoryEntry) -> Option<String> {
        let signed = || self.accounts.account_of(entry.author).map(AccountState::id);
        let account = entry.behalf.map(|behalf| behalf.account).or_else(signed)?;
        let is_own = account == self.door.shared.device.account;
        if is_own && entry.behalf.is_none() {
            return None;
        }
        let id = || account.to_string().chars().take(8).collect();
        Some(self.members.get(&account).cloned().unwrap_or_else(id))
    }

    fn through(&self, entry: &HistoryEntry) -> Option<Through> {
        let session = entry.behalf?.session;
        Some(if session == OperationId([0; 16]) {
            Through::Inbox
        } else if self.links.contains(&LinkId(session.0)) {
            Through::Link
        } else {
            Through::Server
        })
    }

    async fn revisions(&self, node: &RemoteNode) -> Result<Vec<Revision>, Failure> {
        let entries = past::entries(self.door, self.space, node.id).await?;
        let mut keys: BTreeMap<KeyEpoch, Option<Arc<SpaceKeys>>> = BTreeMap::new();
        for entry in &entries {
            if let Entry::Vacant(unknown) = keys.entry(entry.key_epoch) {
                unknown.insert(past::keys(self.space, entry.key_epoch).await);
            }
        }
        let mut at = (node.parent, node.name.clone().ok());
        let mut revisions = Vec::with_capacity(entries.len());
        // Oldest first, so that each line knows the place the node had by then.
        for entry in entries.iter().rev() {
            let keys = keys.get(&entry.key_epoch).and_then(Option::as_deref);
            if let Some(parent) = entry.parent {
                at = (parent, past::name(keys, node.id, entry));
            }
            revisions.push(self.revision(node.id, entry, keys, &at)?);
        }
        revisions.reverse();
        Ok(revisions)
    }

    fn revision(
        &self,
        node: NodeId,
        entry: &HistoryEntry,
        keys: Option<&SpaceKeys>,
        (parent, name): &(NodeId, Option<EntryName>),
    ) -> Result<Revision, Failure> {
        let number = self.space.number;
        let path = self
            .door
            .shared
            .state
            .read(|rows| path_below(rows, number, *parent))?;
        let name = name
            .as_ref()
            .map_or_else(|| node.to_string().into_bytes(), |n| n.as_bytes().to_vec());
        let field = past::open(keys, node, Field::Body, entry.body.as_ref());
        let size = field
            .and_then(|field| size_and_hash(&field))
            .map(|(size, _)| size);
        let named = self.devices.get(&entry.author).cloned();
        Ok(Revision {
            cursor: entry.head.cursor.0,
            at_ms: entry.time_ms,
            device: named.unwrap_or_else(|| entry.author.to_string().chars().take(8).collect()),
            account: self.account(entry),
            through: self.through(entry),
            change: change(entry),
            version: entry.body.as_ref().map(|body| body.version.to_string()),
            size,
            path: Octets([path, name].concat()),
        })
    }
}

/// What an entry did, in one word: the weightiest thing.
fn change(entry: &HistoryEntry) -> Change {
    match entry.action {
        Action::Created => Change::Created,
        Action::Deleted => Change::Deleted,
        Action::Restored => Change::Restored,
        Action::Updated if entry.body.is_some() => Change::Edited,
        Action::Updated if entry.place.is_some() => Change::Moved,
        Action::Updated => Change::Attributes,
    }
}

/// The path of a directory as it is, or was, with a slash behind it; empty for the root.
fn path_below(
    rows: &Rows<'_>,
    space: SpaceNumber,
    directory: NodeId,
) -> Result<Vec<u8>, StateError> {
    let (mut names, mut at) = (Vec::new(), directory);
    while at != NodeId::ROOT {
        let Some(node) = rows.remote_node(space, at)? else {
            break;
        };
        names.push([entry::name(&node), b"/".to_vec()].concat());
        at = node.parent;
    }
    names.reverse();
    Ok(names.concat())
}
