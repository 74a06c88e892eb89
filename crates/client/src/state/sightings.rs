//! What devices of a space's members said of how far they were shown it.

use hythe_model::DeviceId;
use hythe_space::SignedSighting;

use super::StateError;
use super::columns::get;
use super::rows::{Result, Rows, Tx};
use super::spaces::SpaceNumber;

/// A sighting that is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SightingRow {
    /// What the device signed. That it did was checked before it was kept.
    pub signed: SignedSighting,
    /// A person has said that it is to count for nothing.
    pub disbelieved: bool,
}

impl Rows<'_> {
    /// The sightings of a space.
    ///
    /// # Errors
    /// The database's, as for everything here.
    pub fn sightings(&self, space: SpaceNumber) -> Result<Vec<SightingRow>> {
        let sql = "SELECT signed, disbelieved FROM sightings WHERE space = ?1 ORDER BY device";
        self.all(sql, [space.0], |row| {
            let signed: Vec<u8> = get(row, 0)?;
            let signed = SignedSighting::decode(&signed);
            Ok(SightingRow {
                signed: signed.map_err(|_| StateError::Invalid("sighting"))?,
                disbelieved: row.get(1)?,
            })
        })
    }
}

impl Tx<'_> {
    /// Keeps a sighting in place of the one of the same device.
    ///
    /// # Errors
    /// The database's.
    pub fn put_sighting(&self, space: SpaceNumber, row: &SightingRow) -> Result<()> {
        let sql = "INSERT INTO sightings (space, device, signed, disbelieved)
            VALUES (?1, ?2, ?3, ?4) ON CONFLICT (space, device)
            DO UPDATE SET signed = excluded.signed, disbelieved = excluded.disbelieved";
        let device: DeviceId = row.signed.sighting().device;
        let params = (
            space.0,
            device.as_bytes(),
            row.signed.encode(),
            row.disbelieved,
        );
        self.run(sql, params).map(drop)
    }

    /// Forgets what was said of a space.
    ///
    /// # Errors
    /// The database's.
    pub fn forget_sightings(&self, space: SpaceNumber) -> Result<()> {
        self.run("DELETE FROM sightings WHERE space = ?1", [space.0])
            .map(drop)
    }
}
