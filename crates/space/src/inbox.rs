//! The inbox of a space: where those put files who may not read.
//!
//! A file on its way is a *parcel*: sealed under a secret of its own, which is wrapped to whoever
//! takes it in. In a sealed space that are its members, by a key that follows from the secret of a
//! key epoch; a signed *card* tells it to those who put.

use hythe_model::{AccountId, DeviceId, KeyEpoch, LinkId, Secret32, SpaceId, UploadId};
use minicbor::{Decode, Encode};

use crate::cbor;
use crate::crypto::{
    Context, KemPublic, KemSecret, PublicKey, Purpose, SUITE, Signature, SigningKey, known_suite,
};
use crate::error::{CryptoError, DecodeError};
use crate::hash::Hash32;

/// Longest encoded card.
pub const MAX_CARD_BYTES: usize = 2048;

/// Longest encoded signature of a parcel.
pub const MAX_PARCEL_SIGNATURE_BYTES: usize = 128;

/// Derivation context of the seed of an inbox's key.
const INBOX_KEY: &str = "hythe 1 inbox key";

/// The key of the inbox of a space in one key epoch: every member has it who has the epoch's secret.
pub fn inbox_key(space: SpaceId, epoch: KeyEpoch, secret: &Secret32) -> KemSecret {
    let mut hasher = blake3::Hasher::new_derive_key(INBOX_KEY);
    hasher.update(secret.expose());
    hasher.update(space.as_bytes());
    hasher.update(&epoch.0.to_be_bytes());
    KemSecret::from_seed(Secret32::new(*hasher.finalize().as_bytes()))
}

/// Who takes in what is put into a space.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Taker {
    /// The members of a sealed space.
    #[n(0)]
    Members {
        /// The key epoch that the key follows from.
        #[n(0)]
        epoch: KeyEpoch,
        /// The inbox's key.
        #[n(1)]
        key: KemPublic,
    },
    /// The server of an open space, by the key of its account.
    #[n(1)]
    Server {
        /// The server's account.
        #[n(0)]
        account: AccountId,
    },
}

/// What a device says of the inbox of a space, for those who may put and not read.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct InboxCard {
    /// The format: 1.
    #[n(0)]
    pub suite: u8,
    /// The space.
    #[n(1)]
    pub space: SpaceId,
    /// Who takes in what is put.
    #[n(2)]
    pub taker: Taker,
    /// The device's clock, in milliseconds since 1970.
    #[n(3)]
    pub time_ms: i64,
}

impl InboxCard {
    /// Signs it. `suite` is set here.
    pub fn sign(mut self, key: &SigningKey) -> SignedCard {
        self.suite = SUITE;
        let signature = key.sign(Context::InboxCard, &cbor::encode(&self));
        SignedCard {
            card: self,
            author: key.public(),
            signature,
        }
    }
}

/// A card with its signature.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SignedCard {
    #[n(0)]
    card: InboxCard,
    #[n(1)]
    author: PublicKey,
    #[n(2)]
    signature: Signature,
}

impl SignedCard {
    /// The device that claims to have signed it; [`Self::by`] says whether it did.
    pub fn author(&self) -> DeviceId {
        self.author.device_id()
    }

    /// What was said of a space, if the device with this id signed it.
    ///
    /// # Errors
    /// [`CryptoError::Signature`]: another device, another space, or changed.
    pub fn by(&self, device: DeviceId, space: SpaceId) -> Result<&InboxCard, CryptoError> {
        if self.author.device_id() != device || self.card.space != space {
            return Err(CryptoError::Signature);
        }
        let content = cbor::encode(&self.card);
        self.author
            .verify(Context::InboxCard, &content, &self.signature)?;
        Ok(&self.card)
    }

    /// The encoded form.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reads the encoded form.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        const WHAT: &str = "the card of an inbox";
        let read: Self = cbor::decode_bounded(bytes, MAX_CARD_BYTES, WHAT)?;
        known_suite(read.card.suite, WHAT)?;
        Ok(read)
    }
}

/// The way that a file came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Via {
    /// Through a link.
    #[n(0)]
    Link(#[n(0)] LinkId),
    /// From a member.
    #[n(1)]
    Account(#[n(0)] AccountId),
}

/// A file on its way, as it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parcel<'a> {
    /// The space.
    pub space: SpaceId,
    /// The key epoch of the inbox's key, or the generation of the server's.
    pub number: u32,
    /// The way in.
    pub via: Via,
    /// The upload: node and versions will be called so.
    pub upload: UploadId,
    /// The wrapped secret (CBOR).
    pub wrapped: &'a [u8],
    /// The sealed name.
    pub name: &'a [u8],
    /// The sealed attributes.
    pub attributes: &'a [u8],
    /// The sealed layout.
    pub body: &'a [u8],
    /// Sealed bytes over all its chunks.
    pub size: u64,
}

/// What is signed of a parcel.
#[derive(Encode)]
struct Content {
    #[n(0)]
    space: SpaceId,
    #[n(1)]
    number: u32,
    #[n(2)]
    via: Via,
    #[n(3)]
    upload: UploadId,
    #[n(4)]
    wrapped: Hash32,
    #[n(5)]
    name: Hash32,
    #[n(6)]
    attributes: Hash32,
    #[n(7)]
    body: Hash32,
    #[n(8)]
    size: u64,
}

impl Parcel<'_> {
    /// What its secret is wrapped for.
    pub fn purpose(&self) -> Purpose {
        let (space, number, via, upload) = (self.space, self.number, self.via, self.upload);
        Purpose::Parcel {
            space,
            number,
            via,
            upload,
        }
    }

    /// Signs it: with the key that comes with a link, or a device's.
    pub fn sign(&self, key: &SigningKey) -> ParcelSignature {
        ParcelSignature {
            author: key.public(),
            signature: key.sign(Context::Parcel, &self.content()),
        }
    }

    fn content(&self) -> Vec<u8> {
        cbor::encode(&Content {
            space: self.space,
            number: self.number,
            via: self.via,
            upload: self.upload,
            wrapped: Hash32::of(self.wrapped),
            name: Hash32::of(self.name),
            attributes: Hash32::of(self.attributes),
            body: Hash32::of(self.body),
            size: self.size,
        })
    }
}

/// Who put a parcel.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ParcelSignature {
    #[n(0)]
    author: PublicKey,
    #[n(1)]
    signature: Signature,
}

impl ParcelSignature {
    /// The key that claims to have signed; [`Self::check`] says whether it did.
    pub fn author(&self) -> PublicKey {
        self.author
    }

    /// Whether its author signed this parcel.
    ///
    /// # Errors
    /// [`CryptoError::Signature`].
    pub fn check(&self, parcel: &Parcel<'_>) -> Result<(), CryptoError> {
        let content = parcel.content();
        self.author
            .verify(Context::Parcel, &content, &self.signature)
    }

    /// The encoded form.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reads the encoded form.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        const WHAT: &str = "the signature of a parcel";
        cbor::decode_bounded(bytes, MAX_PARCEL_SIGNATURE_BYTES, WHAT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACE: SpaceId = SpaceId([1; 32]);

    fn signing(n: u8) -> SigningKey {
        SigningKey::from_seed(&Secret32::new([n; 32]))
    }

    fn card() -> InboxCard {
        let key = inbox_key(SPACE, KeyEpoch::FIRST, &Secret32::new([7; 32]));
        InboxCard {
            suite: 0,
            space: SPACE,
            taker: Taker::Members {
                epoch: KeyEpoch::FIRST,
                key: key.public().unwrap(),
            },
            time_ms: 4,
        }
    }

    fn parcel() -> Parcel<'static> {
        Parcel {
            space: SPACE,
            number: 1,
            via: Via::Link(LinkId([2; 16])),
            upload: UploadId([3; 16]),
            wrapped: b"wrapped",
            name: b"name",
            attributes: b"attributes",
            body: b"body",
            size: 9,
        }
    }

    #[test]
    fn a3_a_card_of_another_suite_is_none() {
        let mut signed = card().sign(&signing(1));
        signed.card.suite = 2;
        assert!(matches!(
            SignedCard::decode(&signed.encode()),
            Err(DecodeError::Suite { suite: 2, .. })
        ));
    }

    #[test]
    fn the_key_of_an_inbox_is_of_one_space_and_epoch_and_secret() {
        let key = |space, epoch, secret| {
            let key = inbox_key(
                SpaceId([space; 32]),
                KeyEpoch(epoch),
                &Secret32::new([secret; 32]),
            );
            *key.seed().expose()
        };
        let mut all = vec![
            key(1, 1, 1),
            key(2, 1, 1),
            key(1, 2, 1),
            key(1, 1, 2),
            [1; 32],
        ];
        assert_eq!(key(1, 1, 1), key(1, 1, 1));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 5);
    }

    #[test]
    fn a2_a_card_is_its_devices_word_about_one_space() {
        let signed = card().sign(&signing(1));
        let bytes = signed.encode();
        assert!(bytes.len() <= MAX_CARD_BYTES);
        let read = SignedCard::decode(&bytes).unwrap();
        let device = signing(1).device_id();
        assert_eq!(read.by(device, SPACE).unwrap().time_ms, 4);
        assert!(read.by(signing(2).device_id(), SPACE).is_err());
        assert!(read.by(device, SpaceId([2; 32])).is_err());
        let mut other = signed;
        other.card.taker = Taker::Server {
            account: AccountId([6; 32]),
        };
        assert!(other.by(device, SPACE).is_err());
    }

    #[test]
    fn a10_a_parcel_is_signed_whole() {
        let signature = parcel().sign(&signing(1));
        let signature = ParcelSignature::decode(&signature.encode()).unwrap();
        assert_eq!(signature.author(), signing(1).public());
        signature.check(&parcel()).unwrap();
        let account = Via::Account(AccountId([2; 32]));
        let space = SpaceId([9; 32]);
        let (whole, upload) = (parcel(), UploadId([4; 16]));
        for other in [
            Parcel { space, ..whole },
            Parcel { number: 2, ..whole },
            Parcel {
                via: account,
                ..whole
            },
            Parcel { upload, ..whole },
            Parcel {
                wrapped: b"x",
                ..whole
            },
            Parcel {
                name: b"x",
                ..whole
            },
            Parcel {
                attributes: b"x",
                ..whole
            },
            Parcel {
                body: b"x",
                ..whole
            },
            Parcel { size: 8, ..whole },
        ] {
            assert!(signature.check(&other).is_err(), "{other:?}");
        }
    }
}
