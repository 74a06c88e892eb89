//! The server's identity: an Ed25519 key that clients pin, whatever certificate carries it.
//!
//! A self-signed certificate holds the identity key and its signature over the certificate's own
//! public key in an extension, so that certificates may be renewed while the identity stays. A
//! server with a certificate of an authority proves the identity key per connection instead, by
//! signing a secret of the connection (RFC 9266's idea, with a label of ours).

use std::fmt;
use std::str::FromStr;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use ed25519_dalek::{Signature, VerifyingKey};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Object identifier of the extension, in a UUID arc (ITU-T X.667) so that it collides with none.
pub const EXTENSION_OID: &[u64] = &[2, 25, 0x6879_7468, 1];

/// What the identity key signs in a certificate: this, and the DER of the certificate's
/// SubjectPublicKeyInfo.
pub const CERTIFICATE_CONTEXT: &[u8] = b"hythe v1 certificate of a server identity\0";

/// What the identity key signs for a connection: this, and the exported secret.
pub const CONNECTION_CONTEXT: &[u8] = b"hythe v1 connection of a server identity\0";

/// Label under which both ends export a secret of a TLS 1.3 connection; the context is empty.
pub const EXPORTER_LABEL: &[u8] = b"EXPORTER-hythe-server-identity-v1";

/// Length of the exported secret.
pub const EXPORTER_BYTES: usize = 32;

/// The server's identity: an Ed25519 public key. Its text form, 64 hexadecimal digits, is what is
/// called the server's fingerprint.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityKey(pub [u8; 32]);

/// Why an identity is not proven.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The bytes are not a certificate.
    #[error("the certificate is malformed")]
    Certificate,
    /// The certificate carries no identity.
    #[error("the certificate carries no server identity")]
    NoIdentity,
    /// The signature is not the identity key's.
    #[error("the server identity is not proven: its signature is wrong")]
    Signature,
    /// The text is not a key.
    #[error("a server identity has 64 hexadecimal digits")]
    Text,
}

/// What the identity key signs in a certificate with this SubjectPublicKeyInfo (DER).
pub fn certificate_statement(public_key_info: &[u8]) -> Vec<u8> {
    [CERTIFICATE_CONTEXT, public_key_info].concat()
}

/// What the identity key signs for a connection with this exported secret.
pub fn connection_statement(exported: &[u8; EXPORTER_BYTES]) -> Vec<u8> {
    [CONNECTION_CONTEXT, exported].concat()
}

/// The value of the certificate's extension: the key, then its signature.
pub fn extension_value(identity: IdentityKey, signature: &[u8; 64]) -> Vec<u8> {
    [identity.0.as_slice(), signature].concat()
}

/// The identity that a certificate (DER) proves to belong to.
///
/// The TLS handshake must besides show that the peer has the certificate's private key. Names and
/// dates are not looked at: the pinned identity takes their place.
///
/// # Errors
/// See [`IdentityError`].
pub fn server_identity(certificate: &[u8]) -> Result<IdentityKey, IdentityError> {
    let (rest, parsed) =
        X509Certificate::from_der(certificate).map_err(|_| IdentityError::Certificate)?;
    if !rest.is_empty() {
        return Err(IdentityError::Certificate);
    }
    let oid =
        x509_parser::der_parser::Oid::from(EXTENSION_OID).map_err(|_| IdentityError::NoIdentity)?;
    let extension = match parsed.get_extension_unique(&oid) {
        Ok(Some(extension)) => extension,
        Ok(None) => return Err(IdentityError::NoIdentity),
        Err(_) => return Err(IdentityError::Certificate),
    };
    let value = <&[u8; 96]>::try_from(extension.value).map_err(|_| IdentityError::NoIdentity)?;
    let (key, signature) = value.split_at(32);
    let identity = IdentityKey(key.try_into().map_err(|_| IdentityError::NoIdentity)?);
    let statement = certificate_statement(parsed.tbs_certificate.subject_pki.raw);
    identity.verify(&statement, signature)?;
    Ok(identity)
}

/// Checks the proof of `GET /identity` against the secret this end exported.
///
/// # Errors
/// [`IdentityError::Signature`] when the identity key did not sign that connection.
pub fn verify_connection(
    identity: IdentityKey,
    exported: &[u8; EXPORTER_BYTES],
    signature: &[u8],
) -> Result<(), IdentityError> {
    identity.verify(&connection_statement(exported), signature)
}

impl IdentityKey {
    /// Checks a signature of this key, refusing weak keys and other encodings.
    fn verify(&self, statement: &[u8], signature: &[u8]) -> Result<(), IdentityError> {
        let wrong = |_| IdentityError::Signature;
        let key = VerifyingKey::from_bytes(&self.0).map_err(wrong)?;
        let signature = Signature::from_slice(signature).map_err(wrong)?;
        key.verify_strict(statement, &signature).map_err(wrong)
    }
}

impl fmt::Display for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentityKey({})", HEXLOWER.encode(&self.0[..4]))
    }
}

impl FromStr for IdentityKey {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let mut bytes = [0; 32];
        if text.len() != 64 {
            return Err(IdentityError::Text);
        }
        HEXLOWER_PERMISSIVE
            .decode_mut(text.as_bytes(), &mut bytes)
            .map_err(|_| IdentityError::Text)?;
        Ok(Self(bytes))
    }
}
