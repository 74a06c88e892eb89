//! Making accounts for somebody else: what the command that does it is told, and what it brings.
//!
//! The command is the client of the ordinary registration: it draws the keys, stretches the
//! password and signs; this side sees no password and keeps no key.

use std::fmt;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use hythe_model::{Cursor, Secret32};
use hythe_wire::Token;
use hythe_wire::account::PasswordUpload;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{AdminReply, Office};
use crate::files::{AccountForOther, Actor, FilesError};
use crate::roster::ListedUser;
use crate::tls::Identity;

/// Bytes, in hexadecimal.
#[derive(Clone, PartialEq, Eq)]
pub struct Hex(pub Vec<u8>);

/// What an account for somebody else is made with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ground {
    /// The server's public key.
    pub identity: Hex,
    /// The log of the server's own account: it is a member of open spaces.
    pub server: Vec<Hex>,
    /// The answer to the first half of setting a password.
    pub password: Option<PasswordGround>,
}

/// The answer to the first half of setting a password.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PasswordGround {
    /// The name of the record to be.
    pub credential: Hex,
    /// The protocol's response.
    pub response: Hex,
}

/// An account that was made for somebody else.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// Whose it is.
    pub user: ListedUser,
    /// See [`AccountForOther`], here and below.
    pub account: Vec<Hex>,
    /// The personal space's log.
    pub space: Vec<Hex>,
    /// What removes the device that signed all that.
    pub removal: Hex,
    /// Name of the password's record, and the registration's upload.
    pub password: Option<(Hex, Hex)>,
    /// The token of the recovery code.
    pub recovery: Option<Hex>,
}

impl Office {
    /// What an account for somebody else is made with.
    pub(super) async fn ground(&self, password: Option<Hex>) -> Result<Ground, FilesError> {
        let page = self.files.server_log(Cursor::START).await?;
        let begun = password.map(|request| self.files.begin_password(&request.0));
        let begun = begun.transpose()?;
        let entries = page.entries.iter();
        let identity = Identity::from_seed(&self.files.identity_seed()).public();
        Ok(Ground {
            identity: Hex(identity.0.to_vec()),
            server: entries.map(|e| Hex(e.change_set.to_vec())).collect(),
            password: begun.map(|begun| PasswordGround {
                credential: Hex(begun.credential),
                response: Hex(begun.response),
            }),
        })
    }

    /// Takes an account that was made for somebody else.
    pub(super) async fn import(&self, import: Import) -> AdminReply {
        let bytes = |log: Vec<Hex>| log.into_iter().map(|Hex(one)| Bytes::from(one)).collect();
        let other = AccountForOther {
            user: import.user,
            account: bytes(import.account),
            space: bytes(import.space),
            removal: import.removal.0.into(),
            password: import.password.map(|(credential, upload)| PasswordUpload {
                credential: credential.0.into(),
                upload: upload.0.into(),
            }),
            recovery: import.recovery.and_then(token),
        };
        super::perform::done(self.files.make_for_other(Actor::Machine, other).await)
    }
}

/// None when it has another length than a token.
fn token(hex: Hex) -> Option<Token> {
    let bytes = <[u8; 32]>::try_from(hex.0).ok()?;
    Some(Token(Secret32::new(bytes)))
}

impl fmt::Debug for Import {
    /// Nothing that lets anybody in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Import");
        out.field("user", &self.user).finish_non_exhaustive()
    }
}

impl fmt::Debug for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&HEXLOWER.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let bytes = HEXLOWER.decode(text.as_bytes());
        bytes.map(Self).map_err(serde::de::Error::custom)
    }
}
