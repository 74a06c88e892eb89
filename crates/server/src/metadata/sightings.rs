//! What devices say of how far they were shown a space.

use hythe_model::{DeviceId, ServerEpoch};

use super::logs::LogNo;
use super::{DbError, Tx};

/// Keeps what a device says of a log, in place of what it said before.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn put(
    tx: &mut dyn Tx,
    log: LogNo,
    device: DeviceId,
    epoch: ServerEpoch,
    sighting: &[u8],
    now_ms: i64,
) -> Result<(), DbError> {
    tx.exec(
        "INSERT INTO sightings (log, device, epoch, sighting, at_ms) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (log, device) DO UPDATE SET epoch = excluded.epoch, \
         sighting = excluded.sighting, at_ms = excluded.at_ms",
        &[
            log.into(),
            device.as_bytes().into(),
            epoch.as_bytes().into(),
            sighting.into(),
            now_ms.into(),
        ],
    )?;
    Ok(())
}

/// What the others said last in this life of the data: devices that were not removed, of accounts
/// that may read the log, the newest first.
///
/// # Errors
/// The database's.
pub fn of_others(
    tx: &mut dyn Tx,
    log: LogNo,
    device: DeviceId,
    epoch: ServerEpoch,
    limit: u32,
) -> Result<Vec<Vec<u8>>, DbError> {
    // Role 3 is drop: it reads nothing.
    let rows = tx.query(
        "SELECT sightings.sighting FROM sightings \
         JOIN devices ON devices.device = sightings.device AND devices.removed_ms IS NULL \
         JOIN members ON members.account = devices.account AND members.log = sightings.log \
         AND members.role <> 3 \
         WHERE sightings.log = $1 AND sightings.device <> $2 AND sightings.epoch = $3 \
         ORDER BY sightings.at_ms DESC, sightings.device LIMIT $4",
        &[
            log.into(),
            device.as_bytes().into(),
            epoch.as_bytes().into(),
            limit.into(),
        ],
    )?;
    rows.into_iter().map(|mut row| row.take_bytes(0)).collect()
}
