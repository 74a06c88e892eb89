//! What was: the history of a node, and what was deleted in a space.

use hythe_model::{Cursor, DeviceId, Head, NodeId, SpaceId, VersionId};
use hythe_space::{Behalf, ChangeSet, Operation, Part, Write};
use hythe_wire::ByteVec;
use hythe_wire::history::{Action, FieldState, HistoryEntry, OnBehalf, TrashEntry};

use super::access::{self, Want};
use super::apply::node_of;
use super::snapshot::snapshot_record;
use super::{Files, FilesError, Principal};
use crate::metadata::logs::{self, LogNo};
use crate::metadata::{DbError, Tx, nodes};

/// Most change sets that one page of a history is gathered from: each is read whole.
const MAX_PAGE: u32 = 100;

/// Bytes of change sets read for one page, unless the first alone is longer.
const MAX_PAGE_BYTES: u64 = 32 << 20;

impl Files {
    /// What was written to a node before a position (none: up to now), newest first. A page ends
    /// with the whole of a change set; the next begins before the last entry's position, and the
    /// page after the last is empty.
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
            page(tx, log, node, before, limit, &mut entries)?;
            Ok(entries)
        };
        self.inner.database.read(read).await
    }

    /// What was deleted in a space, the last deleted first: the page after a place (none: the
    /// first page).
    ///
    /// # Errors
    /// [`super::Denied`], or the database's.
    pub async fn trash_page(
        &self,
        principal: &Principal,
        space: SpaceId,
        after: Option<TrashPlace>,
        limit: u32,
    ) -> Result<TrashPage, FilesError> {
        self.still_valid(principal).await?;
        let principal = principal.clone();
        let read = move |tx: &mut dyn Tx| {
            let log = access::space(tx, &principal, space, Want::Read)?.no;
            let after = after.map(|place| (place.cursor, place.node));
            let deleted = nodes::deleted_after(tx, log, after, limit.min(MAX_PAGE))?;
            let mut page = TrashPage {
                entries: Vec::with_capacity(deleted.len()),
                next: None,
            };
            let mut deletions = Deletions::default();
            for row in deleted {
                let cursor = row.deleted.ok_or(DbError::Shape("a deleted node"))?;
                page.next = Some(TrashPlace {
                    cursor,
                    node: row.node,
                });
                let (head, author, time_ms) = deletions.find(tx, log, cursor)?;
                let node = snapshot_record(row)?;
                page.entries.push(TrashEntry {
                    head,
                    author,
                    time_ms,
                    node,
                });
            }
            Ok(page)
        };
        self.inner.database.read(read).await
    }
}

/// A place in the trash of a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrashPlace {
    /// The position of the change set that deleted the node.
    pub cursor: Cursor,
    /// The node.
    pub node: NodeId,
}

/// Some of what was deleted.
pub struct TrashPage {
    /// The deleted nodes.
    pub entries: Vec<TrashEntry>,
    /// Where the next page begins; none when this one is empty, and so the last.
    pub next: Option<TrashPlace>,
}

/// Who deleted and when, read once for all that one change set deleted.
#[derive(Default)]
struct Deletions(Option<(Head, DeviceId, i64)>);

impl Deletions {
    fn find(
        &mut self,
        tx: &mut dyn Tx,
        log: LogNo,
        at: Cursor,
    ) -> Result<(Head, DeviceId, i64), DbError> {
        if let Some(known) = self.0.filter(|(head, ..)| head.cursor == at) {
            return Ok(known);
        }
        let (entry, change_set) = read_entry(tx, log, at)?;
        let found = (entry.head, entry.author, change_set.header().time_ms);
        Ok(*self.0.insert(found))
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

/// What was written to a node before a position, newest first, with as many change sets as `limit` says;
/// returns where the next page begins, none where there is none.
///
/// # Errors
/// The database's, here and below.
pub(super) fn page(
    tx: &mut dyn Tx,
    log: LogNo,
    node: NodeId,
    before: Cursor,
    limit: u32,
    into: &mut Vec<HistoryEntry>,
) -> Result<Option<Cursor>, DbError> {
    let (mut bytes, mut last) = (0, None);
    for at in nodes::versions_before(tx, log, node, before, limit)? {
        bytes += entries_of(tx, log, at, node, into)?;
        last = Some(at);
        if bytes >= MAX_PAGE_BYTES {
            break;
        }
    }
    Ok(last)
}

/// Who signed a change set, when, and on whose behalf.
pub(super) fn signed(
    tx: &mut dyn Tx,
    log: LogNo,
    at: Cursor,
) -> Result<(DeviceId, i64, Option<OnBehalf>), DbError> {
    let (entry, change_set) = read_entry(tx, log, at)?;
    let header = change_set.header();
    Ok((entry.author, header.time_ms, header.behalf.map(on_behalf)))
}

/// Adds what the change set at `at` did to a node, its last operation first; returns how long the
/// change set is.
fn entries_of(
    tx: &mut dyn Tx,
    log: LogNo,
    at: Cursor,
    node: NodeId,
    into: &mut Vec<HistoryEntry>,
) -> Result<u64, DbError> {
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
            behalf: change_set.header().behalf.map(on_behalf),
        });
    }
    Ok(entry.length)
}

fn on_behalf(behalf: Behalf) -> OnBehalf {
    OnBehalf {
        account: behalf.account,
        session: behalf.session,
    }
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
