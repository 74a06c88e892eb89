//! The fold of an account's log.

use std::collections::BTreeMap;

use hythe_model::{AccountId, Cursor, DeviceId, HeaderHash};

use super::operation::{AddDevice, AuthoriseOneTime, DeviceWrap, KemGeneration};
use super::state::{AccountState, DeviceRecord, GenerationRecord, OfferRecord};
use crate::chain::head_next;
use crate::changeset::ChangeSet;
use crate::crypto::{PublicKey, SUITE};
use crate::header::{Header, NO_PREVIOUS, log_of};
use crate::limits::OFFER_LIFETIME_MS;
use crate::operation::Operation;
use crate::refusal::ChainFault;
use crate::view::Moment;

/// Clocks of devices and server may differ by this much when an offer is made.
const CLOCK_SKEW_MS: i64 = 10 * 60 * 1000;

/// Why a change set does not carry on an account's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccountRefusal {
    /// It belongs to another log or breaks its author's chain.
    #[error("the change set does not continue the account's log: {0}")]
    BadChain(ChainFault),
    /// Its author had not seen the newest position: read up to there and try again. Changes of an
    /// account are rare and depend on each other, so none is accepted on an older state.
    #[error("the account's log has gone on meanwhile")]
    Behind,
    /// The author is no device of the account, or may not do this.
    #[error("the author may not change this account")]
    Author,
    /// The signature is not the author's, or the new device did not consent.
    #[error("a signature is not valid")]
    Signature,
    /// The one-time key has expired, or would live too long.
    #[error("the one-time key is not valid at this time")]
    Expired,
    /// Another key generation than the current (or, for a new one, the next).
    #[error("the account's key generation is {current}")]
    Generation {
        /// The current generation.
        current: u32,
    },
    /// The device is there already, is not there, or is the author itself.
    #[error("device {device} cannot be added or removed")]
    Device {
        /// The device.
        device: DeviceId,
    },
    /// The new key is not wrapped to exactly the devices that remain.
    #[error("the new key does not reach exactly the devices of the account")]
    Wraps,
}

/// Who signs: a device, or a one-time key, which may only add one device.
enum Author {
    Device(DeviceId),
    OneTime(DeviceId),
}

impl AccountState {
    /// The account that a genesis starts.
    ///
    /// # Errors
    /// When it is no account genesis, or not signed by the device it names.
    pub fn start(genesis: &ChangeSet) -> Result<Self, AccountRefusal> {
        let [Operation::AccountGenesis(operation)] = genesis.operations() else {
            return Err(AccountRefusal::BadChain(ChainFault::Log));
        };
        let header = genesis.header();
        if header.account_seen != header.seen {
            return Err(AccountRefusal::BadChain(ChainFault::AccountSeen));
        }
        genesis
            .verify(&operation.device.key)
            .map_err(|_| AccountRefusal::Signature)?;
        let head = head_next(header.seen, genesis.hash());
        let device = DeviceRecord {
            card: operation.device.clone(),
            added: head.cursor,
            removed: None,
            counter: header.counter,
            last: genesis.hash(),
            wrapped: None,
        };
        Ok(Self {
            suite: SUITE,
            id: AccountId(genesis.hash().0),
            chain: vec![head.chain],
            devices: BTreeMap::from([(header.author, device)]),
            offers: BTreeMap::new(),
            generations: Vec::new(),
        })
    }

    /// The account that a whole log leads to.
    ///
    /// # Errors
    /// The first refusal; an empty log is refused too.
    pub fn replay<'a>(
        log: impl IntoIterator<Item = &'a ChangeSet>,
    ) -> Result<Self, AccountRefusal> {
        let mut log = log.into_iter();
        let genesis = log
            .next()
            .ok_or(AccountRefusal::BadChain(ChainFault::Log))?;
        let mut state = Self::start(genesis)?;
        log.try_for_each(|change_set| state.append(Moment::Replaying, change_set))?;
        Ok(state)
    }

    /// Carries the account on by one change set.
    ///
    /// # Errors
    /// Why it may not; the state is unchanged then.
    pub fn append(&mut self, moment: Moment, change_set: &ChangeSet) -> Result<(), AccountRefusal> {
        let header = change_set.header();
        self.check_place(header)?;
        let author = self.admit(moment, change_set)?;
        let mut next = self.clone();
        next.chain
            .push(head_next(self.head(), change_set.hash()).chain);
        next.apply(&author, moment, change_set)?;
        if let Author::Device(device) = author {
            next.note_author(device, header.counter, change_set.hash());
        }
        *self = next;
        Ok(())
    }

    fn check_place(&self, header: &Header) -> Result<(), AccountRefusal> {
        if header.space != log_of(self.id) || header.behalf.is_some() || header.key_epoch.0 != 0 {
            return Err(AccountRefusal::BadChain(ChainFault::Log));
        }
        if self.chain_at(header.seen.cursor) != Some(header.seen.chain) {
            return Err(AccountRefusal::BadChain(ChainFault::Seen));
        }
        if header.account_seen != header.seen {
            return Err(AccountRefusal::BadChain(ChainFault::AccountSeen));
        }
        if header.seen != self.head() {
            return Err(AccountRefusal::Behind);
        }
        Ok(())
    }

    /// Checks author, signature and the author's own chain.
    fn admit(&self, moment: Moment, change_set: &ChangeSet) -> Result<Author, AccountRefusal> {
        let header = change_set.header();
        let (key, counter, previous, author) = match self.device(header.author) {
            Some(device) if device.removed.is_some() => return Err(AccountRefusal::Author),
            Some(device) => {
                let author = Author::Device(header.author);
                (device.card.key, device.counter + 1, device.last, author)
            }
            None => {
                let key = self.admit_one_time(moment, change_set)?;
                (key, 1, NO_PREVIOUS, Author::OneTime(header.author))
            }
        };
        change_set
            .verify(&key)
            .map_err(|_| AccountRefusal::Signature)?;
        if header.counter != counter {
            let expected = counter;
            return Err(AccountRefusal::BadChain(ChainFault::Counter { expected }));
        }
        if header.previous != previous {
            return Err(AccountRefusal::BadChain(ChainFault::Previous));
        }
        Ok(author)
    }

    fn admit_one_time(
        &self,
        moment: Moment,
        change_set: &ChangeSet,
    ) -> Result<PublicKey, AccountRefusal> {
        let header = change_set.header();
        let offer = self.offer(header.author).ok_or(AccountRefusal::Author)?;
        let [Operation::AddDevice(_)] = change_set.operations() else {
            return Err(AccountRefusal::Author);
        };
        let too_late = match moment {
            Moment::Accepting { now_ms } => now_ms > offer.expires_ms,
            Moment::Replaying => false,
        };
        if too_late || header.time_ms > offer.expires_ms {
            return Err(AccountRefusal::Expired);
        }
        Ok(offer.key)
    }

    fn apply(
        &mut self,
        author: &Author,
        moment: Moment,
        change_set: &ChangeSet,
    ) -> Result<(), AccountRefusal> {
        let mut must_renew = false;
        for operation in change_set.operations() {
            match operation {
                Operation::AddDevice(add) => self.add_device(add)?,
                Operation::RemoveDevice(remove) => {
                    self.remove_device(change_set.header().author, remove.device)?;
                    must_renew = true;
                }
                Operation::KemGeneration(kem) => {
                    self.renew(kem)?;
                    must_renew = false;
                }
                Operation::AuthoriseOneTime(offer) => {
                    self.authorise(offer, moment, change_set.header().time_ms)?;
                }
                _ => return Err(AccountRefusal::BadChain(ChainFault::Log)),
            }
        }
        // Whoever was removed knows the current secret, so a new one must follow at once (E7).
        if must_renew {
            return Err(AccountRefusal::Wraps);
        }
        if let Author::OneTime(key) = author {
            self.offers.remove(key);
        }
        Ok(())
    }

    fn here(&self) -> Cursor {
        self.head().cursor
    }

    fn add_device(&mut self, add: &AddDevice) -> Result<(), AccountRefusal> {
        let device = add.device.id();
        self.check_generation(add.generation)?;
        if self.devices.contains_key(&device) || self.offers.contains_key(&device) {
            return Err(AccountRefusal::Device { device });
        }
        add.device
            .verify_consent(self.id, &add.consent)
            .map_err(|_| AccountRefusal::Signature)?;
        let record = DeviceRecord {
            card: add.device.clone(),
            added: self.here(),
            removed: None,
            counter: 0,
            last: NO_PREVIOUS,
            wrapped: Some(add.wrapped.clone()),
        };
        self.devices.insert(device, record);
        Ok(())
    }

    /// Another device removes a device: one that left would itself know the key it leaves behind.
    fn remove_device(&mut self, by: DeviceId, device: DeviceId) -> Result<(), AccountRefusal> {
        let here = self.here();
        match self.devices.get_mut(&device) {
            Some(record) if record.removed.is_none() && device != by => {
                record.removed = Some(here);
                record.wrapped = None;
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
        // Offers hold the old secret; whoever uses one now would be left behind.
        self.offers.clear();
        Ok(())
    }

    fn authorise(
        &mut self,
        offer: &AuthoriseOneTime,
        moment: Moment,
        time_ms: i64,
    ) -> Result<(), AccountRefusal> {
        self.check_generation(offer.generation)?;
        let device = offer.key.device_id();
        if self.devices.contains_key(&device) || self.offers.contains_key(&device) {
            return Err(AccountRefusal::Device { device });
        }
        let latest = time_ms.saturating_add(OFFER_LIFETIME_MS);
        let latest = match moment {
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

    fn note_author(&mut self, device: DeviceId, counter: u64, last: HeaderHash) {
        if let Some(record) = self.devices.get_mut(&device) {
            record.counter = counter;
            record.last = last;
        }
    }
}
