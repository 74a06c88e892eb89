//! The bytes of a file of an open space: any range, opened as it is sent.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use hythe_content::{
    Field, LoadError, Scratch, Span, entries_in, open_chunk, open_field, size_and_hash,
};
use hythe_model::{
    ChunkId, ChunkRef, EntryName, LayoutEntry, NodeId, NodeKind, SpaceId, Timestamp, VersionId,
};
use hythe_wire::chunk::ObjectName;

use super::super::access::Want;
use super::super::read::{ReadChunk, locate};
use super::super::{Files, FilesError, Principal};
use super::{OpenSpace, entry, past, record};
use crate::metadata::logs::LogNo;
use crate::metadata::{DbError, Tx};

/// Bytes of a file whose chunks are looked up at once: what a stream knows ahead of itself.
const WINDOW_BYTES: u64 = 16 << 20;

/// Layout nodes that a stream keeps; a range of a file goes through few.
const KEPT_NODES: usize = 64;

/// Zero bytes of a hole that are sent at once.
const ZEROS: usize = 64 << 10;

/// A file that may be read.
pub struct Content {
    /// Its name.
    pub name: EntryName,
    /// How many bytes it has.
    pub size: u64,
    /// The state of its content: equal for equal bytes of this file.
    pub version: VersionId,
    /// When it was last modified, as its device said.
    pub modified: Timestamp,
    files: Files,
    principal: Principal,
    space: SpaceId,
    log: LogNo,
    field: Bytes,
}

/// Pieces of a file, in order.
pub type ContentStream = std::pin::Pin<Box<dyn Stream<Item = Result<Bytes, FilesError>> + Send>>;

impl Files {
    /// A file of an open space, in its present state, or an older one.
    ///
    /// # Errors
    /// As [`Self::plain_node`].
    pub async fn plain_content(
        &self,
        principal: &Principal,
        space: SpaceId,
        node: NodeId,
        version: Option<VersionId>,
    ) -> Result<Content, FilesError> {
        self.still_valid(principal).await?;
        let (files, asker) = (self.clone(), principal.clone());
        let inner = Arc::clone(&self.inner);
        let read = move |tx: &mut dyn Tx| {
            let open = OpenSpace::enter(tx, &inner, &asker, space, Want::Read)?;
            let none = || FilesError::NotFound("file");
            let row = open.living(tx, node)?.ok_or_else(none)?;
            let record = record(&row)?;
            let opened = entry::open(&open.keyring, &row)?.ok_or_else(none)?;
            let body = record
                .body
                .as_ref()
                .filter(|_| record.kind == NodeKind::File);
            let body = body.ok_or_else(none)?;
            let sealed = row.sealed.body.as_deref().ok_or_else(none)?;
            let field = &body.field;
            let (version, plain) = match version {
                Some(version) if version != field.version => {
                    let past = past::find_version(tx, &open, node, version)?;
                    (version, past::body_of(&open, node, &past))
                }
                _ => {
                    let keys = open.keyring.epoch(field.epoch).ok_or_else(none)?;
                    let plain = open_field(keys, node, Field::Body, field.version, sealed);
                    (field.version, plain.ok())
                }
            };
            let plain = plain.ok_or_else(none)?;
            let (size, _) = size_and_hash(&plain).ok_or_else(none)?;
            Ok::<_, FilesError>(Content {
                name: opened.name,
                size,
                version,
                modified: opened.modified,
                files: files.clone(),
                principal: asker.clone(),
                space,
                log: open.no(),
                field: plain.into(),
            })
        };
        self.inner.database.read(read).await
    }
}

impl Content {
    /// The bytes of a range, which must lie within the file.
    pub fn stream(self, range: Range<u64>) -> ContentStream {
        let reader = Reader {
            content: self,
            left: range,
            nodes: HashMap::new(),
        };
        let windows = stream::try_unfold(reader, Reader::window);
        Box::pin(windows.flat_map(|window| match window {
            Ok(pieces) => pieces,
            Err(error) => Box::pin(stream::once(async { Err(error) })),
        }))
    }
}

/// A stream of a range.
struct Reader {
    content: Content,
    left: Range<u64>,
    nodes: HashMap<ChunkId, Bytes>,
}

impl Reader {
    /// The next pieces, and the reader after them.
    async fn window(mut self) -> Result<Option<(ContentStream, Self)>, FilesError> {
        if self.left.is_empty() {
            return Ok(None);
        }
        let end = self.left.end.min(self.left.start + WINDOW_BYTES);
        let range = self.left.start..end;
        let spans = self.spans(&range).await?;
        self.left.start = end;
        let pieces = self.pieces(spans, range).await?;
        Ok(Some((pieces, self)))
    }

    /// What the range is made of; the nodes of the layout that lead there are fetched.
    async fn spans(&mut self, range: &Range<u64>) -> Result<Vec<Span>, FilesError> {
        loop {
            let nodes = &self.nodes;
            let mut fetch = |node: &ChunkRef| match nodes.get(&node.id) {
                Some(bytes) => Ok(bytes.to_vec()),
                None => Err(node.clone()),
            };
            match entries_in(&self.content.field, range.clone(), &mut fetch) {
                Ok(spans) => return Ok(spans),
                Err(LoadError::Body(error)) => return Err(FilesError::Storage(Box::new(error))),
                Err(LoadError::Fetch(node)) => {
                    if self.nodes.len() >= KEPT_NODES {
                        self.nodes.clear();
                    }
                    let mut read = self.content.sealed(vec![node.clone()]).await?;
                    let bytes = read.next().await.unwrap_or(Err(gone()))?;
                    self.nodes.insert(node.id, bytes);
                }
            }
        }
    }

    /// Opens what runs hold, one after the other.
    async fn pieces(
        &self,
        spans: Vec<Span>,
        range: Range<u64>,
    ) -> Result<ContentStream, FilesError> {
        let chunks = spans.iter().filter_map(|span| match &span.entry {
            LayoutEntry::Chunk(chunk) => Some(chunk.clone()),
            LayoutEntry::Hole(_) => None,
        });
        let sealed = self.content.sealed(chunks.collect()).await?;
        let parts = stream::unfold(
            (spans.into_iter(), sealed),
            move |(mut spans, mut sealed)| {
                let range = range.clone();
                async move {
                    let span = spans.next()?;
                    let within = within(&span, &range);
                    let part: ContentStream = match span.entry {
                        LayoutEntry::Hole(_) => zeros(within.end - within.start),
                        LayoutEntry::Chunk(chunk) => {
                            let bytes = sealed.next().await.unwrap_or(Err(gone()));
                            Box::pin(stream::once(opened(chunk, bytes, within)))
                        }
                    };
                    Some((part, (spans, sealed)))
                }
            },
        );
        Ok(Box::pin(parts.flatten()))
    }
}

/// The part of a run that is in a range, counted from the run's beginning.
fn within(span: &Span, range: &Range<u64>) -> Range<u64> {
    let end = span.offset + span.entry.length();
    let (from, to) = (range.start.max(span.offset), range.end.min(end));
    from - span.offset..to.max(from) - span.offset
}

fn zeros(length: u64) -> ContentStream {
    static PIECE: [u8; ZEROS] = [0; ZEROS];
    let lengths = std::iter::successors(Some(length), |left| left.checked_sub(ZEROS as u64));
    let pieces = lengths.map(|left| {
        let length = usize::try_from(left).unwrap_or(ZEROS).min(ZEROS);
        Ok(Bytes::from_static(&PIECE[..length]))
    });
    Box::pin(stream::iter(pieces))
}

/// Opens a chunk where work may take its time.
async fn opened(
    chunk: ChunkRef,
    sealed: Result<Bytes, FilesError>,
    within: Range<u64>,
) -> Result<Bytes, FilesError> {
    let sealed = sealed?;
    let open = move || open_chunk(&chunk, &sealed, &mut Scratch::default());
    let plain = tokio::task::spawn_blocking(open).await;
    let plain = plain.map_err(|_| DbError::Closed)?;
    let plain = Bytes::from(plain.map_err(|error| FilesError::Storage(Box::new(error)))?);
    let at = |offset: u64| {
        usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(plain.len())
    };
    Ok(plain.slice(at(within.start)..at(within.end)))
}

fn gone() -> FilesError {
    FilesError::NotFound("chunk of the file")
}

impl Content {
    /// The sealed bytes of objects, in order.
    async fn sealed(&self, chunks: Vec<ChunkRef>) -> Result<ContentStream, FilesError> {
        let names: Vec<_> = chunks
            .iter()
            .map(|chunk| ObjectName {
                id: chunk.id,
                seal: chunk.seal,
            })
            .collect();
        let log = self.log;
        let find = move |tx: &mut dyn Tx| locate(tx, log, &names);
        let wanted = self.files.inner.database.read(find).await?;
        let (files, principal, space) = (self.files.clone(), self.principal.clone(), self.space);
        let check = move || {
            let (files, principal) = (files.clone(), principal.clone());
            async move { files.may_read(&principal, space).await }
        };
        let read = self.files.send_runs(log, wanted, check);
        Ok(Box::pin(read.map(|chunk| match chunk? {
            ReadChunk::Sealed { bytes, .. } => Ok(bytes),
            ReadChunk::Missing { .. } | ReadChunk::Damaged { .. } => Err(gone()),
        })))
    }
}
