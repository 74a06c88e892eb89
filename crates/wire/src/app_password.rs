//! App passwords: what a program that knows nothing of Hythe shows by HTTP Basic.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroize;

use hythe_model::SpaceId;

use crate::{crockford, text};

/// Random bytes of an app password.
pub const APP_PASSWORD_BYTES: usize = 20;

/// Characters of the text form, without separators.
const DIGITS: usize = 32;

/// 160 random bits. No `Debug`, wiped when dropped; `Display` writes the secret: it is what the user
/// is given, once.
#[derive(Clone, PartialEq, Eq)]
pub struct AppPassword([u8; APP_PASSWORD_BYTES]);

/// A text is no app password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an app password has 32 letters and digits")]
pub struct AppPasswordError;

impl AppPassword {
    /// The password with these random bytes.
    pub fn new(bytes: [u8; APP_PASSWORD_BYTES]) -> Self {
        Self(bytes)
    }

    /// What the server keeps of it. A plain hash is enough: nobody guesses 160 random bits, however
    /// fast a guess is, so there is nothing for Argon2id to slow down; and a door that is knocked at
    /// with each request could not afford it.
    pub fn hash(&self) -> [u8; 32] {
        blake3::derive_key("hythe 1 app password", &self.0)
    }
}

impl fmt::Display for AppPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crockford::write_groups(f, &crockford::encode(&self.0))
    }
}

impl FromStr for AppPassword {
    type Err = AppPasswordError;

    fn from_str(text: &str) -> Result<Self, AppPasswordError> {
        let typed = crockford::as_meant(text, DIGITS).ok_or(AppPasswordError)?;
        let bytes = crockford::decode(&typed).ok_or(AppPasswordError)?;
        let bytes = bytes.as_slice().try_into();
        bytes.map(Self).map_err(|_| AppPasswordError)
    }
}

impl Drop for AppPassword {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// `POST /account/app-passwords`: a new app password, which the client drew. Repeating it has the
/// same outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateAppPassword {
    /// What the person calls it; no two of an account have one name.
    pub name: String,
    /// What the server keeps of it: BLAKE3 of the random bytes, in hexadecimal.
    #[serde(with = "text::bytes32")]
    #[schema(value_type = String)]
    pub hash: [u8; 32],
    /// Whether it only reads.
    pub read_only: bool,
    /// The open spaces that it reaches; empty: all open spaces of the account.
    #[serde(default, with = "text::list")]
    #[schema(value_type = Vec<String>)]
    pub spaces: Vec<SpaceId>,
}

/// `POST /account/app-passwords/remove`: it is refused from then on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveAppPassword {
    /// Which.
    pub name: String,
}

/// `GET /account/app-passwords`: the caller's account's, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppPasswordList {
    /// The app passwords.
    pub app_passwords: Vec<AppPasswordView>,
}

/// One app password, without the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppPasswordView {
    /// What the person calls it.
    pub name: String,
    /// Whether it only reads.
    pub read_only: bool,
    /// The spaces that it reaches; empty: all open spaces of the account.
    #[serde(with = "text::list")]
    #[schema(value_type = Vec<String>)]
    pub spaces: Vec<SpaceId>,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it was last used; none: never.
    pub used_ms: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_password_is_read_as_it_is_written_and_as_people_type() {
        let password = AppPassword::new(*b"0123456789abcdefghij");
        let text = password.to_string();
        assert_eq!(text.len(), 39);
        let typed = text.to_lowercase().replace('-', " ");
        for text in [&text, &typed] {
            assert!(
                text.parse::<AppPassword>()
                    .is_ok_and(|read| read == password)
            );
        }
        assert!(text[1..].parse::<AppPassword>().is_err());
        assert!("".parse::<AppPassword>().is_err());
        let other = AppPassword::new(*b"0123456789abcdefghik");
        assert_ne!(password.hash(), other.hash());
    }
}
