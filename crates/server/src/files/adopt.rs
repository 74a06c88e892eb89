//! Taking chunks over from another space: what a folder holds when it becomes a space of its own.
//!
//! Only rows are written. The sealed bytes stay where they are, and count for the space they came
//! from as long as they are there.

use std::collections::HashSet;

use hythe_model::{ChunkId, SpaceId};
use hythe_wire::limits::MAX_MISSING_CHUNKS;

use super::access::{self, Want};
use super::{Files, FilesError, LEASE, Principal, tree};
use crate::metadata::chunks::{self, ChunkKind, ChunkRow, InlineChunk, Location};
use crate::metadata::logs::LogNo;
use crate::metadata::{DbError, Tx};

/// Objects that one request may lead to through layout trees: a file of a terabyte has about this
/// many chunks.
const MAX_REACHED: usize = 1 << 20;

/// Objects whose rows are read or written in one transaction, so that none holds up the others for
/// long.
const AT_ONCE: usize = 1000;

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adopted {
    /// Indices into what was asked, ascending: the other space lacks these.
    pub missing: Vec<u32>,
    /// How long the others are kept even if nothing refers to them, in milliseconds.
    pub lease_ms: u64,
}

impl Files {
    /// Takes over objects from a space that the principal may read into one that it may upload to,
    /// with all that stored layout nodes among them refer to.
    ///
    /// # Errors
    /// [`super::Denied`], of either space; [`FilesError::Invalid`] for too many at once.
    pub async fn adopt(
        &self,
        principal: &Principal,
        space: SpaceId,
        from: SpaceId,
        objects: &[ChunkId],
    ) -> Result<Adopted, FilesError> {
        self.still_valid(principal).await?;
        if objects.len() > MAX_MISSING_CHUNKS {
            return Err(FilesError::invalid("too many chunks are asked for at once"));
        }
        let log = self.upload_log(principal, space).await?;
        self.lease(principal, log).await?;
        let (reached, missing) = self.reach(principal, from, objects).await?;
        // Leaves first: a layout node never stands without what it refers to for long.
        for ids in reached.rchunks(AT_ONCE) {
            let (principal, ids) = (principal.clone(), ids.to_vec());
            let take = move |tx: &mut dyn Tx| {
                let source = access::space(tx, &principal, from, Want::Read)?.no;
                let target = access::locked(tx, &principal, space, Want::Upload)?.no;
                take_over(tx, source, target, &ids)
            };
            self.inner.database.write(take).await?;
        }
        tree::settle(&self.inner.database, log, objects.to_vec()).await?;
        Ok(Adopted {
            missing,
            lease_ms: LEASE.as_millis() as u64,
        })
    }

    /// All objects that are to be taken over, each after what refers to it, and which of those
    /// asked for are not there.
    async fn reach(
        &self,
        principal: &Principal,
        from: SpaceId,
        objects: &[ChunkId],
    ) -> Result<(Vec<ChunkId>, Vec<u32>), FilesError> {
        let mut known: HashSet<ChunkId> = HashSet::new();
        let mut reached: Vec<ChunkId> = Vec::new();
        reached.extend(objects.iter().copied().filter(|id| known.insert(*id)));
        let mut absent: HashSet<ChunkId> = HashSet::new();
        let mut next = 0;
        while next < reached.len() {
            let ids = reached[next..reached.len().min(next + AT_ONCE)].to_vec();
            next += ids.len();
            let principal = principal.clone();
            let look = move |tx: &mut dyn Tx| {
                let log = access::space(tx, &principal, from, Want::Read)?.no;
                below(tx, log, &ids)
            };
            let (lacking, refs) = self.inner.database.read(look).await?;
            absent.extend(lacking);
            reached.extend(refs.into_iter().filter(|id| known.insert(*id)));
            if reached.len() > MAX_REACHED {
                return Err(FilesError::invalid(
                    "these objects refer to too many others",
                ));
            }
        }
        let missing = objects.iter().zip(0..);
        let missing = missing.filter(|(id, _)| absent.contains(id));
        Ok((reached, missing.map(|(_, index)| index).collect()))
    }
}

/// Which of these are not stored, and what the others refer to.
fn below(
    tx: &mut dyn Tx,
    log: LogNo,
    ids: &[ChunkId],
) -> Result<(Vec<ChunkId>, Vec<ChunkId>), FilesError> {
    let kinds = tree::stored(tx, log, ids)?;
    let (mut absent, mut refs) = (Vec::new(), Vec::new());
    for (id, kind) in ids.iter().zip(kinds) {
        match kind {
            None => absent.push(*id),
            Some(ChunkKind::Data) => {}
            Some(ChunkKind::Layout | ChunkKind::CompleteLayout) => {
                refs.extend(chunks::refs(tx, log, *id)?.unwrap_or_default());
            }
        }
    }
    Ok((absent, refs))
}

/// Gives a space the rows that another has for these objects, as far as it lacks them.
fn take_over(
    tx: &mut dyn Tx,
    source: LogNo,
    target: LogNo,
    ids: &[ChunkId],
) -> Result<(), FilesError> {
    let found = chunks::find(tx, source, ids)?;
    let held = chunks::find(tx, target, ids)?;
    let mut new = Vec::new();
    for (forms, held) in found.into_iter().zip(held) {
        let lacks = |row: &ChunkRow| !row.bad && held.iter().all(|own| own.seal != row.seal);
        new.extend(forms.into_iter().filter(lacks));
    }
    for row in &mut new {
        if row.kind != ChunkKind::Data {
            let refs = chunks::refs(tx, source, row.id)?.unwrap_or_default();
            chunks::put_refs(tx, target, row.id, &refs)?;
            // Whether it is complete here is shown here.
            row.kind = ChunkKind::Layout;
        }
        if let Location::Inline { no } = row.location {
            row.location = match copy_inline(tx, target, row.id, no)? {
                Some(copy) => copy,
                // The job has moved it into a pack since the row was read.
                None => moved_to(tx, source, row)?,
            };
        }
    }
    Ok(chunks::insert_adopted(tx, target, &new)?)
}

/// A small chunk of its own, because the other space's moves into a pack by itself; none where it has.
fn copy_inline(
    tx: &mut dyn Tx,
    target: LogNo,
    id: ChunkId,
    no: i64,
) -> Result<Option<Location>, DbError> {
    let Some(sealed) = chunks::read_inline(tx, &[no])?.pop().flatten() else {
        return Ok(None);
    };
    let small = InlineChunk {
        id,
        sealed: &sealed,
    };
    Ok(chunks::insert_inline(tx, target, &[small])?.pop())
}

/// Where a chunk is now that was small.
fn moved_to(tx: &mut dyn Tx, source: LogNo, row: &ChunkRow) -> Result<Location, DbError> {
    let now = chunks::find_forms(tx, source, &[(row.id, row.seal)])?.pop();
    match now.flatten().map(|row| row.location) {
        Some(pack @ Location::Pack { .. }) => Ok(pack),
        _ => Err(DbError::Shape("a small chunk")),
    }
}
