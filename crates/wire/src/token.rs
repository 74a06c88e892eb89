//! Tokens: what a device, an invite or a new device shows to be let in.

use std::str::FromStr;

use data_encoding::HEXLOWER;
use minicbor::{Decode, Encode};

use hythe_model::Secret32;

/// 256 random bits. Whoever holds it is let in, so it has no `Debug` and no `Display`.
///
/// A device draws its own token and shows it when it is registered; so a registration that is
/// repeated, because its reply was lost, has the same outcome (C6). The server keeps only a hash.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Token(#[n(0)] pub Secret32);

/// Says that a text is not a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token has 64 hexadecimal digits")]
pub struct TokenError;

impl Token {
    /// The value of an `Authorization` header: the scheme and the token in hexadecimal.
    pub fn authorization(&self, scheme: &str) -> String {
        format!("{scheme} {}", HEXLOWER.encode(self.0.expose()))
    }

    /// The token in hexadecimal, for a file only its owner can read.
    pub fn to_hex(&self) -> String {
        HEXLOWER.encode(self.0.expose())
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let mut bytes = [0; 32];
        if text.len() != 64 {
            return Err(TokenError);
        }
        HEXLOWER
            .decode_mut(text.as_bytes(), &mut bytes)
            .map_err(|_| TokenError)?;
        Ok(Self(Secret32::new(bytes)))
    }
}
