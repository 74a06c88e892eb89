//! Signed checkpoints: the server's own, and those that members offer.

use hythe_model::{AccountId, Cursor, DeviceId, Head, SpaceId};
use hythe_space::{Checkpoint, LtHash, SignedCheckpoint, StateDigest};

use super::access::{self, Want};
use super::{Files, FilesError, Inner, Principal};
use crate::clock::now_ms;
use crate::metadata::logs::{self, Log};
use crate::metadata::{DbError, Tx, checkpoints};

impl Files {
    /// A signed checkpoint of the latest position that has one.
    ///
    /// # Errors
    /// [`super::Denied`], or the database's.
    pub async fn checkpoint(
        &self,
        principal: &Principal,
        space: SpaceId,
    ) -> Result<Option<Vec<u8>>, FilesError> {
        self.still_valid(principal).await?;
        let principal = principal.clone();
        let read = move |tx: &mut dyn Tx| {
            let log = access::space(tx, &principal, space, Want::Read)?;
            Ok(checkpoints::latest(tx, log.no, log.head.cursor)?)
        };
        self.inner.database.read(read).await
    }

    /// Keeps a checkpoint that a member's device signed, if it says what is true here.
    ///
    /// # Errors
    /// [`FilesError::Invalid`], [`FilesError::Diverged`], [`super::Denied`].
    pub async fn put_checkpoint(
        &self,
        principal: &Principal,
        space: SpaceId,
        checkpoint: &[u8],
    ) -> Result<(), FilesError> {
        self.still_valid(principal).await?;
        let signed = SignedCheckpoint::decode(checkpoint)?;
        let said = *signed.checkpoint();
        if said.space != space || said.device != principal.device() {
            return Err(FilesError::invalid(
                "the checkpoint is not this device's, of this space",
            ));
        }
        let (principal, inner) = (principal.clone(), self.inner.clone());
        let work = move |tx: &mut dyn Tx| {
            let log = access::space(tx, &principal, space, Want::Read)?;
            let account = inner.accounts.get(tx, principal.account())?;
            let card = account.device(said.device).map(|device| &device.card);
            let card = card.ok_or(FilesError::invalid("the checkpoint's device is unknown"))?;
            signed
                .verify(&card.key)
                .map_err(|_| FilesError::invalid("the checkpoint's signature is wrong"))?;
            let entry = logs::entry(tx, log.no, said.head.cursor)?;
            match entry {
                Some(entry) if entry.head == said.head && entry.digest == said.digest.0 => {}
                _ => {
                    return Err(FilesError::Diverged {
                        epoch: inner.epoch(),
                        head: log.head,
                    });
                }
            }
            let bytes = signed.encode();
            Ok(checkpoints::put(
                tx,
                log.no,
                said.head.cursor,
                said.device,
                &bytes,
            )?)
        };
        self.inner.database.write(work).await
    }
}

/// A checkpoint of a log's head that a device of an account signed.
///
/// # Errors
/// The database's.
pub(super) fn of_account(
    tx: &mut dyn Tx,
    inner: &Inner,
    log: &Log,
    account: AccountId,
) -> Result<Option<Vec<u8>>, FilesError> {
    let state = inner.accounts.get(tx, account)?;
    let kept = checkpoints::at(tx, log.no, log.head.cursor)?;
    let own = kept
        .into_iter()
        .find(|(device, _)| state.device(*device).is_some());
    Ok(own.map(|(_, checkpoint)| checkpoint))
}

impl Inner {
    /// Signs and keeps a checkpoint where one belongs (every thousandth position).
    ///
    /// # Errors
    /// The database's.
    pub(super) fn checkpoint_if_due(
        &self,
        tx: &mut dyn Tx,
        log: &Log,
        now_ms: i64,
    ) -> Result<(), DbError> {
        if !log.open || !Checkpoint::is_due(log.head.cursor) {
            return Ok(());
        }
        let sum = LtHash::from_bytes(&log.digest).ok_or(DbError::Shape("a state digest"))?;
        let signed = self.sign_checkpoint(SpaceId(log.id), log.head, sum.digest(), now_ms);
        let (at, device): (Cursor, DeviceId) = (log.head.cursor, self.identity.device());
        checkpoints::put(tx, log.no, at, device, &signed)
    }

    /// A checkpoint of the server's device. In an open space the server's word is worth as much as
    /// any member's; that it could sign what is not true is said in SECURITY.md.
    pub(super) fn sign_checkpoint(
        &self,
        space: SpaceId,
        head: Head,
        digest: StateDigest,
        time_ms: i64,
    ) -> Vec<u8> {
        let checkpoint = Checkpoint {
            suite: 0,
            space,
            head,
            digest,
            device: self.identity.device(),
            account_seen: self.identity.account_head(),
            time_ms,
        };
        checkpoint.sign(self.identity.key()).encode()
    }

    /// As [`Self::sign_checkpoint`], now.
    pub(super) fn sign_checkpoint_now(
        &self,
        space: SpaceId,
        head: Head,
        digest: StateDigest,
    ) -> Vec<u8> {
        self.sign_checkpoint(space, head, digest, now_ms())
    }
}
