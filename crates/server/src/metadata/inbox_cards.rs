//! What devices say of the inboxes of spaces.

use hythe_model::{AccountId, DeviceId};

use super::logs::LogNo;
use super::{DbError, Tx};

/// A card, as a device signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardRow {
    /// The device.
    pub device: DeviceId,
    /// Its account.
    pub account: AccountId,
    /// The signed card.
    pub card: Vec<u8>,
}

/// Keeps a card, in place of what the device said before.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn put(tx: &mut dyn Tx, log: LogNo, row: &CardRow, now_ms: i64) -> Result<(), DbError> {
    tx.exec(
        "INSERT INTO inbox_cards (log, device, account, card, made_ms) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (log, device) \
         DO UPDATE SET account = excluded.account, card = excluded.card, \
         made_ms = excluded.made_ms",
        &[
            log.into(),
            row.device.as_bytes().into(),
            row.account.as_bytes().into(),
            row.card.as_slice().into(),
            now_ms.into(),
        ],
    )?;
    Ok(())
}

/// What a device said of the inbox of a space.
///
/// # Errors
/// The database's.
pub fn of_device(
    tx: &mut dyn Tx,
    log: LogNo,
    device: DeviceId,
) -> Result<Option<Vec<u8>>, DbError> {
    let row = tx.query_one(
        "SELECT card FROM inbox_cards WHERE log = $1 AND device = $2",
        &[log.into(), device.as_bytes().into()],
    )?;
    row.map(|mut row| row.take_bytes(0)).transpose()
}

/// What all devices said of the inbox of a space, the latest first.
///
/// # Errors
/// The database's.
pub fn of_space(tx: &mut dyn Tx, log: LogNo) -> Result<Vec<CardRow>, DbError> {
    let rows = tx.query(
        "SELECT device, account, card FROM inbox_cards WHERE log = $1 \
         ORDER BY made_ms DESC, device",
        &[log.into()],
    )?;
    rows.into_iter().map(read).collect()
}

fn read(mut row: super::Row) -> Result<CardRow, DbError> {
    Ok(CardRow {
        device: DeviceId(row.array(0)?),
        account: AccountId(row.array(1)?),
        card: row.take_bytes(2)?,
    })
}
