//! Sessions of browsers. Only the hashes of their tokens are kept.

use hythe_model::DeviceId;

use super::{DbError, Tx};

/// The row of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// The hash of its token.
    pub hash: [u8; 32],
    /// The device that the browser is.
    pub device: DeviceId,
    /// When it began, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it ends by itself.
    pub ends_ms: i64,
}

/// Adds one.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn insert(tx: &mut dyn Tx, row: &SessionRow) -> Result<(), DbError> {
    tx.exec(
        "INSERT INTO web_sessions (hash, device, created_ms, ends_ms) VALUES ($1, $2, $3, $4)",
        &[
            (&row.hash).into(),
            row.device.as_bytes().into(),
            row.created_ms.into(),
            row.ends_ms.into(),
        ],
    )?;
    Ok(())
}

/// The device of the session with a hash, if it has not ended at `now_ms`.
///
/// # Errors
/// The database's.
pub fn device(tx: &mut dyn Tx, hash: &[u8; 32], now_ms: i64) -> Result<Option<DeviceId>, DbError> {
    let sql = "SELECT device FROM web_sessions WHERE hash = $1 AND ends_ms > $2";
    let row = tx.query_one(sql, &[hash.into(), now_ms.into()])?;
    row.map(|row| Ok(DeviceId(row.array(0)?))).transpose()
}

/// Ends those of a device, and forgets whatever ended before `now_ms`.
///
/// # Errors
/// The database's.
pub fn remove_of(tx: &mut dyn Tx, device: DeviceId, now_ms: i64) -> Result<(), DbError> {
    let sql = "DELETE FROM web_sessions WHERE device = $1 OR ends_ms <= $2";
    tx.exec(sql, &[device.as_bytes().into(), now_ms.into()])?;
    Ok(())
}
