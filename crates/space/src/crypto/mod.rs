//! Signatures and key wrapping: the only place that knows the libraries behind them.
//!
//! Suite 1 is Ed25519 (RFC 8032, strict verification) and HPKE (RFC 9180, base mode) over X-Wing,
//! HKDF-SHA256 and AES-256-GCM.

mod kem;
mod sign;
#[cfg(test)]
mod vectors;

pub use kem::{KemPublic, KemSecret, Purpose, Wrapped};
pub use sign::{Context, PublicKey, Signature, SigningKey};

use crate::error::DecodeError;

/// The only suite there is so far.
pub const SUITE: u8 = 1;

/// That `what` is of a suite that is known here: whatever a later one says in the same fields, it
/// may mean something else by it (A3).
pub(crate) fn known_suite(suite: u8, what: &'static str) -> Result<(), DecodeError> {
    match suite {
        SUITE => Ok(()),
        suite => Err(DecodeError::Suite { what, suite }),
    }
}
