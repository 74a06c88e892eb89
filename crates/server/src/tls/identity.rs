//! The server's identity key: what clients pin.

use ed25519_dalek::{Signer, SigningKey};

use hythe_model::Secret32;
use hythe_wire::identity::{
    EXPORTER_BYTES, IdentityKey, certificate_statement, connection_statement,
};

/// The secret half of the identity. It signs certificates and connections, nothing else.
pub struct Identity {
    key: SigningKey,
}

impl Identity {
    /// The identity of a seed that lives as long as the server's data.
    pub fn from_seed(seed: &Secret32) -> Self {
        Self {
            key: SigningKey::from_bytes(seed.expose()),
        }
    }

    /// The public half.
    pub fn public(&self) -> IdentityKey {
        IdentityKey(self.key.verifying_key().to_bytes())
    }

    /// Vouches for a certificate's public key (DER of its SubjectPublicKeyInfo).
    pub(super) fn sign_certificate(&self, public_key_info: &[u8]) -> [u8; 64] {
        self.key
            .sign(&certificate_statement(public_key_info))
            .to_bytes()
    }

    /// Vouches for a connection by a secret exported from it.
    pub fn sign_connection(&self, exported: &[u8; EXPORTER_BYTES]) -> [u8; 64] {
        self.key.sign(&connection_statement(exported)).to_bytes()
    }
}
