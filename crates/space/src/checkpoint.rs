//! A member device's word that the state at a position has a certain digest.

use hythe_model::{AccountId, Cursor, DeviceId, Head, SpaceId};
use minicbor::{Decode, Encode};

use crate::account::Devices;
use crate::cbor;
use crate::crypto::{Context, PublicKey, SUITE, Signature, SigningKey, known_suite};
use crate::digest::StateDigest;
use crate::error::{CryptoError, DecodeError};
use crate::limits::{CHECKPOINT_INTERVAL, MAX_CHECKPOINT_BYTES};
use crate::map_view::MapView;
use crate::refusal::{Denied, Refusal};
use crate::view::Moment;

/// What is signed. Any member device signs one at every position divisible by
/// [`CHECKPOINT_INTERVAL`], after it has folded the log up to there itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Checkpoint {
    /// The format: 1.
    #[n(0)]
    pub suite: u8,
    /// The space.
    #[n(1)]
    pub space: SpaceId,
    /// The position and its chain hash.
    #[n(2)]
    pub head: Head,
    /// The digest of the state there.
    #[n(3)]
    pub digest: StateDigest,
    /// The device that signs.
    #[n(4)]
    pub device: DeviceId,
    /// What it had seen of its account's log.
    #[n(5)]
    pub account_seen: Head,
    /// Its clock, in milliseconds since 1970; shown as the age of what a new device was told.
    #[n(6)]
    pub time_ms: i64,
}

impl Checkpoint {
    /// Whether a checkpoint belongs at this position.
    pub fn is_due(cursor: Cursor) -> bool {
        cursor != Cursor::START && cursor.0.is_multiple_of(CHECKPOINT_INTERVAL)
    }

    /// Signs it. `suite` and `device` are set here.
    pub fn sign(mut self, key: &SigningKey) -> SignedCheckpoint {
        self.suite = SUITE;
        self.device = key.device_id();
        let signature = key.sign(Context::Checkpoint, &cbor::encode(&self));
        SignedCheckpoint {
            checkpoint: self,
            signature,
        }
    }
}

/// Why a checkpoint does not vouch for a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It is about another space or position.
    #[error("the checkpoint is about another space or position")]
    Elsewhere,
    /// The records are not those that were signed for.
    #[error("the snapshot does not have the digest of the checkpoint")]
    Digest,
    /// The device may not speak for the space.
    #[error(transparent)]
    Author(#[from] Refusal),
}

/// A checkpoint with its signature.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SignedCheckpoint {
    #[n(0)]
    checkpoint: Checkpoint,
    #[n(1)]
    signature: Signature,
}

impl SignedCheckpoint {
    /// What the device says, once [`Self::verify`] has shown that it says so. The caller checks
    /// that the device's account is a member.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Checks that `key` is the named device's and signed this.
    ///
    /// # Errors
    /// [`CryptoError::Signature`].
    pub fn verify(&self, key: &PublicKey) -> Result<(), CryptoError> {
        if key.device_id() != self.checkpoint.device {
            return Err(CryptoError::Signature);
        }
        key.verify(
            Context::Checkpoint,
            &cbor::encode(&self.checkpoint),
            &self.signature,
        )
    }

    /// Checks all that a snapshot at the checkpoint's position lets one check: that its records
    /// have the digest, and that they and the account's log let this device speak. Returns the
    /// account that vouches.
    ///
    /// Membership is read from the snapshot itself, so a new device believes only an account it
    /// knows from elsewhere: its own, or one whose key it compared.
    ///
    /// # Errors
    /// See [`CheckpointError`].
    pub fn attest<D: Devices + ?Sized>(
        &self,
        devices: &D,
        snapshot: &MapView,
    ) -> Result<AccountId, CheckpointError> {
        let told = &self.checkpoint;
        let space = snapshot.space_record().map(|space| space.genesis.0);
        if space != Some(told.space.0) || told.head != snapshot.head() {
            return Err(CheckpointError::Elsewhere);
        }
        if snapshot.digest().digest() != told.digest {
            return Err(CheckpointError::Digest);
        }
        let account = devices
            .account_of(told.device)
            .ok_or(Refusal::NotAllowed(Denied::UnknownDevice))?;
        let member = snapshot
            .member_record(account.id())
            .filter(|member| member.role.is_some());
        let floor = member
            .ok_or(Refusal::NotAllowed(Denied::Role))?
            .account_seen;
        let key = account.signer(told.device, told.account_seen, floor, Moment::Replaying)?;
        self.verify(&key)
            .map_err(|_| Refusal::NotAllowed(Denied::Signature))?;
        Ok(account.id())
    }

    /// The bytes that are stored and sent.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    /// When it is over the limit, of an unknown suite, or not canonically encoded.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        const WHAT: &str = "a checkpoint";
        let read: Self = cbor::decode_bounded(bytes, MAX_CHECKPOINT_BYTES, WHAT)?;
        known_suite(read.checkpoint.suite, WHAT)?;
        Ok(read)
    }
}
