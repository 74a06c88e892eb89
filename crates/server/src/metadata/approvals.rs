//! New devices that ask to be let in by another one of an account.

use super::{DbError, Tx};

/// A device that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalRow {
    /// Follows from the code that it shows.
    pub id: [u8; 32],
    /// What it is called.
    pub name: String,
    /// Operating system and processor.
    pub platform: String,
    /// Where it asked from.
    pub address: Option<String>,
    /// When it asked first, in milliseconds since 1970.
    pub asked_ms: i64,
    /// The sealed device URL, once it was let in.
    pub sealed: Option<Vec<u8>>,
}

/// Keeps a request; one that is there stays as it is.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn ask(tx: &mut dyn Tx, row: &ApprovalRow) -> Result<(), DbError> {
    tx.exec(
        "INSERT INTO approvals (id, name, platform, address, asked_ms) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        &[
            (&row.id).into(),
            row.name.as_str().into(),
            row.platform.as_str().into(),
            row.address.as_deref().into(),
            row.asked_ms.into(),
        ],
    )?;
    Ok(())
}

/// Forgets requests that were made before a time.
///
/// # Errors
/// The database's.
pub fn sweep(tx: &mut dyn Tx, before_ms: i64) -> Result<(), DbError> {
    tx.exec(
        "DELETE FROM approvals WHERE asked_ms < $1",
        &[before_ms.into()],
    )?;
    Ok(())
}

/// A request that was made since a time.
///
/// # Errors
/// The database's.
pub fn get(tx: &mut dyn Tx, id: &[u8; 32], since_ms: i64) -> Result<Option<ApprovalRow>, DbError> {
    let row = tx.query_one(
        "SELECT id, name, platform, address, asked_ms, sealed FROM approvals \
         WHERE id = $1 AND asked_ms >= $2",
        &[id.into(), since_ms.into()],
    )?;
    row.map(|row| {
        Ok(ApprovalRow {
            id: row.array(0)?,
            name: row.text(1)?.to_owned(),
            platform: row.text(2)?.to_owned(),
            address: row.text_or_null(3)?.map(str::to_owned),
            asked_ms: row.int(4)?,
            sealed: row.bytes_or_null(5)?.map(<[u8]>::to_vec),
        })
    })
    .transpose()
}

/// Lets a device in, unless it was let in before; false then.
///
/// # Errors
/// The database's.
pub fn grant(tx: &mut dyn Tx, id: &[u8; 32], sealed: &[u8]) -> Result<bool, DbError> {
    let sql = "UPDATE approvals SET sealed = $1 WHERE id = $2 AND sealed IS NULL";
    Ok(tx.exec(sql, &[sealed.into(), id.into()])? == 1)
}
