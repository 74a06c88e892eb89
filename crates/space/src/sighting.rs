//! A member device's word of how far, and along which history, it was shown a space.
//!
//! Devices exchange them by way of the server, which can hold them back and not forge them. A log
//! has one chain hash at each position, so two sightings of one position that differ say that the
//! server showed two histories, and one that lies ahead of the server's own end says that it holds
//! something back.

use hythe_model::{AccountId, ChainHash, Cursor, DeviceId, Head, ServerEpoch, SpaceId};
use minicbor::{Decode, Encode};

use crate::cbor;
use crate::crypto::{Context, PublicKey, SUITE, Signature, SigningKey, known_suite};
use crate::error::{CryptoError, DecodeError};
use crate::limits::MAX_SIGHTING_BYTES;

/// What is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Sighting {
    /// The format: 1.
    #[n(0)]
    pub suite: u8,
    /// The space.
    #[n(1)]
    pub space: SpaceId,
    /// How far the device had folded the log, and the chain hash there.
    #[n(2)]
    pub head: Head,
    /// The life of the server's data that it read this from.
    #[n(3)]
    pub epoch: ServerEpoch,
    /// The account whose device signs.
    #[n(4)]
    pub account: AccountId,
    /// The device that signs.
    #[n(5)]
    pub device: DeviceId,
    /// Its clock, in milliseconds since 1970; shown, and compared with its own earlier ones only.
    #[n(6)]
    pub time_ms: i64,
}

/// What a device knows of the log itself, as far as a sighting is compared with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The life of the server's data that it reads from.
    pub epoch: ServerEpoch,
    /// How far it has folded the log.
    pub end: Cursor,
    /// The chain hash that it knows at the sighting's position.
    pub chain: Option<ChainHash>,
}

/// What a sighting says to a device that has read the log as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Both were shown the same history up to there.
    Agrees,
    /// They were shown two histories.
    Differs,
    /// It speaks of what was not read here yet. Is it still so once the server has shown all it
    /// has, then the server holds something back.
    Ahead,
    /// Nothing follows: what was at that position is not known here, or the sighting is of another
    /// life of the server's data, which may have ended otherwise.
    Silent,
}

impl Sighting {
    /// Signs it. `suite` and `device` are set here.
    pub fn sign(mut self, key: &SigningKey) -> SignedSighting {
        self.suite = SUITE;
        self.device = key.device_id();
        let signature = key.sign(Context::Sighting, &cbor::encode(&self));
        SignedSighting {
            sighting: self,
            signature,
        }
    }

    /// Compares it with what the reader knows.
    ///
    /// Equal chains agree in whatever life: a chain hash commits to everything before it. Different
    /// ones accuse the server only within one life, for a restore from a copy takes back the end of
    /// a log, and says so.
    pub fn compare(&self, known: &Known) -> Verdict {
        let same_life = self.epoch == known.epoch;
        match known.chain {
            Some(chain) if chain == self.head.chain => Verdict::Agrees,
            Some(_) if same_life => Verdict::Differs,
            None if same_life && self.head.cursor > known.end => Verdict::Ahead,
            Some(_) | None => Verdict::Silent,
        }
    }

    /// Whether it takes the place of one of the same device that is remembered, for a reader in the
    /// life `epoch`. What a device says of one life never goes back, so an old one that is played
    /// again changes nothing.
    pub fn replaces(&self, before: &Self, epoch: ServerEpoch) -> bool {
        let reach = |one: &Self| (one.epoch == epoch, one.head.cursor, one.time_ms);
        self.epoch == epoch && reach(self) > reach(before)
    }
}

/// A sighting with its signature.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SignedSighting {
    #[n(0)]
    sighting: Sighting,
    #[n(1)]
    signature: Signature,
}

impl SignedSighting {
    /// What the device says, once [`Self::verify`] has shown that it says so. The caller checks
    /// that the device belongs to the account and the account to the space.
    pub fn sighting(&self) -> &Sighting {
        &self.sighting
    }

    /// Checks that `key` is the named device's and signed this.
    ///
    /// # Errors
    /// [`CryptoError::Signature`].
    pub fn verify(&self, key: &PublicKey) -> Result<(), CryptoError> {
        if key.device_id() != self.sighting.device {
            return Err(CryptoError::Signature);
        }
        key.verify(
            Context::Sighting,
            &cbor::encode(&self.sighting),
            &self.signature,
        )
    }

    /// The bytes that are stored and sent.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reads a sighting.
    ///
    /// # Errors
    /// When it is over the limit, of an unknown suite, or not canonically encoded.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        const WHAT: &str = "a sighting";
        let read: Self = cbor::decode_bounded(bytes, MAX_SIGHTING_BYTES, WHAT)?;
        known_suite(read.sighting.suite, WHAT)?;
        Ok(read)
    }
}
