//! The one place that decides who may see or change what (R3).

use hythe_model::{AccountId, Role, SpaceId};

use super::{Denied, FilesError, Principal};
use crate::metadata::logs::{self, Log, LogKind};
use crate::metadata::{DbError, Tx, records};

/// What somebody wants to do in a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// See nodes, history and chunks.
    Read,
    /// Bring chunks; whether the change set that names them may stand, its fold decides.
    Upload,
}

impl Want {
    fn is_allowed(self, role: Role) -> bool {
        match self {
            Self::Read => role != Role::Drop,
            Self::Upload => role.may_write() || role == Role::Drop,
        }
    }
}

/// The log of a space that a principal may use so.
///
/// # Errors
/// [`Denied::NotAMember`] when there is no such space or the account is no member of it, which
/// must not be told apart; [`Denied::Role`].
pub(super) fn space(
    tx: &mut dyn Tx,
    principal: &Principal,
    space: SpaceId,
    want: Want,
) -> Result<Log, FilesError> {
    let log = logs::get(tx, space.as_bytes())?;
    let log = log
        .filter(|log| log.kind == LogKind::Space)
        .ok_or(Denied::NotAMember)?;
    check(tx, principal, &log, want)?;
    Ok(log)
}

/// As [`space`], and the log stays locked until the transaction ends.
///
/// # Errors
/// As [`space`].
pub(super) fn locked(
    tx: &mut dyn Tx,
    principal: &Principal,
    space: SpaceId,
    want: Want,
) -> Result<Log, FilesError> {
    let log = logs::lock(tx, space.as_bytes())?;
    let log = log
        .filter(|log| log.kind == LogKind::Space)
        .ok_or(Denied::NotAMember)?;
    check(tx, principal, &log, want)?;
    Ok(log)
}

fn check(tx: &mut dyn Tx, principal: &Principal, log: &Log, want: Want) -> Result<(), FilesError> {
    let role = records::role(tx, log.no, principal.account())?;
    let role = role.map(role_of).transpose()?.ok_or(Denied::NotAMember)?;
    if want.is_allowed(role) {
        Ok(())
    } else {
        Err(Denied::Role.into())
    }
}

/// The log of an account that a principal may read: its own, the server's, a fellow member's.
///
/// # Errors
/// [`FilesError::NotFound`].
pub(super) fn account(
    tx: &mut dyn Tx,
    principal: &Principal,
    server: AccountId,
    account: AccountId,
) -> Result<Log, FilesError> {
    let log = logs::get(tx, account.as_bytes())?;
    let log = log.filter(|log| log.kind == LogKind::Account);
    let log = log.ok_or(FilesError::NotFound("account"))?;
    let known = account == principal.account()
        || account == server
        || records::share_a_space(tx, principal.account(), account)?;
    if known {
        Ok(log)
    } else {
        Err(FilesError::NotFound("account"))
    }
}

/// The number under which a role is stored.
pub(super) fn role_number(role: Role) -> u8 {
    match role {
        Role::Owner => 0,
        Role::Editor => 1,
        Role::Viewer => 2,
        Role::Drop => 3,
    }
}

/// The role of a stored number.
pub(super) fn role_of(number: u8) -> Result<Role, DbError> {
    Ok(match number {
        0 => Role::Owner,
        1 => Role::Editor,
        2 => Role::Viewer,
        3 => Role::Drop,
        _ => return Err(DbError::Shape("a role")),
    })
}
