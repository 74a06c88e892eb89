//! Files that come in plain: cut, sealed, and made a node of an open space.
//!
//! They are cut every mebibyte (chunker 2), like everything that browsers write: parts of a file can
//! then come in any order, and be sent again (D5).

use std::sync::Arc;

use bytes::Bytes;
use hythe_content::{
    FIXED_BYTES, Field, PackBuilder, PackEntry, Scratch, SealedChunk, StoredBody,
    encode_attributes, seal_chunk, store_body,
};
use hythe_model::{
    Attributes, Body, ChunkClass, ChunkRef, Chunker, EntryName, KeyEpoch, Layout, LayoutEntry,
    NodeId, NodeKind, Timestamp,
};
use hythe_space::draft::{SealedFields, SealedNode};
use hythe_space::operation::{AttributesWrite, BodyUpdate, BodyWrite, Create, Update};

use super::super::FilesError;
use super::super::keyring::Keyring;
use super::edit::{OnTaken, Sheet};
use crate::metadata::DbError;

/// What a file is besides its bytes.
pub(super) struct Meta {
    pub(super) parent: NodeId,
    pub(super) name: EntryName,
    pub(super) modified_ms: i64,
    /// Whether a file of the name gets a new version; else the name is numbered.
    pub(super) replaces: bool,
}

/// Sealed chunks, and the pack of them.
pub(super) struct Sealed {
    pub(super) chunks: Vec<ChunkRef>,
    pub(super) entries: Vec<PackEntry>,
    pub(super) pack: Bytes,
}

/// Cuts and seals a part of a file, which begins at a cut.
///
/// # Errors
/// [`FilesError::Invalid`] where the server has no key of the epoch.
pub(super) async fn seal(
    keyring: Arc<Keyring>,
    epoch: KeyEpoch,
    plain: Bytes,
) -> Result<Sealed, FilesError> {
    let work = move || {
        let keys = keyring.epoch(epoch).ok_or_else(super::edit::keyless)?;
        let (mut pack, mut scratch) = (PackBuilder::new(), Scratch::default());
        let mut chunks = Vec::new();
        for piece in plain.chunks(FIXED_BYTES as usize) {
            let sealed = seal_chunk(keys, piece, &mut scratch);
            let sealed = sealed.map_err(|error| FilesError::invalid(error.to_string()))?;
            pack.push(&sealed);
            chunks.push(sealed.chunk);
        }
        Ok(Sealed {
            chunks,
            entries: pack.entries().to_vec(),
            pack: pack.finish().into(),
        })
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| DbError::Closed)?
}

/// As [`seal`], each chunk for itself: for what goes along with a commit.
///
/// # Errors
/// As [`seal`].
pub(super) async fn seal_small(
    keyring: Arc<Keyring>,
    epoch: KeyEpoch,
    plain: Bytes,
) -> Result<Vec<SealedChunk>, FilesError> {
    let work = move || {
        let keys = keyring.epoch(epoch).ok_or_else(super::edit::keyless)?;
        let mut scratch = Scratch::default();
        let sealed = plain
            .chunks(FIXED_BYTES as usize)
            .map(|piece| seal_chunk(keys, piece, &mut scratch));
        sealed
            .map(|one| one.map_err(|error| FilesError::invalid(error.to_string())))
            .collect()
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| DbError::Closed)?
}

/// Writes down what a file is made of.
///
/// # Errors
/// [`FilesError::Invalid`] for a file that has too many chunks.
pub(super) fn body_of(
    keyring: &Keyring,
    epoch: KeyEpoch,
    chunks: Vec<ChunkRef>,
) -> Result<StoredBody, FilesError> {
    let keys = keyring.epoch(epoch).ok_or_else(super::edit::keyless)?;
    let size = chunks.iter().map(|chunk| u64::from(chunk.length)).sum();
    let layout = Layout {
        size,
        chunker: Chunker::Fixed,
        class: ChunkClass(20),
        hash: None,
        entries: chunks.into_iter().map(LayoutEntry::Chunk).collect(),
    };
    let stored = store_body(keys, &Body::File(layout));
    stored.map_err(|error| FilesError::invalid(error.to_string()))
}

impl Sheet<'_> {
    /// Makes a file, or a new version of the one that has the name. Returns its node and name.
    ///
    /// # Errors
    /// As [`super::super::Files::plain_edit`].
    pub(super) fn write_file(
        &mut self,
        meta: &Meta,
        size: u64,
        stored: &StoredBody,
    ) -> Result<(NodeId, EntryName), FilesError> {
        if meta.replaces
            && let Some(node) = self.file_at(meta.parent, &meta.name)?
        {
            self.replace(node, meta, size, stored)?;
            return Ok((node, meta.name.clone()));
        }
        let (name, place) = self.place(meta.parent, &meta.name, OnTaken::Number)?;
        let (node, version) = (self.fresh_node(), self.version());
        let attributes = encode_attributes(attributes(meta.modified_ms, false));
        let sealed = SealedNode {
            name: self.seal(node, Field::Name, version, name.as_bytes())?,
            attributes: self.seal(node, Field::Attributes, version, &attributes)?,
            body: Some(self.seal(node, Field::Body, version, &stored.field)?),
        };
        let create = Create {
            node,
            kind: NodeKind::File,
            place,
            place_version: version,
            attributes_version: version,
            body: Some(BodyWrite {
                version,
                size,
                tree: stored.tree,
                refs: stored.refs.clone(),
            }),
        };
        self.draft.create(create, sealed);
        Ok((node, name))
    }

    fn replace(
        &mut self,
        node: NodeId,
        meta: &Meta,
        size: u64,
        stored: &StoredBody,
    ) -> Result<(), FilesError> {
        let (row, record) = self.living(node)?;
        let before = self.entry(&row)?;
        let body = record.body.ok_or(FilesError::NotFound("file"))?;
        let version = self.version();
        let attributes = encode_attributes(attributes(meta.modified_ms, before.executable));
        let sealed = SealedFields {
            name: None,
            attributes: Some(self.seal(node, Field::Attributes, version, &attributes)?),
            body: Some(self.seal(node, Field::Body, version, &stored.field)?),
        };
        let update = Update {
            node,
            place: None,
            attributes: Some(AttributesWrite {
                expected: record.attributes.version,
                version,
            }),
            body: Some(BodyUpdate {
                expected: body.field.version,
                write: BodyWrite {
                    version,
                    size,
                    tree: stored.tree,
                    refs: stored.refs.clone(),
                },
            }),
        };
        self.draft.update(update, sealed);
        Ok(())
    }
}

fn attributes(modified_ms: i64, executable: bool) -> Attributes {
    let nanos = modified_ms.rem_euclid(1000) * 1_000_000;
    Attributes {
        executable,
        modified: Timestamp {
            seconds: modified_ms.div_euclid(1000),
            nanos: u32::try_from(nanos).unwrap_or(0),
        },
    }
}
