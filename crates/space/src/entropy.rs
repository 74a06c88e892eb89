//! Randomness as an input, so that what makes keys is a pure function and can be tested.

use std::convert::Infallible;

use hpke::rand_core::{TryCryptoRng, TryRng};
use hythe_model::Secret32;
use zeroize::Zeroize;

use crate::error::CryptoError;

/// A stream of random bytes, expanded with BLAKE3 from 32 bytes of the system's randomness.
///
/// Once it exists it cannot fail. Use one per flow and drop it: it is wiped then.
pub struct Entropy(blake3::OutputReader);

impl Entropy {
    /// A stream with a fresh seed from the system.
    ///
    /// # Errors
    /// [`CryptoError::Entropy`] when the system gives none.
    pub fn system() -> Result<Self, CryptoError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|_| CryptoError::Entropy)?;
        let stream = Self::from_seed(&seed);
        seed.zeroize();
        Ok(stream)
    }

    /// The same stream for the same seed: for tests and golden files.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("hythe 1 entropy");
        hasher.update(seed);
        let reader = hasher.finalize_xof();
        hasher.zeroize();
        Self(reader)
    }

    /// The next 32 bytes, as a secret.
    pub fn secret(&mut self) -> Secret32 {
        Secret32::new(self.bytes())
    }

    /// The next `N` bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }
}

impl Drop for Entropy {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl TryRng for Entropy {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.bytes()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.bytes()))
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(into);
        Ok(())
    }
}

impl TryCryptoRng for Entropy {}
