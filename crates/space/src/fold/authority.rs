//! Who may write: log, device, signature, the author's own chain, key epoch, role.

use hythe_model::{AccountId, Head, NodeKind, Role};

use super::FoldError;
use super::overlay::Overlay;
use crate::account::Devices;
use crate::changeset::ChangeSet;
use crate::header::{Header, NO_PREVIOUS};
use crate::operation::Operation;
use crate::record::{AuthorRecord, MemberRecord, SpaceRecord};
use crate::refusal::{ChainFault, Denied, Refusal};
use crate::structure::Class;
use crate::view::{Moment, Past, View};

/// An author that may write at this point, with the records that say so.
pub(super) struct Admitted {
    pub(super) space: SpaceRecord,
    pub(super) member: MemberRecord,
    pub(super) author: Option<AuthorRecord>,
    pub(super) behalf: Option<MemberRecord>,
}

/// Admits the genesis of a space: nothing is there yet, and its author's device is in order.
pub(super) fn admit_genesis<V, D>(
    view: &V,
    devices: &D,
    moment: Moment,
    head: Head,
    change_set: &ChangeSet,
) -> Result<AccountId, FoldError<V::Error>>
where
    V: View + ?Sized,
    D: Devices + ?Sized,
{
    if head != Head::START || view.space().map_err(FoldError::View)?.is_some() {
        return Err(Refusal::BadChain(ChainFault::Log).into());
    }
    Ok(authenticate(devices, moment, Head::START, change_set)?)
}

/// Admits any other change set.
pub(super) fn admit<V, D>(
    view: &V,
    devices: &D,
    moment: Moment,
    head: Head,
    change_set: &ChangeSet,
) -> Result<Admitted, FoldError<V::Error>>
where
    V: View + ?Sized,
    D: Devices + ?Sized,
{
    let header = change_set.header();
    let space = view.space().map_err(FoldError::View)?;
    let space = space.ok_or(Refusal::BadChain(ChainFault::Log))?;
    if header.space.0 != space.genesis.0 {
        return Err(Refusal::BadChain(ChainFault::Log).into());
    }
    let member = match change_set.class() {
        Class::Join => joining_member(view, devices, change_set)?,
        _ => author_member(view, devices, header)?,
    };
    authenticate(devices, moment, member.account_seen, change_set)?;
    check_seen(view, head, header)?;
    let author = view.author(header.author).map_err(FoldError::View)?;
    check_author_chain(author.as_ref(), header)?;
    if header.key_epoch != space.key_epoch {
        return Err(Refusal::WrongEpoch {
            current: space.key_epoch,
        }
        .into());
    }
    let behalf = match header.behalf {
        Some(behalf) => view.member(behalf.account).map_err(FoldError::View)?,
        None => None,
    };
    Ok(Admitted {
        space,
        member,
        author,
        behalf,
    })
}

fn author_member<V, D>(
    view: &V,
    devices: &D,
    header: &Header,
) -> Result<MemberRecord, FoldError<V::Error>>
where
    V: View + ?Sized,
    D: Devices + ?Sized,
{
    let account = devices
        .account_of(header.author)
        .ok_or(Refusal::NotAllowed(Denied::UnknownDevice))?;
    let member = view.member(account.id()).map_err(FoldError::View)?;
    Ok(member
        .filter(|member| member.role.is_some())
        .ok_or(Refusal::NotAllowed(Denied::Role))?)
}

/// Who joins is no member yet, and stands as one without a role until its offer was looked at.
fn joining_member<V, D>(
    view: &V,
    devices: &D,
    change_set: &ChangeSet,
) -> Result<MemberRecord, FoldError<V::Error>>
where
    V: View + ?Sized,
    D: Devices + ?Sized,
{
    let account = devices
        .account_of(change_set.header().author)
        .ok_or(Refusal::NotAllowed(Denied::UnknownDevice))?
        .id();
    let before = view.member(account).map_err(FoldError::View)?;
    match before {
        Some(member) if member.role.is_some() => Err(Refusal::NotAllowed(Denied::Members).into()),
        Some(member) => Ok(member),
        None => Ok(MemberRecord {
            account,
            role: None,
            account_seen: Head::START,
            wrap: None,
            by: change_set.hash(),
        }),
    }
}

/// Checks the author's device and its signature; returns its account. `floor` is how far the
/// account's log is known to the space.
fn authenticate<D: Devices + ?Sized>(
    devices: &D,
    moment: Moment,
    floor: Head,
    change_set: &ChangeSet,
) -> Result<AccountId, Refusal> {
    let header = change_set.header();
    let account = devices
        .account_of(header.author)
        .ok_or(Refusal::NotAllowed(Denied::UnknownDevice))?;
    let key = account.signer(header.author, header.account_seen, floor, moment)?;
    change_set
        .verify(&key)
        .map_err(|_| Refusal::NotAllowed(Denied::Signature))?;
    Ok(account.id())
}

/// What the author had seen must be a part of this log's own history.
fn check_seen<V: View + ?Sized>(
    view: &V,
    head: Head,
    header: &Header,
) -> Result<(), FoldError<V::Error>> {
    let wrong = FoldError::Refused(Refusal::BadChain(ChainFault::Seen));
    if header.seen.cursor > head.cursor {
        return Err(wrong);
    }
    if header.seen == head {
        return Ok(());
    }
    match view.chain_at(header.seen.cursor).map_err(FoldError::View)? {
        Past::Known(chain) if chain != header.seen.chain => Err(wrong),
        Past::Known(_) | Past::BeforeSnapshot => Ok(()),
    }
}

/// The author's own count and chain: a replay, a gap or a second history breaks one of them.
fn check_author_chain(author: Option<&AuthorRecord>, header: &Header) -> Result<(), Refusal> {
    let (expected, previous) = match author {
        Some(record) => (record.counter + 1, record.last),
        None => (1, NO_PREVIOUS),
    };
    if header.counter != expected {
        return Err(Refusal::BadChain(ChainFault::Counter { expected }));
    }
    if header.previous != previous {
        return Err(Refusal::BadChain(ChainFault::Previous));
    }
    Ok(())
}

/// Whether the author's role allows these operations, and whether whom it wrote for may write.
pub(super) fn check_role(
    admitted: &Admitted,
    class: Class,
    change_set: &ChangeSet,
) -> Result<(), Refusal> {
    if class == Class::Join && change_set.header().behalf.is_none() {
        // Its offer says what it may.
        return Ok(());
    }
    let Some(role) = admitted.member.role else {
        return Err(Refusal::NotAllowed(Denied::Role));
    };
    let is_server = admitted.space.server == Some(admitted.member.account);
    let only_restored = change_set
        .operations()
        .iter()
        .all(|operation| matches!(operation, Operation::Restored(_)));
    let allowed = match class {
        Class::Nodes => role.may_write() && (role.may_govern() || !moves_out(change_set)),
        Class::Space => {
            role.may_govern() || is_server && only_restored || leaves(admitted, change_set)
        }
        _ => false,
    };
    if !allowed {
        return Err(Refusal::NotAllowed(Denied::Role));
    }
    if change_set.header().behalf.is_none() {
        return Ok(());
    }
    let behalf = admitted.behalf.as_ref().and_then(|member| member.role);
    match behalf {
        Some(role) if class == Class::Nodes && role.may_write() && !moves_out(change_set) => Ok(()),
        // What a member put that may do nothing else.
        Some(Role::Drop) if class == Class::Nodes && only_adds_files(change_set) => Ok(()),
        _ => Err(Refusal::NotAllowed(Denied::Behalf)),
    }
}

/// Whether a directory moves into a space of its own, which is as much as sharing the space.
fn moves_out(change_set: &ChangeSet) -> bool {
    change_set.operations().iter().any(|operation| {
        matches!(
            operation,
            Operation::MoveOut(_) | Operation::MovedOut(_) | Operation::StayHere(_)
        )
    })
}

/// Whether nothing but new files are made.
fn only_adds_files(change_set: &ChangeSet) -> bool {
    change_set.operations().iter().all(
        |operation| matches!(operation, Operation::Create(create) if create.kind == NodeKind::File),
    )
}

/// Whether a member does nothing but leave.
fn leaves(admitted: &Admitted, change_set: &ChangeSet) -> bool {
    let own = admitted.member.account;
    matches!(
        change_set.operations(),
        [Operation::Member(member)] if member.account == own && member.role.is_none()
    )
}

/// Writes down how far the author's own chain and its account's log have come.
pub(super) fn record_author<V: View + ?Sized>(
    overlay: &mut Overlay<'_, V>,
    admitted: &Admitted,
    change_set: &ChangeSet,
) -> Result<(), FoldError<V::Error>> {
    let header = change_set.header();
    let account = admitted.member.account;
    if header.account_seen.cursor > admitted.member.account_seen.cursor {
        let before = overlay.member(account)?;
        if let Some(mut after) = before.clone() {
            after.account_seen = header.account_seen;
            overlay.put_member(before, after);
        }
    }
    overlay.put_author(
        admitted.author,
        AuthorRecord {
            device: header.author,
            account,
            counter: header.counter,
            last: change_set.hash(),
        },
    );
    Ok(())
}
