//! What is kept of passwords, and the server's secrets for checking them.

use hythe_model::AccountId;

use super::{DbError, Row, Tx};

/// The record of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct CredentialRow {
    /// Whose password it is.
    pub account: AccountId,
    /// The name under which it was made.
    pub credential: Vec<u8>,
    /// What the protocol keeps.
    pub record: Vec<u8>,
}

/// A secret of the server by name, sealed.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn secret(tx: &mut dyn Tx, name: &str) -> Result<Option<Vec<u8>>, DbError> {
    let sql = "SELECT sealed FROM server_secrets WHERE name = $1";
    let row = tx.query_one(sql, &[name.into()])?;
    row.map(|row| Ok(row.bytes(0)?.to_vec())).transpose()
}

/// Keeps a secret of the server, unless there is one of that name.
///
/// # Errors
/// The database's.
pub fn offer_secret(tx: &mut dyn Tx, name: &str, sealed: &[u8]) -> Result<(), DbError> {
    let sql = "INSERT INTO server_secrets (name, sealed) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    tx.exec(sql, &[name.into(), sealed.into()])?;
    Ok(())
}

/// The record of the password of whoever has a login name.
///
/// # Errors
/// The database's.
pub fn by_login(tx: &mut dyn Tx, login: &str) -> Result<Option<CredentialRow>, DbError> {
    let row = tx.query_one(
        "SELECT c.account, c.credential, c.record FROM credentials c \
         JOIN accounts a ON a.account = c.account WHERE a.login = $1",
        &[login.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// Whether an account has a password.
///
/// # Errors
/// The database's.
pub fn has(tx: &mut dyn Tx, account: AccountId) -> Result<bool, DbError> {
    let sql = "SELECT 1 FROM credentials WHERE account = $1";
    Ok(tx.query_one(sql, &[account.as_bytes().into()])?.is_some())
}

/// Sets the record of an account's password.
///
/// # Errors
/// The database's.
pub fn set(tx: &mut dyn Tx, row: &CredentialRow, now_ms: i64) -> Result<(), DbError> {
    tx.exec(
        "INSERT INTO credentials (account, credential, record, set_ms) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (account) DO UPDATE SET credential = excluded.credential, \
         record = excluded.record, set_ms = excluded.set_ms",
        &[
            row.account.as_bytes().into(),
            row.credential.as_slice().into(),
            row.record.as_slice().into(),
            now_ms.into(),
        ],
    )?;
    Ok(())
}

/// Forgets an account's password.
///
/// # Errors
/// The database's.
pub fn remove(tx: &mut dyn Tx, account: AccountId) -> Result<(), DbError> {
    let sql = "DELETE FROM credentials WHERE account = $1";
    tx.exec(sql, &[account.as_bytes().into()])?;
    Ok(())
}

fn read(row: &Row) -> Result<CredentialRow, DbError> {
    Ok(CredentialRow {
        account: AccountId(row.array(0)?),
        credential: row.bytes(1)?.to_vec(),
        record: row.bytes(2)?.to_vec(),
    })
}
