//! The one place that decides who may see or change what (R3).

use hythe_model::{AccountId, DeviceId, Role, SpaceId};
use hythe_space::{ChangeSet, JoinOfferRecord, Operation, Record};

use super::{Denied, FilesError, Principal, view};
use crate::metadata::logs::{self, Log, LogKind};
use crate::metadata::records::{self, RecordKind};
use crate::metadata::{DbError, Tx};

/// What somebody wants to do in a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// See nodes, history and chunks.
    Read,
    /// Bring chunks; whether the change set that names them may stand, its fold decides.
    Upload,
    /// Change the space itself, or leave it: which of it a role may, the fold decides.
    Govern,
}

impl Want {
    fn is_allowed(self, role: Role) -> bool {
        match self {
            Self::Read => role != Role::Drop,
            Self::Upload => role.may_write() || role == Role::Drop,
            Self::Govern => true,
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

/// The log of a space that a principal may add a change set to, locked. Who joins by an offer is no
/// member yet: the fold looks for its offer, and without one it may not know that there is a space.
///
/// # Errors
/// As [`space`].
pub(super) fn to_commit(
    tx: &mut dyn Tx,
    principal: &Principal,
    space: SpaceId,
    change_set: &ChangeSet,
) -> Result<Log, FilesError> {
    match change_set.operations() {
        [Operation::Join(join), ..] => offered(tx, space, join.key.device_id()).map(|(log, _)| log),
        [
            Operation::Create(_)
            | Operation::Update(_)
            | Operation::Delete(_)
            | Operation::Restore(_),
            ..,
        ] => locked(tx, principal, space, Want::Upload),
        _ => locked(tx, principal, space, Want::Govern),
    }
}

/// The log of a space, locked, and its offer to join that whoever asks can name.
///
/// # Errors
/// [`Denied::NotAMember`] where there is no such space or no such offer in it.
pub(super) fn offered(
    tx: &mut dyn Tx,
    space: SpaceId,
    key: DeviceId,
) -> Result<(Log, JoinOfferRecord), FilesError> {
    let log = logs::lock(tx, space.as_bytes())?;
    let log = log
        .filter(|log| log.kind == LogKind::Space)
        .ok_or(Denied::NotAMember)?;
    let record = records::get(tx, log.no, RecordKind::JoinOffer, key.as_bytes())?;
    match record.as_deref().map(view::record).transpose()? {
        Some(Record::JoinOffer(offer)) => Ok((log, offer)),
        _ => Err(Denied::NotAMember.into()),
    }
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

/// The log of an account. Whoever has an account's id, which nobody guesses, may read it: it holds
/// public keys and wraps that only the account's own devices open, and a new member has to verify
/// what former members wrote.
///
/// # Errors
/// [`FilesError::NotFound`].
pub(super) fn account(tx: &mut dyn Tx, account: AccountId) -> Result<Log, FilesError> {
    let log = logs::get(tx, account.as_bytes())?;
    let log = log.filter(|log| log.kind == LogKind::Account);
    log.ok_or(FilesError::NotFound("account"))
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
