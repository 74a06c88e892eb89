//! Signed checkpoints.

use hythe_model::{Cursor, DeviceId};

use super::logs::LogNo;
use super::{DbError, Tx};

/// Keeps a device's checkpoint of a position; a second one of the same device replaces it.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn put(
    tx: &mut dyn Tx,
    log: LogNo,
    at: Cursor,
    device: DeviceId,
    checkpoint: &[u8],
) -> Result<(), DbError> {
    tx.exec(
        "INSERT INTO checkpoints (log, cursor, device, checkpoint) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (log, cursor, device) DO UPDATE SET checkpoint = excluded.checkpoint",
        &[
            log.into(),
            at.0.into(),
            device.as_bytes().into(),
            checkpoint.into(),
        ],
    )?;
    Ok(())
}

/// A checkpoint of the latest position not after `up_to` that has one.
///
/// # Errors
/// The database's.
pub fn latest(tx: &mut dyn Tx, log: LogNo, up_to: Cursor) -> Result<Option<Vec<u8>>, DbError> {
    let row = tx.query_one(
        "SELECT checkpoint FROM checkpoints WHERE log = $1 AND cursor <= $2 \
         ORDER BY cursor DESC, device LIMIT 1",
        &[log.into(), up_to.0.into()],
    )?;
    row.map(|mut row| row.take_bytes(0)).transpose()
}

/// The checkpoints of a position.
///
/// # Errors
/// The database's.
pub fn at(tx: &mut dyn Tx, log: LogNo, at: Cursor) -> Result<Vec<(DeviceId, Vec<u8>)>, DbError> {
    let sql = "SELECT device, checkpoint FROM checkpoints WHERE log = $1 AND cursor = $2 \
               ORDER BY device";
    let rows = tx.query(sql, &[log.into(), at.0.into()])?;
    rows.into_iter()
        .map(|mut row| Ok((DeviceId(row.array(0)?), row.take_bytes(1)?)))
        .collect()
}
