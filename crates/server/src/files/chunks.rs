//! Which objects are missing, and storing packs of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hythe_content::{PackEntry, read_pack};
use hythe_model::{ChunkId, DeviceId, SealHash, SpaceId, UploadId};
use hythe_wire::chunk::ObjectName;
use hythe_wire::limits::{MAX_MISSING_CHUNKS, MAX_PACK_BYTES};

use super::access::{self, Want};
use super::objects::{Objects, Stored};
use super::quota::{self, Payer};
use super::{Files, FilesError, LEASE, Principal, tree};
use crate::clock::now_ms;
use crate::metadata::logs::LogNo;
use crate::metadata::{DbError, Tx, chunks};

/// Which of the objects asked for are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Indices into what was asked, ascending: missing, or damaged and wanted again.
    pub indices: Vec<u32>,
    /// How long the others are kept even if nothing refers to them, in milliseconds.
    pub lease_ms: u64,
}

/// What became of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackStored {
    /// Objects that the server did not have, or had only a damaged copy of.
    pub stored: u32,
    /// Objects that it had.
    pub known: u32,
    /// How long they are kept even if nothing refers to them, in milliseconds.
    pub lease_ms: u64,
}

/// Leases that this process gave out: most questions need no write.
#[derive(Default)]
pub(super) struct Leases(Mutex<HashMap<(LogNo, DeviceId), i64>>);

impl Leases {
    /// Whether a lease has to be written so that half of its time is left.
    fn is_due(&self, log: LogNo, device: DeviceId, now_ms: i64) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let expires = known.get(&(log, device)).copied().unwrap_or(0);
        expires < now_ms + lease_ms() / 2
    }

    fn note(&self, log: LogNo, device: DeviceId, now_ms: i64) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, expires| *expires > now_ms);
        known.insert((log, device), now_ms + lease_ms());
    }
}

fn lease_ms() -> i64 {
    i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX)
}

impl Files {
    /// Says which objects are missing. The others stay for the time of a lease, so that the commit
    /// that follows finds them.
    ///
    /// # Errors
    /// [`super::Denied`], [`FilesError::Invalid`] for too many at once.
    pub async fn missing(
        &self,
        principal: &Principal,
        space: SpaceId,
        objects: &[ObjectName],
    ) -> Result<Missing, FilesError> {
        self.still_valid(principal).await?;
        if objects.len() > MAX_MISSING_CHUNKS {
            return Err(FilesError::invalid("too many chunks are asked for at once"));
        }
        let log = self.upload_log(principal, space).await?;
        // The lease first: what it protects must not be decided before it holds.
        self.lease(principal, log).await?;
        let forms: Vec<(ChunkId, SealHash)> = objects.iter().map(|o| (o.id, o.seal)).collect();
        let indices = self
            .inner
            .database
            .read(move |tx| missing_in(tx, log, &forms))
            .await?;
        Ok(Missing {
            indices,
            lease_ms: LEASE.as_millis() as u64,
        })
    }

    /// Stores a pack. Every object in it is on the disk when this returns. What is new of it is
    /// taken off what `upload` has reserved.
    ///
    /// # Errors
    /// [`FilesError::Invalid`] when it is not what it says; [`super::Denied`];
    /// [`Refused::Quota`](super::Refused::Quota); [`FilesError::Full`].
    pub async fn put_pack(
        &self,
        principal: &Principal,
        space: SpaceId,
        pack: Bytes,
        upload: Option<UploadId>,
    ) -> Result<PackStored, FilesError> {
        self.still_valid(principal).await?;
        if pack.len() > MAX_PACK_BYTES {
            return Err(FilesError::invalid("the pack is too large"));
        }
        let who = principal.clone();
        let find = move |tx: &mut dyn Tx| access::space(tx, &who, space, Want::Put);
        let log = self.inner.database.read(find).await?.no;
        let read = pack.clone();
        let entries = tokio::task::spawn_blocking(move || read_pack(&read)).await;
        let entries = entries.map_err(|_| DbError::Closed)?;
        let entries = entries.map_err(|error| FilesError::invalid(error.to_string()))?;
        self.lease(principal, log).await?;
        let payer = Payer::of(principal, upload);
        let stored = self
            .store(principal, space, log, entries, pack, payer)
            .await?;
        // The sender may have gone meanwhile; it must not learn that it is still let in.
        self.still_valid(principal).await?;
        let Stored { stored, known } = stored;
        Ok(PackStored {
            stored,
            known,
            lease_ms: LEASE.as_millis() as u64,
        })
    }

    /// Stores objects of a pack that was made or read here.
    ///
    /// # Errors
    /// As [`Self::put_pack`].
    pub(super) async fn store(
        &self,
        principal: &Principal,
        space: SpaceId,
        log: LogNo,
        entries: Vec<PackEntry>,
        pack: Bytes,
        payer: Payer,
    ) -> Result<Stored, FilesError> {
        let forms: Vec<(ChunkId, SealHash)> = entries.iter().map(|e| (e.id, e.seal)).collect();
        let lengths: Vec<u32> = entries.iter().map(|entry| entry.length).collect();
        let look = move |tx: &mut dyn Tx| {
            let found = chunks::find_forms(tx, log, &forms)?;
            // A pack that is refused after it was written stays on the disk for nothing.
            let new = found.iter().zip(&lengths).filter(|(row, _)| row.is_none());
            let new = new.map(|(_, length)| u64::from(*length)).sum();
            quota::look(tx, log, payer, new)?;
            Ok::<_, FilesError>(found.iter().all(|row| row.is_some_and(|row| !row.bad)))
        };
        if self.inner.database.read(look).await? {
            return Ok(Stored {
                stored: 0,
                known: entries.len() as u32,
            });
        }
        let objects = Arc::new(Objects::put(&self.inner.blobs, entries, pack).await?);
        let (principal, recorded) = (principal.clone(), Arc::clone(&objects));
        let record = move |tx: &mut dyn Tx| {
            let log = access::locked(tx, &principal, space, Want::Put)?;
            recorded.record(tx, log.no, payer, now_ms())
        };
        let stored = self.inner.database.write(record).await?;
        let nodes: Vec<ChunkId> = objects.layout_nodes().collect();
        if !nodes.is_empty() {
            tree::settle(&self.inner.database, log, nodes).await?;
        }
        Ok(stored)
    }

    pub(super) async fn upload_log(
        &self,
        principal: &Principal,
        space: SpaceId,
    ) -> Result<LogNo, FilesError> {
        let principal = principal.clone();
        let read = move |tx: &mut dyn Tx| access::space(tx, &principal, space, Want::Upload);
        Ok(self.inner.database.read(read).await?.no)
    }

    pub(super) async fn lease(&self, principal: &Principal, log: LogNo) -> Result<(), FilesError> {
        let (device, now_ms) = (principal.device(), now_ms());
        if !self.inner.leases.is_due(log, device, now_ms) {
            return Ok(());
        }
        let write =
            move |tx: &mut dyn Tx| chunks::lease(tx, log, device, now_ms, now_ms + lease_ms());
        self.inner.database.write(write).await?;
        self.inner.leases.note(log, device, now_ms);
        Ok(())
    }
}

/// The indices of forms that are not stored, or only as damaged copies.
fn missing_in(
    tx: &mut dyn Tx,
    log: LogNo,
    forms: &[(ChunkId, SealHash)],
) -> Result<Vec<u32>, DbError> {
    let found = chunks::find_forms(tx, log, forms)?;
    let missing = found
        .iter()
        .zip(0..)
        .filter(|(row, _)| row.is_none_or(|row| row.bad));
    Ok(missing.map(|(_, index)| index).collect())
}
