//! Invites and one-time tokens. Only their hashes are kept.

use hythe_model::{AccountId, DeviceId};

use super::{DbError, Row, Tx, V};

/// What a token lets its holder do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Create an account.
    Invite = 0,
    /// Add a device to an account.
    Device = 1,
    /// The token of an account's recovery code: add devices.
    Recovery = 2,
    /// Whoever logged in with a password: add a device, or change the password.
    Login = 3,
}

/// The row of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenRow {
    /// What it is for.
    pub kind: TokenKind,
    /// The account that gave it out; none: whoever runs the server.
    pub account: Option<AccountId>,
    /// Whether the invited account becomes an admin.
    pub admin: bool,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: i64,
    /// The device that used it.
    pub used_by: Option<DeviceId>,
}

/// Adds a token; false when it is there.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn insert(
    tx: &mut dyn Tx,
    token_hash: &[u8; 32],
    token: &TokenRow,
    now_ms: i64,
) -> Result<bool, DbError> {
    let changed = tx.exec(
        "INSERT INTO tokens (token_hash, kind, account, admin, created_ms, expires_ms) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        &[
            token_hash.into(),
            V::Int(token.kind as i64),
            token.account.as_ref().map(AccountId::as_bytes).into(),
            token.admin.into(),
            now_ms.into(),
            token.expires_ms.into(),
        ],
    )?;
    Ok(changed == 1)
}

/// A token, locked until the transaction ends, so that it is used once.
///
/// # Errors
/// The database's.
pub fn lock(tx: &mut dyn Tx, token_hash: &[u8; 32]) -> Result<Option<TokenRow>, DbError> {
    let row = tx.query_one(
        "UPDATE tokens SET kind = kind WHERE token_hash = $1 \
         RETURNING kind, account, admin, expires_ms, used_by",
        &[token_hash.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// A token.
///
/// # Errors
/// The database's.
pub fn get(tx: &mut dyn Tx, token_hash: &[u8; 32]) -> Result<Option<TokenRow>, DbError> {
    let row = tx.query_one(
        "SELECT kind, account, admin, expires_ms, used_by FROM tokens WHERE token_hash = $1",
        &[token_hash.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// Remembers which device used a token.
///
/// # Errors
/// The database's.
pub fn spend(tx: &mut dyn Tx, token_hash: &[u8; 32], by: DeviceId) -> Result<(), DbError> {
    let sql = "UPDATE tokens SET used_by = $1 WHERE token_hash = $2";
    tx.exec(sql, &[by.as_bytes().into(), token_hash.into()])?;
    Ok(())
}

/// Removes the tokens of one kind of an account.
///
/// # Errors
/// The database's.
pub fn remove(tx: &mut dyn Tx, account: AccountId, kind: TokenKind) -> Result<(), DbError> {
    let sql = "DELETE FROM tokens WHERE account = $1 AND kind = $2";
    tx.exec(sql, &[account.as_bytes().into(), V::Int(kind as i64)])?;
    Ok(())
}

/// Removes tokens of logins that have ended.
///
/// # Errors
/// The database's.
pub fn sweep_logins(tx: &mut dyn Tx, now_ms: i64) -> Result<(), DbError> {
    let sql = "DELETE FROM tokens WHERE kind = $1 AND expires_ms < $2";
    tx.exec(sql, &[V::Int(TokenKind::Login as i64), now_ms.into()])?;
    Ok(())
}

fn read(row: &Row) -> Result<TokenRow, DbError> {
    Ok(TokenRow {
        kind: match row.int(0)? {
            0 => TokenKind::Invite,
            1 => TokenKind::Device,
            2 => TokenKind::Recovery,
            3 => TokenKind::Login,
            _ => return Err(DbError::Shape("a kind of token")),
        },
        account: match row.bytes_or_null(1)? {
            Some(_) => Some(AccountId(row.array(1)?)),
            None => None,
        },
        admin: row.flag(2)?,
        expires_ms: row.int(3)?,
        used_by: match row.bytes_or_null(4)? {
            Some(_) => Some(DeviceId(row.array(4)?)),
            None => None,
        },
    })
}
