//! Making an account, and removing a device from it.

use std::collections::BTreeMap;

use hythe_model::{AccountId, DeviceId, Head, OperationId};

use super::{FlowError, account_stamp};
use crate::account::operation::{
    AccountGenesis, DeviceCard, DeviceWrap, KemGeneration, RemoveDevice, Wipe,
};
use crate::account::{AccountKeys, AccountState};
use crate::changeset::ChangeSet;
use crate::crypto::{KemSecret, Purpose, SigningKey, Wrapped};
use crate::draft::{Draft, Stamp};
use crate::entropy::Entropy;
use crate::operation::Operation;
use crate::view::Moment;

/// A new account with its first device.
pub struct NewAccount {
    /// Its log so far, to be sent in this order: genesis and first key generation.
    pub log: Vec<ChangeSet>,
    /// What follows from it.
    pub state: AccountState,
    /// The device's signing key, to be kept by the device.
    pub key: SigningKey,
    /// The device's secret key, to be kept by the device.
    pub device_kem: KemSecret,
    /// The account's secrets.
    pub keys: AccountKeys,
}

/// Makes an account and the keys of its first device.
///
/// # Errors
/// Never in practice: see [`FlowError`].
pub fn create_account(time_ms: i64, entropy: &mut Entropy) -> Result<NewAccount, FlowError> {
    let key = SigningKey::from_seed(&entropy.secret());
    let device_kem = KemSecret::from_seed(entropy.secret());
    let device = DeviceCard {
        key: key.public(),
        kem: device_kem.public()?,
    };
    let mut draft = Draft::new();
    let nonce = entropy.bytes();
    draft.push(Operation::AccountGenesis(AccountGenesis { nonce, device }));
    let operation = OperationId(entropy.bytes());
    let genesis = draft.sign(Stamp::genesis(operation, Head::START, time_ms), &key)?;
    let mut state = AccountState::start(&genesis)?;

    let secret = KemSecret::from_seed(entropy.secret());
    let generation = key_generation(&state, &state.key_recipients(), &secret, None, entropy)?;
    let mut draft = Draft::new();
    draft.push(Operation::KemGeneration(generation));
    let stamp = account_stamp(&state, &key, time_ms, entropy);
    let first = draft.sign(stamp, &key)?;
    state.append(Moment::Replaying, &first)?;
    let keys = AccountKeys::first(state.id(), secret);
    Ok(NewAccount {
        log: vec![genesis, first],
        state,
        key,
        device_kem,
        keys,
    })
}

/// Removes a device and renews the account's key for the others. The spaces' secrets should be
/// renewed after it ([`super::new_epoch`]).
///
/// Returns the change set for the account's log; the new keys are opened from the log as usual.
///
/// # Errors
/// [`FlowError::Account`] when `device` is not there or is the author itself.
pub fn remove_device(
    account: &AccountState,
    key: &SigningKey,
    keys: &AccountKeys,
    device: DeviceId,
    time_ms: i64,
    entropy: &mut Entropy,
) -> Result<ChangeSet, FlowError> {
    removal(
        account,
        key,
        keys,
        RemoveDevice { device, wipe: None },
        time_ms,
        entropy,
    )
}

/// As [`remove_device`], and the device is asked to delete its local copies of what the spaces hold.
///
/// # Errors
/// As [`remove_device`].
pub fn wipe_device(
    account: &AccountState,
    key: &SigningKey,
    keys: &AccountKeys,
    device: DeviceId,
    time_ms: i64,
    entropy: &mut Entropy,
) -> Result<ChangeSet, FlowError> {
    let wipe = Some(Wipe::Copies);
    removal(
        account,
        key,
        keys,
        RemoveDevice { device, wipe },
        time_ms,
        entropy,
    )
}

fn removal(
    account: &AccountState,
    key: &SigningKey,
    keys: &AccountKeys,
    removed: RemoveDevice,
    time_ms: i64,
    entropy: &mut Entropy,
) -> Result<ChangeSet, FlowError> {
    let secret = KemSecret::from_seed(entropy.secret());
    let (_, current) = keys.current()?;
    let mut recipients = account.key_recipients();
    recipients.remove(&removed.device);
    let generation = key_generation(account, &recipients, &secret, Some(current), entropy)?;
    let mut draft = Draft::new();
    draft.push(Operation::RemoveDevice(removed));
    draft.push(Operation::KemGeneration(generation));
    let change_set = draft.sign(account_stamp(account, key, time_ms, entropy), key)?;
    account.clone().append(Moment::Replaying, &change_set)?;
    Ok(change_set)
}

/// The next generation of an account's key, wrapped for these devices and keyholders.
pub(super) fn key_generation(
    account: &AccountState,
    recipients: &BTreeMap<DeviceId, &DeviceCard>,
    secret: &KemSecret,
    before: Option<&KemSecret>,
    entropy: &mut Entropy,
) -> Result<KemGeneration, FlowError> {
    let id = account.id();
    let generation = account.generation() + 1;
    let public = secret.public()?;
    let mut wraps = Vec::with_capacity(recipients.len());
    for (device, card) in recipients {
        let wrapped = wrapped_for(id, generation, card, secret, entropy)?;
        wraps.push(DeviceWrap {
            device: *device,
            wrapped,
        });
    }
    let previous = before
        .map(|before| public.wrap(&previous_purpose(id, generation), before.seed(), entropy))
        .transpose()?;
    Ok(KemGeneration {
        generation,
        public,
        wraps,
        previous,
    })
}

/// The secret of a generation of an account's key, wrapped for a device or keyholder.
pub(super) fn wrapped_for(
    account: AccountId,
    generation: u32,
    card: &DeviceCard,
    secret: &KemSecret,
    entropy: &mut Entropy,
) -> Result<Wrapped, FlowError> {
    let purpose = Purpose::Account {
        account,
        generation,
        device: card.id(),
    };
    Ok(card.kem.wrap(&purpose, secret.seed(), entropy)?)
}

fn previous_purpose(account: AccountId, generation: u32) -> Purpose {
    Purpose::Previous {
        account,
        generation: generation - 1,
    }
}
