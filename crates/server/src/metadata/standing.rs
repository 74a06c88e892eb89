//! How accounts stand: suspended, to be removed, removed.

use hythe_model::AccountId;

use super::logs::LogNo;
use super::{DbError, Row, Tx};

/// How an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Since when it is suspended, in milliseconds since 1970.
    pub suspended_ms: Option<i64>,
    /// When it will be removed.
    pub removal_ms: Option<i64>,
}

/// How an account stands; none when there is no such account (any more).
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn get(tx: &mut dyn Tx, account: AccountId) -> Result<Option<Standing>, DbError> {
    let sql = "SELECT suspended_ms, removal_ms FROM accounts WHERE account = $1";
    let row = tx.query_one(sql, &[account.as_bytes().into()])?;
    row.as_ref().map(read).transpose()
}

/// Sets how an account stands.
///
/// # Errors
/// The database's.
pub fn set(tx: &mut dyn Tx, account: AccountId, standing: Standing) -> Result<(), DbError> {
    tx.exec(
        "UPDATE accounts SET suspended_ms = $1, removal_ms = $2 WHERE account = $3",
        &[
            standing.suspended_ms.into(),
            standing.removal_ms.into(),
            account.as_bytes().into(),
        ],
    )?;
    Ok(())
}

/// Sets whether an account may administer the server.
///
/// # Errors
/// The database's.
pub fn set_admin(tx: &mut dyn Tx, account: AccountId, admin: bool) -> Result<(), DbError> {
    let sql = "UPDATE accounts SET admin = $1 WHERE account = $2";
    tx.exec(sql, &[admin.into(), account.as_bytes().into()])?;
    Ok(())
}

/// The accounts whose time to be removed has come.
///
/// # Errors
/// The database's.
pub fn due(tx: &mut dyn Tx, now_ms: i64) -> Result<Vec<AccountId>, DbError> {
    let sql = "SELECT account FROM accounts WHERE removal_ms <= $1 ORDER BY removal_ms";
    tx.query(sql, &[now_ms.into()])?
        .iter()
        .map(|row| Ok(AccountId(row.array(0)?)))
        .collect()
}

/// The devices of an account that belong to it still, and how many there were.
///
/// # Errors
/// The database's.
pub fn count_devices(tx: &mut dyn Tx, account: AccountId) -> Result<u64, DbError> {
    let sql = "SELECT COUNT(*) FROM devices WHERE account = $1 AND removed_ms IS NULL";
    let row = tx.query_one(sql, &[account.as_bytes().into()])?;
    row.map_or(Ok(0), |row| row.count(0))
}

/// What is kept of an account beside its row and its log.
const OF_AN_ACCOUNT: [&str; 10] = [
    "DELETE FROM app_passwords WHERE account = $1",
    "DELETE FROM expected_devices WHERE account = $1",
    "DELETE FROM tokens WHERE account = $1",
    "DELETE FROM credentials WHERE account = $1",
    "DELETE FROM profiles WHERE account = $1",
    "DELETE FROM second_factors WHERE account = $1",
    "DELETE FROM passkeys WHERE account = $1",
    "DELETE FROM passkey_challenges WHERE account = $1",
    "DELETE FROM ended_spaces WHERE account = $1",
    "DELETE FROM invitations_made WHERE account = $1",
];

/// Forgets an account: its row, its devices' rights, its tokens, password and profile. Its log stays, for whoever has to
/// verify what it signed.
///
/// # Errors
/// The database's.
pub fn remove(tx: &mut dyn Tx, account: AccountId, now_ms: i64) -> Result<(), DbError> {
    let id = account.as_bytes();
    let sql = "DELETE FROM accounts WHERE account = $1";
    tx.exec(sql, &[id.into()])?;
    let sql = "UPDATE devices SET removed_ms = $1, name = '', platform = '', version = '', \
               folders = '[]', address = NULL, port = NULL, last_seen_ms = NULL \
               WHERE account = $2 AND removed_ms IS NULL";
    tx.exec(sql, &[now_ms.into(), id.into()])?;
    for sql in OF_AN_ACCOUNT {
        tx.exec(sql, &[id.into()])?;
    }
    Ok(())
}

/// A member of a space beside some account, with its role's number.
///
/// # Errors
/// The database's.
pub fn other_members(
    tx: &mut dyn Tx,
    log: LogNo,
    account: AccountId,
) -> Result<Vec<(AccountId, u8)>, DbError> {
    // The server's own account has no row here and is nobody whose files these are.
    let rows = tx.query(
        "SELECT members.account, members.role FROM members, accounts \
         WHERE members.log = $1 AND members.account <> $2 \
         AND accounts.account = members.account ORDER BY members.role, members.account",
        &[log.into(), account.as_bytes().into()],
    )?;
    rows.iter()
        .map(|row| {
            let role = u8::try_from(row.int(1)?).map_err(|_| DbError::Shape("a role"))?;
            Ok((AccountId(row.array(0)?), role))
        })
        .collect()
}

/// Makes another account the one that a space counts for; none where there is nobody.
///
/// # Errors
/// The database's.
pub fn set_payer(tx: &mut dyn Tx, log: LogNo, payer: Option<AccountId>) -> Result<(), DbError> {
    let sql = "UPDATE logs SET payer = $1, owner = NULL WHERE no = $2";
    tx.exec(
        sql,
        &[payer.as_ref().map(AccountId::as_bytes).into(), log.into()],
    )?;
    Ok(())
}

/// What hangs on a log, the log last.
const OF_A_LOG: [&str; 21] = [
    "DELETE FROM entries WHERE log = $1",
    "DELETE FROM links WHERE log = $1",
    "DELETE FROM link_uses WHERE log = $1",
    "DELETE FROM link_capsules WHERE log = $1",
    "DELETE FROM parcels WHERE log = $1",
    "DELETE FROM inbox_cards WHERE log = $1",
    "DELETE FROM nodes WHERE log = $1",
    "DELETE FROM versions WHERE log = $1",
    "DELETE FROM records WHERE log = $1",
    "DELETE FROM members WHERE log = $1",
    "DELETE FROM checkpoints WHERE log = $1",
    "DELETE FROM sightings WHERE log = $1",
    "DELETE FROM operations WHERE log = $1",
    "DELETE FROM chunks WHERE log = $1",
    "DELETE FROM inline_chunks WHERE log = $1",
    "DELETE FROM layout_refs WHERE log = $1",
    "DELETE FROM leases WHERE log = $1",
    "DELETE FROM reservations WHERE log = $1",
    "DELETE FROM invitations WHERE log = $1",
    "DELETE FROM web_upload_parts WHERE upload IN (SELECT upload FROM web_uploads WHERE log = $1)",
    "DELETE FROM web_uploads WHERE log = $1",
];

/// Removes a space with all that is stored of it, and remembers that it was.
///
/// # Errors
/// The database's.
pub fn remove_space(tx: &mut dyn Tx, log: LogNo, now_ms: i64) -> Result<(), DbError> {
    for sql in OF_A_LOG {
        tx.exec(sql, &[log.into()])?;
    }
    let sql = "INSERT INTO removed_logs (id, cursor, removed_ms) \
               SELECT id, cursor, CAST($1 AS BIGINT) FROM logs WHERE no = $2";
    tx.exec(sql, &[now_ms.into(), log.into()])?;
    tx.exec("DELETE FROM logs WHERE no = $1", &[log.into()])?;
    Ok(())
}

fn read(row: &Row) -> Result<Standing, DbError> {
    Ok(Standing {
        suspended_ms: row.int_or_null(0)?,
        removal_ms: row.int_or_null(1)?,
    })
}
