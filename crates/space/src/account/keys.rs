//! The secrets of an account, opened from its log by one of its devices.

use std::collections::BTreeMap;

use hythe_model::{AccountId, DeviceId, Secret32, SpaceId};

use super::state::AccountState;
use crate::crypto::{KemSecret, Purpose, Wrapped};
use crate::error::CryptoError;
use crate::governance::MemberWrap;

/// The secret of every generation of an account's key. Has no `Debug`.
#[derive(Clone)]
pub struct AccountKeys {
    account: AccountId,
    secrets: BTreeMap<u32, KemSecret>,
}

impl AccountKeys {
    /// Opens the current secret with a device's key, and through it all earlier ones.
    ///
    /// # Errors
    /// [`CryptoError::Unwrap`] when the log holds nothing for this device, or what it holds does
    /// not open.
    pub fn open(
        state: &AccountState,
        device: DeviceId,
        kem: &KemSecret,
    ) -> Result<Self, CryptoError> {
        let record = state.device(device).ok_or(CryptoError::Unwrap)?;
        let wrapped = record.wrapped.as_ref().ok_or(CryptoError::Unwrap)?;
        Self::open_wrapped(state, device, kem, wrapped)
    }

    /// As [`Self::open`], from a wrap that is not in the device list (an offer's).
    pub(crate) fn open_wrapped(
        state: &AccountState,
        device: DeviceId,
        kem: &KemSecret,
        wrapped: &Wrapped,
    ) -> Result<Self, CryptoError> {
        let (account, generation) = (state.id(), state.generation());
        let purpose = Purpose::Account {
            account,
            generation,
            device,
        };
        let current = KemSecret::from_seed(kem.unwrap(&purpose, wrapped)?);
        // Who wrapped it signed it; comparing with the public key shows a slip as well.
        if state.kem().map(|(_, public)| public) != Some(&current.public()?) {
            return Err(CryptoError::Unwrap);
        }
        let mut keys = Self {
            account,
            secrets: BTreeMap::from([(generation, current)]),
        };
        keys.open_earlier(state)?;
        Ok(keys)
    }

    /// The keys of an account with only its first generation.
    pub(crate) fn first(account: AccountId, secret: KemSecret) -> Self {
        Self {
            account,
            secrets: BTreeMap::from([(1, secret)]),
        }
    }

    /// The current generation and its secret.
    ///
    /// # Errors
    /// Never for keys that were opened from a log.
    pub fn current(&self) -> Result<(u32, &KemSecret), CryptoError> {
        let (generation, secret) = self.secrets.last_key_value().ok_or(CryptoError::Key)?;
        Ok((*generation, secret))
    }

    /// Opens the secret of a space's key epoch from the account's member record.
    ///
    /// # Errors
    /// [`CryptoError::Unwrap`].
    pub fn open_epoch(&self, space: SpaceId, wrap: &MemberWrap) -> Result<Secret32, CryptoError> {
        let secret = self
            .secrets
            .get(&wrap.generation)
            .ok_or(CryptoError::Unwrap)?;
        let purpose = Purpose::Epoch {
            space,
            epoch: wrap.epoch,
            account: self.account,
            generation: wrap.generation,
        };
        secret.unwrap(&purpose, &wrap.wrapped)
    }

    fn open_earlier(&mut self, state: &AccountState) -> Result<(), CryptoError> {
        for generation in (2..=state.generation()).rev() {
            let record = state
                .generation_record(generation)
                .ok_or(CryptoError::Unwrap)?;
            let wrapped = record.previous.as_ref().ok_or(CryptoError::Unwrap)?;
            let secret = self.secrets.get(&generation).ok_or(CryptoError::Unwrap)?;
            let purpose = Purpose::Previous {
                account: self.account,
                generation: generation - 1,
            };
            let earlier = KemSecret::from_seed(secret.unwrap(&purpose, wrapped)?);
            self.secrets.insert(generation - 1, earlier);
        }
        Ok(())
    }
}
