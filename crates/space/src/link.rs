//! Links: what a device gives out, and the envelope of what a link shows.

use hythe_model::{DeviceId, LinkId, LinkKind, NodeId, Secret32, SpaceId};
use minicbor::{Decode, Encode};

use crate::cbor;
use crate::crypto::{
    Context, KemPublic, KemSecret, PublicKey, Purpose, SUITE, Signature, SigningKey, Wrapped,
    known_suite,
};
use crate::entropy::Entropy;
use crate::error::{CryptoError, DecodeError};
use crate::hash::Hash32;

/// Longest encoded grant.
pub const MAX_GRANT_BYTES: usize = 2048;

/// Longest encoded envelope of a capsule.
pub const MAX_SEAL_BYTES: usize = 2048;

/// A link, as the device that gives it out signs it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct LinkGrant {
    /// The format: 1.
    #[n(0)]
    pub suite: u8,
    /// The space.
    #[n(1)]
    pub space: SpaceId,
    /// The link.
    #[n(2)]
    pub link: LinkId,
    /// The node that it shows, with everything below.
    #[n(3)]
    pub node: NodeId,
    /// What it is for.
    #[n(4)]
    pub kind: LinkKind,
    /// What capsules are sealed to; its secret follows from the address (and the password).
    #[n(5)]
    pub key: KemPublic,
    /// Whether a password is needed.
    #[n(6)]
    pub password: bool,
    /// When it ends, in milliseconds since 1970.
    #[n(7)]
    pub expires_ms: Option<i64>,
    /// How often files may be opened through it.
    #[n(8)]
    pub downloads: Option<u32>,
    /// The device's clock, in milliseconds since 1970.
    #[n(9)]
    pub time_ms: i64,
    /// What files are signed with that are put through it; its secret follows from the address too.
    #[n(10)]
    pub uploads: Option<PublicKey>,
}

impl LinkGrant {
    /// Signs it. `suite` is set here.
    pub fn sign(mut self, key: &SigningKey) -> SignedGrant {
        self.suite = SUITE;
        let signature = key.sign(Context::LinkGrant, &cbor::encode(&self));
        SignedGrant {
            grant: self,
            author: key.public(),
            signature,
        }
    }
}

/// A grant with its signature.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SignedGrant {
    #[n(0)]
    grant: LinkGrant,
    #[n(1)]
    author: PublicKey,
    #[n(2)]
    signature: Signature,
}

impl SignedGrant {
    /// What was granted, if the device with this id signed it.
    ///
    /// # Errors
    /// [`CryptoError::Signature`].
    pub fn by(&self, device: DeviceId) -> Result<&LinkGrant, CryptoError> {
        if self.author.device_id() != device {
            return Err(CryptoError::Signature);
        }
        let content = cbor::encode(&self.grant);
        self.author
            .verify(Context::LinkGrant, &content, &self.signature)?;
        Ok(&self.grant)
    }

    /// What the link is for, as whoever stored it found it signed.
    pub fn kind(&self) -> LinkKind {
        self.grant.kind
    }

    /// What files put through the link are signed with, as whoever stored it found it signed.
    pub fn uploads(&self) -> Option<PublicKey> {
        self.grant.uploads
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
        const WHAT: &str = "the grant of a link";
        let read: Self = cbor::decode_bounded(bytes, MAX_GRANT_BYTES, WHAT)?;
        known_suite(read.grant.suite, WHAT)?;
        Ok(read)
    }
}

/// The envelope of a capsule: its secret, wrapped for whoever has the link, and who made it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CapsuleSeal {
    #[n(0)]
    wrapped: Wrapped,
    #[n(1)]
    maker: PublicKey,
    #[n(2)]
    signature: Signature,
}

/// What the maker signs.
#[derive(Encode)]
struct Signed<'a> {
    #[n(0)]
    link: LinkId,
    #[n(1)]
    wrapped: &'a Wrapped,
    #[n(2)]
    sealed: Hash32,
}

impl Signed<'_> {
    fn bytes(link: LinkId, wrapped: &Wrapped, sealed: &[u8]) -> Vec<u8> {
        let sealed = Hash32::of(sealed);
        cbor::encode(&Signed {
            link,
            wrapped,
            sealed,
        })
    }
}

impl CapsuleSeal {
    /// Wraps the secret under which `sealed` was sealed, and signs both.
    ///
    /// # Errors
    /// [`CryptoError::Key`] when the link's key is none.
    pub fn make(
        link: LinkId,
        to: &KemPublic,
        secret: &Secret32,
        sealed: &[u8],
        maker: &SigningKey,
        entropy: &mut Entropy,
    ) -> Result<Self, CryptoError> {
        let wrapped = to.wrap(&Purpose::Capsule { link }, secret, entropy)?;
        let signed = Signed::bytes(link, &wrapped, sealed);
        Ok(Self {
            wrapped,
            maker: maker.public(),
            signature: maker.sign(Context::Capsule, &signed),
        })
    }

    /// The secret of `sealed`, if the device that was expected made it.
    ///
    /// # Errors
    /// [`CryptoError::Signature`], [`CryptoError::Unwrap`].
    pub fn open(
        &self,
        link: LinkId,
        key: &KemSecret,
        maker: DeviceId,
        sealed: &[u8],
    ) -> Result<Secret32, CryptoError> {
        if self.maker.device_id() != maker {
            return Err(CryptoError::Signature);
        }
        let signed = Signed::bytes(link, &self.wrapped, sealed);
        self.maker
            .verify(Context::Capsule, &signed, &self.signature)?;
        key.unwrap(&Purpose::Capsule { link }, &self.wrapped)
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
        cbor::decode_bounded(bytes, MAX_SEAL_BYTES, "the envelope of a capsule")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signing(n: u8) -> SigningKey {
        SigningKey::from_seed(&Secret32::new([n; 32]))
    }

    fn grant(key: &KemSecret) -> LinkGrant {
        LinkGrant {
            suite: 0,
            space: SpaceId([1; 32]),
            link: LinkId([2; 16]),
            node: NodeId([3; 16]),
            kind: LinkKind::Download,
            key: key.public().unwrap(),
            password: false,
            expires_ms: Some(5),
            downloads: None,
            time_ms: 4,
            uploads: None,
        }
    }

    #[test]
    fn a_grant_is_its_device_s_and_nobody_changes_it() {
        let key = KemSecret::from_seed(Secret32::new([9; 32]));
        let signed = grant(&key).sign(&signing(1));
        let bytes = signed.encode();
        assert!(bytes.len() <= MAX_GRANT_BYTES);
        let read = SignedGrant::decode(&bytes).unwrap();
        assert_eq!(read.by(signing(1).device_id()).unwrap().time_ms, 4);
        assert!(read.by(signing(2).device_id()).is_err());
        let mut other = signed;
        other.grant.node = NodeId::ROOT;
        assert!(other.by(signing(1).device_id()).is_err());
    }

    #[test]
    fn a3_a_grant_of_another_suite_is_none() {
        let key = KemSecret::from_seed(Secret32::new([9; 32]));
        let mut signed = grant(&key).sign(&signing(1));
        signed.grant.suite = 2;
        assert!(matches!(
            SignedGrant::decode(&signed.encode()),
            Err(DecodeError::Suite { suite: 2, .. })
        ));
    }

    #[test]
    fn a_capsule_opens_for_its_link_from_its_maker_and_unchanged() {
        let key = KemSecret::from_seed(Secret32::new([9; 32]));
        let (link, secret) = (LinkId([2; 16]), Secret32::new([8; 32]));
        let mut entropy = Entropy::from_seed(&[3; 32]);
        let public = key.public().unwrap();
        let made = CapsuleSeal::make(link, &public, &secret, b"sealed", &signing(1), &mut entropy)
            .unwrap();
        let made = CapsuleSeal::decode(&made.encode()).unwrap();
        let maker = signing(1).device_id();
        assert!(made.open(link, &key, maker, b"sealed").unwrap() == secret);
        assert!(made.open(link, &key, maker, b"sealeD").is_err());
        assert!(made.open(LinkId([4; 16]), &key, maker, b"sealed").is_err());
        assert!(
            made.open(link, &key, signing(2).device_id(), b"sealed")
                .is_err()
        );
        let other = KemSecret::from_seed(Secret32::new([1; 32]));
        assert!(made.open(link, &other, maker, b"sealed").is_err());
    }
}
