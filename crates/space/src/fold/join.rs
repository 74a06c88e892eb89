//! Offers to join, and those who take them up.

use hythe_model::KeyEpoch;

use super::FoldError;
use super::governance::check_members;
use super::overlay::Overlay;
use crate::changeset::ChangeSet;
use crate::join::{OfferJoin, WithdrawJoin};
use crate::limits::{CLOCK_SKEW_MS, JOIN_LIFETIME_MS};
use crate::operation::Operation;
use crate::record::{JoinOfferRecord, MemberRecord};
use crate::refusal::{Denied, Refusal};
use crate::view::{Moment, View};

/// Notes an offer that an owner makes.
pub(super) fn offer<V: View + ?Sized>(
    overlay: &mut Overlay<'_, V>,
    offer: &OfferJoin,
    moment: Moment,
    change_set: &ChangeSet,
) -> Result<(), FoldError<V::Error>> {
    check_epoch(overlay, offer.epoch)?;
    let latest = change_set.header().time_ms.saturating_add(JOIN_LIFETIME_MS);
    let latest = match moment {
        Moment::Replaying => latest,
        Moment::Accepting { now_ms } => {
            latest.min(now_ms.saturating_add(JOIN_LIFETIME_MS + CLOCK_SKEW_MS))
        }
    };
    let key = offer.key.device_id();
    if offer.expires_ms > latest || overlay.join_offer(key)?.is_some() {
        return Err(Refusal::NotAllowed(Denied::Members).into());
    }
    let record = JoinOfferRecord {
        key: offer.key,
        role: offer.role,
        expires_ms: offer.expires_ms,
        epoch: offer.epoch,
        wrapped: offer.wrapped.clone(),
        by: change_set.hash(),
        taken: None,
        withdrawn: None,
    };
    overlay.put_join_offer(None, record);
    Ok(())
}

/// Takes an offer back that nobody has taken up.
pub(super) fn withdraw<V: View + ?Sized>(
    overlay: &mut Overlay<'_, V>,
    withdrawal: &WithdrawJoin,
    change_set: &ChangeSet,
) -> Result<(), FoldError<V::Error>> {
    let offer = overlay.join_offer(withdrawal.key)?;
    let open = offer.filter(|offer| offer.taken.is_none() && offer.withdrawn.is_none());
    let offer = open.ok_or(Refusal::NotAllowed(Denied::Members))?;
    let withdrawn = JoinOfferRecord {
        withdrawn: Some(change_set.hash()),
        ..offer.clone()
    };
    overlay.put_join_offer(Some(offer), withdrawn);
    Ok(())
}

/// Makes `joining` a member, if an offer lets it.
pub(super) fn apply<V: View + ?Sized>(
    overlay: &mut Overlay<'_, V>,
    joining: &MemberRecord,
    moment: Moment,
    change_set: &ChangeSet,
) -> Result<(), FoldError<V::Error>> {
    let [Operation::Join(join)] = change_set.operations() else {
        return Err(Refusal::NotAllowed(Denied::WrongLog).into());
    };
    check_epoch(overlay, join.wrap.epoch)?;
    let known = overlay.join_offer(join.key.device_id())?;
    let offer = known.filter(|offer| holds(offer, overlay.space().key_epoch, moment, change_set));
    let offer = offer.ok_or(Refusal::NotAllowed(Denied::Members))?;
    let account = joining.account;
    let consented = join.verify_consent(change_set.log()).is_ok();
    if join.account != account || !consented {
        return Err(Refusal::NotAllowed(Denied::Members).into());
    }
    let taken = JoinOfferRecord {
        taken: Some(account),
        ..offer.clone()
    };
    let member = MemberRecord {
        role: Some(offer.role),
        wrap: Some(join.wrap.clone()),
        by: change_set.hash(),
        ..joining.clone()
    };
    let before = overlay.member(account)?;
    overlay.put_join_offer(Some(offer), taken);
    overlay.put_member(before, member);
    check_members(overlay)
}

/// Whether nobody has taken an offer up, its secret is the current one, and it is not too late.
fn holds(
    offer: &JoinOfferRecord,
    current: KeyEpoch,
    moment: Moment,
    change_set: &ChangeSet,
) -> bool {
    let too_late = match moment {
        Moment::Accepting { now_ms } => now_ms > offer.expires_ms,
        Moment::Replaying => false,
    };
    let in_time = !too_late && change_set.header().time_ms <= offer.expires_ms;
    let open = offer.taken.is_none() && offer.withdrawn.is_none();
    in_time && open && offer.epoch == current
}

fn check_epoch<V: View + ?Sized>(overlay: &Overlay<'_, V>, epoch: KeyEpoch) -> Result<(), Refusal> {
    let current = overlay.space().key_epoch;
    if epoch == current && current > KeyEpoch(0) {
        Ok(())
    } else {
        Err(Refusal::WrongEpoch { current })
    }
}
