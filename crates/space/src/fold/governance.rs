//! Genesis, members, key epochs, the name, and a restored server.

use hythe_model::{AccountId, Head, KeyEpoch, Role};

use super::FoldError;
use super::overlay::Overlay;
use crate::changeset::ChangeSet;
use crate::ending::{EndRecord, EndSpace};
use crate::governance::{Member, MemberWrap, NewEpoch};
use crate::limits::{CLOCK_SKEW_MS, ENDING_MAX_MS, ENDING_MIN_MS, MAX_MEMBERS};
use crate::operation::Operation;
use crate::record::{AuthorRecord, EpochRecord, MemberRecord, NameRecord, SpaceRecord};
use crate::refusal::{ChainFault, Denied, Refusal};
use crate::view::{Moment, View};

/// The state after a genesis by a device of `author`.
pub(super) fn start<'v, V: View + ?Sized>(
    view: &'v V,
    author: AccountId,
    change_set: &ChangeSet,
) -> Result<Overlay<'v, V>, FoldError<V::Error>> {
    let [Operation::SpaceGenesis(genesis)] = change_set.operations() else {
        return Err(Refusal::NotAllowed(Denied::WrongLog).into());
    };
    if genesis.owner != author {
        return Err(Refusal::NotAllowed(Denied::Role).into());
    }
    let (header, by) = (change_set.header(), change_set.hash());
    let space = SpaceRecord {
        server: genesis.server,
        key_epoch: KeyEpoch(0),
        restored: None,
        genesis: by,
        name: None,
        renewal_due: None,
        ends: None,
        leaving: None,
        came_from: None,
    };
    let owner = MemberRecord {
        account: author,
        role: Some(Role::Owner),
        account_seen: header.account_seen,
        wrap: None,
        by,
    };
    let device = AuthorRecord {
        device: header.author,
        account: author,
        counter: header.counter,
        last: by,
    };
    let mut overlay = Overlay::genesis(view, space);
    overlay.put_member(None, owner);
    overlay.put_author(None, device);
    Ok(overlay)
}

/// Applies operations of `author` on the space; `head` is the position before them.
pub(super) fn apply<V: View + ?Sized>(
    overlay: &mut Overlay<'_, V>,
    head: Head,
    author: AccountId,
    moment: Moment,
    change_set: &ChangeSet,
) -> Result<(), FoldError<V::Error>> {
    let mut someone_left = false;
    for operation in change_set.operations() {
        match operation {
            Operation::Member(member) => {
                someone_left |= member.role.is_none() && member.account != author;
                put_member(overlay, member, change_set)?;
                if member.role.is_none() {
                    overlay.space_mut().renewal_due = Some(change_set.hash());
                }
            }
            Operation::NewEpoch(epoch) => {
                new_epoch(overlay, epoch, change_set)?;
                someone_left = false;
            }
            Operation::Restored(restored) => {
                if restored.at != head {
                    return Err(Refusal::BadChain(ChainFault::Seen).into());
                }
                overlay.space_mut().restored = Some(*restored);
            }
            Operation::NameSpace(name) => {
                overlay.space_mut().name = Some(NameRecord {
                    epoch: change_set.header().key_epoch,
                    sealed: name.name.clone(),
                });
            }
            Operation::CameFrom(origin) => {
                // Said once, by whoever made the space.
                if overlay.space().came_from.is_some() {
                    return Err(Refusal::NotAllowed(Denied::WrongLog).into());
                }
                overlay.space_mut().came_from = Some(*origin);
            }
            Operation::OfferJoin(offer) => {
                super::join::offer(overlay, offer, moment, change_set)?;
            }
            Operation::WithdrawJoin(withdrawal) => {
                super::join::withdraw(overlay, withdrawal, change_set)?;
            }
            Operation::EndSpace(end) => end_space(overlay, end, moment, change_set)?,
            _ => return Err(Refusal::NotAllowed(Denied::WrongLog).into()),
        }
    }
    // Whoever was sent away knows the current secret, so a new one must follow at once (E7). Who
    // leaves cannot make one without knowing it: then it is due, and an owner makes it.
    if someone_left {
        return Err(Refusal::NotAllowed(Denied::Members).into());
    }
    check_members(overlay)
}

/// Whoever wants a space to end gives its members time to take what is theirs, and to object.
fn end_space<V: View + ?Sized>(
    overlay: &mut Overlay<'_, V>,
    end: &EndSpace,
    moment: Moment,
    change_set: &ChangeSet,
) -> Result<(), FoldError<V::Error>> {
    let is_in_time = |at_ms: i64, now_ms: i64, skew_ms: i64| {
        let wait_ms = at_ms.saturating_sub(now_ms);
        (ENDING_MIN_MS - skew_ms..=ENDING_MAX_MS + skew_ms).contains(&wait_ms)
    };
    let fits = end.ends_ms.is_none_or(|at_ms| {
        let by_header = is_in_time(at_ms, change_set.header().time_ms, 0);
        by_header
            && match moment {
                Moment::Replaying => true,
                Moment::Accepting { now_ms } => is_in_time(at_ms, now_ms, CLOCK_SKEW_MS),
            }
    });
    if !fits {
        return Err(Refusal::NotAllowed(Denied::Members).into());
    }
    let by = change_set.hash();
    overlay.space_mut().ends = end.ends_ms.map(|at_ms| EndRecord { at_ms, by });
    Ok(())
}

fn put_member<V: View + ?Sized>(
    overlay: &mut Overlay<'_, V>,
    member: &Member,
    change_set: &ChangeSet,
) -> Result<(), FoldError<V::Error>> {
    // An open space stays open: its server may write, no more and no less.
    let is_server = overlay.space().server == Some(member.account);
    if is_server && member.role != Some(Role::Editor) {
        return Err(Refusal::NotAllowed(Denied::Members).into());
    }
    let before = overlay.member(member.account)?;
    let kept = before.as_ref().and_then(|record| record.wrap.clone());
    let wrap = match member.role {
        None if before.as_ref().is_none_or(|record| record.role.is_none()) => {
            return Err(Refusal::NotAllowed(Denied::Members).into());
        }
        None => None,
        Some(_) => member.wrap.clone().or(kept),
    };
    let account_seen = before
        .as_ref()
        .map_or(Head::START, |record| record.account_seen);
    let after = MemberRecord {
        account: member.account,
        role: member.role,
        account_seen,
        wrap,
        by: change_set.hash(),
    };
    overlay.put_member(before, after);
    Ok(())
}

fn new_epoch<V: View + ?Sized>(
    overlay: &mut Overlay<'_, V>,
    epoch: &NewEpoch,
    change_set: &ChangeSet,
) -> Result<(), FoldError<V::Error>> {
    let current = overlay.space().key_epoch;
    let is_first = current == KeyEpoch(0);
    if epoch.epoch != current.next() || epoch.epoch == current {
        return Err(Refusal::WrongEpoch { current }.into());
    }
    if epoch.previous.is_none() != is_first {
        return Err(Refusal::NotAllowed(Denied::Members).into());
    }
    let by = change_set.hash();
    for share in &epoch.wraps {
        let before = overlay.member(share.account)?;
        let Some(mut after) = before.clone().filter(|record| record.role.is_some()) else {
            return Err(Refusal::NotAllowed(Denied::Members).into());
        };
        after.wrap = Some(MemberWrap {
            epoch: epoch.epoch,
            generation: share.generation,
            wrapped: share.wrapped.clone(),
        });
        after.by = by;
        overlay.put_member(before, after);
    }
    overlay.space_mut().key_epoch = epoch.epoch;
    overlay.space_mut().renewal_due = None;
    overlay.put_epoch(EpochRecord {
        epoch: epoch.epoch,
        by,
        previous: epoch.previous.clone(),
    });
    Ok(())
}

/// Afterwards there is an owner, and every member holds the current epoch's secret.
pub(super) fn check_members<V: View + ?Sized>(
    overlay: &Overlay<'_, V>,
) -> Result<(), FoldError<V::Error>> {
    let members = overlay.live_members()?;
    let current = overlay.space().key_epoch;
    let has_owner = members
        .iter()
        .any(|member| member.role == Some(Role::Owner));
    let all_hold_key = members.iter().all(|member| match &member.wrap {
        Some(wrap) => wrap.epoch == current,
        None => current == KeyEpoch(0),
    });
    if has_owner && all_hold_key && members.len() <= MAX_MEMBERS {
        Ok(())
    } else {
        Err(Refusal::NotAllowed(Denied::Members).into())
    }
}
