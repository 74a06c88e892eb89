//! What a stretch of the log has written: which fields of which nodes, and which contents.

use std::collections::{BTreeMap, BTreeSet};

use hythe_model::{ContentHash, Head, NodeId, VersionId};
use hythe_space::chain::head_next;
use hythe_space::{ChangeSet, Operation};
use hythe_sync::{Newer, SyncedNode};

use super::apply::Placed;
use super::catch_up::placed;
use super::opened::{Opened, open_all};
use super::{Position, Replica, ReplicaError};
use crate::net::ApiError;

/// Everything written after a position.
#[derive(Default)]
pub(super) struct Since {
    nodes: BTreeMap<NodeId, Newer>,
    contents: BTreeSet<(NodeId, ContentHash)>,
}

/// Why a stretch of the log was not read.
#[derive(Debug)]
pub(super) enum WalkError {
    /// The stretch does not begin in this log.
    Elsewhere,
    /// The log could not be read.
    Replica(ReplicaError),
}

impl<E: Into<ReplicaError>> From<E> for WalkError {
    fn from(error: E) -> Self {
        Self::Replica(error.into())
    }
}

impl Since {
    /// What was written to the node of a row.
    pub(super) fn newer(&self, row: &SyncedNode) -> Newer {
        let agreed = row.hash.map(|hash| (row.id, hash));
        Newer {
            brought_back: agreed.is_some_and(|content| self.contents.contains(&content)),
            ..self.nodes.get(&row.id).copied().unwrap_or_default()
        }
    }

    fn add(&mut self, change_set: &ChangeSet, opened: &Opened) {
        for operation in change_set.operations() {
            match operation {
                Operation::Create(create) => {
                    let body = create.body.as_ref().map(|body| body.version);
                    let made = Newer {
                        place: Some(create.place_version),
                        attributes: Some(create.attributes_version),
                        body,
                        ..Newer::default()
                    };
                    self.replaced(create.node, made);
                    self.content(create.node, body, opened);
                }
                Operation::Update(update) => {
                    let replaced = Newer {
                        place: update.place.as_ref().map(|write| write.expected),
                        attributes: update.attributes.as_ref().map(|write| write.expected),
                        body: update.body.as_ref().map(|body| body.expected),
                        ..Newer::default()
                    };
                    self.replaced(update.node, replaced);
                    let body = update.body.as_ref().map(|body| body.write.version);
                    self.content(update.node, body, opened);
                }
                Operation::Restore(restore) => {
                    let replaced = Newer {
                        place: Some(restore.expected),
                        ..Newer::default()
                    };
                    self.replaced(restore.node, replaced);
                }
                // A deletion shows in the node itself.
                _ => {}
            }
        }
    }

    /// Notes versions that were replaced, unless an earlier write replaced what was there before.
    fn replaced(&mut self, node: NodeId, versions: Newer) {
        let first = self.nodes.entry(node).or_default();
        first.place = first.place.or(versions.place);
        first.attributes = first.attributes.or(versions.attributes);
        first.body = first.body.or(versions.body);
    }

    fn content(&mut self, node: NodeId, version: Option<VersionId>, opened: &Opened) {
        let body = version.and_then(|version| opened.body(node, version));
        if let Some(hash) = body.and_then(|body| body.hash) {
            self.contents.insert((node, hash));
        }
    }
}

impl Replica {
    /// Reads again what the log has after `from`, up to the position. The chain, which the position
    /// is at, proves that it is this log.
    pub(super) async fn written_since(
        &self,
        position: &Position,
        from: Head,
    ) -> Result<Since, WalkError> {
        let (mut since, mut at) = (Since::default(), from);
        while at.cursor < position.head.cursor {
            let before = at;
            let api = &self.session.api;
            let mut reader = api.changes(self.space, at.cursor).await?;
            while let Some(page) = reader.next_page().await? {
                let entries: Result<Vec<Placed>, _> = page.entries.iter().map(placed).collect();
                let mut change_sets = Vec::new();
                for entry in entries? {
                    if at.cursor == position.head.cursor {
                        break;
                    }
                    at = head_next(at, entry.change_set.hash());
                    if at != entry.head {
                        return Err(WalkError::Elsewhere);
                    }
                    change_sets.push(entry.change_set);
                }
                let pool = &self.session.pool;
                let opened = open_all(pool, &position.keyring, &change_sets).await?;
                let sets = change_sets.iter();
                sets.for_each(|change_set| since.add(change_set, &opened));
            }
            if at == before {
                let cause = "the log has more, and the server gives nothing";
                return Err(ApiError::Malformed(cause.into()).into());
            }
        }
        if at == position.head {
            Ok(since)
        } else {
            Err(WalkError::Elsewhere)
        }
    }
}
