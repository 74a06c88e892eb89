//! Many files to the server at once: small ones together, each in one piece of work; large ones as
//! streams.

use std::sync::Arc;

use hythe_content::{Scratch, SpaceKeys, class_for, store_body};
use hythe_model::{Body, Chunker, Layout, LayoutEntry};

use super::cells::CellPlan;
use super::cut::Cuts;
use super::files::SourceFile;
use super::kept::Kept;
use super::outbox::{Outbox, SealedObject};
use super::prepared::{Prepared, entries_with_holes, store_layout};
use super::progress::Progress;
use super::reserve::{Reserved, reserve};
use super::seal::{KnownChunks, SealedSpan, seal_spans};
use super::upload::send_content;
use super::whole_hash::WholeHash;
use super::{Transfer, TransferError};
use crate::pool::Ordered;

/// Up to this size a file is read, cut and sealed in one piece of work.
const SMALL_BYTES: u64 = 1 << 20;
/// How much is put into one piece of work, so that a core is not handed 4 KiB at a time.
const JOB_BYTES: u64 = 1 << 20;
const JOB_FILES: usize = 64;

/// One file to be uploaded.
pub struct Upload<K> {
    /// How the caller calls it.
    pub key: K,
    /// The file.
    pub source: Arc<dyn SourceFile>,
    /// The layout of the version this one replaces: its chunks are neither asked about nor sent.
    pub previous: Option<Layout>,
    /// What it was found to need when there was no room for it: it is not measured again.
    pub need: Option<u64>,
}

/// Files that were uploaded.
pub struct Uploaded<K> {
    /// What became of each, in no particular order. Only what concerns the one file is an error
    /// here.
    pub files: Vec<(K, Result<Prepared, TransferError>)>,
    /// What the commit has to carry. An object too many does no harm.
    pub attached: Vec<SealedObject>,
}

/// Uploads files, in bounded memory whatever their number and sizes. Where there is a quota, room is
/// reserved before the first byte is sent.
///
/// # Errors
/// What concerns all of them, above all [`TransferError::Api`]. Nothing refers to what was sent by
/// then; the server forgets it in time.
pub async fn upload<K: Send>(
    transfer: &Transfer,
    files: Vec<Upload<K>>,
    progress: &Arc<Progress>,
) -> Result<Uploaded<K>, TransferError> {
    let reserved = reserve(transfer, &files).await?;
    let upload = reserved.as_ref().map(Reserved::upload);
    let sent = send(
        transfer,
        files,
        progress,
        Outbox::new(transfer, progress, upload),
    )
    .await;
    if let Some(reserved) = reserved {
        reserved.end().await;
    }
    sent
}

async fn send<K: Send>(
    transfer: &Transfer,
    files: Vec<Upload<K>>,
    progress: &Arc<Progress>,
    mut outbox: Outbox,
) -> Result<Uploaded<K>, TransferError> {
    let files = fill(transfer, files, progress, &mut outbox).await?;
    Ok(Uploaded {
        files,
        attached: outbox.finish().await?,
    })
}

/// Puts the objects of files into an outbox.
pub(super) async fn fill<K: Send>(
    transfer: &Transfer,
    files: Vec<Upload<K>>,
    progress: &Progress,
    outbox: &mut Outbox,
) -> Result<Vec<(K, Result<Prepared, TransferError>)>, TransferError> {
    let (small, large): (Vec<_>, Vec<_>) = files
        .into_iter()
        .partition(|file| file.source.size() <= SMALL_BYTES);
    let mut done = upload_small(transfer, small, progress, outbox).await?;
    for file in large {
        let (source, previous) = (file.source, file.previous);
        let sent = upload_large(transfer, source, previous, progress, outbox).await;
        done.push((file.key, own_fault(sent)?));
    }
    Ok(done)
}

async fn upload_large(
    transfer: &Transfer,
    source: Arc<dyn SourceFile>,
    previous: Option<Layout>,
    progress: &Progress,
    outbox: &mut Outbox,
) -> Result<Prepared, TransferError> {
    let layout = send_content(transfer, source, previous.as_ref(), progress, outbox).await?;
    store_layout(transfer, Body::File(layout), outbox).await
}

/// Keeps what concerns one file apart from what concerns all.
fn own_fault<T>(
    result: Result<T, TransferError>,
) -> Result<Result<T, TransferError>, TransferError> {
    match result {
        Err(error @ (TransferError::Api(_) | TransferError::Pool(_))) => Err(error),
        other => Ok(other),
    }
}

/// A small file as it comes from the pool, and its new chunks.
type Small<K> = (K, Result<(Prepared, Vec<SealedObject>), TransferError>);

async fn upload_small<K: Send>(
    transfer: &Transfer,
    files: Vec<Upload<K>>,
    progress: &Progress,
    outbox: &mut Outbox,
) -> Result<Vec<(K, Result<Prepared, TransferError>)>, TransferError> {
    let mut done = Vec::with_capacity(files.len());
    let mut keys = Vec::with_capacity(files.len());
    let mut jobs = Vec::new();
    for file in files {
        keys.push(file.key);
        jobs.push((file.source, file.previous));
    }
    let mut keys = keys.into_iter();
    let mut jobs = jobs.into_iter().peekable();
    let mut sealing: Ordered<Vec<SmallResult>> = Ordered::new(&transfer.pool);
    loop {
        while sealing.len() <= transfer.pool.threads() && jobs.peek().is_some() {
            let job = next_job(&mut jobs);
            let space_keys = Arc::clone(&transfer.keys);
            sealing
                .push(move |scratch| seal_files(&space_keys, job, scratch))
                .await;
        }
        let sealed = tokio::select! {
            Some(sealed) = sealing.next(), if !sealing.is_empty() => sealed?,
            advanced = outbox.advance(), if outbox.is_busy() => {
                advanced?;
                continue;
            }
            else => return Ok(done),
        };
        for (result, key) in sealed.into_iter().zip(keys.by_ref()) {
            done.push(hand_on((key, result), progress, outbox).await?);
        }
    }
}

async fn hand_on<K>(
    (key, result): Small<K>,
    progress: &Progress,
    outbox: &mut Outbox,
) -> Result<(K, Result<Prepared, TransferError>), TransferError> {
    let (prepared, objects) = match result {
        Ok(sealed) => sealed,
        Err(error) => return Ok((key, Err(error))),
    };
    for object in objects {
        outbox.offer(object).await?;
    }
    if let Body::File(layout) = &prepared.body {
        progress.did(layout.size);
    }
    Ok((key, Ok(prepared)))
}

type SmallFile = (Arc<dyn SourceFile>, Option<Layout>);
type SmallResult = Result<(Prepared, Vec<SealedObject>), TransferError>;

fn next_job(files: &mut std::iter::Peekable<std::vec::IntoIter<SmallFile>>) -> Vec<SmallFile> {
    let (mut job, mut bytes) = (Vec::new(), 0);
    while let Some(file) =
        files.next_if(|_| job.is_empty() || (bytes < JOB_BYTES && job.len() < JOB_FILES))
    {
        bytes += file.0.size();
        job.push(file);
    }
    job
}

fn seal_files(keys: &SpaceKeys, job: Vec<SmallFile>, scratch: &mut Scratch) -> Vec<SmallResult> {
    job.into_iter()
        .map(|(source, previous)| seal_file(keys, source.as_ref(), previous.as_ref(), scratch))
        .collect()
}

/// All the work on a small file: it is one cell, and its layout is flat.
fn seal_file(
    keys: &SpaceKeys,
    source: &dyn SourceFile,
    previous: Option<&Layout>,
    scratch: &mut Scratch,
) -> SmallResult {
    let size = source.size();
    let kept = Kept::of(keys, source, previous).map_err(TransferError::Local)?;
    let chunker = kept.chunker(previous.map_or(Chunker::Keyed, |layout| layout.chunker));
    let class = class_for(size, previous.map(|layout| layout.class));
    let mut cuts = Cuts::new(keys, chunker, class);
    let cutter = cuts.cutter();
    let (mut spans, mut hash) = (Vec::new(), WholeHash::default());
    let extents = source.extents().map_err(TransferError::Local)?;
    for task in CellPlan::new(size, extents, &kept.ranges()) {
        let cell = task.read(source, &cutter).map_err(TransferError::Local)?;
        cell.hash.into_iter().for_each(|cell| hash.push(cell));
        let runs = cell.runs.into_iter().filter(|run| !run.kept);
        spans.extend(runs.flat_map(|run| cuts.push(run)));
    }
    let (mut chunks, mut objects) = (Vec::new(), Vec::new());
    for span in seal_spans(keys, &KnownChunks::of(previous), spans, scratch)? {
        let (offset, chunk) = match span {
            SealedSpan::Known(offset, chunk) => (offset, chunk),
            SealedSpan::New(offset, sealed) => {
                let chunk = sealed.chunk.clone();
                objects.push(SealedObject::Chunk(sealed));
                (offset, chunk)
            }
        };
        chunks.push((offset, LayoutEntry::Chunk(chunk)));
    }
    let entries = entries_with_holes(size, kept.among(chunks)).into();
    let body = Body::File(Layout {
        size,
        chunker,
        class,
        hash: hash.finish(),
        entries,
    });
    let mut stored = store_body(keys, &body)?;
    objects.extend(
        std::mem::take(&mut stored.nodes)
            .into_iter()
            .map(SealedObject::Node),
    );
    Ok((Prepared { body, stored }, objects))
}
