//! Who was asked into a space and has not said yes. Private to the account that was asked.

use hythe_model::AccountId;

use super::logs::LogNo;
use super::{DbError, Row, Tx, V};

/// What an account said to an invitation. No row: it takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Nothing yet.
    Pending = 0,
    /// No.
    Declined = 1,
}

/// An invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invitation {
    /// Who was asked.
    pub account: AccountId,
    /// Who asked.
    pub by: AccountId,
    /// What was answered.
    pub answer: Answer,
    /// When it was asked, in milliseconds since 1970.
    pub since_ms: i64,
}

/// Asks an account, or asks it again.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn ask(
    tx: &mut dyn Tx,
    log: LogNo,
    account: AccountId,
    by: AccountId,
    now_ms: i64,
) -> Result<(), DbError> {
    tx.exec(
        "INSERT INTO invitations (account, log, answer, asked_by, since_ms) \
         VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (account, log) DO UPDATE SET answer = excluded.answer, \
         asked_by = excluded.asked_by, since_ms = excluded.since_ms",
        &[
            account.as_bytes().into(),
            log.into(),
            V::Int(Answer::Pending as i64),
            by.as_bytes().into(),
            now_ms.into(),
        ],
    )?;
    Ok(())
}

/// Notes a no; false where nothing was asked.
///
/// # Errors
/// The database's.
pub fn decline(tx: &mut dyn Tx, log: LogNo, account: AccountId) -> Result<bool, DbError> {
    let changed = tx.exec(
        "UPDATE invitations SET answer = $1 WHERE account = $2 AND log = $3",
        &[
            V::Int(Answer::Declined as i64),
            account.as_bytes().into(),
            log.into(),
        ],
    )?;
    Ok(changed == 1)
}

/// Forgets an invitation: it was accepted, or its account is no member any more. False where there
/// was none.
///
/// # Errors
/// The database's.
pub fn forget(tx: &mut dyn Tx, log: LogNo, account: AccountId) -> Result<bool, DbError> {
    let sql = "DELETE FROM invitations WHERE account = $1 AND log = $2";
    Ok(tx.exec(sql, &[account.as_bytes().into(), log.into()])? == 1)
}

/// The invitation of an account into a space.
///
/// # Errors
/// The database's.
pub fn get(tx: &mut dyn Tx, log: LogNo, account: AccountId) -> Result<Option<Invitation>, DbError> {
    let row = tx.query_one(
        "SELECT account, asked_by, answer, since_ms FROM invitations \
         WHERE account = $1 AND log = $2",
        &[account.as_bytes().into(), log.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// All invitations into a space.
///
/// # Errors
/// The database's.
pub fn of_space(tx: &mut dyn Tx, log: LogNo) -> Result<Vec<Invitation>, DbError> {
    let sql = "SELECT account, asked_by, answer, since_ms FROM invitations WHERE log = $1";
    tx.query(sql, &[log.into()])?.iter().map(read).collect()
}

/// Counts one more invitation of an account: how many it made since a time, and when the oldest of
/// those was. Older ones are forgotten.
///
/// # Errors
/// The database's.
pub fn count(
    tx: &mut dyn Tx,
    by: AccountId,
    since_ms: i64,
    now_ms: i64,
) -> Result<(u64, i64), DbError> {
    let sql = "DELETE FROM invitations_made WHERE account = $1 AND made_ms < $2";
    tx.exec(sql, &[by.as_bytes().into(), since_ms.into()])?;
    let sql = "INSERT INTO invitations_made (account, made_ms) VALUES ($1, $2)";
    tx.exec(sql, &[by.as_bytes().into(), now_ms.into()])?;
    let sql = "SELECT COUNT(*), MIN(made_ms) FROM invitations_made WHERE account = $1";
    let row = tx.query_one(sql, &[by.as_bytes().into()])?;
    row.map_or(Ok((0, now_ms)), |row| Ok((row.count(0)?, row.int(1)?)))
}

fn read(row: &Row) -> Result<Invitation, DbError> {
    Ok(Invitation {
        account: AccountId(row.array(0)?),
        by: AccountId(row.array(1)?),
        answer: match row.int(2)? {
            0 => Answer::Pending,
            1 => Answer::Declined,
            _ => return Err(DbError::Shape("an answer to an invitation")),
        },
        since_ms: row.int(3)?,
    })
}
