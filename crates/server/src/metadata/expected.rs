//! Devices that a list of users told of and that have not enrolled.

use hythe_model::AccountId;

use super::{DbError, Row, Tx};

/// A device to be enrolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedRow {
    /// The address it was seen at.
    pub address: Option<String>,
    /// The port.
    pub port: Option<u16>,
    /// Its local directory.
    pub path: String,
    /// What is in it, as JSON.
    pub files: String,
}

/// Adds the devices that an account is said to have; there are none of it yet.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn insert(tx: &mut dyn Tx, account: AccountId, rows: &[ExpectedRow]) -> Result<(), DbError> {
    for (no, row) in (0_i64..).zip(rows) {
        tx.exec(
            "INSERT INTO expected_devices (account, no, address, port, path, files) \
             VALUES ($1, $2, $3, $4, $5, $6)",
            &[
                account.as_bytes().into(),
                no.into(),
                row.address.as_deref().into(),
                row.port.map(u32::from).into(),
                row.path.as_str().into(),
                row.files.as_str().into(),
            ],
        )?;
    }
    Ok(())
}

/// The devices that an account is said to have, as they were told.
///
/// # Errors
/// The database's.
pub fn of_account(tx: &mut dyn Tx, account: AccountId) -> Result<Vec<ExpectedRow>, DbError> {
    let sql = "SELECT address, port, path, files FROM expected_devices WHERE account = $1 \
               ORDER BY no";
    let rows = tx.query(sql, &[account.as_bytes().into()])?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<ExpectedRow, DbError> {
    let port = row.int_or_null(1)?.map(u16::try_from).transpose();
    Ok(ExpectedRow {
        address: row.text_or_null(0)?.map(str::to_owned),
        port: port.map_err(|_| DbError::Shape("a port"))?,
        path: row.text(2)?.to_owned(),
        files: row.text(3)?.to_owned(),
    })
}
