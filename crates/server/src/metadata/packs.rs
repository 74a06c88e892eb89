//! Packs: their names in the blob store.

use super::{DbError, Tx, V};

/// Short name of a pack in the other tables, from 1.
pub type PackNo = i64;

/// Registers a stored pack, or finds it.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn register(
    tx: &mut dyn Tx,
    name: &[u8; 32],
    length: u64,
    now_ms: i64,
) -> Result<PackNo, DbError> {
    let row = tx.query_one(
        "INSERT INTO packs (name, length, created_ms) VALUES ($1, $2, $3) \
         ON CONFLICT (name) DO UPDATE SET length = excluded.length RETURNING no",
        &[name.into(), length.into(), now_ms.into()],
    )?;
    row.ok_or(DbError::Shape("the number of a new row"))?.int(0)
}

/// The names of packs, in order; none where there is no such pack.
///
/// # Errors
/// The database's.
pub fn names(tx: &mut dyn Tx, packs: &[PackNo]) -> Result<Vec<Option<[u8; 32]>>, DbError> {
    let keys: Vec<Vec<V<'_>>> = packs.iter().map(|no| vec![(*no).into()]).collect();
    let found = tx.lookup("SELECT name FROM packs WHERE no = $1", &keys)?;
    found
        .iter()
        .map(|rows| rows.first().map(|row| row.array(0)).transpose())
        .collect()
}

/// How many packs there are, and how many bytes they have.
///
/// # Errors
/// The database's.
pub fn count(tx: &mut dyn Tx) -> Result<(u64, u64), DbError> {
    let sql = "SELECT COUNT(*), CAST(COALESCE(SUM(length), 0) AS BIGINT) FROM packs";
    tx.query_one(sql, &[])?
        .map_or(Ok((0, 0)), |row| Ok((row.count(0)?, row.count(1)?)))
}
