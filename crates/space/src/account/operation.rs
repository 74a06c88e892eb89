//! Operations of an account's own log: its devices, its password and recovery code, and the
//! generations of its key.

use hythe_model::{AccountId, DeviceId};
use minicbor::{Decode, Encode};

use crate::crypto::{Context, KemPublic, PublicKey, Signature, SigningKey, Wrapped};
use crate::error::CryptoError;
use crate::told::SealedTold;

/// The public keys of a device, or of whatever else may hold the account's key.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct DeviceCard {
    /// What it signs with.
    #[n(0)]
    pub key: PublicKey,
    /// What secrets are wrapped to for it.
    #[n(1)]
    pub kem: KemPublic,
}

impl DeviceCard {
    /// The device's id.
    pub fn id(&self) -> DeviceId {
        self.key.device_id()
    }

    /// Signs that the holder of `key` wants to belong to `account` with these keys.
    pub fn consent(&self, account: AccountId, key: &SigningKey) -> Signature {
        key.sign(Context::DeviceConsent, &self.consent_text(account))
    }

    /// Checks that the device itself wants to belong to `account` with these keys.
    ///
    /// # Errors
    /// [`CryptoError::Signature`].
    pub fn verify_consent(
        &self,
        account: AccountId,
        consent: &Signature,
    ) -> Result<(), CryptoError> {
        self.key
            .verify(Context::DeviceConsent, &self.consent_text(account), consent)
    }

    fn consent_text(&self, account: AccountId) -> Vec<u8> {
        crate::cbor::encode(&(account, self))
    }
}

/// Starts the log of an account, with its first device as author; its header's hash is the
/// account's id.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AccountGenesis {
    /// Random, so that no two accounts have one id.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub nonce: [u8; 32],
    /// The first device.
    #[n(1)]
    pub device: DeviceCard,
}

/// Adds a device. Signed by a device of the account, or by a one-time key.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AddDevice {
    /// The new device.
    #[n(0)]
    pub device: DeviceCard,
    /// The new device's signature over the account id and its keys.
    #[n(1)]
    pub consent: Signature,
    /// The account's current key generation.
    #[n(2)]
    pub generation: u32,
    /// That generation's secret, wrapped to the new device.
    #[n(3)]
    pub wrapped: Wrapped,
}

/// Removes a device. A [`KemGeneration`] that leaves it out follows in the same change set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct RemoveDevice {
    /// The device.
    #[n(0)]
    pub device: DeviceId,
    /// What the device is asked to delete; none: nothing.
    #[n(1)]
    pub wipe: Option<Wipe>,
}

/// What a removed device is asked to delete. Nothing makes it do so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Wipe {
    /// Its local copies of what the spaces hold: never what only it has.
    #[n(0)]
    Copies,
}

/// The account's secret, wrapped for one device or keyholder.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct DeviceWrap {
    /// The device or keyholder.
    #[n(0)]
    pub device: DeviceId,
    /// The generation's secret, wrapped to the device's key.
    #[n(1)]
    pub wrapped: Wrapped,
}

/// A new key of the account, to which the spaces' secrets are wrapped from now on.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct KemGeneration {
    /// The generation: 1, then one more each time.
    #[n(0)]
    pub generation: u32,
    /// Its public key.
    #[n(1)]
    pub public: KemPublic,
    /// One wrap for every device and keyholder, by ascending id.
    #[n(2)]
    pub wraps: Vec<DeviceWrap>,
    /// The secret of the generation before, wrapped to this one; none in the first.
    #[n(3)]
    pub previous: Option<Wrapped>,
}

/// Authorises a one-time key: whoever holds it may add one device until it expires.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AuthoriseOneTime {
    /// The one-time key's public half.
    #[n(0)]
    pub key: PublicKey,
    /// When it ends, in milliseconds since 1970: at most an hour after the header's time.
    #[n(1)]
    pub expires_ms: i64,
    /// The account's current key generation; a newer one ends the authorisation.
    #[n(2)]
    pub generation: u32,
    /// That generation's secret, wrapped to the key that comes with the one-time key.
    #[n(3)]
    pub wrapped: Wrapped,
    /// What the author has seen of the account's spaces, for whoever holds the one-time key.
    #[n(4)]
    pub told: Option<SealedTold>,
}

/// What a person keeps in mind or on paper, and may log in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Slot {
    /// The password.
    #[n(0)]
    Password,
    /// The recovery code.
    #[n(1)]
    Recovery,
}

/// A key pair that follows from a password or a recovery code: the account's key is wrapped to it
/// as to a device, and it may sign devices in and out, nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Keyholder {
    /// Its public keys.
    #[n(0)]
    pub card: DeviceCard,
    /// Its signature over the account id and its keys.
    #[n(1)]
    pub consent: Signature,
    /// The account's current key generation.
    #[n(2)]
    pub generation: u32,
    /// That generation's secret, wrapped to it.
    #[n(3)]
    pub wrapped: Wrapped,
}

/// Sets, replaces or removes the password or the recovery code. Whoever knew the one before knows
/// the account's key, so where there was one, a [`KemGeneration`] follows in the same change set.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SetKeyholder {
    /// Which of the two.
    #[n(0)]
    pub slot: Slot,
    /// What it is from now on; none: there is none.
    #[n(1)]
    pub holder: Option<Keyholder>,
}
