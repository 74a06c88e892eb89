//! The fold of a space: everything but nodes, and members by account.

use hythe_model::AccountId;

use super::logs::LogNo;
use super::{DbError, Tx, V};

/// What a record in this table is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// The space itself; its key is empty.
    Space = 0,
    /// A key epoch; big-endian.
    Epoch = 1,
    /// A member; its account.
    Member = 2,
    /// A device that writes; its id.
    Author = 3,
    /// An offer to join; the id of its one-time key.
    JoinOffer = 4,
}

/// A record as the fold encodes it.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn get(
    tx: &mut dyn Tx,
    log: LogNo,
    kind: RecordKind,
    key: &[u8],
) -> Result<Option<Vec<u8>>, DbError> {
    let sql = "SELECT record FROM records WHERE log = $1 AND kind = $2 AND key = $3";
    let row = tx.query_one(sql, &[log.into(), V::Int(kind as i64), key.into()])?;
    row.map(|mut row| row.take_bytes(0)).transpose()
}

/// All records of a kind, by key.
///
/// # Errors
/// The database's.
pub fn all(tx: &mut dyn Tx, log: LogNo, kind: RecordKind) -> Result<Vec<Vec<u8>>, DbError> {
    let sql = "SELECT record FROM records WHERE log = $1 AND kind = $2 ORDER BY key";
    let rows = tx.query(sql, &[log.into(), V::Int(kind as i64)])?;
    rows.into_iter().map(|mut row| row.take_bytes(0)).collect()
}

/// Adds or replaces a record.
///
/// # Errors
/// The database's.
pub fn put(
    tx: &mut dyn Tx,
    log: LogNo,
    kind: RecordKind,
    key: &[u8],
    record: &[u8],
) -> Result<(), DbError> {
    tx.exec(
        "INSERT INTO records (log, kind, key, record) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (log, kind, key) DO UPDATE SET record = excluded.record",
        &[log.into(), V::Int(kind as i64), key.into(), record.into()],
    )?;
    Ok(())
}

/// Says which role an account has in a space, and since when where that is another than before;
/// none takes it out.
///
/// # Errors
/// The database's.
pub fn set_member(
    tx: &mut dyn Tx,
    log: LogNo,
    account: AccountId,
    role: Option<u8>,
    now_ms: i64,
) -> Result<(), DbError> {
    let Some(role) = role else {
        let sql = "DELETE FROM members WHERE account = $1 AND log = $2";
        tx.exec(sql, &[account.as_bytes().into(), log.into()])?;
        return Ok(());
    };
    tx.exec(
        "INSERT INTO members (account, log, role, since_ms) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (account, log) DO UPDATE SET role = excluded.role, since_ms = \
         CASE WHEN members.role = excluded.role THEN members.since_ms ELSE excluded.since_ms END",
        &[
            account.as_bytes().into(),
            log.into(),
            i64::from(role).into(),
            now_ms.into(),
        ],
    )?;
    Ok(())
}

/// Since when an account has its role in a space, in milliseconds since 1970, where that is known.
///
/// # Errors
/// The database's.
pub fn role_since(tx: &mut dyn Tx, log: LogNo, account: AccountId) -> Result<Option<i64>, DbError> {
    let sql = "SELECT since_ms FROM members WHERE account = $1 AND log = $2";
    let row = tx.query_one(sql, &[account.as_bytes().into(), log.into()])?;
    row.map(|row| row.int_or_null(0))
        .transpose()
        .map(Option::flatten)
}

/// The role of an account in a space.
///
/// # Errors
/// The database's.
pub fn role(tx: &mut dyn Tx, log: LogNo, account: AccountId) -> Result<Option<u8>, DbError> {
    let sql = "SELECT role FROM members WHERE account = $1 AND log = $2";
    let row = tx.query_one(sql, &[account.as_bytes().into(), log.into()])?;
    row.map(|row| read_role(row.int(0)?)).transpose()
}

/// The ids of the spaces that an account takes part in, with its roles, in the order they were made.
///
/// # Errors
/// The database's.
pub fn spaces_of(tx: &mut dyn Tx, account: AccountId) -> Result<Vec<([u8; 32], u8)>, DbError> {
    let rows = tx.query(
        "SELECT logs.id, members.role FROM members JOIN logs ON logs.no = members.log \
         WHERE members.account = $1 AND NOT EXISTS (SELECT 1 FROM invitations AS asked \
         WHERE asked.account = members.account AND asked.log = members.log) ORDER BY logs.no",
        &[account.as_bytes().into()],
    )?;
    rows.iter()
        .map(|row| Ok((row.array(0)?, read_role(row.int(1)?)?)))
        .collect()
}

/// The same for the spaces that it was invited to and has not answered, the latest `limit`.
///
/// # Errors
/// The database's.
pub fn spaces_offered(
    tx: &mut dyn Tx,
    account: AccountId,
    limit: u32,
) -> Result<Vec<([u8; 32], u8)>, DbError> {
    let rows = tx.query(
        "SELECT logs.id, members.role FROM invitations AS asked \
         JOIN members ON members.account = asked.account AND members.log = asked.log \
         JOIN logs ON logs.no = asked.log WHERE asked.account = $1 AND asked.answer = 0 \
         ORDER BY asked.since_ms DESC, logs.no LIMIT $2",
        &[account.as_bytes().into(), limit.into()],
    )?;
    rows.iter()
        .map(|row| Ok((row.array(0)?, read_role(row.int(1)?)?)))
        .collect()
}

/// The accounts that are members of a space that `account` is a member of.
///
/// # Errors
/// The database's.
pub fn fellow_members(tx: &mut dyn Tx, account: AccountId) -> Result<Vec<AccountId>, DbError> {
    let rows = tx.query(
        "SELECT DISTINCT other.account FROM members AS own \
         JOIN members AS other ON own.log = other.log WHERE own.account = $1",
        &[account.as_bytes().into()],
    )?;
    rows.iter().map(|row| row.array(0).map(AccountId)).collect()
}

fn read_role(value: i64) -> Result<u8, DbError> {
    u8::try_from(value).map_err(|_| DbError::Shape("a role"))
}
