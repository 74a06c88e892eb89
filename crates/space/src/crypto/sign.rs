//! Ed25519 keys of devices.

use ed25519_dalek::Signer;
use hythe_model::{DeviceId, Secret32};

use crate::error::CryptoError;

/// What a signature is for. The text and a zero byte stand in front of what is signed, so that no
/// signature can be taken for one of another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// The header of a change set.
    ChangeSet,
    /// A checkpoint.
    Checkpoint,
    /// A new device's consent to belong to an account.
    DeviceConsent,
    /// A one-time key's consent that an account becomes a member of a space.
    JoinConsent,
    /// A link that a device gives out.
    LinkGrant,
    /// What a link shows.
    Capsule,
    /// How far a device was shown a space.
    Sighting,
    /// The key that files for a space's inbox are sealed to.
    InboxCard,
    /// A file that is put into an inbox.
    Parcel,
}

impl Context {
    /// The text in front of what is signed.
    pub const fn text(self) -> &'static str {
        match self {
            Self::ChangeSet => "hythe/1/change-set",
            Self::Checkpoint => "hythe/1/checkpoint",
            Self::DeviceConsent => "hythe/1/device-consent",
            Self::JoinConsent => "hythe/1/join-consent",
            Self::LinkGrant => "hythe/1/link-grant",
            Self::Capsule => "hythe/1/link-capsule",
            Self::Sighting => "hythe/1/sighting",
            Self::InboxCard => "hythe/1/inbox-card",
            Self::Parcel => "hythe/1/parcel",
        }
    }

    fn message(self, content: &[u8]) -> Vec<u8> {
        [self.text().as_bytes(), &[0], content].concat()
    }
}

/// A device's secret signing key. It never leaves the device, is wiped when dropped, and has no
/// `Debug`.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key that belongs to 32 secret bytes.
    pub fn from_seed(seed: &Secret32) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed.expose()))
    }

    /// The 32 secret bytes, to be kept by the device.
    pub fn seed(&self) -> Secret32 {
        Secret32::new(self.0.to_bytes())
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// The id of the device that holds this key.
    pub fn device_id(&self) -> DeviceId {
        self.public().device_id()
    }

    /// Signs `content` for one purpose.
    pub fn sign(&self, context: Context, content: &[u8]) -> Signature {
        Signature(self.0.sign(&context.message(content)).to_bytes())
    }
}

/// A device's public signing key, as bytes; whether it is a point is found when it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 32]);

impl PublicKey {
    /// The id of the device with this key: its BLAKE3.
    pub fn device_id(&self) -> DeviceId {
        DeviceId(*blake3::hash(&self.0).as_bytes())
    }

    /// Checks a signature. Strict: weak keys and the malleable forms of RFC 8032 are refused, so
    /// that everybody agrees about every signature.
    ///
    /// # Errors
    /// [`CryptoError::Signature`].
    pub fn verify(
        &self,
        context: Context,
        content: &[u8],
        signature: &Signature,
    ) -> Result<(), CryptoError> {
        self.verify_bare(&context.message(content), signature)
    }

    /// Checks a signature of exactly these bytes.
    pub(super) fn verify_bare(
        &self,
        message: &[u8],
        signature: &Signature,
    ) -> Result<(), CryptoError> {
        let key =
            ed25519_dalek::VerifyingKey::from_bytes(&self.0).map_err(|_| CryptoError::Signature)?;
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        key.verify_strict(message, &signature)
            .map_err(|_| CryptoError::Signature)
    }
}

crate::cbor::fixed_bytes!(PublicKey, 32);

/// An Ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

crate::cbor::fixed_bytes!(Signature, 64);

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "Signature({a:02x}{b:02x}{c:02x}{d:02x})")
    }
}
