//! The server's own row.

use hythe_model::{AccountId, DeviceId, ServerEpoch};

use super::{DbError, Row, Tx};

/// What the server knows of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerRow {
    /// The present life of the data.
    pub epoch: ServerEpoch,
    /// How often a server was started on it.
    pub starts: u64,
    /// The server's account.
    pub account: AccountId,
    /// The device that signs for it.
    pub device: DeviceId,
    /// Its keys, sealed under the master key.
    pub secrets: Vec<u8>,
}

/// The row; none before the first start.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn get(tx: &mut dyn Tx) -> Result<Option<ServerRow>, DbError> {
    let row = tx.query_one(
        "SELECT epoch, starts, account, device, secrets FROM server",
        &[],
    )?;
    row.as_ref().map(read).transpose()
}

/// Makes the row at the first start.
///
/// # Errors
/// The database's, also when it is there.
pub fn insert(tx: &mut dyn Tx, row: &ServerRow, now_ms: i64) -> Result<(), DbError> {
    tx.exec(
        "INSERT INTO server (only_row, epoch, starts, account, device, secrets, created_ms) \
         VALUES (1, $1, $2, $3, $4, $5, $6)",
        &[
            row.epoch.as_bytes().into(),
            row.starts.into(),
            row.account.as_bytes().into(),
            row.device.as_bytes().into(),
            row.secrets.as_slice().into(),
            now_ms.into(),
        ],
    )?;
    Ok(())
}

/// Sets the epoch and the count of starts.
///
/// # Errors
/// The database's.
pub fn set_life(tx: &mut dyn Tx, epoch: ServerEpoch, starts: u64) -> Result<(), DbError> {
    let sql = "UPDATE server SET epoch = $1, starts = $2";
    tx.exec(sql, &[epoch.as_bytes().into(), starts.into()])?;
    Ok(())
}

fn read(row: &Row) -> Result<ServerRow, DbError> {
    Ok(ServerRow {
        epoch: ServerEpoch(row.array(0)?),
        starts: row.count(1)?,
        account: AccountId(row.array(2)?),
        device: DeviceId(row.array(3)?),
        secrets: row.bytes(4)?.to_vec(),
    })
}
