//! A file of any size from its layout: from bytes that are on this disk where they fit, from the
//! server otherwise.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use futures::stream::{FuturesUnordered, StreamExt};
use hythe_content::is_content_of;
use hythe_model::{ChunkRef, Layout, LayoutEntry};

use super::fetch::{REQUESTS, Use, Wanted, fetch, next_batch};
use super::files::{LocalChunks, SourceFile, TargetFile};
use super::progress::Progress;
use super::{Transfer, TransferError};
use crate::pool::Ordered;

/// Bytes that are looked for on this disk in one piece of work.
const JOB_BYTES: u64 = 4 << 20;

/// A file to be filled.
pub struct Download {
    /// What it shall hold.
    pub layout: Layout,
    /// Where to write. Already as long as the layout says, so that holes stay holes.
    pub target: Arc<dyn TargetFile>,
    /// Where else its bytes may be found.
    pub local: Option<Arc<dyn LocalChunks>>,
    /// Ranges of the target that were verified before, in order: they are left alone.
    pub have: Vec<Range<u64>>,
}

/// A chunk and where it belongs in the file.
#[derive(Clone)]
struct Piece {
    offset: u64,
    chunk: ChunkRef,
}

/// Fills a file. When this returns without error, every byte of it was verified.
///
/// # Errors
/// See [`TransferError`]; what was written until then may be kept, see [`verified_ranges`].
pub async fn download_file(
    transfer: &Transfer,
    download: Download,
    progress: &Progress,
) -> Result<(), TransferError> {
    let Download {
        layout,
        target,
        local,
        have,
    } = download;
    let wanted: Vec<Piece> = pieces(&layout)
        .filter(|piece| !covers(&have, piece, progress))
        .collect();
    let wanted = match local {
        Some(local) => reuse(transfer, wanted, local, &target, progress).await?,
        None => wanted,
    };
    fetch_pieces(transfer, wanted, target, progress).await
}

/// The ranges of a file, partly written by a download that was interrupted, that hold what the
/// layout says: to be passed on as [`Download::have`]. Only what the file stores is looked at: a
/// hole was never written, so it holds nothing, even where it reads like the chunk.
///
/// # Errors
/// [`TransferError::Pool`]. What cannot be read does not hold anything.
pub async fn verified_ranges(
    transfer: &Transfer,
    layout: &Layout,
    staged: Arc<dyn SourceFile>,
) -> Result<Vec<Range<u64>>, TransferError> {
    let stored = staged.extents().unwrap_or_default();
    let there = pieces(layout).filter(|piece| is_within(&stored, &piece.range()));
    let mut jobs = jobs(there.collect()).into_iter();
    let mut checking: Ordered<Vec<Range<u64>>> = Ordered::new(&transfer.pool);
    let mut verified: Vec<Range<u64>> = Vec::new();
    loop {
        while checking.len() <= transfer.pool.threads() {
            let Some(job) = jobs.next() else { break };
            let staged = Arc::clone(&staged);
            checking
                .push(move |_| check_job(&job, staged.as_ref()))
                .await;
        }
        let Some(ranges) = checking.next().await else {
            return Ok(verified);
        };
        for range in ranges? {
            match verified.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => verified.push(range),
            }
        }
    }
}

fn check_job(job: &[Piece], staged: &dyn SourceFile) -> Vec<Range<u64>> {
    let mut plain = Vec::new();
    job.iter()
        .filter(|piece| piece.is_at_its_place(staged, &mut plain))
        .map(Piece::range)
        .collect()
}

impl Piece {
    fn range(&self) -> Range<u64> {
        self.offset..self.offset + u64::from(self.chunk.length)
    }

    fn is_at_its_place(&self, staged: &dyn SourceFile, plain: &mut Vec<u8>) -> bool {
        plain.resize(self.chunk.length as usize, 0);
        staged.read_exact_at(plain, self.offset).is_ok() && is_content_of(&self.chunk, plain)
    }

    /// Writes the chunk if it is found on this disk.
    fn copy(
        &self,
        local: &dyn LocalChunks,
        target: &dyn TargetFile,
        buffer: &mut Vec<u8>,
    ) -> io::Result<bool> {
        let found = local.read_chunk(&self.chunk, buffer) && is_content_of(&self.chunk, buffer);
        if found {
            target.write_all_at(buffer, self.offset)?;
        }
        Ok(found)
    }
}

fn pieces(layout: &Layout) -> impl Iterator<Item = Piece> {
    let placed = layout.entries.iter().scan(0u64, |next, entry| {
        let offset = *next;
        *next = offset.saturating_add(entry.length());
        Some((offset, entry))
    });
    placed.filter_map(|(offset, entry)| match entry {
        LayoutEntry::Chunk(chunk) => Some(Piece {
            offset,
            chunk: chunk.clone(),
        }),
        LayoutEntry::Hole(_) => None,
    })
}

fn covers(have: &[Range<u64>], piece: &Piece, progress: &Progress) -> bool {
    let range = piece.range();
    let covered = is_within(have, &range);
    if covered {
        progress.did(range.end - range.start);
    }
    covered
}

/// Whether one of these ranges, which are in order, has all of this one.
fn is_within(ranges: &[Range<u64>], range: &Range<u64>) -> bool {
    let index = ranges.partition_point(|covered| covered.end < range.end);
    ranges
        .get(index)
        .is_some_and(|covered| covered.start <= range.start)
}

/// Pieces in groups that are worth a piece of work.
fn jobs(pieces: Vec<Piece>) -> Vec<Vec<Piece>> {
    let mut jobs: Vec<Vec<Piece>> = Vec::new();
    let mut bytes = JOB_BYTES;
    for piece in pieces {
        if bytes >= JOB_BYTES {
            jobs.push(Vec::new());
            bytes = 0;
        }
        bytes += u64::from(piece.chunk.length);
        if let Some(job) = jobs.last_mut() {
            job.push(piece);
        }
    }
    jobs
}

/// Writes what is found on this disk and returns what is not.
async fn reuse(
    transfer: &Transfer,
    wanted: Vec<Piece>,
    local: Arc<dyn LocalChunks>,
    target: &Arc<dyn TargetFile>,
    progress: &Progress,
) -> Result<Vec<Piece>, TransferError> {
    let mut copying: Ordered<io::Result<(u64, Vec<Piece>)>> = Ordered::new(&transfer.pool);
    let mut jobs = jobs(wanted).into_iter();
    let mut rest = Vec::new();
    loop {
        while copying.len() <= transfer.pool.threads() {
            let Some(job) = jobs.next() else { break };
            let (local, target) = (Arc::clone(&local), Arc::clone(target));
            copying
                .push(move |_| copy_job(job, local.as_ref(), target.as_ref()))
                .await;
        }
        let Some(copied) = copying.next().await else {
            return Ok(rest);
        };
        let (bytes, not_found) = copied?.map_err(TransferError::Local)?;
        progress.did(bytes);
        rest.extend(not_found);
    }
}

fn copy_job(
    job: Vec<Piece>,
    local: &dyn LocalChunks,
    target: &dyn TargetFile,
) -> io::Result<(u64, Vec<Piece>)> {
    let (mut buffer, mut bytes, mut rest) = (Vec::new(), 0, Vec::new());
    for piece in job {
        if piece.copy(local, target, &mut buffer)? {
            bytes += u64::from(piece.chunk.length);
        } else {
            rest.push(piece);
        }
    }
    Ok((bytes, rest))
}

async fn fetch_pieces(
    transfer: &Transfer,
    wanted: Vec<Piece>,
    target: Arc<dyn TargetFile>,
    progress: &Progress,
) -> Result<(), TransferError> {
    let offsets: Arc<[u64]> = wanted.iter().map(|piece| piece.offset).collect();
    let mut rest = wanted
        .into_iter()
        .enumerate()
        .map(|(place, piece)| Wanted {
            place,
            chunk: piece.chunk,
        })
        .peekable();
    let write: Use<io::Result<u64>> = Arc::new(move |place, plain| {
        target
            .write_all_at(plain, offsets[place])
            .map(|()| plain.len() as u64)
    });
    let mut fetching = FuturesUnordered::new();
    loop {
        while fetching.len() < REQUESTS && rest.peek().is_some() {
            fetching.push(fetch(transfer, next_batch(&mut rest), &write, progress));
        }
        let Some(fetched) = fetching.next().await else {
            return Ok(());
        };
        for (_, written) in fetched? {
            progress.did(written?.map_err(TransferError::Local)?);
        }
    }
}
