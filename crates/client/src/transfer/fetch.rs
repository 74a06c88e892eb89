//! Batches of chunks from the server, each checked and opened on the pool.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{FuturesUnordered, StreamExt};
use hythe_content::{Scratch, open_chunk};
use hythe_model::{ChunkId, ChunkRef};

use super::progress::Progress;
use super::{Transfer, TransferError};
use crate::net::{ReadChunk, object_name};
use crate::pool::Pending;

/// Sealed bytes of one request.
const BATCH_BYTES: u64 = 4 << 20;
/// Objects of one request; more small ones would make its first answer wait too long.
const BATCH_OBJECTS: usize = 2048;
/// Sealed bytes that are opened in one piece of work.
const JOB_BYTES: usize = 512 << 10;
const JOB_OBJECTS: usize = 64;
/// Pieces of work that one request may have on the pool.
const JOBS: usize = 4;

/// Requests under way at a time.
pub(super) const REQUESTS: usize = 3;

/// A chunk that is wanted at some place, given by the caller's own index.
pub(super) struct Wanted {
    pub(super) place: usize,
    pub(super) chunk: ChunkRef,
}

/// What the caller makes of an opened chunk, on the pool, given the place it is wanted at.
pub(super) type Use<T> = Arc<dyn Fn(usize, &[u8]) -> T + Send + Sync>;

/// What became of each wanted chunk, by its place.
pub(super) type Fetched<T> = Vec<(usize, Result<T, TransferError>)>;

/// Takes the next batch off the front of what is wanted.
pub(super) fn next_batch(
    wanted: &mut std::iter::Peekable<impl Iterator<Item = Wanted>>,
) -> Vec<Wanted> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while let Some(next) =
        wanted.next_if(|_| batch.is_empty() || (bytes < BATCH_BYTES && batch.len() < BATCH_OBJECTS))
    {
        bytes += u64::from(next.chunk.sealed_length);
        batch.push(next);
    }
    batch
}

/// Fetches a batch. A chunk that is wanted at several places is fetched once.
pub(super) async fn fetch<T: Send + 'static>(
    transfer: &Transfer,
    batch: Vec<Wanted>,
    each: &Use<T>,
    progress: &Progress,
) -> Result<Fetched<T>, TransferError> {
    let targets = Targets::of(batch);
    let names = targets
        .chunks
        .iter()
        .map(|(chunk, _)| object_name(chunk))
        .collect();
    let mut reader = transfer.api.read_chunks(transfer.space, names).await?;
    let mut fetched = Vec::new();
    let mut opening: FuturesUnordered<Pending<Fetched<T>>> = FuturesUnordered::new();
    let mut job = Job::default();
    loop {
        let answer = reader.next().await?;
        let ended = answer.is_none();
        if let Some((index, answer)) = answer {
            let (chunk, places) = &targets.chunks[index];
            match answer {
                ReadChunk::Sealed(bytes) => {
                    progress.transferred(bytes.len() as u64);
                    job.add(chunk.clone(), places.clone(), bytes);
                }
                ReadChunk::Missing => fetched.extend(fail(places, chunk.id, missing)),
                ReadChunk::Damaged => fetched.extend(fail(places, chunk.id, damaged)),
            }
        }
        if job.is_full() || (ended && !job.objects.is_empty()) {
            let (job, each) = (std::mem::take(&mut job), Arc::clone(each));
            opening.push(
                transfer
                    .pool
                    .submit(move |scratch| job.open(&each, scratch))
                    .await,
            );
        }
        while opening.len() >= JOBS || (ended && !opening.is_empty()) {
            let Some(opened) = opening.next().await else {
                break;
            };
            fetched.extend(opened?);
        }
        if ended {
            return Ok(fetched);
        }
    }
}

/// The chunks of a batch, each once, with the places where they are wanted.
struct Targets {
    chunks: Vec<(ChunkRef, Vec<usize>)>,
}

impl Targets {
    fn of(batch: Vec<Wanted>) -> Self {
        let mut index_of: HashMap<ChunkId, usize> = HashMap::with_capacity(batch.len());
        let mut chunks: Vec<(ChunkRef, Vec<usize>)> = Vec::with_capacity(batch.len());
        for Wanted { place, chunk } in batch {
            match index_of.get(&chunk.id) {
                // Equal ids have equal content, but a layout could lie about the rest.
                Some(index) if chunks[*index].0 == chunk => chunks[*index].1.push(place),
                Some(_) => chunks.push((chunk, vec![place])),
                None => {
                    index_of.insert(chunk.id, chunks.len());
                    chunks.push((chunk, vec![place]));
                }
            }
        }
        Self { chunks }
    }
}

/// Sealed chunks that are opened together.
#[derive(Default)]
struct Job {
    objects: Vec<(ChunkRef, Vec<usize>, Bytes)>,
    bytes: usize,
}

impl Job {
    fn add(&mut self, chunk: ChunkRef, places: Vec<usize>, bytes: Bytes) {
        self.bytes += bytes.len();
        self.objects.push((chunk, places, bytes));
    }

    fn is_full(&self) -> bool {
        self.bytes >= JOB_BYTES || self.objects.len() >= JOB_OBJECTS
    }

    fn open<T>(self, each: &Use<T>, scratch: &mut Scratch) -> Fetched<T> {
        let mut done = Vec::with_capacity(self.objects.len());
        for (chunk, places, sealed) in self.objects {
            match open_chunk(&chunk, &sealed, scratch) {
                Ok(plain) => {
                    done.extend(
                        places
                            .into_iter()
                            .map(|place| (place, Ok(each(place, &plain)))),
                    );
                }
                Err(error) => {
                    tracing::warn!(chunk = %chunk.id, %error, "a chunk from the server is damaged");
                    done.extend(fail(&places, chunk.id, damaged));
                }
            }
        }
        done
    }
}

fn fail<T>(
    places: &[usize],
    chunk: ChunkId,
    error: fn(ChunkId) -> TransferError,
) -> impl Iterator<Item = (usize, Result<T, TransferError>)> {
    places.iter().map(move |place| (*place, Err(error(chunk))))
}

pub(super) fn missing(chunk: ChunkId) -> TransferError {
    TransferError::Missing { chunk }
}

pub(super) fn damaged(chunk: ChunkId) -> TransferError {
    TransferError::Damaged { chunk }
}
