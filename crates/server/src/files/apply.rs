//! Writing down what a fold said.

use std::collections::HashMap;

use hythe_model::{AccountId, Head, NodeId, OperationId};
use hythe_space::{
    ChangeSet, Effects, LtHash, NodeRecord, Operation, Parts, Record, RecordKey, StateDigest,
};

use super::access::role_number;
use super::{FilesError, MAX_NOTICE_BYTES, endings, members};
use crate::metadata::logs::{self, Entry, Log, LogKind, LogNo};
use crate::metadata::nodes::{self, NodeRow, NodeWrite, Sealed};
use crate::metadata::records::{self, RecordKind};
use crate::metadata::{DbError, Tx, operations};
use crate::notify::Notice;

/// What an accepted change set led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Its position.
    pub head: Head,
    /// The state digest there; zeros for an account.
    pub digest: [u8; 32],
    /// Whether the operation had been done before, and this is what it led to then.
    pub repeated: bool,
}

/// Writes a folded change set of a space: log, records, nodes, digest, operation.
///
/// # Errors
/// The database's.
pub(super) fn write_space(
    tx: &mut dyn Tx,
    log: &mut Log,
    change_set: &ChangeSet,
    effects: &Effects,
    now_ms: i64,
) -> Result<Committed, FilesError> {
    let mut sum = match log.digest.as_slice() {
        [] => LtHash::default(),
        bytes => LtHash::from_bytes(bytes).ok_or(DbError::Shape("a state digest"))?,
    };
    sum.combine(&effects.digest);
    log.digest = sum.to_bytes();
    log.head = effects.head;
    let digest = sum.digest();
    write_records(tx, log.no, change_set, effects, now_ms)?;
    append(tx, log, change_set, digest, now_ms)?;
    members::note_changes(tx, log, &effects.changes, now_ms)?;
    endings::note(tx, log, &effects.changes)?;
    Ok(Committed {
        head: effects.head,
        digest: digest.0,
        repeated: false,
    })
}

/// Writes a change set into its log, moves the head there, and announces it.
///
/// # Errors
/// The database's.
pub(super) fn append(
    tx: &mut dyn Tx,
    log: &Log,
    change_set: &ChangeSet,
    digest: StateDigest,
    now_ms: i64,
) -> Result<(), DbError> {
    let header = change_set.header();
    let entry = Entry {
        head: log.head,
        header: change_set.hash(),
        digest: digest.0,
        author: header.author,
        received_ms: now_ms,
        length: change_set.encoded().len() as u64,
    };
    logs::append(tx, log.no, &entry, change_set.encoded())?;
    logs::set_head(tx, log.no, log.head, &log.digest, &log.state)?;
    operations::insert(tx, header.author, header.operation, log.no, log.head.cursor)?;
    tx.notify(change_notice(log, change_set));
    Ok(())
}

/// What an operation of a device led to, if it was done before.
///
/// # Errors
/// The database's; [`FilesError::Invalid`] when the id was used in another log.
pub(super) fn repeated(
    tx: &mut dyn Tx,
    log: LogNo,
    change_set: &ChangeSet,
) -> Result<Option<Committed>, FilesError> {
    let header = change_set.header();
    let operation: OperationId = header.operation;
    let Some((found, cursor)) = operations::find(tx, header.author, operation)? else {
        return Ok(None);
    };
    if found != log {
        return Err(FilesError::invalid(
            "the operation id was used in another log",
        ));
    }
    let entry = logs::entry(tx, log, cursor)?.ok_or(DbError::Shape("an entry"))?;
    Ok(Some(Committed {
        head: entry.head,
        digest: entry.digest,
        repeated: true,
    }))
}

fn change_notice(log: &Log, change_set: &ChangeSet) -> Notice {
    let encoded = change_set.encoded();
    let small = encoded.len() <= MAX_NOTICE_BYTES;
    let change_set = small.then(|| bytes::Bytes::copy_from_slice(encoded));
    match log.kind {
        LogKind::Space => Notice::Changed {
            space: hythe_model::SpaceId(log.id),
            head: log.head,
            change_set,
        },
        LogKind::Account => Notice::Account {
            account: AccountId(log.id),
            head: log.head,
            change_set,
        },
    }
}

fn write_records(
    tx: &mut dyn Tx,
    log: LogNo,
    change_set: &ChangeSet,
    effects: &Effects,
    now_ms: i64,
) -> Result<(), DbError> {
    let parts = written_parts(change_set);
    let mut created = Vec::new();
    let mut written = Vec::new();
    for change in &effects.changes {
        let Record::Node(node) = &change.new else {
            put_record(tx, log, &change.new, now_ms)?;
            continue;
        };
        let parts = parts.get(&node.node).copied().unwrap_or_default();
        if change.old.is_none() {
            created.push(new_row(node, &change.new, parts, effects.head));
        } else {
            written.push(row_write(node, &change.new, parts, effects.head));
        }
    }
    nodes::update(tx, log, &written)?;
    nodes::insert(tx, log, &created)?;
    let ids: Vec<NodeId> = written.iter().map(|write| write.node).collect();
    nodes::add_versions(tx, log, effects.head.cursor, &ids)
}

/// The last sealed parts that a change set writes to each node.
fn written_parts(change_set: &ChangeSet) -> HashMap<NodeId, Parts<'_>> {
    let mut parts: HashMap<NodeId, Parts<'_>> = HashMap::new();
    for write in change_set.writes() {
        let Some(node) = node_of(write.operation) else {
            continue;
        };
        let last = parts.entry(node).or_default();
        last.name = write.parts.name.or(last.name);
        last.attributes = write.parts.attributes.or(last.attributes);
        last.body = write.parts.body.or(last.body);
    }
    parts
}

/// The node an operation is about.
pub(super) fn node_of(operation: &Operation) -> Option<NodeId> {
    match operation {
        Operation::Create(create) => Some(create.node),
        Operation::Update(update) => Some(update.node),
        Operation::Delete(delete) => Some(delete.node),
        Operation::Restore(restore) => Some(restore.node),
        _ => None,
    }
}

fn new_row(node: &NodeRecord, record: &Record, parts: Parts<'_>, head: Head) -> NodeRow {
    let owned = |part: Option<hythe_space::Part<'_>>| Some(part?.bytes?.to_vec());
    NodeRow {
        node: node.node,
        parent: node.parent,
        tag: node.tag,
        deleted: node.deleted.map(|_| head.cursor),
        created: head.cursor,
        record: record.encode(),
        sealed: Sealed {
            name: owned(parts.name),
            attributes: owned(parts.attributes),
            body: owned(parts.body),
        },
    }
}

fn row_write<'c>(
    node: &NodeRecord,
    record: &Record,
    parts: Parts<'c>,
    head: Head,
) -> NodeWrite<'c> {
    NodeWrite {
        node: node.node,
        parent: node.parent,
        tag: node.tag,
        deleted: node.deleted.map(|_| head.cursor),
        record: record.encode(),
        name: parts.name.and_then(|part| part.bytes),
        attributes: parts.attributes.and_then(|part| part.bytes),
        body: parts.body.and_then(|part| part.bytes),
    }
}

fn put_record(tx: &mut dyn Tx, log: LogNo, record: &Record, now_ms: i64) -> Result<(), DbError> {
    let bytes = record.encode();
    match record.key() {
        RecordKey::Space => records::put(tx, log, RecordKind::Space, &[], &bytes),
        RecordKey::Epoch(epoch) => {
            records::put(tx, log, RecordKind::Epoch, &epoch.0.to_be_bytes(), &bytes)
        }
        RecordKey::Author(device) => {
            records::put(tx, log, RecordKind::Author, device.as_bytes(), &bytes)
        }
        RecordKey::Member(account) => {
            let role = match record {
                Record::Member(member) => member.role.map(role_number),
                _ => None,
            };
            records::set_member(tx, log, account, role, now_ms)?;
            records::put(tx, log, RecordKind::Member, account.as_bytes(), &bytes)
        }
        RecordKey::JoinOffer(key) => {
            records::put(tx, log, RecordKind::JoinOffer, key.as_bytes(), &bytes)
        }
        RecordKey::Node(_) => Err(DbError::Shape("a record that is no node")),
    }
}
