//! Moving small chunks from the database into packs.

use bytes::Bytes;
use hythe_content::PackBuilder;

use super::{Files, FilesError};
use crate::clock::now_ms;
use crate::metadata::chunks::{self, WaitingChunk};
use crate::metadata::{DbError, Tx, packs};

/// Small chunks looked at at once: with up to 64 KiB each, more than a pack takes.
const AT_ONCE: u32 = 512;

impl Files {
    /// Moves the oldest small chunks into one pack; returns how many were moved. Reads find them
    /// before and after: the rows change in the transaction that forgets the small copies, and the
    /// pack is on the disk before it.
    ///
    /// # Errors
    /// The database's or the blob store's.
    pub async fn drain_once(&self) -> Result<usize, FilesError> {
        let waiting: Vec<WaitingChunk> = self
            .inner
            .database
            .read(|tx| chunks::waiting(tx, AT_ONCE))
            .await?;
        let mut builder = PackBuilder::new();
        let mut taken = Vec::new();
        for chunk in waiting {
            if !builder.has_room(chunk.sealed.len()) {
                break;
            }
            builder
                .push_sealed(chunk.id, &chunk.sealed)
                .map_err(|_| DbError::Shape("a small chunk"))?;
            taken.push(chunk);
        }
        if taken.is_empty() {
            return Ok(0);
        }
        let offsets: Vec<u64> = builder
            .entries()
            .iter()
            .map(|e| u64::from(e.offset))
            .collect();
        let pack = Bytes::from(builder.finish());
        let length = pack.len() as u64;
        let name = self.inner.blobs.put_pack(pack).await?;
        let moved = taken.len();
        let work = move |tx: &mut dyn Tx| {
            let pack = packs::register(tx, &name.0, length, now_ms())?;
            chunks::move_into_pack(tx, &taken, pack, &offsets)
        };
        self.inner.database.write(work).await?;
        Ok(moved)
    }
}
