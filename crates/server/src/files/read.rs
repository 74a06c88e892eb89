//! Reading chunks: batched, verified, with bounded memory.

use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use hythe_content::seal_hash;
use hythe_model::{ChunkId, SealHash, SpaceId};
use hythe_wire::chunk::ObjectName;
use hythe_wire::limits::MAX_READ_CHUNKS;

use super::access::{self, Want};
use super::{Files, FilesError, Inner, Principal};
use crate::blobs::{BlobError, PackName};
use crate::metadata::chunks::{self, ChunkRow, Location};
use crate::metadata::logs::LogNo;
use crate::metadata::packs::{self, PackNo};
use crate::metadata::{DbError, Tx};

/// Bytes read from the store at once, unless a single chunk is longer: what one reader costs.
const RUN_BYTES: u64 = 4 << 20;

/// What is between two chunks of a pack and still read over instead of read anew.
const GAP_BYTES: u64 = 64 << 10;

/// Runs read ahead of the one that is being sent.
const AHEAD: usize = 2;

/// An answer for one object that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadChunk {
    /// Its sealed bytes; their hash was checked just now (D2).
    Sealed {
        /// Index into what was asked.
        index: u32,
        /// The sealed bytes.
        bytes: Bytes,
    },
    /// It is not there.
    Missing {
        /// Index into what was asked.
        index: u32,
    },
    /// It is there, and its bytes are not what was stored; "which are missing" lists it from now.
    Damaged {
        /// Index into what was asked.
        index: u32,
    },
}

/// Where one wanted object is.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    index: u32,
    id: ChunkId,
    seal: SealHash,
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    Nowhere,
    Bad,
    Inline(i64),
    Pack {
        no: PackNo,
        name: PackName,
        offset: u64,
        length: u32,
    },
}

/// Wanted objects that are read with one request to the store (or the database).
#[derive(Debug, Clone)]
struct Run {
    wanted: Vec<Wanted>,
}

impl Files {
    /// The sealed bytes of objects, in the order asked. Stops with an error as soon as the device
    /// is removed.
    ///
    /// # Errors
    /// [`super::Denied`], [`FilesError::Invalid`] for too many at once; in the stream also what
    /// the store says. A missing or damaged object is no error.
    pub async fn read_chunks(
        &self,
        principal: Principal,
        space: SpaceId,
        objects: Vec<ObjectName>,
    ) -> Result<impl Stream<Item = Result<ReadChunk, FilesError>> + Send + 'static, FilesError>
    {
        self.still_valid(&principal).await?;
        if objects.len() > MAX_READ_CHUNKS {
            return Err(FilesError::invalid("too many chunks are asked for at once"));
        }
        let asker = principal.clone();
        let find = move |tx: &mut dyn Tx| {
            let log = access::space(tx, &asker, space, Want::Read)?.no;
            Ok::<_, FilesError>((log, locate(tx, log, &objects)?))
        };
        let (log, wanted) = self.inner.database.read(find).await?;
        let files = self.clone();
        let check = move || {
            let (files, principal) = (files.clone(), principal.clone());
            async move { files.still_valid(&principal).await }
        };
        Ok(self.send_runs(log, wanted, check))
    }

    /// The bytes of objects that were found, while `check` says that they may be read.
    pub(super) fn send_runs<C, F>(
        &self,
        log: LogNo,
        wanted: Vec<Wanted>,
        check: C,
    ) -> impl Stream<Item = Result<ReadChunk, FilesError>> + Send + 'static + use<C, F>
    where
        C: Fn() -> F + Send + 'static,
        F: Future<Output = Result<(), FilesError>> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let runs = runs(wanted).into_iter().map(move |run| {
            let (inner, checked) = (Arc::clone(&inner), check());
            async move {
                checked.await?;
                inner.read_run(log, run).await
            }
        });
        let runs = stream::iter(runs).buffered(AHEAD);
        runs.flat_map(|run| {
            stream::iter(match run {
                Ok(chunks) => chunks.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            })
        })
    }
}

/// Finds where objects are.
pub(super) fn locate(
    tx: &mut dyn Tx,
    log: LogNo,
    objects: &[ObjectName],
) -> Result<Vec<Wanted>, DbError> {
    let forms: Vec<_> = objects
        .iter()
        .map(|object| (object.id, object.seal))
        .collect();
    let rows = chunks::find_forms(tx, log, &forms)?;
    let mut numbers: Vec<PackNo> = rows.iter().flatten().filter_map(pack_of).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let names = packs::names(tx, &numbers)?;
    let name_of = |no: PackNo| {
        let at = numbers.binary_search(&no).ok()?;
        names.get(at).copied().flatten().map(PackName)
    };
    let wanted = objects
        .iter()
        .zip(&rows)
        .zip(0..)
        .map(|((object, row), index)| {
            let place = match row {
                None => Place::Nowhere,
                Some(row) if row.bad => Place::Bad,
                Some(ChunkRow {
                    location: Location::Inline { no },
                    ..
                }) => Place::Inline(*no),
                Some(ChunkRow {
                    location: Location::Pack { pack, offset },
                    length,
                    ..
                }) => match name_of(*pack) {
                    Some(name) => Place::Pack {
                        no: *pack,
                        name,
                        offset: *offset,
                        length: *length,
                    },
                    None => Place::Nowhere,
                },
            };
            Wanted {
                index,
                id: object.id,
                seal: object.seal,
                place,
            }
        });
    Ok(wanted.collect())
}

fn pack_of(row: &ChunkRow) -> Option<PackNo> {
    match row.location {
        Location::Pack { pack, .. } => Some(pack),
        Location::Inline { .. } => None,
    }
}

/// Groups neighbours in the order asked: chunks of one file mostly lie side by side in a pack.
fn runs(wanted: Vec<Wanted>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for object in wanted {
        match runs.last_mut() {
            Some(run) if run.takes(&object) => run.wanted.push(object),
            _ => runs.push(Run {
                wanted: vec![object],
            }),
        }
    }
    runs
}

impl Run {
    fn takes(&self, next: &Wanted) -> bool {
        let (Some(first), Some(last)) = (self.wanted.first(), self.wanted.last()) else {
            return true;
        };
        match (&first.place, &last.place, &next.place) {
            (
                Place::Pack { offset: start, .. },
                Place::Pack {
                    name,
                    offset,
                    length,
                    ..
                },
                Place::Pack {
                    name: next_name,
                    offset: next,
                    length: more,
                    ..
                },
            ) => {
                let end = offset + u64::from(*length);
                name == next_name
                    && (end..=end + GAP_BYTES).contains(next)
                    && next + u64::from(*more) - start <= RUN_BYTES
            }
            // At most 64 KiB each and few in a batch; they come from one query.
            (Place::Inline(_), Place::Inline(_), Place::Inline(_)) => self.wanted.len() < 64,
            (Place::Nowhere | Place::Bad, _, Place::Nowhere | Place::Bad) => true,
            _ => false,
        }
    }
}

impl Inner {
    async fn read_run(
        self: &Arc<Self>,
        log: LogNo,
        run: Run,
    ) -> Result<Vec<ReadChunk>, FilesError> {
        match run.wanted.first().map(|first| first.place.clone()) {
            Some(Place::Pack { name, .. }) => self.read_pack_run(log, name, run.wanted).await,
            Some(Place::Inline(_)) => self.read_inline_run(log, run.wanted).await,
            _ => Ok(run.wanted.iter().map(answer_without_bytes).collect()),
        }
    }

    async fn read_pack_run(
        self: &Arc<Self>,
        log: LogNo,
        name: PackName,
        wanted: Vec<Wanted>,
    ) -> Result<Vec<ReadChunk>, FilesError> {
        let ranges = wanted.iter().filter_map(Wanted::range);
        let start = ranges.clone().map(|range| range.start).min().unwrap_or(0);
        let end = ranges.map(|range| range.end).max().unwrap_or(0);
        let bytes = match self.blobs.read(name, start..end).await {
            Ok(bytes) => bytes,
            // Cut off or gone: each chunk for itself, so that what is still there is found.
            Err(BlobError::Missing) if wanted.len() > 1 => {
                return self.read_one_by_one(log, name, wanted).await;
            }
            Err(BlobError::Missing) => Bytes::new(),
            Err(error) => return Err(error.into()),
        };
        let mut chunks = Vec::with_capacity(wanted.len());
        for object in wanted {
            let found = object.range().and_then(|range| {
                let at = usize::try_from(range.start - start).ok()?;
                let end = usize::try_from(range.end - start).ok()?;
                (end <= bytes.len()).then(|| bytes.slice(at..end))
            });
            chunks.push(self.verified(log, object, found).await?);
        }
        Ok(chunks)
    }

    async fn read_one_by_one(
        self: &Arc<Self>,
        log: LogNo,
        name: PackName,
        wanted: Vec<Wanted>,
    ) -> Result<Vec<ReadChunk>, FilesError> {
        let mut chunks = Vec::with_capacity(wanted.len());
        for object in wanted {
            let range = object.range().unwrap_or(0..0);
            let found = match self.blobs.read(name, range).await {
                Ok(bytes) => Some(bytes),
                Err(BlobError::Missing) => None,
                Err(error) => return Err(error.into()),
            };
            chunks.push(self.verified(log, object, found).await?);
        }
        Ok(chunks)
    }

    async fn read_inline_run(
        self: &Arc<Self>,
        log: LogNo,
        wanted: Vec<Wanted>,
    ) -> Result<Vec<ReadChunk>, FilesError> {
        let numbers = wanted.iter().filter_map(|object| match object.place {
            Place::Inline(no) => Some(no),
            _ => None,
        });
        let numbers: Vec<i64> = numbers.collect();
        let found: Vec<Option<Vec<u8>>> = self
            .database
            .read(move |tx| chunks::read_inline(tx, &numbers))
            .await?;
        let mut chunks = Vec::with_capacity(wanted.len());
        for (object, found) in wanted.into_iter().zip(found) {
            chunks.push(match found {
                Some(bytes) => self.verified(log, object, Some(bytes.into())).await?,
                // The job moved it into a pack since it was located.
                None => Box::pin(self.read_moved(log, object)).await?,
            });
        }
        Ok(chunks)
    }

    async fn read_moved(
        self: &Arc<Self>,
        log: LogNo,
        object: Wanted,
    ) -> Result<ReadChunk, FilesError> {
        let name = ObjectName {
            id: object.id,
            seal: object.seal,
        };
        let mut located: Vec<Wanted> = self
            .database
            .read(move |tx| locate(tx, log, &[name]))
            .await?;
        let Some(moved) = located.pop().map(|moved| Wanted {
            index: object.index,
            ..moved
        }) else {
            return Ok(ReadChunk::Missing {
                index: object.index,
            });
        };
        match moved.place.clone() {
            Place::Pack { name, .. } => {
                let mut read = self.read_pack_run(log, name, vec![moved]).await?;
                Ok(read.pop().unwrap_or(ReadChunk::Missing {
                    index: object.index,
                }))
            }
            _ => Ok(answer_without_bytes(&moved)),
        }
    }

    /// Compares what was read with the seal hash; marks the copy as bad where they differ.
    async fn verified(
        self: &Arc<Self>,
        log: LogNo,
        object: Wanted,
        found: Option<Bytes>,
    ) -> Result<ReadChunk, FilesError> {
        let index = object.index;
        if let Some(bytes) = found
            && seal_hash(&bytes) == object.seal
        {
            return Ok(ReadChunk::Sealed { index, bytes });
        }
        let Some(location) = object.location() else {
            return Ok(ReadChunk::Missing { index });
        };
        let id = object.id;
        tracing::error!(chunk = %id, ?location, "a stored chunk is damaged");
        self.database
            .write(move |tx| chunks::mark_bad(tx, log, id, location))
            .await?;
        Ok(ReadChunk::Damaged { index })
    }
}

impl Wanted {
    fn range(&self) -> Option<std::ops::Range<u64>> {
        match self.place {
            Place::Pack { offset, length, .. } => Some(offset..offset + u64::from(length)),
            _ => None,
        }
    }

    fn location(&self) -> Option<Location> {
        match self.place {
            Place::Pack { no, offset, .. } => Some(Location::Pack { pack: no, offset }),
            Place::Inline(no) => Some(Location::Inline { no }),
            Place::Nowhere | Place::Bad => None,
        }
    }
}

fn answer_without_bytes(object: &Wanted) -> ReadChunk {
    match object.place {
        Place::Bad => ReadChunk::Damaged {
            index: object.index,
        },
        _ => ReadChunk::Missing {
            index: object.index,
        },
    }
}
