//! An account's own log: same format as a space's, but about devices and keys instead of nodes.

mod append;
mod keyring;
mod keys;
pub mod operation;
mod state;

pub use append::AccountRefusal;
pub use keys::AccountKeys;
pub use state::{AccountState, DeviceRecord, GenerationRecord, KeyholderRecord, OfferRecord};

use hythe_model::{AccountId, DeviceId};
use std::collections::BTreeMap;

/// The accounts whose devices may appear in a log.
pub trait Devices {
    /// The account that has, or once had, this device.
    fn account_of(&self, device: DeviceId) -> Option<&AccountState>;
}

impl Devices for AccountState {
    fn account_of(&self, device: DeviceId) -> Option<&AccountState> {
        self.device(device).map(|_| self)
    }
}

/// Several accounts.
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    accounts: BTreeMap<AccountId, AccountState>,
    devices: BTreeMap<DeviceId, AccountId>,
}

impl Accounts {
    /// Adds an account, or replaces what is known of it.
    pub fn insert(&mut self, account: AccountState) {
        let devices = account.devices().map(|(device, _)| (device, account.id()));
        self.devices.extend(devices);
        self.accounts.insert(account.id(), account);
    }

    /// An account.
    pub fn get(&self, account: AccountId) -> Option<&AccountState> {
        self.accounts.get(&account)
    }
}

impl FromIterator<AccountState> for Accounts {
    fn from_iter<I: IntoIterator<Item = AccountState>>(accounts: I) -> Self {
        let mut all = Self::default();
        accounts.into_iter().for_each(|account| all.insert(account));
        all
    }
}

impl Devices for Accounts {
    fn account_of(&self, device: DeviceId) -> Option<&AccountState> {
        self.accounts.get(self.devices.get(&device)?)
    }
}
