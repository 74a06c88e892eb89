//! What an account may ask for besides the password: the code of an authenticator, or a passkey
//! (WebAuthn). Either is enough where there are both.
//!
//! Challenges and options go to a browser as the server's library writes them, in the JSON forms of
//! W3C Web Authentication Level 3. What a browser answers comes back in its four or so parts.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::text;

/// That the caller has one of the account's second factors, or its recovery code: one of the three.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FactorProof {
    /// A code of the authenticator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The token of the recovery code, in hexadecimal, where the factor is lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<String>,
    /// A passkey's answer to `POST /account/passkeys/challenge`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passkey: Option<PasskeyAssertion>,
}

/// What a passkey answered to a challenge (`AuthenticatorAssertionResponse`). Each challenge takes one
/// answer, for five minutes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyAssertion {
    /// Which passkey (`rawId`), base64url.
    #[serde(with = "text::bytes")]
    #[schema(value_type = String)]
    pub id: Vec<u8>,
    /// `clientDataJSON`, base64url.
    #[serde(with = "text::bytes")]
    #[schema(value_type = String)]
    pub client_data: Vec<u8>,
    /// `authenticatorData`, base64url.
    #[serde(with = "text::bytes")]
    #[schema(value_type = String)]
    pub authenticator_data: Vec<u8>,
    /// `signature`, base64url.
    #[serde(with = "text::bytes")]
    #[schema(value_type = String)]
    pub signature: Vec<u8>,
}

/// `POST /account/passkeys`: begins to register a passkey.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyBegin {
    /// One of the factors that there are. Not needed for the first.
    #[serde(default)]
    pub proof: FactorProof,
}

/// What a browser is asked, in reply to [`PasskeyBegin`] and to `POST /account/passkeys/challenge`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PasskeyOptions {
    /// For `PublicKeyCredential.parseCreationOptionsFromJSON`, or `parseRequestOptionsFromJSON`.
    #[schema(value_type = Object)]
    pub options: Value,
}

/// `POST /account/passkeys/finish`: what a browser made (`AuthenticatorAttestationResponse`).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyFinish {
    /// What the person calls it.
    pub name: String,
    /// `clientDataJSON`, base64url.
    #[serde(with = "text::bytes")]
    #[schema(value_type = String)]
    pub client_data: Vec<u8>,
    /// `attestationObject`, base64url.
    #[serde(with = "text::bytes")]
    #[schema(value_type = String)]
    pub attestation: Vec<u8>,
    /// `getTransports()`, so that browsers know later where to look for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transports: Vec<String>,
}

/// `POST /account/passkeys/remove`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyRemove {
    /// Which, base64url.
    #[serde(with = "text::bytes")]
    #[schema(value_type = String)]
    pub id: Vec<u8>,
    /// One of the factors that there are, or the recovery code.
    #[serde(default)]
    pub proof: FactorProof,
}

/// `GET /account/passkeys`: the caller's account's, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PasskeyList {
    /// The passkeys.
    pub passkeys: Vec<Passkey>,
}

/// A passkey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Passkey {
    /// Its id, base64url.
    #[serde(with = "text::bytes")]
    #[schema(value_type = String)]
    pub id: Vec<u8>,
    /// What the person calls it.
    pub name: String,
    /// When it was registered, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it was last used; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_ms: Option<i64>,
    /// When one was shown that had counted less than this one before: somebody may have a copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copied_ms: Option<i64>,
    /// Whether it works at the address that the server has now. If not, it was registered at
    /// another.
    pub usable: bool,
}
