//! The signed part of a change set.

use hythe_model::{AccountId, DeviceId, Head, HeaderHash, KeyEpoch, OperationId, SpaceId};
use minicbor::{Decode, Encode};

use crate::cbor;
use crate::crypto::known_suite;
use crate::error::DecodeError;
use crate::hash::Hash32;

/// The id of the log a genesis starts, which is not known before the genesis is hashed.
pub const NO_LOG: SpaceId = SpaceId([0; 32]);

/// What a device's first change set in a log names as its previous one.
pub const NO_PREVIOUS: HeaderHash = HeaderHash([0; 32]);

/// For whom a server's device wrote, when a change came through a door of the server (D2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Behalf {
    /// The account that asked.
    #[n(0)]
    pub account: AccountId,
    /// The session it asked in, as the server counts them.
    #[n(1)]
    pub session: OperationId,
}

/// What the author of a change set signs. Its BLAKE3 is the change set's [`HeaderHash`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Header {
    /// The format and cryptography of everything in the change set: 1.
    #[n(0)]
    pub suite: u8,
    /// The log it belongs to: a space, or the bytes of an account's id; [`NO_LOG`] in a genesis.
    #[n(1)]
    pub space: SpaceId,
    /// The device that signs.
    #[n(2)]
    pub author: DeviceId,
    /// The author's own count of change sets in this log, from 1.
    #[n(3)]
    pub counter: u64,
    /// The author's previous change set in this log; [`NO_PREVIOUS`] in its first.
    #[n(4)]
    pub previous: HeaderHash,
    /// The request that brought it; the same when the request is repeated.
    #[n(5)]
    pub operation: OperationId,
    /// What the author had seen of this log.
    #[n(6)]
    pub seen: Head,
    /// What the author had seen of its account's log.
    #[n(7)]
    pub account_seen: Head,
    /// The key epoch of the sealed parts; 0 before a space has its first.
    #[n(8)]
    pub key_epoch: KeyEpoch,
    /// The author's clock, in milliseconds since 1970. Shown, and used for the expiry of offers.
    #[n(9)]
    pub time_ms: i64,
    /// BLAKE3 of the clear part.
    #[n(10)]
    pub clear: Hash32,
    /// BLAKE3 of each sealed part, in the order in which the operations call for them.
    #[cbor(n(11), with = "crate::cbor::words")]
    pub sealed: Vec<Hash32>,
    /// For whom, when not for the author's own account.
    #[n(12)]
    pub behalf: Option<Behalf>,
}

impl Header {
    /// The bytes that are hashed.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reads a header.
    ///
    /// # Errors
    /// When the suite is unknown or the bytes are not the canonical encoding of a header.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        const WHAT: &str = "a change set's header";
        known_suite(cbor::suite_of(bytes, WHAT)?, WHAT)?;
        cbor::decode(bytes, WHAT)
    }

    /// The hash of encoded header bytes.
    pub fn hash(encoded: &[u8]) -> HeaderHash {
        HeaderHash(*blake3::hash(encoded).as_bytes())
    }

    /// Whether this is the first header of a log.
    pub fn is_genesis(&self) -> bool {
        self.space == NO_LOG
    }
}

/// The id under which an account's log stands in headers: the account's own.
pub fn log_of(account: AccountId) -> SpaceId {
    SpaceId(account.0)
}
