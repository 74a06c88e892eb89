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

/// An account.
///
/// # Errors
/// The database's.
pub fn get(tx: &mut dyn Tx, account: AccountId) -> Result<Option<AccountRow>, DbError> {
    let sql = "SELECT account, login, admin, created_ms FROM accounts WHERE account = $1";
    let row = tx.query_one(sql, &[account.as_bytes().into()])?;
    row.as_ref().map(read).transpose()
}

/// An account, locked until the transaction ends: what is decided by all that it has is decided by
/// one at a time.
///
/// # Errors
/// The database's.
pub fn lock(tx: &mut dyn Tx, account: AccountId) -> Result<Option<AccountRow>, DbError> {
    let sql = "UPDATE accounts SET admin = admin WHERE account = $1 \
               RETURNING account, login, admin, created_ms";
    let row = tx.query_one(sql, &[account.as_bytes().into()])?;
    row.as_ref().map(read).transpose()
}

/// Gives an account another login name; false when that is another's.
///
/// # Errors
/// The database's.
pub fn rename(tx: &mut dyn Tx, account: AccountId, login: &str) -> Result<bool, DbError> {
    let taken = "SELECT 1 FROM accounts WHERE login = $1 AND account <> $2";
    let params = [login.into(), account.as_bytes().into()];
    if tx.query_one(taken, &params)?.is_some() {
        return Ok(false);
    }
    // A second one at the same moment meets the unique index.
    let sql = "UPDATE accounts SET login = $1 WHERE account = $2";
    tx.exec(sql, &params)?;
    Ok(true)
}

/// All accounts, oldest first.
///
/// # Errors
/// The database's.
pub fn all(tx: &mut dyn Tx) -> Result<Vec<AccountRow>, DbError> {
    let sql = "SELECT account, login, admin, created_ms FROM accounts ORDER BY created_ms, login";
    tx.query(sql, &[])?.iter().map(read).collect()
}

/// The account of a login name.
///
/// # Errors
/// The database's.
pub fn by_login(tx: &mut dyn Tx, login: &str) -> Result<Option<AccountId>, DbError> {
    let row = tx.query_one(
        "SELECT account FROM accounts WHERE login = $1",
        &[login.into()],
    )?;
    row.map(|row| row.array(0).map(AccountId)).transpose()
}

/// The login name of an account.
///
/// # Errors
/// The database's.
pub fn login_of(tx: &mut dyn Tx, account: AccountId) -> Result<Option<String>, DbError> {
    let sql = "SELECT login FROM accounts WHERE account = $1";
    let row = tx.query_one(sql, &[account.as_bytes().into()])?;
    row.map(|row| row.text(0).map(str::to_owned)).transpose()
}

fn read(row: &Row) -> Result<AccountRow, DbError> {
    Ok(AccountRow {
        account: AccountId(row.array(0)?),
        login: row.text(1)?.to_owned(),
        admin: row.flag(2)?,
        created_ms: row.int(3)?,
    })
}
