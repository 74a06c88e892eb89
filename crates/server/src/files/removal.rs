//! Removing accounts whose waiting time is over, and what becomes of their spaces.
//!
//! * A space in which nobody else is goes with the account, its history too.
//! * A space with other members stays, and they go on as before. It counts for the first other
//!   owner from then on; where there is none, for nobody, and nobody can change its members.
//! * The account's own log stays: it holds public keys, and with them what the account signed in
//!   spaces that stay is verified.
//! * Packs keep the bytes of chunks that nothing names any more until they are collected.

use hythe_model::{AccountId, Role};

use super::access::role_of;
use super::audit::{Action, Actor};
use super::{Files, FilesError};
use crate::clock::now_ms;
use crate::metadata::accounts;
use crate::metadata::quotas::{self, SpaceUse};
use crate::metadata::standing;
use crate::metadata::{DbError, Tx, records};
use crate::notify::Notice;

impl Files {
    /// Removes the accounts whose waiting time is over; returns how many.
    ///
    /// # Errors
    /// The database's.
    pub async fn remove_due(&self) -> Result<u64, FilesError> {
        let due = move |tx: &mut dyn Tx| standing::due(tx, now_ms());
        let accounts: Vec<AccountId> = self.inner.database.read(due).await?;
        let mut removed = 0;
        for account in accounts {
            let work = move |tx: &mut dyn Tx| remove(tx, account);
            removed += u64::from(self.inner.database.write(work).await?);
            self.inner.sessions.revoke_all();
        }
        Ok(removed)
    }
}

/// Removes one account; false when it was resumed, or removed by another replica, meanwhile.
fn remove(tx: &mut dyn Tx, account: AccountId) -> Result<bool, FilesError> {
    let now_ms = now_ms();
    quotas::lock_account(tx, account)?;
    let standing = standing::get(tx, account)?;
    let is_due = standing.is_some_and(|s| s.removal_ms.is_some_and(|at| at <= now_ms));
    if !is_due {
        return Ok(false);
    }
    let rows = accounts::all(tx)?;
    let login = rows.into_iter().find(|row| row.account == account);
    let (mut gone, mut stay) = (0, 0);
    for space in spaces_of(tx, account)? {
        match leave(tx, &space, account, now_ms)? {
            true => gone += 1,
            false => stay += 1,
        }
    }
    standing::remove(tx, account, now_ms)?;
    tx.notify(Notice::Standing { account });
    let action = Action {
        actor: Actor::Server,
        name: "account-removed",
        subject: login.map(|row| row.login).unwrap_or_default(),
        detail: format!("{gone} spaces went with it, {stay} stay with their other members"),
    };
    action.record(tx, "done")?;
    Ok(true)
}

/// The spaces that an account is a member of, or that count for it.
pub(super) fn spaces_of(tx: &mut dyn Tx, account: AccountId) -> Result<Vec<SpaceUse>, DbError> {
    let member: Vec<[u8; 32]> = records::spaces_of(tx, account)?
        .into_iter()
        .map(|(id, _)| id)
        .collect();
    let mut spaces = quotas::spaces(tx)?;
    spaces.retain(|space| space.payer == Some(account) || member.contains(&space.space));
    Ok(spaces)
}

/// Takes an account out of a space; true when the space goes with it.
fn leave(
    tx: &mut dyn Tx,
    space: &SpaceUse,
    account: AccountId,
    now_ms: i64,
) -> Result<bool, DbError> {
    let others = standing::other_members(tx, space.log, account)?;
    if others.is_empty() {
        standing::remove_space(tx, space.log, now_ms)?;
        return Ok(true);
    }
    if space.payer == Some(account) {
        let mut next = None;
        for (other, role) in &others {
            if role_of(*role)? == Role::Owner && next.is_none() {
                next = Some(*other);
            }
        }
        standing::set_payer(tx, space.log, next)?;
    }
    for (other, _) in others {
        tx.notify(Notice::Spaces { account: other });
    }
    Ok(false)
}
