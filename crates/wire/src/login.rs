//! Logging in with a password. What is secret stays on the client: see [`crate::opaque`].
//!
//! A login is two requests. What it ends in is a token that both sides compute and that lets one
//! device be enrolled, as the token of a device URL does.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use hythe_model::AccountId;

use crate::factor::PasskeyAssertion;
use crate::text;

/// `POST /login`: the first half of a login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// The login name.
    pub login: String,
    /// OPAQUE's credential request (KE1), base64url.
    #[serde(with = "text::bytes")]
    #[schema(value_type = String)]
    pub request: Vec<u8>,
}

/// The reply to a [`LoginRequest`]; it looks the same whether there is such an account or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoginReply {
    /// What the server wants to see again with the other half, base64url. It holds for a minute.
    #[serde(with = "text::bytes")]
    #[schema(value_type = String)]
    pub session: Vec<u8>,
    /// OPAQUE's credential response (KE2), base64url.
    #[serde(with = "text::bytes")]
    #[schema(value_type = String)]
    pub response: Vec<u8>,
}

/// `POST /login/finish`: the other half.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginFinishRequest {
    /// As the server gave it, base64url.
    #[serde(with = "text::bytes")]
    #[schema(value_type = String)]
    pub session: Vec<u8>,
    /// OPAQUE's credential finalization (KE3), base64url.
    #[serde(with = "text::bytes")]
    #[schema(value_type = String)]
    pub finalization: Vec<u8>,
    /// The six digits of an authenticator, where the account asks for a second factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Or a passkey's answer to the challenge that came with `second-factor` for this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passkey: Option<PasskeyAssertion>,
}

/// The reply to a [`LoginFinishRequest`]: the client's token holds from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoginDone {
    /// The account, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub account: AccountId,
    /// When the token ends, in milliseconds since 1970.
    pub expires_ms: i64,
}

/// `POST /login/recover`, with the token of a recovery code as a one-time token: whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecoverReply {
    /// The account, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub account: AccountId,
}

/// `POST /password`: the first half of setting a password. Says nothing about any account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordRequest {
    /// OPAQUE's registration request, base64url.
    #[serde(with = "text::bytes")]
    #[schema(value_type = String)]
    pub request: Vec<u8>,
}

/// The reply to a [`PasswordRequest`]. The other half travels with the change set that makes the
/// password a keyholder of the account: [`crate::account::PasswordUpload`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PasswordReply {
    /// The name of the record to be, base64url.
    #[serde(with = "text::bytes")]
    #[schema(value_type = String)]
    pub credential: Vec<u8>,
    /// OPAQUE's registration response, base64url.
    #[serde(with = "text::bytes")]
    #[schema(value_type = String)]
    pub response: Vec<u8>,
}
