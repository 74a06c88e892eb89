//! What was answered to operations, so that a repetition gets the same answer (C6).

use hythe_model::{Cursor, DeviceId, OperationId};

use super::logs::LogNo;
use super::{DbError, Tx};

/// Where an operation of a device ended up.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn find(
    tx: &mut dyn Tx,
    device: DeviceId,
    operation: OperationId,
) -> Result<Option<(LogNo, Cursor)>, DbError> {
    let row = tx.query_one(
        "SELECT log, cursor FROM operations WHERE device = $1 AND operation = $2",
        &[device.as_bytes().into(), operation.as_bytes().into()],
    )?;
    row.map(|row| Ok((row.int(0)?, Cursor(row.count(1)?))))
        .transpose()
}

/// Remembers where an operation of a device ended up.
///
/// # Errors
/// The database's, also when the operation is there.
pub fn insert(
    tx: &mut dyn Tx,
    device: DeviceId,
    operation: OperationId,
    log: LogNo,
    cursor: Cursor,
) -> Result<(), DbError> {
    tx.exec(
        "INSERT INTO operations (device, operation, log, cursor) VALUES ($1, $2, $3, $4)",
        &[
            device.as_bytes().into(),
            operation.as_bytes().into(),
            log.into(),
            cursor.0.into(),
        ],
    )?;
    Ok(())
}
