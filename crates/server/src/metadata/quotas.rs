//! Limits of accounts and spaces, what counts against them, and what uploads under way reserve.
//!
//! Nothing here is a sum that is kept: what an account uses is added up from the rows of its
//! spaces, of which it has few. Only the chunks of one space, and what its links show, are counted as
//! they come (`logs.stored_bytes`).

use hythe_model::{AccountId, DeviceId, UploadId};

use super::logs::LogNo;
use super::{DbError, Row, Tx};

/// What limits a space: its own limit, and the one of the account it counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// The account that the space counts for.
    pub payer: Option<AccountId>,
    /// The space's limit in bytes; none is no limit.
    pub space: Option<u64>,
    /// The account's limit in bytes; none is no limit.
    pub account: Option<u64>,
}

/// An upload, as reservations name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upload {
    /// The device that sends.
    pub device: DeviceId,
    /// Its name for the upload.
    pub id: UploadId,
}

/// What limits a space.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn limits(tx: &mut dyn Tx, log: LogNo) -> Result<Limits, DbError> {
    let row = tx.query_one(
        "SELECT logs.payer, logs.limit_bytes, accounts.limit_bytes FROM logs \
         LEFT JOIN accounts ON accounts.account = logs.payer WHERE logs.no = $1",
        &[log.into()],
    )?;
    let row = row.ok_or(DbError::Shape("the row of a log"))?;
    Ok(Limits {
        payer: match row.bytes_or_null(0)? {
            Some(_) => Some(AccountId(row.array(0)?)),
            None => None,
        },
        space: bytes_or_none(&row, 1)?,
        account: bytes_or_none(&row, 2)?,
    })
}

/// The limit of an account, its row locked until the transaction ends: whoever adds to one of its
/// spaces while it has a limit begins with this, after locking the space.
///
/// # Errors
/// The database's.
pub fn lock_account(tx: &mut dyn Tx, account: AccountId) -> Result<Option<u64>, DbError> {
    let row = tx.query_one(
        "UPDATE accounts SET limit_bytes = limit_bytes WHERE account = $1 RETURNING limit_bytes",
        &[account.as_bytes().into()],
    )?;
    row.map_or(Ok(None), |row| bytes_or_none(&row, 0))
}

/// The limit of an account.
///
/// # Errors
/// The database's.
pub fn account_limit(tx: &mut dyn Tx, account: AccountId) -> Result<Option<u64>, DbError> {
    let row = tx.query_one(
        "SELECT limit_bytes FROM accounts WHERE account = $1",
        &[account.as_bytes().into()],
    )?;
    row.map_or(Ok(None), |row| bytes_or_none(&row, 0))
}

/// Sets the limit of an account; false when there is no such account.
///
/// # Errors
/// The database's.
pub fn set_account(
    tx: &mut dyn Tx,
    account: AccountId,
    limit: Option<u64>,
) -> Result<bool, DbError> {
    let sql = "UPDATE accounts SET limit_bytes = $1 WHERE account = $2";
    Ok(tx.exec(sql, &[limit.into(), account.as_bytes().into()])? == 1)
}

/// Sets the limit of a space; false when there is no such space.
///
/// # Errors
/// The database's.
pub fn set_space(tx: &mut dyn Tx, space: &[u8; 32], limit: Option<u64>) -> Result<bool, DbError> {
    let sql = "UPDATE logs SET limit_bytes = $1 WHERE id = $2 AND kind = 0";
    Ok(tx.exec(sql, &[limit.into(), space.into()])? == 1)
}

/// What the spaces of an account hold.
///
/// # Errors
/// The database's.
pub fn stored_by(tx: &mut dyn Tx, account: AccountId) -> Result<u64, DbError> {
    let row = tx.query_one(
        "SELECT CAST(COALESCE(SUM(stored_bytes), 0) AS BIGINT) FROM logs WHERE payer = $1",
        &[account.as_bytes().into()],
    )?;
    row.map_or(Ok(0), |row| row.count(0))
}

/// What a space holds.
///
/// # Errors
/// The database's.
pub fn stored_in(tx: &mut dyn Tx, log: LogNo) -> Result<u64, DbError> {
    let sql = "SELECT stored_bytes FROM logs WHERE no = $1";
    let row = tx.query_one(sql, &[log.into()])?;
    row.map_or(Ok(0), |row| row.count(0))
}

/// What uploads into an account's spaces have reserved and still hold.
///
/// # Errors
/// The database's.
pub fn reserved_by(tx: &mut dyn Tx, account: AccountId, now_ms: i64) -> Result<u64, DbError> {
    let row = tx.query_one(
        "SELECT CAST(COALESCE(SUM(reservations.bytes), 0) AS BIGINT) FROM reservations, logs \
         WHERE logs.no = reservations.log AND logs.payer = $1 AND reservations.expires_ms > $2",
        &[account.as_bytes().into(), now_ms.into()],
    )?;
    row.map_or(Ok(0), |row| row.count(0))
}

/// What uploads into a space have reserved and still hold.
///
/// # Errors
/// The database's.
pub fn reserved_in(tx: &mut dyn Tx, log: LogNo, now_ms: i64) -> Result<u64, DbError> {
    let row = tx.query_one(
        "SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM reservations \
         WHERE log = $1 AND expires_ms > $2",
        &[log.into(), now_ms.into()],
    )?;
    row.map_or(Ok(0), |row| row.count(0))
}

/// What one upload has reserved and still holds.
///
/// # Errors
/// The database's.
pub fn reserved_for(
    tx: &mut dyn Tx,
    log: LogNo,
    upload: Upload,
    now_ms: i64,
) -> Result<u64, DbError> {
    let row = tx.query_one(
        "SELECT bytes FROM reservations \
         WHERE log = $1 AND device = $2 AND upload = $3 AND expires_ms > $4",
        &[
            log.into(),
            upload.device.as_bytes().into(),
            upload.id.as_bytes().into(),
            now_ms.into(),
        ],
    )?;
    row.map_or(Ok(0), |row| row.count(0))
}

/// Reserves for an upload, in place of what it had reserved. Reservations whose time is over go.
///
/// # Errors
/// The database's.
pub fn reserve(
    tx: &mut dyn Tx,
    log: LogNo,
    upload: Upload,
    bytes: u64,
    now_ms: i64,
    expires_ms: i64,
) -> Result<(), DbError> {
    let over = "DELETE FROM reservations WHERE log = $1 AND expires_ms <= $2";
    tx.exec(over, &[log.into(), now_ms.into()])?;
    tx.exec(
        "INSERT INTO reservations (log, device, upload, bytes, expires_ms) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (log, device, upload) \
         DO UPDATE SET bytes = excluded.bytes, expires_ms = excluded.expires_ms",
        &[
            log.into(),
            upload.device.as_bytes().into(),
            upload.id.as_bytes().into(),
            bytes.into(),
            expires_ms.into(),
        ],
    )?;
    Ok(())
}

/// Ends the reservation of an upload.
///
/// # Errors
/// The database's.
pub fn release(tx: &mut dyn Tx, log: LogNo, upload: Upload) -> Result<(), DbError> {
    tx.exec(
        "DELETE FROM reservations WHERE log = $1 AND device = $2 AND upload = $3",
        &[
            log.into(),
            upload.device.as_bytes().into(),
            upload.id.as_bytes().into(),
        ],
    )?;
    Ok(())
}

/// How many reservations of a space hold, so that nobody makes them without end.
///
/// # Errors
/// The database's.
pub fn count(tx: &mut dyn Tx, log: LogNo, now_ms: i64) -> Result<u64, DbError> {
    let sql = "SELECT COUNT(*) FROM reservations WHERE log = $1 AND expires_ms > $2";
    let row = tx.query_one(sql, &[log.into(), now_ms.into()])?;
    row.map_or(Ok(0), |row| row.count(0))
}

/// A space and what it counts for, for whoever runs the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpaceUse {
    /// The space.
    pub space: [u8; 32],
    /// Its short name.
    pub log: LogNo,
    /// The account it counts for.
    pub payer: Option<AccountId>,
    /// The account whose personal space it is.
    pub owner: Option<AccountId>,
    /// What it holds, in bytes.
    pub stored: u64,
    /// Its own limit.
    pub limit: Option<u64>,
}

/// All spaces, oldest first.
///
/// # Errors
/// The database's.
pub fn spaces(tx: &mut dyn Tx) -> Result<Vec<SpaceUse>, DbError> {
    let sql = "SELECT id, no, payer, owner, stored_bytes, limit_bytes FROM logs \
               WHERE kind = 0 ORDER BY no";
    tx.query(sql, &[])?.iter().map(read_space).collect()
}

/// Counts what a space holds anew and writes it down.
///
/// # Errors
/// The database's.
pub fn recount(tx: &mut dyn Tx, log: LogNo) -> Result<(), DbError> {
    tx.exec(
        "UPDATE logs SET stored_bytes = (SELECT CAST(COALESCE(SUM(length), 0) AS BIGINT) \
         FROM chunks WHERE chunks.log = logs.no AND chunks.adopted = 0) \
         + (SELECT CAST(COALESCE(SUM(LENGTH(nodes) + LENGTH(seal) + LENGTH(sealed)), 0) AS BIGINT) \
         FROM link_capsules WHERE link_capsules.log = logs.no) WHERE no = $1",
        &[log.into()],
    )?;
    Ok(())
}

fn read_space(row: &Row) -> Result<SpaceUse, DbError> {
    let account = |at| match row.bytes_or_null(at)? {
        Some(_) => Ok::<_, DbError>(Some(AccountId(row.array(at)?))),
        None => Ok(None),
    };
    Ok(SpaceUse {
        space: row.array(0)?,
        log: row.int(1)?,
        payer: account(2)?,
        owner: account(3)?,
        stored: row.count(4)?,
        limit: bytes_or_none(row, 5)?,
    })
}

fn bytes_or_none(row: &Row, at: usize) -> Result<Option<u64>, DbError> {
    row.int_or_null(at)?
        .map(|bytes| u64::try_from(bytes).map_err(|_| DbError::Shape("a limit")))
        .transpose()
}

/// Has an owner pay for a space whose payer is none any more: one that takes part, so that nobody is
/// made to pay who was only invited.
///
/// # Errors
/// The database's.
pub fn settle_payer(tx: &mut dyn Tx, log: LogNo) -> Result<(), DbError> {
    tx.exec(
        "UPDATE logs SET payer = COALESCE((SELECT members.account FROM members \
         WHERE members.log = logs.no AND members.role = 0 AND NOT EXISTS (SELECT 1 \
         FROM invitations WHERE invitations.account = members.account \
         AND invitations.log = members.log) ORDER BY members.account LIMIT 1), payer) \
         WHERE no = $1 AND NOT EXISTS (SELECT 1 FROM members WHERE members.log = logs.no \
         AND members.account = logs.payer AND members.role = 0)",
        &[log.into()],
    )?;
    Ok(())
}
