//! A new device that another one of the account lets in, by a code that is copied from the new one to
//! the old one.
//!
//! The code is a secret that the server never sees. From it follow the name of the request and the
//! key under which the device URL ([`crate::invite::DeviceUrl`]) is sealed on its way back: so the
//! server can neither read it nor put another one in its place.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::{Zeroize, Zeroizing};

use hythe_model::Secret32;

use crate::{crockford, text};

/// Random bytes of a code: 96 bits, which nobody tries out within the ten minutes that it holds, nor
/// later.
pub const APPROVAL_BYTES: usize = 12;

/// Characters of the text form; the last one carries one bit.
const DIGITS: usize = 20;

/// How long a request waits, in milliseconds.
pub const APPROVAL_LIFETIME_MS: i64 = 10 * 60 * 1000;

/// Longest sealed device URL, in bytes.
pub const MAX_SEALED_BYTES: usize = 2048;

/// A code that a new device shows. No `Debug`, wiped when dropped; `Display` writes the secret: it is
/// what the user copies.
#[derive(Clone, PartialEq, Eq)]
pub struct ApprovalCode([u8; APPROVAL_BYTES]);

/// A text is not such a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the code that a new device shows has 20 letters and digits")]
pub struct ApprovalCodeError;

impl ApprovalCode {
    /// The code with these random bytes.
    pub fn new(bytes: [u8; APPROVAL_BYTES]) -> Self {
        Self(bytes)
    }

    /// What the server knows the request by.
    pub fn id(&self) -> [u8; 32] {
        blake3::derive_key("hythe 1 approval id", &self.0)
    }

    /// What the device URL is sealed under.
    pub fn key(&self) -> Secret32 {
        Secret32::new(blake3::derive_key("hythe 1 approval key", &self.0))
    }
}

impl fmt::Display for ApprovalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crockford::write_groups(f, &crockford::encode(&self.0))
    }
}

impl FromStr for ApprovalCode {
    type Err = ApprovalCodeError;

    fn from_str(text: &str) -> Result<Self, ApprovalCodeError> {
        let typed = crockford::as_meant(text, DIGITS).ok_or(ApprovalCodeError)?;
        let bytes: Zeroizing<Vec<u8>> = crockford::decode(&typed).ok_or(ApprovalCodeError)?;
        let bytes = bytes.as_slice().try_into();
        Ok(Self(bytes.map_err(|_| ApprovalCodeError)?))
    }
}

impl Drop for ApprovalCode {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// `POST /approvals`: a new device asks. It tells the same again by asking again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRequest {
    /// [`ApprovalCode::id`], in hexadecimal.
    #[serde(with = "text::bytes32")]
    #[schema(value_type = String)]
    pub id: [u8; 32],
    /// The name its owner gave the device.
    pub name: String,
    /// Operating system and processor.
    pub platform: String,
}

/// `POST /approvals/poll` by the new device, and `POST /approvals/look` by one of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalId {
    /// [`ApprovalCode::id`], in hexadecimal.
    #[serde(with = "text::bytes32")]
    #[schema(value_type = String)]
    pub id: [u8; 32],
}

/// The reply to a poll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApprovalState {
    /// The sealed device URL, base64url; none until somebody approved.
    #[serde(with = "text::bytes_or_none")]
    #[schema(value_type = Option<String>)]
    pub sealed: Option<Vec<u8>>,
}

/// The reply to a look: who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApprovalView {
    /// What the device is called.
    pub name: String,
    /// Operating system and processor.
    pub platform: String,
    /// The address it asked from.
    pub address: Option<String>,
    /// When it asked, in milliseconds since 1970.
    pub asked_ms: i64,
}

/// `POST /approvals/grant`: lets it in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalGrant {
    /// [`ApprovalCode::id`], in hexadecimal.
    #[serde(with = "text::bytes32")]
    #[schema(value_type = String)]
    pub id: [u8; 32],
    /// A device URL, sealed under [`ApprovalCode::key`], base64url.
    #[serde(with = "text::bytes")]
    #[schema(value_type = String)]
    pub sealed: Vec<u8>,
}
