//! What was: the history of a node, and what was deleted in a space.

use hythe_model::{Cursor, NodeId, SpaceId, VersionId};
use hythe_space::{ChangeSet, Operation, Part, Write};
use hythe_wire::ByteVec;
use hythe_wire::history::{Action, FieldState, HistoryEntry, TrashEntry};

use super::access::{self, Want};
use super::apply::node_of;
use super::snapshot::snapshot_record;
use super::{Files, FilesError, Principal};
use crate::metadata::logs::{self, LogNo};
use crate::metadata::{DbError, Tx, nodes};

/// Most change sets that one page of a history is gathered from: each is read whole.
const MAX_PAGE: u32 = 100;

impl Files {
    /// What was written to a node before a position (none: up to now), newest first. A page ends
    /// with the whole of a change set; the next begins before the last entry's position.
    ///
    /// # Errors
    /// [`super::Denied`], or the database's.
    pub async fn history(
        &self,
        principal: &Principal,
        space: SpaceId,
        node: NodeId,
        before: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, FilesError> {
        self.still_valid(principal).await?;
        let principal = principal.clone();
        let read = move |tx: &mut dyn Tx| {
            let log = access::space(tx, &principal, space, Want::Read)?.no;
            let before = before.unwrap_or(Cursor(u64::MAX));
            let limit = limit.min(MAX_PAGE);
            let mut entries = Vec::new();
            for at in nodes::versions_before(tx, log, node, before, limit)? {
                entries_of(tx, log, at, node, &mut entries)?;
            }
            Ok(entries)
        };
        self.inner.database.read(read).await
    }

    /// What was deleted in a space before a position (none: up to now), latest deletion first.
    ///
    /// # Errors
    /// [`super::Denied`], or the database's.
    pub async fn trash(
        &self,
        principal: &Principal,
        space: SpaceId,
        before: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<TrashEntry>, FilesError> {
        self.still_valid(principal).await?;
        let principal = principal.clone();
        let read = move |tx: &mut dyn Tx| {
            let log = access::space(tx, &principal, space, Want::Read)?.no;
            let before = before.unwrap_or(Cursor(u64::MAX));
            let deleted = nodes::deleted_before(tx, log, before, limit.min(MAX_PAGE))?;
            let mut entries = Vec::with_capacity(deleted.len());
            for row in deleted {
                let at = row.deleted.ok_or(DbError::Shape("a deleted node"))?;
                let (entry, change_set) = read_entry(tx, log, at)?;
                entries.push(TrashEntry {
                    head: entry.head,
                    author: entry.author,
                    time_ms: change_set.header().time_ms,
                    node: snapshot_record(row)?,
                });
            }
            Ok(entries)
        };
        self.inner.database.read(read).await
    }
}

fn read_entry(
    tx: &mut dyn Tx,
    log: LogNo,
    at: Cursor,
) -> Result<(logs::Entry, ChangeSet), DbError> {
    let entry = logs::entry(tx, log, at)?.ok_or(DbError::Shape("an entry"))?;
    let before = Cursor(at.0.saturating_sub(1));
    let bytes = logs::change_sets(tx, log, before, at)?
        .pop()
        .ok_or(DbError::Shape("an entry"))?;
    let change_set = ChangeSet::decode(&bytes).map_err(|_| DbError::Shape("a change set"))?;
    Ok((entry, change_set))
}

/// Adds what the change set at `at` did to a node, its last operation first.
fn entries_of(
    tx: &mut dyn Tx,
    log: LogNo,
    at: Cursor,
    node: NodeId,
    into: &mut Vec<HistoryEntry>,
) -> Result<(), DbError> {
    let (entry, change_set) = read_entry(tx, log, at)?;
    let writes = change_set
        .writes()
        .filter(|write| node_of(write.operation) == Some(node));
    let mut writes: Vec<Write<'_>> = writes.collect();
    writes.reverse();
    for write in writes {
        let Some(done) = Done::of(write.operation) else {
            continue;
        };
        into.push(HistoryEntry {
            head: entry.head,
            author: entry.author,
            time_ms: change_set.header().time_ms,
            key_epoch: change_set.header().key_epoch,
            action: done.action,
            parent: done.parent,
            place: state(done.place, write.parts.name),
            attributes: state(done.attributes, write.parts.attributes),
            body: state(done.body, write.parts.body),
        });
    }
    Ok(())
}

fn state(version: Option<VersionId>, part: Option<Part<'_>>) -> Option<FieldState> {
    let sealed = part
        .and_then(|part| part.bytes)
        .map(|bytes| ByteVec::from(bytes.to_vec()));
    version.map(|version| FieldState { version, sealed })
}

/// What an operation did to its node, and which versions it wrote.
struct Done {
    action: Action,
    parent: Option<NodeId>,
    place: Option<VersionId>,
    attributes: Option<VersionId>,
    body: Option<VersionId>,
}

impl Done {
    fn of(operation: &Operation) -> Option<Self> {
        Some(match operation {
            Operation::Create(create) => Self {
                action: Action::Created,
                parent: Some(create.place.parent),
                place: Some(create.place_version),
                attributes: Some(create.attributes_version),
                body: create.body.as_ref().map(|body| body.version),
            },
            Operation::Update(update) => Self {
                action: Action::Updated,
                parent: update.place.map(|write| write.place.parent),
                place: update.place.map(|write| write.version),
                attributes: update.attributes.map(|write| write.version),
                body: update.body.as_ref().map(|body| body.write.version),
            },
            Operation::Delete(_) => Self {
                action: Action::Deleted,
                parent: None,
                place: None,
                attributes: None,
                body: None,
            },
            Operation::Restore(restore) => Self {
                action: Action::Restored,
                parent: Some(restore.place.parent),
                place: Some(restore.version),
                attributes: None,
                body: None,
            },
            _ => return None,
        })
    }
}
