//! What follows from an account's log.

use std::collections::BTreeMap;

use hythe_model::{AccountId, ChainHash, Cursor, DeviceId, Head, HeaderHash};
use minicbor::{Decode, Encode};

use super::keyring::Keyring;
use super::operation::{DeviceCard, Slot};
use crate::cbor;
use crate::crypto::{KemPublic, PublicKey, Wrapped, known_suite};
use crate::error::DecodeError;
use crate::limits::MAX_ACCOUNT_BYTES;
use crate::refusal::{ChainFault, Denied, Refusal};
use crate::told::SealedTold;
use crate::view::Moment;

/// A device that belongs or belonged to the account.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct DeviceRecord {
    /// Its public keys.
    #[n(0)]
    pub card: DeviceCard,
    /// The position of the log that added it.
    #[n(1)]
    pub added: Cursor,
    /// The position that removed it.
    #[n(2)]
    pub removed: Option<Cursor>,
    /// How many change sets it has written in this log.
    #[n(3)]
    pub counter: u64,
    /// The last of them.
    #[n(4)]
    pub last: HeaderHash,
    /// The current generation's secret for it; none before the first and after removal.
    #[n(5)]
    pub wrapped: Option<Wrapped>,
}

/// A one-time key that may still add a device.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct OfferRecord {
    /// The key.
    #[n(0)]
    pub key: PublicKey,
    /// When it ends, in milliseconds since 1970.
    #[n(1)]
    pub expires_ms: i64,
    /// The current generation's secret, wrapped to the key that comes with the one-time key.
    #[n(2)]
    pub wrapped: Wrapped,
    /// What the device that made it had seen of the account's spaces, sealed.
    #[n(3)]
    pub told: Option<SealedTold>,
}

/// A password or recovery code of the account.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct KeyholderRecord {
    /// Its public keys.
    #[n(0)]
    pub card: DeviceCard,
    /// The position of the log that set it.
    #[n(1)]
    pub set: Cursor,
    /// How many change sets it has written in this log.
    #[n(2)]
    pub counter: u64,
    /// The last of them.
    #[n(3)]
    pub last: HeaderHash,
    /// The current generation's secret for it.
    #[n(4)]
    pub wrapped: Wrapped,
}

/// A generation of the account's key.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct GenerationRecord {
    /// The public key.
    #[n(0)]
    pub public: KemPublic,
    /// The secret of the generation before, wrapped to this one.
    #[n(1)]
    pub previous: Option<Wrapped>,
}

/// An account at one position of its log. [`AccountState::start`] begins one,
/// [`AccountState::append`] carries it on.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AccountState {
    #[n(0)]
    pub(super) suite: u8,
    #[n(1)]
    pub(super) id: AccountId,
    /// The chain hash after each change set.
    #[cbor(n(2), with = "crate::cbor::words")]
    pub(super) chain: Vec<ChainHash>,
    #[n(3)]
    pub(super) keyring: Keyring,
}

impl AccountState {
    /// The account's id.
    pub fn id(&self) -> AccountId {
        self.id
    }

    /// The position this state is at.
    pub fn head(&self) -> Head {
        match self.chain.last() {
            Some(chain) => Head {
                cursor: Cursor(self.chain.len() as u64),
                chain: *chain,
            },
            None => Head::START,
        }
    }

    /// The chain hash at a position; none after the head.
    pub fn chain_at(&self, cursor: Cursor) -> Option<ChainHash> {
        match cursor.0.checked_sub(1) {
            None => Some(ChainHash::START),
            Some(index) => self.chain.get(usize::try_from(index).ok()?).copied(),
        }
    }

    /// A device, removed ones included.
    pub fn device(&self, device: DeviceId) -> Option<&DeviceRecord> {
        self.keyring.devices.get(&device)
    }

    /// All devices, removed ones included.
    pub fn devices(&self) -> impl Iterator<Item = (DeviceId, &DeviceRecord)> {
        self.keyring
            .devices
            .iter()
            .map(|(device, record)| (*device, record))
    }

    /// Whether the device belongs to the account now.
    pub fn is_active(&self, device: DeviceId) -> bool {
        self.device(device)
            .is_some_and(|record| record.removed.is_none())
    }

    /// The password or recovery code, if there is one.
    pub fn keyholder(&self, slot: Slot) -> Option<&KeyholderRecord> {
        self.keyring.keyholders.as_ref()?.get(slot)
    }

    /// The password or recovery code that has this key.
    pub fn keyholder_of(&self, key: DeviceId) -> Option<(Slot, &KeyholderRecord)> {
        self.keyring
            .keyholders()
            .find(|(_, record)| record.card.id() == key)
    }

    /// For whom the next generation of the account's key has to be wrapped: active devices and
    /// keyholders, by ascending id.
    pub fn key_recipients(&self) -> BTreeMap<DeviceId, &DeviceCard> {
        self.keyring.recipients()
    }

    /// A one-time key that was neither used nor ended by a new generation. Its expiry is for the
    /// caller to compare.
    pub fn offer(&self, key: DeviceId) -> Option<&OfferRecord> {
        self.keyring.offers.get(&key)
    }

    /// The number of the current key generation; 0 before the first.
    pub fn generation(&self) -> u32 {
        self.keyring.generation()
    }

    /// A key generation, counted from 1.
    pub fn generation_record(&self, generation: u32) -> Option<&GenerationRecord> {
        self.keyring
            .generations
            .get(usize::try_from(generation.checked_sub(1)?).ok()?)
    }

    /// The current public key, to which spaces' secrets are wrapped, with its generation.
    pub fn kem(&self) -> Option<(u32, &KemPublic)> {
        self.keyring
            .generations
            .last()
            .map(|record| (self.generation(), &record.public))
    }

    /// The key of `device`, if it may sign a change set of a space that names `seen` of this log.
    /// `floor` is the furthest point of this log that the space has heard of before: a device
    /// removed by then cannot come back by claiming to have seen less.
    ///
    /// # Errors
    /// Why it may not.
    pub fn signer(
        &self,
        device: DeviceId,
        seen: Head,
        floor: Head,
        moment: Moment,
    ) -> Result<PublicKey, Refusal> {
        let needs = seen.cursor.max(floor.cursor);
        if needs > self.head().cursor {
            let account = self.id;
            return Err(Refusal::NotAllowed(Denied::AccountBehind {
                account,
                needs,
            }));
        }
        if self.chain_at(seen.cursor) != Some(seen.chain) {
            return Err(Refusal::BadChain(ChainFault::AccountSeen));
        }
        let record = self
            .device(device)
            .filter(|record| record.added <= seen.cursor);
        let record = record.ok_or(Refusal::NotAllowed(Denied::UnknownDevice))?;
        let judged_at = match moment {
            Moment::Accepting { .. } => self.head().cursor,
            Moment::Replaying => needs,
        };
        if record.removed.is_some_and(|removed| removed <= judged_at) {
            return Err(Refusal::NotAllowed(Denied::RemovedDevice));
        }
        Ok(record.card.key)
    }

    /// The stored form of the state.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// When it is over the limit, of an unknown suite, or not canonically encoded.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        const WHAT: &str = "the state of an account";
        if bytes.len() > MAX_ACCOUNT_BYTES {
            return Err(DecodeError::TooLarge {
                what: WHAT,
                limit: MAX_ACCOUNT_BYTES,
            });
        }
        known_suite(cbor::suite_of(bytes, WHAT)?, WHAT)?;
        cbor::decode(bytes, WHAT)
    }
}
