//! App passwords. Only their hashes are kept.

use hythe_model::{AccountId, DeviceId};

use super::{DbError, Row, Tx, V};

/// The row of an app password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppPasswordRow {
    /// The hash that the client sent.
    pub hash: [u8; 32],
    /// Its account.
    pub account: AccountId,
    /// The device that made it, and whose removal ends it.
    pub device: DeviceId,
    /// What the person calls it.
    pub name: String,
    /// Whether it only reads.
    pub read_only: bool,
    /// Ids of the spaces it reaches, one after the other; none: all open ones.
    pub spaces: Option<Vec<u8>>,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it was last used.
    pub used_ms: Option<i64>,
}

/// Adds one; false when its hash or its name is there already.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn insert(tx: &mut dyn Tx, row: &AppPasswordRow) -> Result<bool, DbError> {
    let changed = tx.exec(
        "INSERT INTO app_passwords (hash, account, device, name, read_only, spaces, created_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        &[
            (&row.hash).into(),
            row.account.as_bytes().into(),
            row.device.as_bytes().into(),
            row.name.as_str().into(),
            row.read_only.into(),
            row.spaces.as_deref().into(),
            row.created_ms.into(),
        ],
    )?;
    Ok(changed == 1)
}

/// The one with a hash.
///
/// # Errors
/// The database's.
pub fn get(tx: &mut dyn Tx, hash: &[u8; 32]) -> Result<Option<AppPasswordRow>, DbError> {
    let sql = "SELECT hash, account, device, name, read_only, spaces, created_ms, used_ms \
               FROM app_passwords WHERE hash = $1";
    let row = tx.query_one(sql, &[hash.into()])?;
    row.as_ref().map(read).transpose()
}

/// Those of an account, oldest first.
///
/// # Errors
/// The database's.
pub fn of_account(tx: &mut dyn Tx, account: AccountId) -> Result<Vec<AppPasswordRow>, DbError> {
    let sql = "SELECT hash, account, device, name, read_only, spaces, created_ms, used_ms \
               FROM app_passwords WHERE account = $1 ORDER BY created_ms, name";
    let rows = tx.query(sql, &[account.as_bytes().into()])?;
    rows.iter().map(read).collect()
}

/// Removes one; false when there is none of that name.
///
/// # Errors
/// The database's.
pub fn remove(tx: &mut dyn Tx, account: AccountId, name: &str) -> Result<bool, DbError> {
    let sql = "DELETE FROM app_passwords WHERE account = $1 AND name = $2";
    Ok(tx.exec(sql, &[account.as_bytes().into(), name.into()])? == 1)
}

/// Removes those that a device made.
///
/// # Errors
/// The database's.
pub fn remove_of(tx: &mut dyn Tx, account: AccountId, device: DeviceId) -> Result<(), DbError> {
    let sql = "DELETE FROM app_passwords WHERE account = $1 AND device = $2";
    tx.exec(sql, &[account.as_bytes().into(), device.as_bytes().into()])?;
    Ok(())
}

/// Notes when some were last used.
///
/// # Errors
/// The database's.
pub fn used(tx: &mut dyn Tx, uses: &[([u8; 32], i64)]) -> Result<(), DbError> {
    let rows: Vec<Vec<V<'_>>> = uses
        .iter()
        .map(|(hash, at_ms)| vec![(*at_ms).into(), hash.into()])
        .collect();
    tx.many(
        "UPDATE app_passwords SET used_ms = $1 WHERE hash = $2",
        &rows,
    )?;
    Ok(())
}

fn read(row: &Row) -> Result<AppPasswordRow, DbError> {
    Ok(AppPasswordRow {
        hash: row.array(0)?,
        account: AccountId(row.array(1)?),
        device: DeviceId(row.array(2)?),
        name: row.text(3)?.to_owned(),
        read_only: row.flag(4)?,
        spaces: row.bytes_or_null(5)?.map(<[u8]>::to_vec),
        created_ms: row.int(6)?,
        used_ms: row.int_or_null(7)?,
    })
}
