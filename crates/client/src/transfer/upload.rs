//! A large file to the server: read, cut, seal, send, in stages that run at the same time.
//!
//! ```text
//! cells (read, cut candidates, hash: pool) → spans (cuts) → sealed (pool) → outbox → layout
//! ```
//!
//! The stages are joined by channels of one place each, so the slowest sets the pace and memory
//! stays bounded: some cells being read, some being sealed, and what the outbox may hold.

use std::sync::Arc;

use hythe_content::{ChunkLengthError, class_for};
use hythe_model::{Chunker, ContentHash, Layout, LayoutEntry};
use tokio::sync::mpsc;

use super::cells::{Cell, CellPlan};
use super::cut::{Cuts, Span};
use super::files::SourceFile;
use super::kept::Kept;
use super::outbox::{Outbox, SealedObject};
use super::prepared::entries_with_holes;
use super::progress::Progress;
use super::seal::{KnownChunks, SealedSpan, seal_spans};
use super::whole_hash::WholeHash;
use super::{Transfer, TransferError};
use crate::pool::Ordered;

/// Cells that are sealed, or wait for their turn to be sent, at a time.
const SEALING_AHEAD: usize = 2;

/// Gets the content of one file, whatever its size, into the outbox and gives the layout of it.
pub(super) async fn send_content(
    transfer: &Transfer,
    source: Arc<dyn SourceFile>,
    previous: Option<&Layout>,
    progress: &Progress,
    outbox: &mut Outbox,
) -> Result<Layout, TransferError> {
    let size = source.size();
    let kept = keep(transfer, &source, previous).await?;
    let chunker = kept.chunker(previous.map_or(Chunker::Keyed, |layout| layout.chunker));
    let class = class_for(size, previous.map(|layout| layout.class));
    let ranges = kept.ranges();
    let plan = CellPlan::new(
        size,
        source.extents().map_err(TransferError::Local)?,
        &ranges,
    );
    let cuts = Cuts::new(&transfer.keys, chunker, class);
    let known = KnownChunks::of(previous);

    let (spans_in, spans_out) = mpsc::channel(1);
    let (sealed_in, sealed_out) = mpsc::channel(1);
    let (hash, (), chunks) = tokio::try_join!(
        read_cells(transfer, plan, source, cuts, spans_in),
        seal_cells(transfer, known, spans_out, sealed_in),
        collect(sealed_out, outbox, progress),
    )?;
    let entries = entries_with_holes(size, kept.among(chunks));
    progress.did(ranges.iter().map(|range| range.end - range.start).sum());
    Ok(Layout {
        size,
        chunker,
        class,
        hash,
        entries: entries.into(),
    })
}

/// Finds what the version before has of the file, where it was written under other keys.
async fn keep(
    transfer: &Transfer,
    source: &Arc<dyn SourceFile>,
    previous: Option<&Layout>,
) -> Result<Kept, TransferError> {
    let (keys, source) = (Arc::clone(&transfer.keys), Arc::clone(source));
    let previous = previous.cloned();
    let looking = transfer
        .pool
        .run(move |_| Kept::of(&keys, source.as_ref(), previous.as_ref()));
    looking.await?.map_err(TransferError::Local)
}

/// Reads cells ahead and turns them, in order, into spans.
async fn read_cells(
    transfer: &Transfer,
    mut plan: CellPlan,
    source: Arc<dyn SourceFile>,
    mut cuts: Cuts,
    spans: mpsc::Sender<Vec<Span>>,
) -> Result<Option<ContentHash>, TransferError> {
    let ahead = transfer.pool.threads() + 1;
    let mut reading: Ordered<std::io::Result<Cell>> = Ordered::new(&transfer.pool);
    let mut hash = WholeHash::default();
    loop {
        while reading.len() < ahead {
            let Some(task) = plan.next() else { break };
            let (source, cutter) = (Arc::clone(&source), cuts.cutter());
            reading
                .push(move |_| task.read(source.as_ref(), &cutter))
                .await;
        }
        let Some(cell) = reading.next().await else {
            break;
        };
        let cell = cell?.map_err(TransferError::Local)?;
        if let Some(cell_hash) = cell.hash {
            hash.push(cell_hash);
        }
        let ready: Vec<Span> = cell
            .runs
            .into_iter()
            .filter(|run| !run.kept)
            .flat_map(|run| cuts.push(run))
            .collect();
        if !ready.is_empty() && spans.send(ready).await.is_err() {
            // The next stage ended; its error is the one to report.
            break;
        }
    }
    Ok(hash.finish())
}

/// Seals spans on the pool and passes them on in order.
async fn seal_cells(
    transfer: &Transfer,
    known: KnownChunks,
    mut spans: mpsc::Receiver<Vec<Span>>,
    sealed: mpsc::Sender<Vec<SealedSpan>>,
) -> Result<(), TransferError> {
    let mut sealing: Ordered<Result<Vec<SealedSpan>, ChunkLengthError>> =
        Ordered::new(&transfer.pool);
    let mut open = true;
    while open || !sealing.is_empty() {
        tokio::select! {
            ready = spans.recv(), if open && sealing.len() < SEALING_AHEAD => match ready {
                Some(ready) => {
                    let (keys, known) = (Arc::clone(&transfer.keys), known.clone());
                    sealing.push(move |scratch| seal_spans(&keys, &known, ready, scratch)).await;
                }
                None => open = false,
            },
            Some(done) = sealing.next(), if !sealing.is_empty() => {
                if sealed.send(done??).await.is_err() {
                    break;
                }
            }
        }
    }
    Ok(())
}

/// Puts new chunks into the outbox, keeps its requests going, and collects what the layout needs.
async fn collect(
    mut sealed: mpsc::Receiver<Vec<SealedSpan>>,
    outbox: &mut Outbox,
    progress: &Progress,
) -> Result<Vec<(u64, LayoutEntry)>, TransferError> {
    let mut chunks = Vec::new();
    loop {
        let spans = tokio::select! {
            spans = sealed.recv() => spans,
            done = outbox.advance(), if outbox.is_busy() => {
                done?;
                continue;
            }
        };
        let Some(spans) = spans else {
            return Ok(chunks);
        };
        for span in spans {
            let (offset, chunk) = match span {
                SealedSpan::Known(offset, chunk) => (offset, chunk),
                SealedSpan::New(offset, sealed) => {
                    let chunk = sealed.chunk.clone();
                    outbox.offer(SealedObject::Chunk(sealed)).await?;
                    (offset, chunk)
                }
            };
            progress.did(u64::from(chunk.length));
            chunks.push((offset, LayoutEntry::Chunk(chunk)));
        }
    }
}
