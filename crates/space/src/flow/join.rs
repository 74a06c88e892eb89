//! Becoming a member by a link, with nobody else online: an owner leaves an offer in the space's log,
//! and whoever is shown its secret may take it up once, within a week.

use hythe_model::{KeyEpoch, Role, Secret32, SpaceId};

use super::{FlowError, Recipient, member_wrap};
use crate::CryptoError;
use crate::account::AccountState;
use crate::crypto::{KemSecret, Purpose, SigningKey, Wrapped};
use crate::entropy::Entropy;
use crate::join::{Join, OfferJoin};
use crate::limits::JOIN_LIFETIME_MS;

/// 32 secret bytes from which everything about an offer to join follows. They travel in the
/// fragment of a URL only, and the server never sees them. Has no `Debug`.
#[derive(Clone)]
pub struct JoinSecret(Secret32);

impl JoinSecret {
    /// The secret that was shown.
    pub fn new(secret: Secret32) -> Self {
        Self(secret)
    }

    /// The bytes to show.
    pub fn secret(&self) -> &Secret32 {
        &self.0
    }

    /// The one-time key that lets an account in.
    pub fn key(&self) -> SigningKey {
        SigningKey::from_seed(&self.derive("hythe 1 join signing key"))
    }

    /// The key that the space's secret is wrapped to.
    pub fn kem(&self) -> KemSecret {
        KemSecret::from_seed(self.derive("hythe 1 join wrapping key"))
    }

    fn derive(&self, context: &'static str) -> Secret32 {
        Secret32::new(blake3::derive_key(context, self.0.expose()))
    }
}

/// What an offer holds for whoever takes it up.
pub struct JoinTerms<'a> {
    /// The space.
    pub space: SpaceId,
    /// Its current key epoch.
    pub epoch: KeyEpoch,
    /// That epoch's secret, wrapped to the offer's key.
    pub wrapped: &'a Wrapped,
}

/// Makes an offer that holds for a week from `time_ms`. The operation stands in a change set of an
/// owner.
///
/// # Errors
/// When the secret cannot be wrapped.
pub fn offer_join(
    space: SpaceId,
    (epoch, current): (KeyEpoch, &Secret32),
    role: Role,
    time_ms: i64,
    entropy: &mut Entropy,
) -> Result<(OfferJoin, JoinSecret), FlowError> {
    let secret = JoinSecret::new(entropy.secret());
    let key = secret.key().public();
    let purpose = purpose(space, epoch, &secret);
    let wrapped = secret.kem().public()?.wrap(&purpose, current, entropy)?;
    let offer = OfferJoin {
        key,
        role,
        expires_ms: time_ms.saturating_add(JOIN_LIFETIME_MS),
        epoch,
        wrapped,
    };
    Ok((offer, secret))
}

/// The secret of the key epoch that an offer holds.
///
/// # Errors
/// When the link's secret does not open it.
pub fn offered_secret(terms: &JoinTerms<'_>, secret: &JoinSecret) -> Result<Secret32, CryptoError> {
    let purpose = purpose(terms.space, terms.epoch, secret);
    secret.kem().unwrap(&purpose, terms.wrapped)
}

/// Takes up an offer for `account`. The operation stands alone in a change set of one of its
/// devices.
///
/// # Errors
/// [`FlowError::Crypto`] when the secret does not open the offer.
pub fn take_up(
    terms: &JoinTerms<'_>,
    secret: &JoinSecret,
    account: &AccountState,
    entropy: &mut Entropy,
) -> Result<Join, FlowError> {
    let current = offered_secret(terms, secret)?;
    let own = Recipient::of(account)?;
    let wrap = member_wrap(terms.space, terms.epoch, &current, &own, entropy)?;
    let key = secret.key();
    Ok(Join {
        account: account.id(),
        key: key.public(),
        consent: Join::consent(terms.space, account.id(), &key),
        wrap,
    })
}

fn purpose(space: SpaceId, epoch: KeyEpoch, secret: &JoinSecret) -> Purpose {
    Purpose::JoinOffer {
        space,
        epoch,
        key: secret.key().device_id(),
    }
}
