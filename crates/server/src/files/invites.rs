//! Invites: who may create an account.

use std::time::Duration;

use hythe_model::Secret32;
use hythe_wire::Token;

use hythe_wire::server::RegistrationPolicy;

use super::accounts::check_login;
use super::admission::policy;
use super::audit::{Action, Actor};
use super::session::token_hash;
use super::{Denied, Files, FilesError};
use crate::clock::now_ms;
use crate::metadata::Tx;
use crate::metadata::invites::{self, Bound};
use crate::metadata::tokens::{self, TokenKind, TokenRow};

/// A one-time right to create an account. Shown once; only its hash is kept.
pub struct Invite {
    /// The token.
    pub token: Token,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: i64,
}

/// What whoever uses an invite gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteTerms {
    /// How long the invite holds.
    pub lifetime: Duration,
    /// Whether the account may administer the server.
    pub admin: bool,
    /// The login name it is for; none is any.
    pub login: Option<String>,
    /// What the account may store, in bytes, where another limit than that of new accounts; none
    /// in it is no limit.
    pub limit: Option<Option<u64>>,
}

impl InviteTerms {
    /// As an administrator reads them.
    fn detail(&self) -> String {
        let role = if self.admin { "admin" } else { "user" };
        match self.limit {
            None => format!("role {role}"),
            Some(None) => format!("role {role}, no limit"),
            Some(Some(bytes)) => format!("role {role}, limit {bytes} bytes"),
        }
    }
}

impl Files {
    /// Makes an invite for any login name that holds for `lifetime`. The caller is whoever runs
    /// the server: this is no request of a device.
    ///
    /// # Errors
    /// As [`Files::invite`].
    pub async fn create_invite(
        &self,
        lifetime: Duration,
        admin: bool,
    ) -> Result<Invite, FilesError> {
        let terms = InviteTerms {
            lifetime,
            admin,
            login: None,
            limit: None,
        };
        self.invite(Actor::Machine, terms).await
    }

    /// Makes an invite.
    ///
    /// # Errors
    /// [`FilesError::Denied`] where no new accounts are made; [`FilesError::Invalid`] for a login
    /// name that cannot be one; the database's, or the system's when it has no randomness.
    pub async fn invite(&self, actor: Actor, terms: InviteTerms) -> Result<Invite, FilesError> {
        if let Some(login) = &terms.login {
            check_login(login)?;
        }
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)
            .map_err(|error| FilesError::Storage(error.to_string().into()))?;
        let token = Token(Secret32::new(secret));
        let now_ms = now_ms();
        let lifetime_ms = i64::try_from(terms.lifetime.as_millis()).unwrap_or(i64::MAX);
        let expires_ms = now_ms.saturating_add(lifetime_ms);
        let row = TokenRow {
            kind: TokenKind::Invite,
            account: None,
            admin: terms.admin,
            expires_ms,
            used_by: None,
        };
        let hash = token_hash(&token);
        let action = Action {
            actor,
            name: "invite",
            subject: terms.login.clone().unwrap_or_else(|| "anybody".to_owned()),
            detail: terms.detail(),
        };
        let bound = Bound {
            login: terms.login,
            limit: terms.limit,
        };
        let work = move |tx: &mut dyn Tx| {
            if policy(tx)? == RegistrationPolicy::Closed {
                return Err(Denied::RegistrationClosed.into());
            }
            tokens::insert(tx, &hash, &row, now_ms)?;
            Ok(invites::bind(tx, &hash, &bound)?)
        };
        self.audited(action, work).await?;
        Ok(Invite { token, expires_ms })
    }
}
