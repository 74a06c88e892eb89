//! Room for an upload where there is a quota: reserved before its first byte is sent, so that what
//! cannot fit is known at once and leaves nothing behind (SC-105).

use std::io;
use std::sync::Arc;

use hythe_model::UploadId;
use hythe_space::Entropy;
use hythe_wire::chunk::Reserve;
use hythe_wire::limits::MAX_ATTACHED_BYTES;

use super::batch::{Upload, fill};
use super::outbox::Outbox;
use super::{Progress, Transfer, TransferError};
use crate::net::ApiError;

/// What sealing and layouts add to a file at most, beside a share of its length.
const OVERHEAD_BYTES: u64 = 4096;

/// Sealing and layouts add less than this share of a file's length: some hundred bytes for each
/// chunk, of which the smallest have tens of KiB.
const OVERHEAD_SHARE: u64 = 256;

/// Filling up, in a sealed space, adds less than this share.
const PADDED_SHARE: u64 = 8;

/// Room that is reserved for one upload.
pub(super) struct Reserved {
    transfer: Transfer,
    upload: UploadId,
}

impl Reserved {
    /// The upload it is for.
    pub(super) fn upload(&self) -> UploadId {
        self.upload
    }

    /// Gives back what was not needed. Where the server does not hear it, the time of the
    /// reservation ends it.
    pub(super) async fn end(self) {
        if let Err(error) = self.ask(0).await {
            tracing::debug!("a reservation ends by its time: {error}");
        }
    }

    async fn ask(&self, bytes: u64) -> Result<Option<u64>, ApiError> {
        let upload = self.upload;
        let reserve = Reserve { upload, bytes };
        self.transfer
            .api
            .reserve(self.transfer.space, reserve)
            .await
    }
}

/// Reserves room for files; none where nothing has to be reserved.
///
/// What they will need is known only when they are cut, compressed and compared with what the
/// server has. So first the most they can need is asked for; only if there is no room for that,
/// they are measured.
///
/// # Errors
/// [`TransferError::Api`] when there is no room for them.
pub(super) async fn reserve<K>(
    transfer: &Transfer,
    files: &[Upload<K>],
) -> Result<Option<Reserved>, TransferError> {
    let pads = transfer.keys.pads();
    let most = files.iter().map(|file| most(file, pads));
    let most = most.fold(0, u64::saturating_add);
    if most <= MAX_ATTACHED_BYTES as u64 {
        // It travels with the commit, which is counted when it comes.
        return Ok(None);
    }
    let entropy = Entropy::system().map_err(|error| TransferError::Local(io::Error::other(error)));
    let upload = UploadId(entropy?.bytes());
    let reserved = Reserved {
        transfer: transfer.clone(),
        upload,
    };
    let room = match reserved.ask(most).await {
        Err(error) if error.over_quota().is_some() => {
            let need = match known(files) {
                Some(need) => need,
                None => measure(transfer, files).await?,
            };
            reserved.ask(need).await?
        }
        asked => asked?,
    };
    Ok(room.map(|_| reserved))
}

/// The most that a file can need.
fn most<K>(file: &Upload<K>, pads: bool) -> u64 {
    // Holes are not sent. Where they cannot be told, the length is an upper bound too.
    let data = match file.source.extents() {
        Ok(extents) => extents.iter().map(|run| run.end - run.start).sum(),
        Err(_) => file.source.size(),
    };
    let share = if pads { PADDED_SHARE } else { OVERHEAD_SHARE };
    data.saturating_add(data / share)
        .saturating_add(OVERHEAD_BYTES)
}

/// What files were found to need before, if all of them were measured.
fn known<K>(files: &[Upload<K>]) -> Option<u64> {
    files.iter().map(|file| file.need).sum()
}

/// What files need: they are cut, compressed, sealed and asked about, and not sent.
async fn measure<K>(transfer: &Transfer, files: &[Upload<K>]) -> Result<u64, TransferError> {
    let copies = files.iter().map(|file| Upload {
        key: (),
        source: Arc::clone(&file.source),
        previous: file.previous.clone(),
        need: None,
    });
    let mut outbox = Outbox::measuring(transfer);
    let progress = Progress::default();
    // What cannot be read is found again when it is sent.
    drop(fill(transfer, copies.collect(), &progress, &mut outbox).await?);
    outbox.measured().await
}
