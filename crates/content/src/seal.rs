//! The one sealing construction, for chunks, layout nodes, fields and wrapped secrets alike.
//!
//! AES-256-GCM under a key derived for exactly this object, with a synthetic nonce: a keyed BLAKE3
//! of what is authenticated and of the exact bytes that enter the cipher. Equal (key, nonce)
//! therefore means equal input, whatever compressor or version produced it (A14); and no counter
//! has to survive a rollback or a cloned device.
//!
//! GCM alone does not commit to its key: somebody who knows two keys can make one ciphertext that
//! opens under both (A22). Opening therefore recomputes what was derived from the plaintext: the
//! id of a chunk or node, the nonce of everything else. To pass the latter under two keys costs
//! about 2^96 trials, because a plaintext fixes its nonce, and the nonce the key stream.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use hythe_model::Secret32;

use crate::contexts::{self, ObjectContexts};

/// The suite byte of every format of this crate: AES-256-GCM, BLAKE3, zstd.
pub const SUITE: u8 = 1;

/// What sealing adds to a field or wrapped secret, in bytes: suite, kind, nonce and tag.
pub const OVERHEAD: usize = HEAD_BYTES + NONCE_BYTES + TAG_BYTES;

pub(crate) const HEAD_BYTES: usize = 2;
pub(crate) const NONCE_BYTES: usize = 12;
pub(crate) const TAG_BYTES: usize = 16;

/// The second byte of a sealed object; authenticated, and each has its own derivation contexts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Chunk = 1,
    Node = 2,
    Field = 3,
    Wrapped = 4,
    PaddedField = 5,
}

impl Kind {
    const fn contexts(self) -> &'static ObjectContexts {
        match self {
            Self::Chunk => &contexts::CHUNK,
            Self::Node => &contexts::NODE,
            Self::Field => &contexts::FIELD,
            Self::Wrapped => &contexts::WRAPPED,
            Self::PaddedField => &contexts::PADDED_FIELD,
        }
    }

    /// The two bytes a sealed object begins with.
    pub(crate) const fn head(self) -> [u8; HEAD_BYTES] {
        [SUITE, self as u8]
    }

    /// Checks the first two bytes and returns the rest.
    pub(crate) fn strip(self, sealed: &[u8]) -> Result<&[u8], OpenError> {
        match sealed {
            [SUITE, kind, rest @ ..] if *kind == self as u8 => Ok(rest),
            [SUITE, _, ..] => Err(OpenError::Kind),
            [suite, _, ..] => Err(OpenError::Suite(*suite)),
            _ => Err(OpenError::Length),
        }
    }
}

/// Why sealed bytes were not opened. Nothing of their content was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// They are shorter or longer than they can or should be.
    #[error("the sealed object has the wrong length")]
    Length,
    /// They are not the bytes the reference names: damaged in store or transit.
    #[error("the sealed object does not match its hash")]
    SealHash,
    /// They were sealed with a suite this version does not know.
    #[error("the sealed object has the unknown suite {0}")]
    Suite(u8),
    /// They are an object of another kind.
    #[error("the sealed object is of another kind")]
    Kind,
    /// The key does not fit, or the bytes were changed.
    #[error("the sealed object does not open with this key")]
    Refused,
    /// What was inside does not decompress to the length the reference names.
    #[error("the content of the sealed object does not decompress")]
    Compression,
    /// What was inside is not what the reference's id names.
    #[error("the content of the sealed object has another id")]
    Identity,
    /// A layout node's clear list differs from what its sealed part refers to.
    #[error("the layout node's references differ from its content")]
    References,
}

/// The cipher and nonce key of exactly one object.
pub(crate) struct ObjectKey {
    cipher: LessSafeKey,
    nonce: Secret32,
}

impl ObjectKey {
    /// Derives both from the object's own secret.
    pub(crate) fn derive(kind: Kind, secret: &Secret32) -> Self {
        let contexts = kind.contexts();
        let cipher = Secret32::new(blake3::derive_key(contexts.cipher, secret.expose()));
        let nonce = Secret32::new(blake3::derive_key(contexts.nonce, secret.expose()));
        // The only failure of `new` is a key of another length than AES-256's 32 bytes.
        #[expect(clippy::unwrap_used, reason = "the length is in the type")]
        let cipher = UnboundKey::new(&AES_256_GCM, cipher.expose()).unwrap();
        Self {
            cipher: LessSafeKey::new(cipher),
            nonce,
        }
    }

    /// The cipher under a key that a test names.
    #[cfg(test)]
    pub(crate) fn bare(key: &[u8]) -> Self {
        Self {
            cipher: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap()),
            nonce: Secret32::new([0; 32]),
        }
    }

    /// The nonce for input that `parts` in order determine.
    pub(crate) fn nonce(&self, aad: &[u8], parts: &[&[u8]]) -> [u8; NONCE_BYTES] {
        let mut hasher = blake3::Hasher::new_keyed(self.nonce.expose());
        hasher.update(&(aad.len() as u64).to_be_bytes());
        hasher.update(aad);
        for part in parts {
            hasher.update(part);
        }
        let mut nonce = [0; NONCE_BYTES];
        hasher.finalize_xof().fill(&mut nonce);
        nonce
    }

    /// Encrypts in place; returns the tag.
    pub(crate) fn seal(
        &self,
        nonce: [u8; NONCE_BYTES],
        aad: &[u8],
        in_out: &mut [u8],
    ) -> [u8; TAG_BYTES] {
        let nonce = Nonce::assume_unique_for_key(nonce);
        // Fails only over 64 GiB of input; chunks end at 16 MiB and no caller seals more.
        #[expect(clippy::unwrap_used, reason = "no input of this crate is that long")]
        let tag = self
            .cipher
            .seal_in_place_separate_tag(nonce, Aad::from(aad), in_out)
            .unwrap();
        let mut bytes = [0; TAG_BYTES];
        bytes.copy_from_slice(tag.as_ref());
        bytes
    }

    /// Decrypts ciphertext and tag into memory of its own.
    pub(crate) fn open_copy(
        &self,
        nonce: [u8; NONCE_BYTES],
        aad: &[u8],
        body: &[u8],
    ) -> Result<Vec<u8>, OpenError> {
        let (cipher, tag) = body
            .split_last_chunk::<TAG_BYTES>()
            .ok_or(OpenError::Length)?;
        let mut plain = vec![0; cipher.len()];
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.cipher
            .open_separate_gather(nonce, Aad::from(aad), cipher, tag, &mut plain)
            .map_err(|_| OpenError::Refused)?;
        Ok(plain)
    }

    /// Decrypts ciphertext and tag in place; returns the plaintext's place.
    pub(crate) fn open<'a>(
        &self,
        nonce: [u8; NONCE_BYTES],
        aad: &[u8],
        in_out: &'a mut [u8],
    ) -> Result<&'a mut [u8], OpenError> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.cipher
            .open_in_place(nonce, Aad::from(aad), in_out)
            .map_err(|_| OpenError::Refused)
    }
}

/// Appends nonce ‖ ciphertext ‖ tag of a small object to `out`.
pub(crate) fn seal_small(
    kind: Kind,
    secret: &Secret32,
    aad: &[u8],
    plain: &[u8],
    out: &mut Vec<u8>,
) {
    let key = ObjectKey::derive(kind, secret);
    let nonce = key.nonce(aad, &[plain]);
    out.reserve_exact(NONCE_BYTES + plain.len() + TAG_BYTES);
    out.extend_from_slice(&nonce);
    let body = out.len();
    out.extend_from_slice(plain);
    let tag = key.seal(nonce, aad, &mut out[body..]);
    out.extend_from_slice(&tag);
}

/// Opens nonce ‖ ciphertext ‖ tag and checks that the nonce is this plaintext's.
pub(crate) fn open_small(
    kind: Kind,
    secret: &Secret32,
    aad: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, OpenError> {
    let (nonce, body) = sealed.split_first_chunk().ok_or(OpenError::Length)?;
    let key = ObjectKey::derive(kind, secret);
    let plain = key.open_copy(*nonce, aad, body)?;
    if key.nonce(aad, &[&plain]) != *nonce {
        return Err(OpenError::Refused);
    }
    Ok(plain)
}
