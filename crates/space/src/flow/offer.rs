//! Adding a device with nobody else online: one device leaves an offer in the account's log, and
//! whoever is shown its secret may take it up once, within an hour.

use hythe_model::Secret32;

use super::account::wrapped_for;
use super::{FlowError, Signer, account_stamp};
use crate::account::operation::{AddDevice, AuthoriseOneTime, DeviceCard};
use crate::account::{AccountKeys, AccountRefusal, AccountState};
use crate::changeset::ChangeSet;
use crate::crypto::{KemSecret, Purpose, SigningKey};
use crate::draft::Draft;
use crate::entropy::Entropy;
use crate::header::NO_PREVIOUS;
use crate::limits::OFFER_LIFETIME_MS;
use crate::operation::Operation;
use crate::told::SealedTold;
use crate::view::Moment;

/// 32 secret bytes from which everything about an offer follows. They travel in the fragment of a
/// URL only, and the server never sees them. Has no `Debug`.
#[derive(Clone)]
pub struct OfferSecret(Secret32);

impl OfferSecret {
    /// The secret that was shown.
    pub fn new(secret: Secret32) -> Self {
        Self(secret)
    }

    /// The bytes to show.
    pub fn secret(&self) -> &Secret32 {
        &self.0
    }

    /// The one-time key that signs the new device in.
    pub fn key(&self) -> SigningKey {
        SigningKey::from_seed(&self.derive("hythe 1 offer signing key"))
    }

    /// The key that the account's secret is wrapped to.
    pub fn kem(&self) -> KemSecret {
        KemSecret::from_seed(self.derive("hythe 1 offer wrapping key"))
    }

    /// What the new device shows the server to be let in. The server keeps its hash; neither says
    /// anything about the keys above.
    pub fn token(&self) -> [u8; 32] {
        *self.derive("hythe 1 offer token").expose()
    }

    /// The key that what the new device is told is sealed under.
    pub fn telling_key(&self) -> Secret32 {
        self.derive("hythe 1 offer telling key")
    }

    fn derive(&self, context: &'static str) -> Secret32 {
        Secret32::new(blake3::derive_key(context, self.0.expose()))
    }
}

/// An offer to a new device.
pub struct Offer {
    /// For the account's log.
    pub change_set: ChangeSet,
    /// To be shown to the new device.
    pub secret: OfferSecret,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: i64,
}

/// Makes an offer that holds for an hour from `time_ms`.
///
/// # Errors
/// [`FlowError::Account`] when the device may not (any more).
pub fn add_device_offer(
    account: &AccountState,
    key: &SigningKey,
    keys: &AccountKeys,
    time_ms: i64,
    entropy: &mut Entropy,
) -> Result<Offer, FlowError> {
    add_device_offer_telling(account, key, keys, |_| None, time_ms, entropy)
}

/// As [`add_device_offer`], and `tell` seals what the new device is told besides.
///
/// # Errors
/// As [`add_device_offer`].
pub fn add_device_offer_telling(
    account: &AccountState,
    key: &SigningKey,
    keys: &AccountKeys,
    tell: impl FnOnce(&OfferSecret) -> Option<SealedTold>,
    time_ms: i64,
    entropy: &mut Entropy,
) -> Result<Offer, FlowError> {
    let secret = OfferSecret::new(entropy.secret());
    let one_time = secret.key().public();
    let (generation, current) = keys.current()?;
    let purpose = Purpose::Account {
        account: account.id(),
        generation,
        device: one_time.device_id(),
    };
    let wrapped = secret
        .kem()
        .public()?
        .wrap(&purpose, current.seed(), entropy)?;
    let expires_ms = time_ms.saturating_add(OFFER_LIFETIME_MS);
    let mut draft = Draft::new();
    draft.push(Operation::AuthoriseOneTime(AuthoriseOneTime {
        key: one_time,
        expires_ms,
        generation,
        wrapped,
        told: tell(&secret),
    }));
    let change_set = draft.sign(account_stamp(account, key, time_ms, entropy), key)?;
    account.clone().append(Moment::Replaying, &change_set)?;
    Ok(Offer {
        change_set,
        secret,
        expires_ms,
    })
}

/// A device that has taken up an offer.
pub struct Enrolled {
    /// For the account's log; the device belongs to the account once it is accepted.
    pub change_set: ChangeSet,
    /// The device's signing key, to be kept by the device.
    pub key: SigningKey,
    /// The device's secret key, to be kept by the device.
    pub device_kem: KemSecret,
    /// The account's secrets.
    pub keys: AccountKeys,
}

/// Takes up an offer: makes the new device's keys and signs them in with the one-time key.
///
/// # Errors
/// [`FlowError::Account`] when the offer is unknown, used or expired.
pub fn enrol_with_offer(
    account: &AccountState,
    secret: &OfferSecret,
    time_ms: i64,
    entropy: &mut Entropy,
) -> Result<Enrolled, FlowError> {
    let one_time = secret.key();
    let offer = account
        .offer(one_time.device_id())
        .ok_or(AccountRefusal::Author)?;
    let keys =
        AccountKeys::open_wrapped(account, one_time.device_id(), &secret.kem(), &offer.wrapped)?;
    let signer = Signer {
        key: one_time,
        counter: 1,
        previous: NO_PREVIOUS,
    };
    sign_in(account, &signer, keys, time_ms, entropy)
}

/// Makes a new device's keys and lets `signer` sign them in; `keys` are the account's.
pub(super) fn sign_in(
    account: &AccountState,
    signer: &Signer,
    keys: AccountKeys,
    time_ms: i64,
    entropy: &mut Entropy,
) -> Result<Enrolled, FlowError> {
    let key = SigningKey::from_seed(&entropy.secret());
    let device_kem = KemSecret::from_seed(entropy.secret());
    let device = DeviceCard {
        key: key.public(),
        kem: device_kem.public()?,
    };
    let (generation, current) = keys.current()?;
    let wrapped = wrapped_for(account.id(), generation, &device, current, entropy)?;
    let consent = device.consent(account.id(), &key);
    let mut draft = Draft::new();
    draft.push(Operation::AddDevice(AddDevice {
        device,
        consent,
        generation,
        wrapped,
    }));
    let change_set = draft.sign(signer.stamp(account, time_ms, entropy), &signer.key)?;
    account.clone().append(Moment::Replaying, &change_set)?;
    Ok(Enrolled {
        change_set,
        key,
        device_kem,
        keys,
    })
}
