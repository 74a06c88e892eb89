//! What a server tells about itself.

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
