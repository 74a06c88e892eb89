//! Passkeys, and the challenges that they are asked.

use hythe_model::AccountId;

use super::{DbError, Row, Tx};

/// A passkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyRow {
    /// Its id.
    pub credential: Vec<u8>,
    /// What the person calls it.
    pub name: String,
    /// The name of the server that it was made for.
    pub party: String,
    /// What the library keeps of it.
    pub state: Vec<u8>,
    /// How often it said that it was used.
    pub sign_count: u32,
    /// When it was registered, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it was last used.
    pub used_ms: Option<i64>,
    /// When one was shown that had counted less.
    pub copied_ms: Option<i64>,
}

/// A challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengeRow {
    /// Whose passkey is asked.
    pub account: AccountId,
    /// Whether the answer is a new one.
    pub creates: bool,
    /// What the library keeps of it.
    pub state: Vec<u8>,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: i64,
}

/// The passkeys of an account, oldest first.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn of(tx: &mut dyn Tx, account: AccountId) -> Result<Vec<PasskeyRow>, DbError> {
    let sql = "SELECT credential, name, party, state, sign_count, created_ms, used_ms, copied_ms \
               FROM passkeys WHERE account = $1 ORDER BY created_ms, credential";
    let rows = tx.query(sql, &[account.as_bytes().into()])?;
    rows.iter().map(read).collect()
}

/// How many passkeys an account has.
///
/// # Errors
/// The database's.
pub fn count(tx: &mut dyn Tx, account: AccountId) -> Result<u64, DbError> {
    let sql = "SELECT COUNT(*) FROM passkeys WHERE account = $1";
    let row = tx.query_one(sql, &[account.as_bytes().into()])?;
    row.map_or(Ok(0), |row| row.count(0))
}

/// A passkey of an account, locked until the transaction ends, so that each use is counted.
///
/// # Errors
/// The database's.
pub fn lock(
    tx: &mut dyn Tx,
    account: AccountId,
    credential: &[u8],
) -> Result<Option<PasskeyRow>, DbError> {
    let sql = "UPDATE passkeys SET name = name WHERE account = $1 AND credential = $2 RETURNING \
               credential, name, party, state, sign_count, created_ms, used_ms, copied_ms";
    let row = tx.query_one(sql, &[account.as_bytes().into(), credential.into()])?;
    row.as_ref().map(read).transpose()
}

/// Adds a passkey; false when there is one with this id, whoever's.
///
/// # Errors
/// The database's.
pub fn insert(tx: &mut dyn Tx, account: AccountId, row: &PasskeyRow) -> Result<bool, DbError> {
    let sql = "INSERT INTO passkeys (credential, account, name, party, state, sign_count, created_ms) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    let changed = tx.exec(
        sql,
        &[
            row.credential.as_slice().into(),
            account.as_bytes().into(),
            row.name.as_str().into(),
            row.party.as_str().into(),
            row.state.as_slice().into(),
            row.sign_count.into(),
            row.created_ms.into(),
        ],
    )?;
    Ok(changed == 1)
}

/// Remembers a use of a passkey.
///
/// # Errors
/// The database's.
pub fn used(
    tx: &mut dyn Tx,
    credential: &[u8],
    state: &[u8],
    sign_count: u32,
    now_ms: i64,
) -> Result<(), DbError> {
    let sql = "UPDATE passkeys SET state = $1, sign_count = $2, used_ms = $3 WHERE credential = $4";
    let params = [
        state.into(),
        sign_count.into(),
        now_ms.into(),
        credential.into(),
    ];
    tx.exec(sql, &params)?;
    Ok(())
}

/// Remembers that a passkey was shown that had counted less.
///
/// # Errors
/// The database's.
pub fn copied(tx: &mut dyn Tx, credential: &[u8], now_ms: i64) -> Result<(), DbError> {
    let sql = "UPDATE passkeys SET copied_ms = $1 WHERE credential = $2";
    tx.exec(sql, &[now_ms.into(), credential.into()])?;
    Ok(())
}

/// Removes a passkey of an account.
///
/// # Errors
/// The database's.
pub fn remove(tx: &mut dyn Tx, account: AccountId, credential: &[u8]) -> Result<(), DbError> {
    let sql = "DELETE FROM passkeys WHERE account = $1 AND credential = $2";
    tx.exec(sql, &[account.as_bytes().into(), credential.into()])?;
    Ok(())
}

/// Keeps a challenge in place of the one before of the same, and forgets those that have ended.
///
/// # Errors
/// The database's.
pub fn ask(
    tx: &mut dyn Tx,
    bound_to: &[u8; 32],
    row: &ChallengeRow,
    now_ms: i64,
) -> Result<(), DbError> {
    let sql = "DELETE FROM passkey_challenges WHERE expires_ms < $1";
    tx.exec(sql, &[now_ms.into()])?;
    tx.exec(
        "INSERT INTO passkey_challenges (bound_to, account, creates, state, expires_ms) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (bound_to) DO UPDATE SET \
         account = excluded.account, creates = excluded.creates, state = excluded.state, \
         expires_ms = excluded.expires_ms",
        &[
            bound_to.into(),
            row.account.as_bytes().into(),
            row.creates.into(),
            row.state.as_slice().into(),
            row.expires_ms.into(),
        ],
    )?;
    Ok(())
}

/// Takes a challenge: whoever comes second finds none.
///
/// # Errors
/// The database's.
pub fn take(tx: &mut dyn Tx, bound_to: &[u8; 32]) -> Result<Option<ChallengeRow>, DbError> {
    let sql = "DELETE FROM passkey_challenges WHERE bound_to = $1 \
               RETURNING account, creates, state, expires_ms";
    let row = tx.query_one(sql, &[bound_to.into()])?;
    row.map(|row| {
        Ok(ChallengeRow {
            account: AccountId(row.array(0)?),
            creates: row.flag(1)?,
            state: row.bytes(2)?.to_vec(),
            expires_ms: row.int(3)?,
        })
    })
    .transpose()
}

/// Forgets what an account has begun to register.
///
/// # Errors
/// The database's.
pub fn forget_begun(tx: &mut dyn Tx, account: AccountId) -> Result<(), DbError> {
    let sql = "DELETE FROM passkey_challenges WHERE account = $1 AND creates = 1";
    tx.exec(sql, &[account.as_bytes().into()])?;
    Ok(())
}

fn read(row: &Row) -> Result<PasskeyRow, DbError> {
    let sign_count = u32::try_from(row.int(4)?);
    Ok(PasskeyRow {
        credential: row.bytes(0)?.to_vec(),
        name: row.text(1)?.to_owned(),
        party: row.text(2)?.to_owned(),
        state: row.bytes(3)?.to_vec(),
        sign_count: sign_count.map_err(|_| DbError::Shape("a passkey's count"))?,
        created_ms: row.int(5)?,
        used_ms: row.int_or_null(6)?,
        copied_ms: row.int_or_null(7)?,
    })
}
