//! Deletion of an account by its owner.
//!
//! It happens as when an administrator removes it ([`super::removal`]), after the same waiting time;
//! but the account is not suspended meanwhile, so that its owner can fetch what is to be kept. The
//! owner takes it back with any device, or by logging in.

use std::time::Duration;

use hythe_model::{AccountId, Role, SpaceId};
use hythe_wire::Token;

use super::access::role_of;
use super::audit::{Action, Actor};
use super::removal::spaces_of;
use super::session::token_hash;
use super::{Denied, Files, FilesError, LoginDenied, Principal, Refused};
use crate::clock::now_ms;
use crate::metadata::standing::{self, Standing};
use crate::metadata::tokens::{self, TokenKind};
use crate::metadata::{DbError, Tx, accounts, credentials, invitations};

/// How long an account waits for its deletion: time to notice that it was somebody else.
pub const DELETION_WAIT: Duration = Duration::from_secs(14 * 24 * 60 * 60);

impl Files {
    /// Has the caller's account deleted after a waiting time; says when. Asked again, it stays at
    /// the first moment.
    ///
    /// # Errors
    /// [`LoginDenied::ProofNeeded`] where the account has a password and `proof` is of no login with
    /// it, nor its recovery code; [`Refused::LastOwner`].
    pub async fn delete_own(
        &self,
        principal: &Principal,
        proof: Option<&Token>,
        wait: Duration,
    ) -> Result<i64, FilesError> {
        self.still_valid(principal).await?;
        let (account, proof) = (principal.account(), proof.map(token_hash));
        let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        let action = self.own_action(account, "delete-own").await?;
        let work = move |tx: &mut dyn Tx| {
            let now_ms = now_ms();
            prove(tx, account, proof.as_ref(), now_ms)?;
            let left = left_without_owner(tx, account)?;
            if !left.is_empty() {
                return Err(Refused::LastOwner(left).into());
            }
            let before = standing::get(tx, account)?.unwrap_or_default();
            let at_ms = before.removal_ms.unwrap_or(now_ms.saturating_add(wait_ms));
            let removal_ms = Some(at_ms);
            standing::set(
                tx,
                account,
                Standing {
                    removal_ms,
                    ..before
                },
            )?;
            Ok(at_ms)
        };
        let at_ms = self.audited(action, work).await?;
        if wait.is_zero() {
            self.remove_due().await?;
        }
        Ok(at_ms)
    }

    /// Takes back the deletion of the caller's account.
    ///
    /// # Errors
    /// [`FilesError::NotFound`] when none is under way.
    pub async fn keep_own(&self, principal: &Principal) -> Result<(), FilesError> {
        self.still_valid(principal).await?;
        let account = principal.account();
        let action = self.own_action(account, "keep-own").await?;
        let work = move |tx: &mut dyn Tx| match keep(tx, account)? {
            true => Ok(()),
            false => Err(FilesError::NotFound("deletion under way")),
        };
        self.audited(action, work).await
    }

    async fn own_action(
        &self,
        account: AccountId,
        name: &'static str,
    ) -> Result<Action, FilesError> {
        let login = move |tx: &mut dyn Tx| accounts::login_of(tx, account);
        let login: Option<String> = self.inner.database.read(login).await?;
        Ok(Action {
            actor: Actor::Account(account),
            name,
            subject: login.unwrap_or_default(),
            detail: String::new(),
        })
    }
}

/// Takes back the deletion that an account's owner asked for; false when none is under way. What an
/// administrator removes stays so: such an account is suspended.
///
/// # Errors
/// The database's.
pub(super) fn keep(tx: &mut dyn Tx, account: AccountId) -> Result<bool, DbError> {
    let before = standing::get(tx, account)?.unwrap_or_default();
    if before.removal_ms.is_none() || before.suspended_ms.is_some() {
        return Ok(false);
    }
    standing::set(tx, account, Standing::default())?;
    Ok(true)
}

/// Whoever logs in wants the account.
///
/// # Errors
/// The database's.
pub(super) fn keep_by_login(tx: &mut dyn Tx, account: AccountId) -> Result<(), DbError> {
    if !keep(tx, account)? {
        return Ok(());
    }
    let action = Action {
        actor: Actor::Account(account),
        name: "keep-own",
        subject: accounts::login_of(tx, account)?.unwrap_or_default(),
        detail: "by logging in".to_owned(),
    };
    action.record(tx, "done")
}

/// A device that was left open is not enough where there is a password.
fn prove(
    tx: &mut dyn Tx,
    account: AccountId,
    proof: Option<&[u8; 32]>,
    now_ms: i64,
) -> Result<(), FilesError> {
    if !credentials::has(tx, account)? {
        return Ok(());
    }
    let row = match proof {
        Some(hash) => tokens::get(tx, hash)?,
        None => None,
    };
    let proves = row.is_some_and(|row| {
        row.account == Some(account)
            && match row.kind {
                TokenKind::Login => row.expires_ms > now_ms,
                TokenKind::Recovery => true,
                TokenKind::Invite | TokenKind::Device => false,
            }
    });
    match proves {
        true => Ok(()),
        false => Err(Denied::Login(LoginDenied::ProofNeeded).into()),
    }
}

/// The spaces that others take part in and whose only owner the account is: without it nobody could
/// change their members.
fn left_without_owner(tx: &mut dyn Tx, account: AccountId) -> Result<Vec<SpaceId>, DbError> {
    let mut left = Vec::new();
    for space in spaces_of(tx, account)? {
        let role = crate::metadata::records::role(tx, space.log, account)?;
        if role.map(role_of).transpose()? != Some(Role::Owner) {
            continue;
        }
        let (mut others, mut owners) = (0, 0);
        for (other, role) in standing::other_members(tx, space.log, account)? {
            if invitations::get(tx, space.log, other)?.is_none() {
                others += 1;
                owners += u32::from(role_of(role)? == Role::Owner);
            }
        }
        if others > 0 && owners == 0 {
            left.push(SpaceId(space.space));
        }
    }
    Ok(left)
}
