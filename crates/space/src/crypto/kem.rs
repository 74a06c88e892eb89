//! X-Wing keys, and secrets wrapped to them with HPKE.

use std::fmt;

use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use hythe_model::{AccountId, DeviceId, KeyEpoch, LinkId, Secret32, SpaceId, UploadId};
use minicbor::{Decode, Encode};
use zeroize::Zeroizing;

use super::SUITE;
use crate::entropy::Entropy;
use crate::error::CryptoError;
use crate::inbox::Via;

/// Length of an X-Wing public key.
const PUBLIC_BYTES: usize = 1216;
/// Length of what X-Wing sends along.
const ENCAPSULATED_BYTES: usize = 1120;
/// Suite, encapsulated key, 32 secret bytes and the tag of AES-GCM.
const WRAPPED_BYTES: usize = 1 + ENCAPSULATED_BYTES + 32 + 16;

/// What a wrapped secret is and for whom. It is HPKE's `info`, so a wrap opens only as what it
/// was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Purpose {
    /// The secret of a space's key epoch, for a member account.
    #[n(1)]
    Epoch {
        /// The space.
        #[n(0)]
        space: SpaceId,
        /// The key epoch the secret belongs to.
        #[n(1)]
        epoch: KeyEpoch,
        /// The member.
        #[n(2)]
        account: AccountId,
        /// The generation of the member's key it is wrapped to.
        #[n(3)]
        generation: u32,
    },
    /// The secret of an account's key, for one of its devices (or the key of an offer).
    #[n(2)]
    Account {
        /// The account.
        #[n(0)]
        account: AccountId,
        /// The generation that is wrapped.
        #[n(1)]
        generation: u32,
        /// For whom.
        #[n(2)]
        device: DeviceId,
    },
    /// The secret of an account's key, for the generation that follows it.
    #[n(3)]
    Previous {
        /// The account.
        #[n(0)]
        account: AccountId,
        /// The older generation, which is wrapped.
        #[n(1)]
        generation: u32,
    },
    /// The secret of a space's key epoch, for whoever takes up an offer to join.
    #[n(4)]
    JoinOffer {
        /// The space.
        #[n(0)]
        space: SpaceId,
        /// The key epoch the secret belongs to.
        #[n(1)]
        epoch: KeyEpoch,
        /// The one-time key that comes with the key it is wrapped to.
        #[n(2)]
        key: DeviceId,
    },
    /// The secret under which somebody sealed a file that is put through a link, for who takes it in.
    #[n(11)]
    Upload {
        /// The link.
        #[n(0)]
        link: LinkId,
        /// The upload.
        #[n(1)]
        upload: UploadId,
    },
    /// The secret of one capsule, for whoever has the link.
    #[n(10)]
    Capsule {
        /// The link.
        #[n(0)]
        link: LinkId,
    },
    /// The secret under which somebody sealed a file for an inbox, for who takes it in.
    #[n(12)]
    Parcel {
        /// The space.
        #[n(0)]
        space: SpaceId,
        /// The key epoch of the inbox's key, or the generation of the server's.
        #[n(1)]
        number: u32,
        /// The way in.
        #[n(2)]
        via: Via,
        /// The upload.
        #[n(3)]
        upload: UploadId,
    },
}

impl Purpose {
    fn info(&self) -> Vec<u8> {
        [b"hythe/1/wrap\0".as_slice(), &crate::cbor::encode(self)].concat()
    }
}

/// A secret X-Wing key: a 32-byte seed. Has no `Debug` and is wiped when dropped.
#[derive(Clone)]
pub struct KemSecret(Secret32);

impl KemSecret {
    /// The key that belongs to a seed.
    pub fn from_seed(seed: Secret32) -> Self {
        Self(seed)
    }

    /// The seed.
    pub fn seed(&self) -> &Secret32 {
        &self.0
    }

    /// The public half.
    ///
    /// # Errors
    /// Never in practice: every seed is a key.
    pub fn public(&self) -> Result<KemPublic, CryptoError> {
        Ok(KemPublic(
            XWing::sk_to_pk(&self.key()?).to_bytes().as_slice().into(),
        ))
    }

    /// Opens what was wrapped for this key and `purpose`.
    ///
    /// # Errors
    /// [`CryptoError::Unwrap`], whatever the reason.
    pub fn unwrap(&self, purpose: &Purpose, wrapped: &Wrapped) -> Result<Secret32, CryptoError> {
        let (encapsulated, sealed) = wrapped.split().ok_or(CryptoError::Unwrap)?;
        let encapsulated = <XWing as Kem>::EncappedKey::from_bytes(encapsulated)
            .map_err(|_| CryptoError::Unwrap)?;
        let opened = hpke::single_shot_open::<AesGcm256, HkdfSha256, XWing>(
            &OpModeR::Base,
            &self.key()?,
            &encapsulated,
            &purpose.info(),
            sealed,
            &[],
        )
        .map_err(|_| CryptoError::Unwrap)?;
        let opened = Zeroizing::new(opened);
        let secret = <[u8; 32]>::try_from(opened.as_slice()).map_err(|_| CryptoError::Unwrap)?;
        Ok(Secret32::new(secret))
    }

    fn key(&self) -> Result<<XWing as Kem>::PrivateKey, CryptoError> {
        <XWing as Kem>::PrivateKey::from_bytes(self.0.expose()).map_err(|_| CryptoError::Key)
    }
}

/// A public X-Wing key, 1,216 bytes; whether they are a key is found when it is used.
#[derive(Clone, PartialEq, Eq)]
pub struct KemPublic(Box<[u8]>);

impl KemPublic {
    /// Wraps a secret for the holder of this key.
    ///
    /// # Errors
    /// [`CryptoError::Key`] when the bytes are no key.
    pub fn wrap(
        &self,
        purpose: &Purpose,
        secret: &Secret32,
        entropy: &mut Entropy,
    ) -> Result<Wrapped, CryptoError> {
        let key = <XWing as Kem>::PublicKey::from_bytes(&self.0).map_err(|_| CryptoError::Key)?;
        let (encapsulated, sealed) =
            hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, XWing>(
                &OpModeS::Base,
                &key,
                &purpose.info(),
                secret.expose(),
                &[],
                entropy,
            )
            .map_err(|_| CryptoError::Key)?;
        Ok(Wrapped(
            [&[SUITE], encapsulated.to_bytes().as_slice(), &sealed]
                .concat()
                .into(),
        ))
    }

    /// The key's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A secret wrapped with HPKE: suite, encapsulated key, sealed secret. 1,169 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Wrapped(Box<[u8]>);

impl Wrapped {
    fn split(&self) -> Option<(&[u8], &[u8])> {
        let (suite, rest) = self.0.split_first()?;
        (*suite == SUITE).then(|| rest.split_at_checked(ENCAPSULATED_BYTES))?
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

macro_rules! boxed_bytes {
    ($name:ident, $len:expr) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(
                    f,
                    concat!(stringify!($name), "({})"),
                    crate::Hash32::of(&self.0)
                )
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                encoder: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                encoder.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(
                decoder: &mut minicbor::Decoder<'b>,
                _: &mut C,
            ) -> Result<Self, minicbor::decode::Error> {
                let bytes = decoder.bytes()?;
                if bytes.len() == $len {
                    Ok(Self(bytes.into()))
                } else {
                    Err(minicbor::decode::Error::message(concat!(
                        "length of ",
                        stringify!($name)
                    )))
                }
            }
        }
    };
}

boxed_bytes!(KemPublic, PUBLIC_BYTES);
boxed_bytes!(Wrapped, WRAPPED_BYTES);
