//! Accounts.

use hythe_model::AccountId;

use super::{DbError, Row, Tx};

/// The row of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// The account.
    pub account: AccountId,
    /// Its login name.
    pub login: String,
    /// Whether it may use `admin` functions.
    pub admin: bool,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
}

/// Adds an account; false when the account or its login name is there already.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn insert(tx: &mut dyn Tx, account: &AccountRow) -> Result<bool, DbError> {
    let changed = tx.exec(
        "INSERT INTO accounts (account, login, admin, created_ms) VALUES ($1, $2, $3, $4) \
         ON CONFLICT DO NOTHING",
        &[
            account.account.as_bytes().into(),
            account.login.as_str().into(),
            account.admin.into(),
            account.created_ms.into(),
        ],
    )?;
    Ok(changed == 1)
}

/// All accounts, oldest first.
///
/// # Errors
/// The database's.
pub fn all(tx: &mut dyn Tx) -> Result<Vec<AccountRow>, DbError> {
    let sql = "SELECT account, login, admin, created_ms FROM accounts ORDER BY created_ms, login";
    tx.query(sql, &[])?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<AccountRow, DbError> {
    Ok(AccountRow {
        account: AccountId(row.array(0)?),
        login: row.text(1)?.to_owned(),
        admin: row.flag(2)?,
        created_ms: row.int(3)?,
    })
}
