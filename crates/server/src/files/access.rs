//! The one place that decides who may see or change what (R3).

use hythe_model::{AccountId, DeviceId, LinkKind, NodeId, Role, SpaceId};
use hythe_space::{ChangeSet, JoinOfferRecord, Operation, Record, SignedGrant};

use super::links::LinkPass;
use super::session::AppScope;
use super::{Denied, FilesError, Principal, Refused, view};
use crate::metadata::accounts;
use crate::metadata::devices;
use crate::metadata::links::{self, LinkRow};
use crate::metadata::logs::{self, Log, LogKind};
use crate::metadata::nodes::{self, NodeRow};
use crate::metadata::records::{self, RecordKind};
use crate::metadata::{DbError, Tx, standing};

/// Directories above a node that are looked at: deeper than any path of a file system.
const MAX_DEPTH: usize = 4096;

/// What somebody wants to do in a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// See nodes, history and chunks.
    Read,
    /// Write, and learn which chunks are there already; whether a change set may stand, its fold
    /// decides.
    Upload,
    /// Bring files and learn nothing (A33).
    Put,
    /// Take in what others put.
    TakeIn,
    /// Change the space itself, or leave it: which of it a role may, the fold decides.
    Govern,
    /// Give out links to nodes, and see which there are.
    Link,
}

impl Want {
    fn is_allowed(self, role: Role) -> bool {
        match self {
            Self::Read => role != Role::Drop,
            Self::Put => role.may_write() || role == Role::Drop,
            Self::Upload | Self::TakeIn | Self::Link => role.may_write(),
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
    offer_in(tx, log, key)
}

/// As [`offered`], to be looked at only.
///
/// # Errors
/// As [`offered`].
pub(super) fn shown_offer(
    tx: &mut dyn Tx,
    space: SpaceId,
    key: DeviceId,
) -> Result<(Log, JoinOfferRecord), FilesError> {
    let log = logs::get(tx, space.as_bytes())?;
    offer_in(tx, log, key)
}

fn offer_in(
    tx: &mut dyn Tx,
    log: Option<Log>,
    key: DeviceId,
) -> Result<(Log, JoinOfferRecord), FilesError> {
    let log = log
        .filter(|log| log.kind == LogKind::Space)
        .ok_or(Denied::NotAMember)?;
    let record = records::get(tx, log.no, RecordKind::JoinOffer, key.as_bytes())?;
    match record.as_deref().map(view::record).transpose()? {
        Some(Record::JoinOffer(offer)) => Ok((log, offer)),
        _ => Err(Denied::NotAMember.into()),
    }
}

/// What whoever shows a link may see.
pub(super) struct Linked {
    /// The space.
    pub(super) log: Log,
    /// The link.
    pub(super) row: LinkRow,
    /// What it is for.
    kind: LinkKind,
}

impl Linked {
    /// Whether what is below it may be read.
    ///
    /// # Errors
    /// [`Denied::Role`] where files may only be put.
    pub(super) fn may_read(&self) -> Result<(), Denied> {
        match self.kind {
            LinkKind::View | LinkKind::Download => Ok(()),
            LinkKind::Upload => Err(Denied::Role),
        }
    }

    /// Whether files may be put there.
    ///
    /// # Errors
    /// [`Denied::Role`].
    pub(super) fn may_put(&self) -> Result<(), Denied> {
        match self.kind {
            LinkKind::Upload => Ok(()),
            LinkKind::View | LinkKind::Download => Err(Denied::Role),
        }
    }
}

/// What a link lets its holder do: only as long as who gave it out, and the device that did, could
/// give it out again.
///
/// # Errors
/// [`Denied::TokenUnknown`] where there is no such link, or its token is another: these are not told
/// apart. [`Refused::LinkEnded`].
pub(super) fn link(tx: &mut dyn Tx, pass: &LinkPass, now_ms: i64) -> Result<Linked, FilesError> {
    let row = links::get(tx, pass.link())?.ok_or(Denied::TokenUnknown)?;
    if row.verifier != *pass.verifier() {
        return Err(Denied::TokenUnknown.into());
    }
    let ended = row.revoked_ms.is_some() || row.expires_ms.is_some_and(|at| at <= now_ms);
    let may_give = !ended && may_give(tx, &row)?;
    match logs::by_no(tx, row.log)? {
        Some(log) if may_give => {
            let grant = SignedGrant::decode(&row.grant);
            let kind = grant
                .map_err(|_| DbError::Shape("the grant of a link"))?
                .kind();
            Ok(Linked { log, row, kind })
        }
        _ => Err(Refused::LinkEnded.into()),
    }
}

/// Whether the giver of a link could still give it out: its device, its account and its role.
fn may_give(tx: &mut dyn Tx, row: &LinkRow) -> Result<bool, DbError> {
    let device = devices::get(tx, row.device)?;
    let account = standing::get(tx, row.account)?;
    let role = records::role(tx, row.log, row.account)?;
    let role = role.map(role_of).transpose()?;
    Ok(device.is_some_and(|device| device.removed_ms.is_none())
        && account.is_some_and(|account| account.suspended_ms.is_none())
        && role.is_some_and(|role| Want::Link.is_allowed(role)))
}

/// As [`link`], and the log stays locked until the transaction ends.
///
/// # Errors
/// As [`link`].
pub(super) fn link_locked(
    tx: &mut dyn Tx,
    pass: &LinkPass,
    now_ms: i64,
) -> Result<Linked, FilesError> {
    let linked = link(tx, pass, now_ms)?;
    let log = logs::lock(tx, &linked.log.id)?.ok_or(Refused::LinkEnded)?;
    Ok(Linked { log, ..linked })
}

/// A living node that a link shows: the linked one, or one below it.
///
/// # Errors
/// [`FilesError::NotFound`] for every other node, whatever it is.
pub(super) fn under(
    tx: &mut dyn Tx,
    linked: &Linked,
    node: NodeId,
) -> Result<Option<NodeRow>, FilesError> {
    let top = linked.row.node;
    let found = match node {
        NodeId::ROOT => None,
        node => {
            let row = nodes::get(tx, linked.log.no, node)?.filter(|row| row.deleted.is_none());
            Some(row.ok_or(FilesError::NotFound("node"))?)
        }
    };
    let (mut at, mut parent) = (node, found.as_ref().map(|row| row.parent));
    for _ in 0..MAX_DEPTH {
        match parent {
            _ if at == top => return Ok(found),
            None => break,
            Some(NodeId::ROOT) => (at, parent) = (NodeId::ROOT, None),
            Some(above) => {
                let row = nodes::get(tx, linked.log.no, above)?;
                (at, parent) = (above, row.map(|row| row.parent));
            }
        }
    }
    Err(FilesError::NotFound("node"))
}

fn check(tx: &mut dyn Tx, principal: &Principal, log: &Log, want: Want) -> Result<(), FilesError> {
    if let Some(app) = principal.app() {
        reaches(app, log, want)?;
    }
    let role = records::role(tx, log.no, principal.account())?;
    let role = role.map(role_of).transpose()?.ok_or(Denied::NotAMember)?;
    if want.is_allowed(role) {
        Ok(())
    } else {
        Err(Denied::Role.into())
    }
}

/// What is beyond an app password's reach is as if it were not there.
fn reaches(app: &AppScope, log: &Log, want: Want) -> Result<(), Denied> {
    let named = app.spaces.as_ref();
    if !log.open || named.is_some_and(|spaces| !spaces.contains(&SpaceId(log.id))) {
        return Err(Denied::NotAMember);
    }
    match want {
        Want::Read => Ok(()),
        Want::Upload | Want::Put if !app.read_only => Ok(()),
        Want::Upload | Want::Put | Want::TakeIn | Want::Govern | Want::Link => Err(Denied::Role),
    }
}

/// Whether a space is shown to a principal in the list of its account's.
pub(super) fn is_shown(principal: &Principal, log: &Log) -> bool {
    principal
        .app()
        .is_none_or(|app| reaches(app, log, Want::Read).is_ok())
}

/// Whether a principal may administer the server.
///
/// # Errors
/// [`Denied::Role`]; the database's.
pub(super) fn admin(tx: &mut dyn Tx, principal: &Principal) -> Result<(), FilesError> {
    let row = accounts::get(tx, principal.account())?;
    match principal.app() {
        None if row.is_some_and(|row| row.admin) => Ok(()),
        _ => Err(Denied::Role.into()),
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
