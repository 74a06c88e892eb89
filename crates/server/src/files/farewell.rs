//! What a removed device is told last: that its account wants its local copies deleted.

use bytes::Bytes;
use hythe_model::{Cursor, DeviceId};
use hythe_space::{ChangeSet, Operation};
use hythe_wire::farewell::{Farewell, MAX_FAREWELL};
use hythe_wire::limits::MAX_LOG_PAGE;
use hythe_wire::{Message, Token};

use super::log::page;
use super::session::token_hash;
use super::{Denied, Files, FilesError, access};
use crate::metadata::{DbError, Tx, devices};

/// Most that is told, in bytes: what fits into the answer with some room.
const MAX_BYTES: usize = Farewell::MAX_BYTES / 2;

impl Files {
    /// The log of the account of a removed device, up to the change set that removed it and asked it
    /// to delete its local copies. It is told nothing of what came after.
    ///
    /// # Errors
    /// [`Denied::TokenUnknown`]; [`FilesError::NotFound`] for a device that belongs to its account
    /// still, or was not asked.
    pub async fn farewell(&self, token: &Token) -> Result<Vec<Bytes>, FilesError> {
        let hash = token_hash(token);
        let read = move |tx: &mut dyn Tx| {
            let row = devices::by_token(tx, &hash)?.ok_or(Denied::TokenUnknown)?;
            if row.removed_ms.is_none() {
                return Err(FilesError::NotFound("request"));
            }
            let log = access::account(tx, row.account)?;
            let (mut told, mut bytes) = (Vec::new(), 0);
            loop {
                let from = Cursor(told.len() as u64);
                let page = page(tx, &log, from, MAX_LOG_PAGE, MAX_BYTES as u64)?;
                if page.entries.is_empty() {
                    return Err(FilesError::NotFound("request"));
                }
                for entry in page.entries {
                    bytes += entry.change_set.len();
                    let removal = removal(&entry.change_set, row.device)?;
                    told.push(entry.change_set);
                    if told.len() > MAX_FAREWELL || bytes > MAX_BYTES {
                        return Err(FilesError::NotFound("request that can be told"));
                    }
                    match removal {
                        Some(true) => return Ok(told),
                        Some(false) => return Err(FilesError::NotFound("request")),
                        None => {}
                    }
                }
            }
        };
        self.inner.database.read(read).await
    }
}

/// Whether a change set removes a device, and asks it to delete its local copies.
fn removal(change_set: &[u8], device: DeviceId) -> Result<Option<bool>, DbError> {
    let change_set =
        ChangeSet::decode(change_set).map_err(|_| DbError::Shape("an account's change set"))?;
    let mut operations = change_set.operations().iter();
    Ok(operations.find_map(|operation| match operation {
        Operation::RemoveDevice(removed) if removed.device == device => {
            Some(removed.wipe.is_some())
        }
        _ => None,
    }))
}
