//! Becoming a member by a link: an owner authorises a one-time key, whoever holds it brings in its
//! own account.

use hythe_model::{AccountId, DeviceId, KeyEpoch, Role, SpaceId};
use minicbor::{Decode, Encode};

use crate::crypto::{Context, PublicKey, Signature, SigningKey, Wrapped};
use crate::error::CryptoError;
use crate::governance::MemberWrap;

/// Authorises a one-time key: whoever holds it may make one account a member until it expires.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct OfferJoin {
    /// The one-time key's public half.
    #[n(0)]
    pub key: PublicKey,
    /// The role the account gets; never owner, for a link may be passed on.
    #[n(1)]
    pub role: Role,
    /// When it ends, in milliseconds since 1970: at most seven days after the header's time.
    #[n(2)]
    pub expires_ms: i64,
    /// The current key epoch; a newer one ends the offer.
    #[n(3)]
    pub epoch: KeyEpoch,
    /// That epoch's secret, wrapped to the key that comes with the one-time key.
    #[n(4)]
    pub wrapped: Wrapped,
}

/// Takes an offer back that nobody has taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct WithdrawJoin {
    /// The id of its one-time key.
    #[n(0)]
    pub key: DeviceId,
}

/// Takes up an offer. Signed by a device of the account that joins, which is no member yet; it
/// stands alone in its change set.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Join {
    /// The account that joins: the author's, named for readers who do not know it yet.
    #[n(0)]
    pub account: AccountId,
    /// The one-time key that was offered.
    #[n(1)]
    pub key: PublicKey,
    /// The one-time key's signature over space and account.
    #[n(2)]
    pub consent: Signature,
    /// The current epoch's secret, wrapped to the account by itself.
    #[n(3)]
    pub wrap: MemberWrap,
}

impl Join {
    /// Signs, with the one-time key, that `account` may take up the offer in `space`.
    pub fn consent(space: SpaceId, account: AccountId, key: &SigningKey) -> Signature {
        key.sign(Context::JoinConsent, &consent_text(space, account))
    }

    /// Checks that the holder of the one-time key let the account in.
    ///
    /// # Errors
    /// [`CryptoError::Signature`].
    pub fn verify_consent(&self, space: SpaceId) -> Result<(), CryptoError> {
        let text = consent_text(space, self.account);
        self.key.verify(Context::JoinConsent, &text, &self.consent)
    }
}

fn consent_text(space: SpaceId, account: AccountId) -> Vec<u8> {
    crate::cbor::encode(&(space, account))
}
