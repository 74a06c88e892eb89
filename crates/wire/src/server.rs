//! What a server tells about itself.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use hythe_model::{AccountId, ServerEpoch};

use crate::identity::IdentityKey;
use crate::text;

/// `GET /server`. Needs no token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServerInfo {
    /// Always `hythe`.
    pub name: String,
    /// Version of the software.
    pub version: String,
    /// The present life of the server's data, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub epoch: ServerEpoch,
    /// The server's identity key, in hexadecimal. Proven by the certificate or by `GET /identity`,
    /// never by this field.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub identity: IdentityKey,
    /// The server's own account, a member of open spaces, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub account: AccountId,
    /// Who may create an account; absent where the server does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<RegistrationPolicy>,
}

/// Who may create an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RegistrationPolicy {
    /// Everybody; no invite is needed.
    Open,
    /// Whoever has an invite.
    Invite,
    /// Nobody; invites do not hold.
    Closed,
}

/// Says that a text is no registration policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a registration policy is `open`, `invite` or `closed`")]
pub struct PolicyError;

impl fmt::Display for RegistrationPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Invite => "invite",
            Self::Closed => "closed",
        })
    }
}

impl FromStr for RegistrationPolicy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        match text {
            "open" => Ok(Self::Open),
            "invite" => Ok(Self::Invite),
            "closed" => Ok(Self::Closed),
            _ => Err(PolicyError),
        }
    }
}

/// `GET /identity`: the identity key signs a secret of this very TLS connection. Needs no token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IdentityProof {
    /// The identity key, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub identity: IdentityKey,
    /// Its signature, 64 bytes in hexadecimal; see [`crate::identity::verify_connection`].
    pub signature: String,
}

/// `GET /healthz` and `GET /readyz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`.
    pub status: String,
}
