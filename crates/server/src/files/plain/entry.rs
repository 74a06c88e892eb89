//! One node, opened.

use hythe_content::{Field, load_body, open_field, read_attachment, size_and_hash};
use hythe_model::{
    Attributes, Body, ChunkRef, EntryName, NodeId, NodeKind, SpaceId, Timestamp, VersionId,
};
use hythe_space::{FieldRecord, NodeRecord};

use super::super::keyring::Keyring;
use super::record;
use crate::metadata::DbError;
use crate::metadata::nodes::NodeRow;

/// A node as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The node.
    pub node: NodeId,
    /// Its directory.
    pub parent: NodeId,
    /// What it is.
    pub kind: NodeKind,
    /// Its name.
    pub name: EntryName,
    /// When its content was last modified, as its device said.
    pub modified: Timestamp,
    /// Whether its owner may execute it.
    pub executable: bool,
    /// What it holds; none for a directory.
    pub body: Option<EntryBody>,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryBody {
    /// Bytes.
    File {
        /// How many.
        size: u64,
        /// The state of the content.
        version: VersionId,
    },
    /// The text of a symlink.
    Link(Vec<u8>),
    /// Another space that is shown here.
    Space(SpaceId),
}

/// Opens a row; none where a field of it cannot be opened, or is not what it should be: other clients
/// show no such node either.
///
/// # Errors
/// The database's.
pub(super) fn open(keyring: &Keyring, row: &NodeRow) -> Result<Option<Entry>, DbError> {
    let record = record(row)?;
    Ok(opened(keyring, row, &record))
}

fn opened(keyring: &Keyring, row: &NodeRow, record: &NodeRecord) -> Option<Entry> {
    let node = record.node;
    let field = |which, field: &FieldRecord, sealed: &Option<Vec<u8>>| {
        let keys = keyring.epoch(field.epoch)?;
        open_field(keys, node, which, field.version, sealed.as_deref()?).ok()
    };
    let name = EntryName::new(field(Field::Name, &record.place, &row.sealed.name)?).ok()?;
    if keyring.tags()?.tag(record.parent, &name) != record.tag {
        return None;
    }
    let attributes = field(
        Field::Attributes,
        &record.attributes,
        &row.sealed.attributes,
    )
    .and_then(|plain| attributes(&plain))
    .unwrap_or_default();
    let body = match &record.body {
        None => None,
        Some(body) => {
            let plain = field(Field::Body, &body.field, &row.sealed.body)?;
            Some(self::body(record.kind, body.field.version, &plain)?)
        }
    };
    Some(Entry {
        node,
        parent: record.parent,
        kind: record.kind,
        name,
        modified: attributes.modified,
        executable: attributes.executable,
        body,
    })
}

fn attributes(plain: &[u8]) -> Option<Attributes> {
    let mut decoder = minicbor::Decoder::new(plain);
    let read: Attributes = decoder.decode().ok()?;
    (decoder.position() == plain.len()).then_some(read)
}

fn body(kind: NodeKind, version: VersionId, plain: &[u8]) -> Option<EntryBody> {
    match kind {
        NodeKind::Directory => None,
        NodeKind::File => {
            let (size, _) = size_and_hash(plain)?;
            Some(EntryBody::File { size, version })
        }
        NodeKind::Attachment => read_attachment(plain).ok().map(EntryBody::Space),
        NodeKind::Symlink => {
            // The text of a link is in the field itself: there is nothing to fetch.
            let mut fetch = |_: &ChunkRef| Err(());
            match load_body(plain, &mut fetch).ok()? {
                Body::Link(target) => Some(EntryBody::Link(target.as_bytes().to_vec())),
                Body::File(_) => None,
            }
        }
    }
}
