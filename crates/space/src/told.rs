//! What a device tells the one that it lets in: how far it was shown the account's spaces (A32).
//!
//! It travels sealed, in what the account's log says of the way in: whoever is let in has to read that,
//! so a server can neither change it nor leave it out.

use hythe_model::{Head, ServerEpoch, SpaceId};
use minicbor::{Decode, Encode};

use crate::cbor;
use crate::error::DecodeError;
use crate::limits::{MAX_SEALED_TOLD_BYTES, MAX_TOLD};
use crate::sealed_bytes::SealedBytes;

/// How far spaces were read, in one life of the server's data.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Told {
    #[n(0)]
    epoch: ServerEpoch,
    #[n(1)]
    heads: Vec<ToldHead>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
struct ToldHead {
    #[n(0)]
    space: SpaceId,
    #[n(1)]
    head: Head,
}

impl Told {
    /// Tells of the first [`MAX_TOLD`] spaces of these.
    pub fn new(epoch: ServerEpoch, heads: impl IntoIterator<Item = (SpaceId, Head)>) -> Self {
        let heads = heads.into_iter().take(MAX_TOLD);
        let heads = heads.map(|(space, head)| ToldHead { space, head });
        Self {
            epoch,
            heads: heads.collect(),
        }
    }

    /// The life of the server's data that it speaks of.
    pub fn epoch(&self) -> ServerEpoch {
        self.epoch
    }

    /// How far a space was read.
    pub fn head(&self, space: SpaceId) -> Option<Head> {
        let told = self.heads.iter().find(|told| told.space == space);
        told.map(|told| told.head)
    }

    /// The bytes that are sealed.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reads the bytes that were sealed.
    ///
    /// # Errors
    /// When they are too many, or not the canonical encoding.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        const WHAT: &str = "what a new device is told";
        let too_large = DecodeError::TooLarge {
            what: WHAT,
            limit: MAX_TOLD,
        };
        if bytes.len() > MAX_SEALED_TOLD_BYTES {
            return Err(too_large);
        }
        let read: Self = cbor::decode(bytes, WHAT)?;
        if read.heads.len() > MAX_TOLD {
            return Err(too_large);
        }
        Ok(read)
    }
}

/// A sealed [`Told`].
pub type SealedTold = SealedBytes<MAX_SEALED_TOLD_BYTES>;
