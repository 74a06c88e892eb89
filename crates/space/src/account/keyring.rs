//! What an account's log is about: devices, offers to new ones, and generations of the key.

use std::collections::BTreeMap;

use hythe_model::{AccountId, Cursor, DeviceId, HeaderHash};
use minicbor::{Decode, Encode};

use super::append::AccountRefusal;
use super::operation::{AddDevice, AuthoriseOneTime, DeviceCard, DeviceWrap, KemGeneration};
use super::state::{DeviceRecord, GenerationRecord, OfferRecord};
use crate::header::NO_PREVIOUS;
use crate::limits::OFFER_LIFETIME_MS;
use crate::operation::Operation;
use crate::refusal::ChainFault;
use crate::view::Moment;

/// Clocks of devices and server may differ by this much when an offer is made.
const CLOCK_SKEW_MS: i64 = 10 * 60 * 1000;

/// Where and when operations are applied.
pub(super) struct Now {
    pub(super) account: AccountId,
    /// The position of the change set.
    pub(super) here: Cursor,
    pub(super) moment: Moment,
    /// The time its header says.
    pub(super) time_ms: i64,
}

/// Devices, offers and key generations of an account.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Keyring {
    #[n(0)]
    pub(super) devices: BTreeMap<DeviceId, DeviceRecord>,
    #[n(1)]
    pub(super) offers: BTreeMap<DeviceId, OfferRecord>,
    #[n(2)]
    pub(super) generations: Vec<GenerationRecord>,
    /// Whether a removed device still knows the current secret.
    #[n(3)]
    is_stale: bool,
}

impl Keyring {
    /// With the first device, which signed the genesis `by`.
    pub(super) fn start(device: &DeviceCard, here: Cursor, by: HeaderHash) -> Self {
        let record = DeviceRecord {
            card: device.clone(),
            added: here,
            removed: None,
            counter: 1,
            last: by,
            wrapped: None,
        };
        Self {
            devices: BTreeMap::from([(device.id(), record)]),
            offers: BTreeMap::new(),
            generations: Vec::new(),
            is_stale: false,
        }
    }

    /// The number of the current generation; 0 before the first.
    pub(super) fn generation(&self) -> u32 {
        u32::try_from(self.generations.len()).unwrap_or(u32::MAX)
    }

    /// Whether a change set may end here: whoever was removed knows the current secret, so a new
    /// one must follow in the same change set (E7).
    pub(super) fn is_whole(&self) -> bool {
        !self.is_stale
    }

    pub(super) fn apply(
        &mut self,
        now: &Now,
        author: DeviceId,
        operation: &Operation,
    ) -> Result<(), AccountRefusal> {
        match operation {
            Operation::AddDevice(add) => self.add_device(now, add),
            Operation::RemoveDevice(remove) => self.remove_device(now, author, remove.device),
            Operation::KemGeneration(kem) => self.renew(kem),
            Operation::AuthoriseOneTime(offer) => self.authorise(now, offer),
            _ => Err(AccountRefusal::BadChain(ChainFault::Log)),
        }
    }

    /// Ends an offer that was taken up.
    pub(super) fn use_up(&mut self, offer: DeviceId) {
        self.offers.remove(&offer);
    }

    pub(super) fn note_author(&mut self, device: DeviceId, counter: u64, last: HeaderHash) {
        if let Some(record) = self.devices.get_mut(&device) {
            record.counter = counter;
            record.last = last;
        }
    }

    fn add_device(&mut self, now: &Now, add: &AddDevice) -> Result<(), AccountRefusal> {
        let device = add.device.id();
        self.check_generation(add.generation)?;
        if self.devices.contains_key(&device) || self.offers.contains_key(&device) {
            return Err(AccountRefusal::Device { device });
        }
        add.device
            .verify_consent(now.account, &add.consent)
            .map_err(|_| AccountRefusal::Signature)?;
        let record = DeviceRecord {
            card: add.device.clone(),
            added: now.here,
            removed: None,
            counter: 0,
            last: NO_PREVIOUS,
            wrapped: Some(add.wrapped.clone()),
        };
        self.devices.insert(device, record);
        Ok(())
    }

    /// Another device removes a device: one that left would itself know the key it leaves behind.
    fn remove_device(
        &mut self,
        now: &Now,
        by: DeviceId,
        device: DeviceId,
    ) -> Result<(), AccountRefusal> {
        match self.devices.get_mut(&device) {
            Some(record) if record.removed.is_none() && device != by => {
                record.removed = Some(now.here);
                record.wrapped = None;
                self.is_stale = true;
                Ok(())
            }
            _ => Err(AccountRefusal::Device { device }),
        }
    }

    fn renew(&mut self, kem: &KemGeneration) -> Result<(), AccountRefusal> {
        let current = self.generation();
        if kem.generation != current.saturating_add(1) {
            return Err(AccountRefusal::Generation { current });
        }
        let active = self
            .devices
            .iter()
            .filter(|(_, record)| record.removed.is_none());
        if kem.previous.is_none() != (current == 0)
            || !active
                .map(|(id, _)| id)
                .eq(kem.wraps.iter().map(|wrap| &wrap.device))
        {
            return Err(AccountRefusal::Wraps);
        }
        for DeviceWrap { device, wrapped } in &kem.wraps {
            if let Some(record) = self.devices.get_mut(device) {
                record.wrapped = Some(wrapped.clone());
            }
        }
        let record = GenerationRecord {
            public: kem.public.clone(),
            previous: kem.previous.clone(),
        };
        self.generations.push(record);
        self.is_stale = false;
        // Offers hold the old secret; whoever uses one now would be left behind.
        self.offers.clear();
        Ok(())
    }

    fn authorise(&mut self, now: &Now, offer: &AuthoriseOneTime) -> Result<(), AccountRefusal> {
        self.check_generation(offer.generation)?;
        let device = offer.key.device_id();
        if self.devices.contains_key(&device) || self.offers.contains_key(&device) {
            return Err(AccountRefusal::Device { device });
        }
        let latest = now.time_ms.saturating_add(OFFER_LIFETIME_MS);
        let latest = match now.moment {
            Moment::Replaying => latest,
            Moment::Accepting { now_ms } => {
                latest.min(now_ms.saturating_add(OFFER_LIFETIME_MS + CLOCK_SKEW_MS))
            }
        };
        if offer.expires_ms > latest {
            return Err(AccountRefusal::Expired);
        }
        let record = OfferRecord {
            key: offer.key,
            expires_ms: offer.expires_ms,
            wrapped: offer.wrapped.clone(),
        };
        self.offers.insert(device, record);
        Ok(())
    }

    fn check_generation(&self, generation: u32) -> Result<(), AccountRefusal> {
        let current = self.generation();
        if generation == current && current > 0 {
            Ok(())
        } else {
            Err(AccountRefusal::Generation { current })
        }
    }
}
