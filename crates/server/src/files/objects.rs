//! Storing sealed objects: chunks and layout nodes, from packs or along with a commit.

use std::collections::HashSet;

use bytes::Bytes;
use hythe_content::{Object, PackBuilder, PackEntry, inspect, seal_hash};
use hythe_model::{ChunkId, SealHash};
use hythe_wire::limits::{MAX_ATTACHED_BYTES, MAX_ATTACHED_OBJECTS};

use super::FilesError;
use super::quota::{self, Payer};
use crate::blobs::{BlobError, Blobs, PackName};
use crate::metadata::chunks::{self, ChunkKind, ChunkRow, InlineChunk, Location};
use crate::metadata::logs::{self, LogNo};
use crate::metadata::{DbError, Tx, packs};

/// Attached objects below this sum stay in the database until a job moves them into a pack: one
/// sync less for a small save.
const MAX_INLINE_BYTES: usize = 64 << 10;

/// A sealed object that came with a commit.
#[derive(Debug, Clone)]
pub struct Attached {
    /// Its id.
    pub id: ChunkId,
    /// BLAKE3 of `sealed`.
    pub seal: SealHash,
    /// Its sealed bytes.
    pub sealed: Bytes,
}

/// Objects whose bytes are where they will stay (or in hand, if small), and which the database
/// does not know yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Objects {
    entries: Vec<Entry>,
    pack: Option<StoredPack>,
}

#[derive(Debug, Clone, Copy)]
struct StoredPack {
    name: PackName,
    length: u64,
}

#[derive(Debug, Clone)]
struct Entry {
    id: ChunkId,
    seal: SealHash,
    length: u32,
    object: Object,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    Pack { offset: u64 },
    Inline(Bytes),
}

/// How many objects were new, and how many were there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stored {
    /// Objects that the server did not have, or had only a damaged copy of.
    pub stored: u32,
    /// Objects that it had.
    pub known: u32,
}

impl Objects {
    /// Checks attached objects and puts them where they will be kept. A pack is on the disk when
    /// this returns.
    ///
    /// # Errors
    /// [`FilesError::Invalid`], or the blob store's.
    pub(super) async fn attach(blobs: &Blobs, attached: Vec<Attached>) -> Result<Self, FilesError> {
        let sum = sum(&attached);
        if attached.len() > MAX_ATTACHED_OBJECTS || sum > MAX_ATTACHED_BYTES {
            return Err(FilesError::invalid(
                "too much is attached to the change set",
            ));
        }
        if attached.is_empty() {
            return Ok(Self::default());
        }
        if sum < MAX_INLINE_BYTES {
            let entries = attached
                .into_iter()
                .map(inline_entry)
                .collect::<Result<_, _>>()?;
            return Ok(Self {
                entries,
                pack: None,
            });
        }
        let mut builder = PackBuilder::new();
        for object in &attached {
            if seal_hash(&object.sealed) != object.seal {
                return Err(damaged(object.id));
            }
            builder
                .push_sealed(object.id, &object.sealed)
                .map_err(|error| FilesError::invalid(error.to_string()))?;
        }
        let entries = builder.entries().to_vec();
        Ok(Self::put(blobs, entries, Bytes::from(builder.finish())).await?)
    }

    /// Whether [`Self::attach`] writes them to the disk: few bytes go into the transaction that names
    /// them.
    pub(super) fn need_a_pack(attached: &[Attached]) -> bool {
        sum(attached) >= MAX_INLINE_BYTES
    }

    /// Puts a pack that was read and found in order.
    ///
    /// # Errors
    /// The blob store's.
    pub(super) async fn put(
        blobs: &Blobs,
        entries: Vec<PackEntry>,
        pack: Bytes,
    ) -> Result<Self, BlobError> {
        let length = pack.len() as u64;
        let name = blobs.put_pack(pack).await?;
        let entries = entries
            .into_iter()
            .map(|entry| Entry {
                id: entry.id,
                seal: entry.seal,
                length: entry.length,
                object: entry.object,
                source: Source::Pack {
                    offset: u64::from(entry.offset),
                },
            })
            .collect();
        Ok(Self {
            entries,
            pack: Some(StoredPack { name, length }),
        })
    }

    /// The ids of the layout nodes among them, in order.
    pub(super) fn layout_nodes(&self) -> impl Iterator<Item = ChunkId> {
        let is_node = |entry: &&Entry| matches!(entry.object, Object::LayoutNode(_));
        self.entries.iter().filter(is_node).map(|entry| entry.id)
    }

    /// Whether some stay in the database until a job moves them.
    pub(super) fn has_small(&self) -> bool {
        self.pack.is_none() && !self.entries.is_empty()
    }

    /// What the layout nodes among them refer to.
    pub(super) fn refs(&self) -> impl Iterator<Item = ChunkId> {
        self.entries
            .iter()
            .flat_map(|entry| entry.object.refs().iter().copied())
    }

    /// Writes down where they are; one that is there already stays where it is, unless it was
    /// found bad. The caller holds the log's lock.
    ///
    /// # Errors
    /// [`Refused::Quota`](super::Refused::Quota); the database's.
    pub(super) fn record(
        &self,
        tx: &mut dyn Tx,
        log: LogNo,
        payer: Payer,
        now_ms: i64,
    ) -> Result<Stored, FilesError> {
        let forms: Vec<_> = self
            .entries
            .iter()
            .map(|entry| (entry.id, entry.seal))
            .collect();
        let found = chunks::find_forms(tx, log, &forms)?;
        let mut twice = HashSet::new();
        let (mut missing, mut bad) = (Vec::new(), Vec::new());
        for (entry, found) in self.entries.iter().zip(&found) {
            match found {
                _ if !twice.insert((entry.id, entry.seal)) => {}
                None => missing.push(entry),
                Some(row) if row.bad => bad.push(entry),
                Some(_) => {}
            }
        }
        if missing.is_empty() && bad.is_empty() {
            return Ok(self.counted(0));
        }
        if !missing.is_empty() {
            let added = missing.iter().map(|entry| u64::from(entry.length)).sum();
            quota::take(tx, log, payer, added, now_ms)?;
        }
        let pack = match self.pack {
            Some(pack) => packs::register(tx, &pack.name.0, pack.length, now_ms)?,
            None => 0,
        };
        let rows = rows(tx, log, pack, &missing)?;
        chunks::insert(tx, log, &rows)?;
        let added: i64 = rows.iter().map(|row| i64::from(row.length)).sum();
        logs::add_stored(tx, log, added)?;
        let again = self::rows(tx, log, pack, &bad)?;
        chunks::replace(tx, log, &again)?;
        for entry in &missing {
            if let Object::LayoutNode(refs) = &entry.object {
                chunks::put_refs(tx, log, entry.id, refs)?;
            }
        }
        Ok(self.counted(missing.len() + bad.len()))
    }

    fn counted(&self, stored: usize) -> Stored {
        // A pack has at most a few thousand objects.
        Stored {
            stored: stored as u32,
            known: (self.entries.len() - stored) as u32,
        }
    }
}

fn inline_entry(object: Attached) -> Result<Entry, FilesError> {
    if seal_hash(&object.sealed) != object.seal {
        return Err(damaged(object.id));
    }
    let kind = inspect(&object.sealed).map_err(|error| FilesError::invalid(error.to_string()))?;
    Ok(Entry {
        id: object.id,
        seal: object.seal,
        length: object.sealed.len() as u32,
        object: kind,
        source: Source::Inline(object.sealed),
    })
}

fn sum(attached: &[Attached]) -> usize {
    attached.iter().map(|object| object.sealed.len()).sum()
}

fn damaged(id: ChunkId) -> FilesError {
    FilesError::invalid(format!("object {id} was damaged on its way"))
}

/// The rows of objects; small ones get theirs in the table of waiting chunks on the way.
fn rows(
    tx: &mut dyn Tx,
    log: LogNo,
    pack: packs::PackNo,
    entries: &[&Entry],
) -> Result<Vec<ChunkRow>, DbError> {
    let small: Vec<InlineChunk<'_>> = entries
        .iter()
        .filter_map(|entry| match &entry.source {
            Source::Inline(sealed) => Some(InlineChunk {
                id: entry.id,
                sealed,
            }),
            Source::Pack { .. } => None,
        })
        .collect();
    let mut places = chunks::insert_inline(tx, log, &small)?.into_iter();
    entries
        .iter()
        .map(|entry| {
            let location = match entry.source {
                Source::Pack { offset } => Location::Pack { pack, offset },
                Source::Inline(_) => places.next().ok_or(DbError::Shape("a new row"))?,
            };
            let kind = match entry.object {
                Object::Chunk => ChunkKind::Data,
                Object::LayoutNode(_) => ChunkKind::Layout,
            };
            let (id, seal, length) = (entry.id, entry.seal, entry.length);
            Ok(ChunkRow {
                id,
                seal,
                length,
                location,
                kind,
                bad: false,
            })
        })
        .collect()
}
