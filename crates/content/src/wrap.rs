//! Secrets sealed under another secret: epoch secrets, keys at rest, enrolment keys.

use hythe_model::Secret32;

use crate::seal::{self, HEAD_BYTES, Kind, OVERHEAD, OpenError};

/// What a wrapped secret is for. One constant per use, with a context no other use has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purpose(&'static str);

impl Purpose {
    /// Names a purpose. `context` is a BLAKE3 derivation context, in the manner of
    /// `hythe 2026-11-22 <crate> v1: <purpose>`; it becomes part of the format.
    pub const fn new(context: &'static str) -> Self {
        Self(context)
    }
}

/// Seals bytes under a secret for one purpose. `aad` says which object this is (ids, generation):
/// it is authenticated, not stored, and must be given again to open.
pub fn seal_under(secret: &Secret32, purpose: Purpose, aad: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(OVERHEAD + plain.len());
    out.extend_from_slice(&Kind::Wrapped.head());
    let object = object_secret(secret, purpose, aad);
    seal::seal_small(Kind::Wrapped, &object, &authenticated(aad), plain, &mut out);
    out
}

/// Opens what [`seal_under`] sealed with the same secret, purpose and `aad`.
///
/// # Errors
/// When any of them differs or the bytes were changed: always [`OpenError::Refused`] for bytes
/// of the right shape, so that the error tells nobody which.
pub fn open_under(
    secret: &Secret32,
    purpose: Purpose,
    aad: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, OpenError> {
    let rest = Kind::Wrapped.strip(sealed)?;
    let object = object_secret(secret, purpose, aad);
    seal::open_small(Kind::Wrapped, &object, &authenticated(aad), rest)
}

fn object_secret(secret: &Secret32, purpose: Purpose, aad: &[u8]) -> Secret32 {
    let mut hasher = blake3::Hasher::new_derive_key(purpose.0);
    hasher.update(secret.expose());
    hasher.update(aad);
    Secret32::new(*hasher.finalize().as_bytes())
}

fn authenticated(aad: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD_BYTES + aad.len());
    bytes.extend_from_slice(&Kind::Wrapped.head());
    bytes.extend_from_slice(aad);
    bytes
}
