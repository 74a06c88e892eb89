//! What an account's log is about: devices, offers to new ones, and generations of the key.

use std::collections::BTreeMap;

use hythe_model::{AccountId, Cursor, DeviceId, HeaderHash};
use minicbor::{Decode, Encode};

use super::append::AccountRefusal;
use super::operation::{
    AddDevice, AuthoriseOneTime, DeviceCard, DeviceWrap, KemGeneration, Keyholder, SetKeyholder,
    Slot,
};
use super::state::{DeviceRecord, GenerationRecord, KeyholderRecord, OfferRecord};
use crate::header::NO_PREVIOUS;
use crate::limits::{CLOCK_SKEW_MS, OFFER_LIFETIME_MS};
use crate::operation::Operation;
use crate::refusal::ChainFault;
use crate::view::Moment;

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
    /// None where there is neither: then the stored form is as it was before there were any.
    #[n(4)]
    pub(super) keyholders: Option<Keyholders>,
}

/// Password and recovery code; at least one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub(super) struct Keyholders {
    #[n(0)]
    password: Option<KeyholderRecord>,
    #[n(1)]
    recovery: Option<KeyholderRecord>,
}

impl Keyholders {
    pub(super) fn get(&self, slot: Slot) -> Option<&KeyholderRecord> {
        match slot {
            Slot::Password => self.password.as_ref(),
            Slot::Recovery => self.recovery.as_ref(),
        }
    }

    fn of(&mut self, slot: Slot) -> &mut Option<KeyholderRecord> {
        match slot {
            Slot::Password => &mut self.password,
            Slot::Recovery => &mut self.recovery,
        }
    }

    fn is_empty(&self) -> bool {
        self.password.is_none() && self.recovery.is_none()
    }
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
            keyholders: None,
        }
    }

    /// Password and recovery code, as far as there are.
    pub(super) fn keyholders(&self) -> impl Iterator<Item = (Slot, &KeyholderRecord)> {
        [Slot::Password, Slot::Recovery]
            .into_iter()
            .filter_map(|slot| Some((slot, self.keyholders.as_ref()?.get(slot)?)))
    }

    /// Active devices and keyholders: whoever is to know the account's key.
    pub(super) fn recipients(&self) -> BTreeMap<DeviceId, &DeviceCard> {
        let active = self
            .devices
            .values()
            .filter(|record| record.removed.is_none());
        active
            .map(|record| &record.card)
            .chain(self.keyholders().map(|(_, record)| &record.card))
            .map(|card| (card.id(), card))
            .collect()
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
            Operation::SetKeyholder(set) => self.set_keyholder(now, set),
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

    pub(super) fn note_keyholder(&mut self, slot: Slot, counter: u64, last: HeaderHash) {
        if let Some(record) = self
            .keyholders
            .as_mut()
            .and_then(|all| all.of(slot).as_mut())
        {
            record.counter = counter;
            record.last = last;
        }
    }

    /// Whether an id belongs to a device, an offer or a keyholder.
    fn is_taken(&self, id: DeviceId) -> bool {
        self.devices.contains_key(&id)
            || self.offers.contains_key(&id)
            || self.keyholders().any(|(_, record)| record.card.id() == id)
    }

    fn set_keyholder(&mut self, now: &Now, set: &SetKeyholder) -> Result<(), AccountRefusal> {
        let record = match &set.holder {
            Some(holder) => Some(self.check_keyholder(now, holder)?),
            None => None,
        };
        let mut all = self.keyholders.take().unwrap_or_default();
        let before = std::mem::replace(all.of(set.slot), record);
        // Whoever knew what is replaced knows the account's key.
        self.is_stale |= before.is_some();
        self.keyholders = (!all.is_empty()).then_some(all);
        Ok(())
    }

    fn check_keyholder(
        &self,
        now: &Now,
        holder: &Keyholder,
    ) -> Result<KeyholderRecord, AccountRefusal> {
        self.check_generation(holder.generation)?;
        let device = holder.card.id();
        if self.is_taken(device) {
            return Err(AccountRefusal::Device { device });
        }
        holder
            .card
            .verify_consent(now.account, &holder.consent)
            .map_err(|_| AccountRefusal::Signature)?;
        Ok(KeyholderRecord {
            card: holder.card.clone(),
            set: now.here,
            counter: 0,
            last: NO_PREVIOUS,
            wrapped: holder.wrapped.clone(),
        })
    }

    fn add_device(&mut self, now: &Now, add: &AddDevice) -> Result<(), AccountRefusal> {
        let device = add.device.id();
        self.check_generation(add.generation)?;
        if self.is_taken(device) {
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
        let reached = kem.wraps.iter().map(|wrap| &wrap.device);
        if kem.previous.is_none() != (current == 0) || !self.recipients().keys().eq(reached) {
            return Err(AccountRefusal::Wraps);
        }
        for wrap in &kem.wraps {
            self.keep_wrap(wrap);
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

    fn keep_wrap(&mut self, DeviceWrap { device, wrapped }: &DeviceWrap) {
        if let Some(record) = self.devices.get_mut(device) {
            record.wrapped = Some(wrapped.clone());
        }
        let slot = self
            .keyholders()
            .find(|(_, record)| record.card.id() == *device)
            .map(|(slot, _)| slot);
        let holder = slot.and_then(|slot| self.keyholders.as_mut()?.of(slot).as_mut());
        if let Some(record) = holder {
            record.wrapped = wrapped.clone();
        }
    }

    fn authorise(&mut self, now: &Now, offer: &AuthoriseOneTime) -> Result<(), AccountRefusal> {
        self.check_generation(offer.generation)?;
        let device = offer.key.device_id();
        if self.is_taken(device) {
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
            told: offer.told.clone(),
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
