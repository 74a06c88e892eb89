//! Spaces whose owner wants them to end, and links: they do when the time has come.
//!
//! Everything of a space goes then, its history too; what it held counts for nobody any more. Packs
//! keep the bytes of chunks that nothing names any more until they are collected.

use hythe_model::{AccountId, LinkId, SpaceId};
use hythe_space::{Change, ChangeSet, Operation, Record};

use super::{Files, FilesError, link_capsules};
use crate::metadata::link_capsules as rows;
use crate::metadata::logs::{self, Log};
use crate::metadata::{DbError, Tx, endings, standing};
use crate::notify::Notice;

/// How long members are told that a space ended: a device that was away longer asks its owner.
const TOLD_MS: i64 = 365 * 24 * 60 * 60 * 1000;

/// Ended spaces that an account is told, the latest.
const MAX_TOLD: u32 = 1000;

impl Files {
    /// Removes the spaces whose time has come by `now_ms`; returns how many.
    ///
    /// # Errors
    /// The database's.
    pub async fn end_due(&self, now_ms: i64) -> Result<u64, FilesError> {
        let due = move |tx: &mut dyn Tx| endings::due(tx, now_ms);
        let spaces: Vec<[u8; 32]> = self.inner.database.read(due).await?;
        let mut ended = 0;
        for space in spaces {
            let work = move |tx: &mut dyn Tx| end(tx, &space, now_ms);
            let has_ended: Result<bool, FilesError> = self.inner.database.write(work).await;
            ended += u64::from(has_ended?);
        }
        Ok(ended)
    }

    /// Forgets what links showed that have ended by themselves; returns of how many.
    ///
    /// # Errors
    /// The database's.
    pub async fn forget_ended_links(&self, now_ms: i64) -> Result<u64, FilesError> {
        let ended = move |tx: &mut dyn Tx| rows::ended(tx, now_ms);
        let ended: Vec<(LinkId, [u8; 32])> = self.inner.database.read(ended).await?;
        let mut forgotten = 0;
        for (link, space) in ended {
            let work = move |tx: &mut dyn Tx| match logs::lock(tx, &space)? {
                Some(log) => link_capsules::forget(tx, log.no, link).map(|()| 1),
                // It went with its space meanwhile.
                None => Ok(0),
            };
            let one: Result<u64, FilesError> = self.inner.database.write(work).await;
            forgotten += one?;
        }
        Ok(forgotten)
    }
}

/// Removes one space; false when its end was taken back, or it was removed, meanwhile.
fn end(tx: &mut dyn Tx, space: &[u8; 32], now_ms: i64) -> Result<bool, FilesError> {
    let Some(log) = logs::lock(tx, space)? else {
        return Ok(false);
    };
    if !endings::is_due(tx, log.no, now_ms)? {
        return Ok(false);
    }
    // No account has this id: everybody is another one.
    let nobody = AccountId([0; 32]);
    for (account, _) in standing::other_members(tx, log.no, nobody)? {
        endings::tell(tx, account, space, now_ms)?;
        tx.notify(Notice::Spaces { account });
    }
    standing::remove_space(tx, log.no, now_ms)?;
    endings::forget_before(tx, now_ms.saturating_sub(TOLD_MS))?;
    Ok(true)
}

/// Refuses to end a personal space: it goes with its account.
///
/// # Errors
/// [`FilesError::Invalid`].
pub(super) fn check(log: &Log, change_set: &ChangeSet) -> Result<(), FilesError> {
    let ends = |operation: &Operation| matches!(operation, Operation::EndSpace(_));
    if log.owner.is_some() && change_set.operations().iter().any(ends) {
        return Err(FilesError::invalid(
            "a personal space ends with its account",
        ));
    }
    Ok(())
}

/// Notes when a space ends, where that changed.
///
/// # Errors
/// The database's.
pub(super) fn note(tx: &mut dyn Tx, log: &Log, changes: &[Change]) -> Result<(), DbError> {
    for change in changes {
        let Record::Space(new) = &change.new else {
            continue;
        };
        let old = match &change.old {
            Some(Record::Space(old)) => old.ends,
            _ => None,
        };
        if old != new.ends {
            endings::set(tx, log.no, new.ends.map(|end| end.at_ms))?;
        }
    }
    Ok(())
}

/// The spaces that ended of which an account was a member, and when.
///
/// # Errors
/// The database's.
pub(super) fn told(tx: &mut dyn Tx, account: AccountId) -> Result<Vec<(SpaceId, i64)>, DbError> {
    endings::told(tx, account, MAX_TOLD)
}
