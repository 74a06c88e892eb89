//! Password and recovery code: what a person knows holds the account's key like a device, so that a
//! device is added with nobody else online, and removed without anybody typing a password.

use hythe_model::Secret32;

use super::account::{key_generation, wrapped_for};
use super::offer::{Enrolled, sign_in};
use super::{FlowError, Signer, account_stamp};
use crate::account::operation::{DeviceCard, Keyholder, RemoveDevice, SetKeyholder, Slot};
use crate::account::{AccountKeys, AccountRefusal, AccountState};
use crate::changeset::ChangeSet;
use crate::crypto::{KemSecret, SigningKey};
use crate::draft::Draft;
use crate::entropy::Entropy;
use crate::operation::Operation;
use crate::view::Moment;

/// Length of OPAQUE's export key with SHA-512, in bytes.
pub const EXPORT_KEY_BYTES: usize = 64;

/// Random bytes of a recovery code: enough that no stretching is needed (NIST SP 800-63B asks for
/// 112 bits).
pub const RECOVERY_BYTES: usize = 20;

/// 32 secret bytes from which everything about a password or a recovery code follows. They are
/// never stored, and the server never sees them. Has no `Debug`.
#[derive(Clone)]
pub struct KeyholderSecret(Secret32);

impl KeyholderSecret {
    /// That of a password: from the export key that OPAQUE (RFC 9807) gives for it, which the
    /// server cannot compute.
    pub fn of_password(export_key: &[u8; EXPORT_KEY_BYTES]) -> Self {
        let secret = blake3::derive_key("hythe 1 password keyholder", export_key);
        Self(Secret32::new(secret))
    }

    /// That of a recovery code's random bytes.
    pub fn of_recovery(code: &[u8; RECOVERY_BYTES]) -> Self {
        let secret = blake3::derive_key("hythe 1 recovery keyholder", code);
        Self(Secret32::new(secret))
    }

    /// The key that signs devices in and out.
    pub fn key(&self) -> SigningKey {
        SigningKey::from_seed(&self.derive("hythe 1 keyholder signing key"))
    }

    /// The key that the account's secret is wrapped to.
    pub fn kem(&self) -> KemSecret {
        KemSecret::from_seed(self.derive("hythe 1 keyholder wrapping key"))
    }

    /// What is shown to the server to be let in with a recovery code. The server keeps its hash;
    /// it says nothing about the keys above.
    pub fn token(&self) -> [u8; 32] {
        *self.derive("hythe 1 keyholder token").expose()
    }

    fn derive(&self, context: &'static str) -> Secret32 {
        Secret32::new(blake3::derive_key(context, self.0.expose()))
    }

    /// The operation that makes this the account's password or recovery code.
    fn set(
        &self,
        account: &AccountState,
        keys: &AccountKeys,
        slot: Slot,
        entropy: &mut Entropy,
    ) -> Result<SetKeyholder, FlowError> {
        let key = self.key();
        let card = DeviceCard {
            key: key.public(),
            kem: self.kem().public()?,
        };
        let (generation, current) = keys.current()?;
        let wrapped = wrapped_for(account.id(), generation, &card, current, entropy)?;
        let consent = card.consent(account.id(), &key);
        let holder = Some(Keyholder {
            card,
            consent,
            generation,
            wrapped,
        });
        Ok(SetKeyholder { slot, holder })
    }
}

/// Sets, replaces or (with none) removes password and recovery code, signed by a device. Where one
/// is replaced or removed, the account's key is renewed, and the spaces' secrets should be after it
/// ([`super::new_epoch`]).
///
/// # Errors
/// [`FlowError::Account`] when the device may not (any more).
pub fn set_keyholders(
    account: &AccountState,
    key: &SigningKey,
    keys: &AccountKeys,
    holders: &[(Slot, Option<&KeyholderSecret>)],
    time_ms: i64,
    entropy: &mut Entropy,
) -> Result<ChangeSet, FlowError> {
    let mut draft = Draft::new();
    let mut recipients = account.key_recipients();
    let mut cards = Vec::with_capacity(holders.len());
    let mut renews = false;
    for (slot, secret) in holders {
        let before = account.keyholder(*slot);
        if let Some(before) = before {
            recipients.remove(&before.card.id());
            renews = true;
        }
        let operation = match secret {
            Some(secret) => secret.set(account, keys, *slot, entropy)?,
            None => SetKeyholder {
                slot: *slot,
                holder: None,
            },
        };
        cards.extend(operation.holder.as_ref().map(|holder| holder.card.clone()));
        draft.push(Operation::SetKeyholder(operation));
    }
    recipients.extend(cards.iter().map(|card| (card.id(), card)));
    if renews {
        let secret = KemSecret::from_seed(entropy.secret());
        let (_, current) = keys.current()?;
        let generation = key_generation(account, &recipients, &secret, Some(current), entropy)?;
        draft.push(Operation::KemGeneration(generation));
    }
    let change_set = draft.sign(account_stamp(account, key, time_ms, entropy), key)?;
    account.clone().append(Moment::Replaying, &change_set)?;
    Ok(change_set)
}

/// The account's keys, opened with its password or recovery code, and the counter and hash that
/// carry on the keyholder's own chain.
fn open(
    account: &AccountState,
    secret: &KeyholderSecret,
) -> Result<(AccountKeys, Signer), FlowError> {
    let key = secret.key();
    let (_, record) = account
        .keyholder_of(key.device_id())
        .ok_or(AccountRefusal::Author)?;
    let keys = AccountKeys::open_wrapped(account, key.device_id(), &secret.kem(), &record.wrapped)?;
    let signer = Signer {
        counter: record.counter + 1,
        previous: record.last,
        key,
    };
    Ok((keys, signer))
}

/// Makes a new device's keys and signs them in with the password or the recovery code.
///
/// # Errors
/// [`FlowError::Account`] when it is not the account's (any more).
pub fn enrol_with_keyholder(
    account: &AccountState,
    secret: &KeyholderSecret,
    time_ms: i64,
    entropy: &mut Entropy,
) -> Result<Enrolled, FlowError> {
    let (keys, signer) = open(account, secret)?;
    sign_in(account, &signer, keys, time_ms, entropy)
}

/// Removes all devices with the password or the recovery code, which is then the only way in: for
/// accounts that are made for somebody else.
///
/// # Errors
/// [`FlowError::Account`] when it is not the account's (any more), or there is no device.
pub fn remove_all_devices(
    account: &AccountState,
    secret: &KeyholderSecret,
    time_ms: i64,
    entropy: &mut Entropy,
) -> Result<ChangeSet, FlowError> {
    let (keys, signer) = open(account, secret)?;
    let mut draft = Draft::new();
    let mut recipients = account.key_recipients();
    for (device, _) in account
        .devices()
        .filter(|(_, record)| record.removed.is_none())
    {
        recipients.remove(&device);
        draft.push(Operation::RemoveDevice(RemoveDevice { device, wipe: None }));
    }
    let secret = KemSecret::from_seed(entropy.secret());
    let (_, current) = keys.current()?;
    let generation = key_generation(account, &recipients, &secret, Some(current), entropy)?;
    draft.push(Operation::KemGeneration(generation));
    let change_set = draft.sign(signer.stamp(account, time_ms, entropy), &signer.key)?;
    account.clone().append(Moment::Replaying, &change_set)?;
    Ok(change_set)
}
