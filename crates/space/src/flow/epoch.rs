//! Starting a key epoch of a space.

use hythe_model::{AccountId, KeyEpoch, Secret32, SpaceId};

use super::FlowError;
use crate::account::AccountState;
use crate::crypto::{KemPublic, Purpose};
use crate::entropy::Entropy;
use crate::error::CryptoError;
use crate::governance::{EpochWrap, MemberWrap, NewEpoch, SealedSecret};

/// A member account to wrap a secret to: its current key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The account.
    pub account: AccountId,
    /// The generation of its key.
    pub generation: u32,
    /// The key.
    pub kem: KemPublic,
}

impl Recipient {
    /// An account as its log shows it.
    ///
    /// # Errors
    /// [`CryptoError::Key`] when the account has no key generation yet.
    pub fn of(account: &AccountState) -> Result<Self, CryptoError> {
        let (generation, kem) = account.kem().ok_or(CryptoError::Key)?;
        Ok(Self {
            account: account.id(),
            generation,
            kem: kem.clone(),
        })
    }
}

/// A key epoch to be started.
pub struct EpochPlan<'a> {
    /// The space.
    pub space: SpaceId,
    /// The new epoch.
    pub epoch: KeyEpoch,
    /// Its secret.
    pub secret: &'a Secret32,
    /// Every member there will be, in any order.
    pub members: &'a [Recipient],
    /// The secret of the epoch before, sealed under `secret`; none for the first.
    pub previous: Option<SealedSecret>,
}

/// Wraps the current epoch's secret for one account that becomes a member.
///
/// # Errors
/// When the account's key is not valid.
pub fn member_wrap(
    space: SpaceId,
    epoch: KeyEpoch,
    secret: &Secret32,
    member: &Recipient,
    entropy: &mut Entropy,
) -> Result<MemberWrap, FlowError> {
    let (account, generation) = (member.account, member.generation);
    let purpose = Purpose::Epoch {
        space,
        epoch,
        account,
        generation,
    };
    let wrapped = member.kem.wrap(&purpose, secret, entropy)?;
    Ok(MemberWrap {
        epoch,
        generation,
        wrapped,
    })
}

/// Wraps a new epoch's secret to all members. The result goes into a change set of its own, or
/// after the `Member` operations that call for it.
///
/// # Errors
/// When a member's key is not valid.
pub fn new_epoch(plan: EpochPlan<'_>, entropy: &mut Entropy) -> Result<NewEpoch, FlowError> {
    let mut wraps = Vec::with_capacity(plan.members.len());
    for member in plan.members {
        let wrap = member_wrap(plan.space, plan.epoch, plan.secret, member, entropy)?;
        wraps.push(EpochWrap {
            account: member.account,
            generation: wrap.generation,
            wrapped: wrap.wrapped,
        });
    }
    wraps.sort_by_key(|wrap| wrap.account);
    Ok(NewEpoch {
        epoch: plan.epoch,
        wraps,
        previous: plan.previous,
    })
}
