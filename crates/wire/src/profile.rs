//! What an account says about its owner, and its authenticator.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use hythe_model::AccountId;

use crate::text;

/// `GET /account`: the caller's account. What is here is the server's word, not the log's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Profile {
    /// Its id, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub id: AccountId,
    /// The login name.
    pub login: String,
    /// What others are shown; empty: the login name.
    pub name: String,
    /// The e-mail address; empty: none.
    pub email: String,
    /// Whether the account may administer the server.
    pub admin: bool,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
    /// Whether a login takes the code of an authenticator besides the password.
    pub second_factor: bool,
    /// How many passkeys there are; each is taken instead of that code.
    #[serde(default)]
    pub passkeys: u32,
    /// When it is deleted, as its owner asked for; none: it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removal_ms: Option<i64>,
}

/// `PATCH /account`: what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfilePatch {
    /// A new login name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// What others are shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// `POST /account/totp`: a new secret for an authenticator (RFC 6238). It counts once a code of it was
/// shown to `POST /account/totp/confirm`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TotpBegun {
    /// The secret in base32, for whoever types it.
    pub secret: String,
    /// The same as an `otpauth` URL, for whoever photographs it.
    pub url: String,
}

/// `POST /account/totp/confirm`: the first code.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpConfirm {
    /// Six digits.
    pub code: String,
}
