//! Invites: who may create an account.

use std::time::Duration;

use hythe_model::Secret32;
use hythe_wire::Token;

use super::session::token_hash;
use super::{Files, FilesError};
use crate::clock::now_ms;
use crate::metadata::Tx;
use crate::metadata::tokens::{self, TokenKind, TokenRow};

/// A one-time right to create an account. Shown once; only its hash is kept.
pub struct Invite {
    /// The token.
    pub token: Token,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: i64,
}

impl Files {
    /// Makes an invite that holds for `lifetime`. The caller is whoever runs the server: this is
    /// no request of a device.
    ///
    /// # Errors
    /// The database's, or the system's when it has no randomness.
    pub async fn create_invite(
        &self,
        lifetime: Duration,
        admin: bool,
    ) -> Result<Invite, FilesError> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)
            .map_err(|error| FilesError::Storage(error.to_string().into()))?;
        let token = Token(Secret32::new(secret));
        let now_ms = now_ms();
        let lifetime_ms = i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX);
        let expires_ms = now_ms.saturating_add(lifetime_ms);
        let row = TokenRow {
            kind: TokenKind::Invite,
            account: None,
            admin,
            expires_ms,
            used_by: None,
        };
        let hash = token_hash(&token);
        let write = move |tx: &mut dyn Tx| tokens::insert(tx, &hash, &row, now_ms);
        self.inner.database.write(write).await?;
        Ok(Invite { token, expires_ms })
    }
}
