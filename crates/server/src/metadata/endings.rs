//! Spaces that end, and those that ended.

use hythe_model::{AccountId, SpaceId};

use super::logs::LogNo;
use super::{DbError, Tx};

/// Sets when a space ends; none: it stays.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn set(tx: &mut dyn Tx, log: LogNo, ends_ms: Option<i64>) -> Result<(), DbError> {
    let sql = "UPDATE logs SET ends_ms = $1 WHERE no = $2";
    tx.exec(sql, &[ends_ms.into(), log.into()]).map(drop)
}

/// Whether a space's time has come.
///
/// # Errors
/// The database's.
pub fn is_due(tx: &mut dyn Tx, log: LogNo, now_ms: i64) -> Result<bool, DbError> {
    let sql = "SELECT no FROM logs WHERE no = $1 AND ends_ms <= $2";
    Ok(tx.query_one(sql, &[log.into(), now_ms.into()])?.is_some())
}

/// The spaces whose time has come.
///
/// # Errors
/// The database's.
pub fn due(tx: &mut dyn Tx, now_ms: i64) -> Result<Vec<[u8; 32]>, DbError> {
    let sql = "SELECT id FROM logs WHERE kind = 0 AND ends_ms <= $1 ORDER BY ends_ms, no";
    tx.query(sql, &[now_ms.into()])?
        .iter()
        .map(|row| row.array(0))
        .collect()
}

/// Remembers, for an account that was in it, that a space ended.
///
/// # Errors
/// The database's.
pub fn tell(
    tx: &mut dyn Tx,
    account: AccountId,
    space: &[u8; 32],
    now_ms: i64,
) -> Result<(), DbError> {
    let sql = "INSERT INTO ended_spaces (account, space, ended_ms) VALUES ($1, $2, $3) \
               ON CONFLICT DO NOTHING";
    tx.exec(
        sql,
        &[account.as_bytes().into(), space.into(), now_ms.into()],
    )
    .map(drop)
}

/// Forgets what ended before a time.
///
/// # Errors
/// The database's.
pub fn forget_before(tx: &mut dyn Tx, time_ms: i64) -> Result<(), DbError> {
    let sql = "DELETE FROM ended_spaces WHERE ended_ms < $1";
    tx.exec(sql, &[time_ms.into()]).map(drop)
}

/// The spaces that ended of which an account was a member, and when, the latest `limit`.
///
/// # Errors
/// The database's.
pub fn told(
    tx: &mut dyn Tx,
    account: AccountId,
    limit: u32,
) -> Result<Vec<(SpaceId, i64)>, DbError> {
    let sql = "SELECT space, ended_ms FROM ended_spaces WHERE account = $1 \
               ORDER BY ended_ms DESC, space LIMIT $2";
    tx.query(sql, &[account.as_bytes().into(), limit.into()])?
        .iter()
        .map(|row| Ok((SpaceId(row.array(0)?), row.int(1)?)))
        .collect()
}
