//! The fold of an account's log.

use hythe_model::{AccountId, DeviceId, HeaderHash};

use super::keyring::{Keyring, Now};
use super::operation::Slot;
use super::state::AccountState;
use crate::chain::head_next;
use crate::changeset::ChangeSet;
use crate::crypto::{PublicKey, SUITE};
use crate::header::{Header, NO_PREVIOUS, log_of};
use crate::operation::Operation;
use crate::refusal::ChainFault;
use crate::view::Moment;

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
    /// The new key is not wrapped to exactly the devices and keyholders that remain.
    #[error("the new key does not reach exactly the devices of the account")]
    Wraps,
}

/// Who signs: a device; a password or recovery code, which may only sign devices in and out; or a
/// one-time key, which may only add one device.
enum Author {
    Device,
    Keyholder(Slot),
    OneTime,
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
        Ok(Self {
            suite: SUITE,
            id: AccountId(genesis.hash().0),
            chain: vec![head.chain],
            keyring: Keyring::start(&operation.device, head.cursor, genesis.hash()),
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
        let head = head_next(self.head(), change_set.hash());
        let now = Now {
            account: self.id,
            here: head.cursor,
            moment,
            time_ms: header.time_ms,
        };
        let mut next = self.keyring.clone();
        for operation in change_set.operations() {
            next.apply(&now, header.author, operation)?;
        }
        match author {
            Author::Device => next.note_author(header.author, header.counter, change_set.hash()),
            Author::Keyholder(slot) => next.note_keyholder(slot, header.counter, change_set.hash()),
            Author::OneTime => next.use_up(header.author),
        }
        if !next.is_whole() {
            return Err(AccountRefusal::Wraps);
        }
        self.keyring = next;
        self.chain.push(head.chain);
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
        let (key, counter, previous, author) = self.author(moment, change_set)?;
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

    /// The author's key, the place of its next change set in its own chain, and what it is.
    fn author(
        &self,
        moment: Moment,
        change_set: &ChangeSet,
    ) -> Result<(PublicKey, u64, HeaderHash, Author), AccountRefusal> {
        let author = change_set.header().author;
        if let Some(device) = self.device(author) {
            if device.removed.is_some() {
                return Err(AccountRefusal::Author);
            }
            let counter = device.counter + 1;
            return Ok((device.card.key, counter, device.last, Author::Device));
        }
        if let Some((slot, holder)) = self.keyholder_of(author) {
            if !signs_devices(change_set.operations()) {
                return Err(AccountRefusal::Author);
            }
            let author = Author::Keyholder(slot);
            return Ok((holder.card.key, holder.counter + 1, holder.last, author));
        }
        let key = self.admit_one_time(moment, change_set)?;
        Ok((key, 1, NO_PREVIOUS, Author::OneTime))
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
}

/// Whether a change set only signs one device in, or devices out (with the new key that calls for).
fn signs_devices(operations: &[Operation]) -> bool {
    match operations {
        [Operation::AddDevice(_)] => true,
        [removed @ .., Operation::KemGeneration(_)] if !removed.is_empty() => removed
            .iter()
            .all(|operation| matches!(operation, Operation::RemoveDevice(_))),
        _ => false,
    }
}
