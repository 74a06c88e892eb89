//! Chunks of a file to sealed chunks, on the pool.

use std::collections::HashMap;
use std::sync::Arc;

use hythe_content::{
    ChunkLengthError, ChunkName, Scratch, SealedChunk, SpaceKeys, name_chunk, seal_named_chunk,
};
use hythe_model::{ChunkId, ChunkRef, Layout, LayoutEntry};

use super::cut::Span;

/// The chunks of a previous version: they are on the server, and nothing about them is sent again.
#[derive(Default, Clone)]
pub struct KnownChunks(Arc<HashMap<ChunkId, ChunkRef>>);

/// What became of one chunk of a file, at an offset of it.
pub enum SealedSpan {
    /// It is on the server already.
    Known(u64, ChunkRef),
    /// It may have to be sent.
    New(u64, SealedChunk),
}

impl KnownChunks {
    /// The chunks of a layout.
    pub fn of(layout: Option<&Layout>) -> Self {
        let entries = layout.map_or(&[][..], |layout| &layout.entries);
        let chunks = entries.iter().filter_map(|entry| match entry {
            LayoutEntry::Chunk(chunk) => Some((chunk.id, chunk.clone())),
            LayoutEntry::Hole(_) => None,
        });
        Self(Arc::new(chunks.collect()))
    }

    fn get(&self, name: &ChunkName, length: usize) -> Option<ChunkRef> {
        let chunk = self.0.get(&name.id)?;
        (chunk.length as usize == length).then(|| chunk.clone())
    }
}

/// Names each chunk, and compresses and seals it unless it is known.
pub fn seal_spans(
    keys: &SpaceKeys,
    known: &KnownChunks,
    spans: Vec<Span>,
    scratch: &mut Scratch,
) -> Result<Vec<SealedSpan>, ChunkLengthError> {
    let mut joined = Vec::new();
    spans
        .iter()
        .map(|span| seal_span(keys, known, span, &mut joined, scratch))
        .collect()
}

fn seal_span(
    keys: &SpaceKeys,
    known: &KnownChunks,
    span: &Span,
    joined: &mut Vec<u8>,
    scratch: &mut Scratch,
) -> Result<SealedSpan, ChunkLengthError> {
    let plain = span.plain(joined);
    let name = name_chunk(keys, plain);
    if let Some(chunk) = known.get(&name, plain.len()) {
        return Ok(SealedSpan::Known(span.offset, chunk));
    }
    let mut bytes = Vec::new();
    let chunk = seal_named_chunk(&name, plain, scratch, &mut bytes)?;
    Ok(SealedSpan::New(span.offset, SealedChunk { chunk, bytes }))
}
