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

/// The only suite there is so far.
pub const SUITE: u8 = 1;
