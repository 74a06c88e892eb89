//! Quotas: what a space and the account it counts for may still store.
//!
//! Three rules make them exact, whoever uploads at the same time:
//! * What is stored is counted in the transaction that stores it, and is refused there when it
//!   does not fit. Whoever adds to a limited account holds the row of that account.
//! * What a large upload will need is reserved before its first byte is sent, and counts as used
//!   for everybody else. What it stores is taken off its reservation.
//! * A reservation ends with its upload, at the latest with its time.
//!
//! What an account uses is the sum over the spaces that count for it; of spaces the chunks
//! are counted, in sealed bytes, and what links into sealed ones show.

use hythe_model::{AccountId, SpaceId, UploadId};
use hythe_wire::chunk::Reserve;
use hythe_wire::problem::QuotaOf;
use hythe_wire::space::Usage;

use super::access::{self, Want};
use super::{Files, FilesError, LEASE, Principal};
use crate::clock::now_ms;
use crate::metadata::logs::{Log, LogNo};
use crate::metadata::quotas::{self, Limits, Upload};
use crate::metadata::{DbError, Tx};

/// Uploads of a space that may hold reservations at a time.
const MAX_RESERVATIONS: u64 = 1024;

/// A quota that has no room for what is to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no room for {needed} bytes more")]
pub struct OverQuota {
    /// Whose quota.
    pub of: QuotaOf,
    /// What is used of it, reservations of other uploads included.
    pub used: u64,
    /// The limit.
    pub limit: u64,
    /// What was to be stored or reserved.
    pub needed: u64,
}

/// A limit, and how much of it is used by everything but the upload that asks.
#[derive(Debug, Clone, Copy)]
struct Room {
    of: QuotaOf,
    used: u64,
    limit: u64,
}

impl Room {
    fn check(self, needed: u64) -> Result<(), OverQuota> {
        let Self { of, used, limit } = self;
        match used.checked_add(needed) {
            Some(sum) if sum <= limit => Ok(()),
            _ => Err(OverQuota {
                of,
                used,
                limit,
                needed,
            }),
        }
    }

    fn left(self) -> u64 {
        self.limit.saturating_sub(self.used)
    }
}

/// Whoever stores or reserves something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Payer {
    account: AccountId,
    upload: Option<Upload>,
}

impl Payer {
    /// What a device stores, as part of an upload if it says so.
    pub(super) fn of(principal: &Principal, upload: Option<UploadId>) -> Self {
        let device = principal.device();
        Self {
            account: principal.account(),
            upload: upload.map(|id| Upload { device, id }),
        }
    }
}

/// Sees to it that `added` bytes may be stored in a space, which the caller holds locked, and takes
/// them off the upload's reservation.
///
/// # Errors
/// [`Refused::Quota`](super::Refused::Quota); the database's.
pub(super) fn take(
    tx: &mut dyn Tx,
    log: LogNo,
    payer: Payer,
    added: u64,
    now_ms: i64,
) -> Result<(), FilesError> {
    let limits = quotas::limits(tx, log)?;
    if limits.space.is_none() && limits.account.is_none() {
        return Ok(());
    }
    lock_payer(tx, limits)?;
    let own = match payer.upload {
        Some(upload) => quotas::reserved_for(tx, log, upload, now_ms)?,
        None => 0,
    };
    for room in rooms(tx, log, limits, payer.account, own, now_ms)? {
        room.check(added)?;
    }
    if let Some(upload) = payer.upload.filter(|_| own > 0) {
        let left = own.saturating_sub(added);
        quotas::reserve(tx, log, upload, left, now_ms, ends_ms(now_ms))?;
    }
    Ok(())
}

/// Refuses what cannot fit, before anything is written; [`take`] has the last word.
///
/// # Errors
/// As [`take`].
pub(super) fn look(
    tx: &mut dyn Tx,
    log: LogNo,
    payer: Payer,
    added: u64,
) -> Result<(), FilesError> {
    let limits = quotas::limits(tx, log)?;
    let now_ms = now_ms();
    let own = match payer.upload {
        Some(upload) => quotas::reserved_for(tx, log, upload, now_ms)?,
        None => 0,
    };
    for room in rooms(tx, log, limits, payer.account, own, now_ms)? {
        room.check(added)?;
    }
    Ok(())
}

/// The limits that hold for a space and what is used of each, `own` bytes of reservations apart.
fn rooms(
    tx: &mut dyn Tx,
    log: LogNo,
    limits: Limits,
    asking: AccountId,
    own: u64,
    now_ms: i64,
) -> Result<Vec<Room>, DbError> {
    let mut rooms = Vec::new();
    if let Some(limit) = limits.space {
        let reserved = quotas::reserved_in(tx, log, now_ms)?.saturating_sub(own);
        rooms.push(Room {
            of: QuotaOf::Space,
            used: quotas::stored_in(tx, log)?.saturating_add(reserved),
            limit,
        });
    }
    if let (Some(payer), Some(limit)) = (limits.payer, limits.account) {
        let reserved = quotas::reserved_by(tx, payer, now_ms)?.saturating_sub(own);
        rooms.push(Room {
            of: match payer == asking {
                true => QuotaOf::Account,
                false => QuotaOf::Owner,
            },
            used: quotas::stored_by(tx, payer)?.saturating_add(reserved),
            limit,
        });
    }
    Ok(rooms)
}

fn lock_payer(tx: &mut dyn Tx, limits: Limits) -> Result<(), DbError> {
    if let (Some(payer), Some(_)) = (limits.payer, limits.account) {
        quotas::lock_account(tx, payer)?;
    }
    Ok(())
}

fn ends_ms(now_ms: i64) -> i64 {
    now_ms.saturating_add(i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX))
}

impl Files {
    /// Reserves what an upload will store, in place of what it had reserved; nothing ends its
    /// reservation. Says how much more would fit; none without a limit, and then nothing has to be
    /// reserved.
    ///
    /// # Errors
    /// [`Refused::Quota`](super::Refused::Quota), [`super::Denied`], or the database's.
    pub async fn reserve(
        &self,
        principal: &Principal,
        space: SpaceId,
        reserve: Reserve,
    ) -> Result<Option<u64>, FilesError> {
        self.still_valid(principal).await?;
        let principal = principal.clone();
        let read = {
            let principal = principal.clone();
            move |tx: &mut dyn Tx| {
                let log = access::space(tx, &principal, space, Want::Upload)?;
                Ok::<_, FilesError>(quotas::limits(tx, log.no)?)
            }
        };
        // Where nothing is limited, which is the usual case, nothing is written.
        let limits = self.inner.database.read(read).await?;
        if limits.space.is_none() && limits.account.is_none() {
            return Ok(None);
        }
        let work = move |tx: &mut dyn Tx| {
            let log = access::locked(tx, &principal, space, Want::Upload)?;
            reserve_in(tx, &log, &principal, reserve)
        };
        self.inner.database.write(work).await
    }
}

fn reserve_in(
    tx: &mut dyn Tx,
    log: &Log,
    principal: &Principal,
    reserve: Reserve,
) -> Result<Option<u64>, FilesError> {
    let now_ms = now_ms();
    let limits = quotas::limits(tx, log.no)?;
    lock_payer(tx, limits)?;
    let upload = Upload {
        device: principal.device(),
        id: reserve.upload,
    };
    let own = quotas::reserved_for(tx, log.no, upload, now_ms)?;
    let rooms = rooms(tx, log.no, limits, principal.account(), own, now_ms)?;
    for room in &rooms {
        room.check(reserve.bytes)?;
    }
    if reserve.bytes == 0 {
        quotas::release(tx, log.no, upload)?;
    } else {
        if own == 0 && quotas::count(tx, log.no, now_ms)? >= MAX_RESERVATIONS {
            return Err(FilesError::invalid("too many uploads are under way"));
        }
        let ends_ms = ends_ms(now_ms);
        quotas::reserve(tx, log.no, upload, reserve.bytes, now_ms, ends_ms)?;
    }
    let left = rooms.into_iter().map(Room::left).min();
    Ok(left.map(|left| left.saturating_sub(reserve.bytes)))
}

/// What an account uses of its quota, reservations apart: they pass.
///
/// # Errors
/// The database's.
pub(super) fn usage_of(tx: &mut dyn Tx, account: AccountId) -> Result<Usage, DbError> {
    Ok(Usage {
        used_bytes: quotas::stored_by(tx, account)?,
        limit_bytes: quotas::account_limit(tx, account)?,
    })
}
