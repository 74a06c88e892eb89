//! Logging in with a password or a recovery code.

use std::net::IpAddr;

use hythe_model::AccountId;
use hythe_wire::Token;
use hythe_wire::limits::MAX_TEXT_BYTES;
use hythe_wire::login::LoginFinishRequest;
use serde_json::Value;

use super::deletion;
use super::factors::{BoundTo, Factors, Shown};
use super::passkeys::{self, patience_ms};
use super::passwords::{self, LoginBegun, SESSION_MS};
use super::relying_party::RelyingParty;
use super::session::{check_active, token_hash};
use super::{Denied, Files, FilesError};
use crate::clock::now_ms;
use crate::metadata::Tx;
use crate::metadata::devices;
use crate::metadata::tokens::{self, TokenKind, TokenRow};

/// How long whoever logged in may take to enrol a device or to change the password.
const TOKEN_MS: i64 = 10 * 60 * 1000;

/// The first half of setting a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordBegun {
    /// The name of the record to be.
    pub credential: Vec<u8>,
    /// The protocol's response.
    pub response: Vec<u8>,
}

/// A login that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoggedIn {
    /// Whose it is.
    pub account: AccountId,
    /// When the client's token ends, in milliseconds since 1970.
    pub expires_ms: i64,
}

/// How the other half of a login ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginEnd {
    /// The client is in.
    In(LoggedIn),
    /// The password is right, and the account asks for one of these besides.
    Asks {
        /// The code of an authenticator.
        code: bool,
        /// A passkey: what to ask a browser. None where there is none that works here.
        passkey: Option<Value>,
    },
}

impl Files {
    /// Answers the first half of setting a password. Reads and changes nothing.
    ///
    /// # Errors
    /// [`FilesError::Invalid`], or the system's when it has no randomness.
    pub fn begin_password(&self, request: &[u8]) -> Result<PasswordBegun, FilesError> {
        let mut credential = vec![0; 32];
        getrandom::fill(&mut credential)
            .map_err(|error| FilesError::Storage(error.to_string().into()))?;
        let response = self.inner.passwords.register(request, &credential)?;
        Ok(PasswordBegun {
            credential,
            response,
        })
    }

    /// Answers the first half of a login, in the same way whether there is such an account or not.
    ///
    /// # Errors
    /// [`FilesError::Invalid`], or the database's.
    pub async fn begin_login(
        &self,
        login: String,
        request: &[u8],
    ) -> Result<LoginBegun, FilesError> {
        if login.len() > MAX_TEXT_BYTES {
            return Err(FilesError::invalid("this cannot be a login name"));
        }
        let name = login.clone();
        let find = move |tx: &mut dyn Tx| passwords::find(tx, &name);
        let row = self.inner.database.read(find).await?;
        self.inner.passwords.begin(&login, row.as_ref(), request)
    }

    /// Takes the other half of a login. The token that both sides computed holds from then on: once
    /// for a device, and as proof that the password is known.
    ///
    /// # Errors
    /// [`Denied::Login`], or the database's.
    pub async fn finish_login(
        &self,
        request: LoginFinishRequest,
        party: Option<&RelyingParty>,
    ) -> Result<LoginEnd, FilesError> {
        let patience_ms = match &request.passkey {
            None => SESSION_MS,
            // There is a challenge to answer only if the password was known within the minute.
            Some(_) => SESSION_MS.saturating_add(patience_ms()),
        };
        let (session, finalization) = (&request.session, &request.finalization);
        let knows = self
            .inner
            .passwords
            .finish(session, finalization, patience_ms);
        let (account, token) = knows?;
        let bound_to = BoundTo::Login(session).name();
        let shown = match (request.passkey, request.code) {
            (Some(answer), _) => {
                self.take_answer(party, account, bound_to, answer).await?;
                Shown::Passkey
            }
            (None, Some(code)) => Shown::Code(code),
            (None, None) => Shown::Nothing,
        };
        let now_ms = now_ms();
        let row = TokenRow {
            kind: TokenKind::Login,
            account: Some(account),
            admin: false,
            expires_ms: now_ms.saturating_add(TOKEN_MS),
            used_by: None,
        };
        let hash = token_hash(&token);
        let (files, party) = (self.clone(), party.cloned());
        let write = move |tx: &mut dyn Tx| {
            let factors = Factors::of(tx, account)?;
            if factors.any() && matches!(shown, Shown::Nothing) {
                return asks(tx, account, &factors, party.as_ref(), &bound_to);
            }
            files.check_shown(tx, account, &shown)?;
            tokens::sweep_logins(tx, now_ms)?;
            // A repetition finds the token there, used or not, and changes nothing.
            if tokens::insert(tx, &hash, &row, now_ms)? {
                deletion::keep_by_login(tx, account)?;
            }
            Ok::<_, FilesError>(LoginEnd::In(LoggedIn {
                account,
                expires_ms: row.expires_ms,
            }))
        };
        self.inner.database.write(write).await
    }

    /// Whether a device of whoever has a login name was last seen at an address.
    ///
    /// # Errors
    /// The database's.
    pub async fn has_device_at(&self, login: &str, address: IpAddr) -> Result<bool, FilesError> {
        let (login, address) = (login.to_owned(), address.to_string());
        let look = move |tx: &mut dyn Tx| devices::is_at(tx, &login, &address);
        Ok(self.inner.database.read(look).await?)
    }

    /// Whose a recovery code is.
    ///
    /// # Errors
    /// [`Denied::TokenUnknown`], [`Denied::Suspended`], or the database's.
    pub async fn recovery_account(&self, token: &Token) -> Result<AccountId, FilesError> {
        let hash = token_hash(token);
        let read = move |tx: &mut dyn Tx| {
            let row: Option<TokenRow> = tokens::get(tx, &hash)?;
            let row = row.filter(|row| row.kind == TokenKind::Recovery);
            let account = row.and_then(|row| row.account);
            let account = account.ok_or(Denied::TokenUnknown)?;
            check_active(tx, account)?;
            Ok::<_, FilesError>(account)
        };
        self.inner.database.read(read).await
    }
}

/// Asks for what an account takes besides the password.
fn asks(
    tx: &mut dyn Tx,
    account: AccountId,
    factors: &Factors,
    party: Option<&RelyingParty>,
    bound_to: &[u8; 32],
) -> Result<LoginEnd, FilesError> {
    let passkey = match party {
        Some(party) if factors.passkeys > 0 => passkeys::ask(tx, party, account, bound_to)?,
        _ => None,
    };
    Ok(LoginEnd::Asks {
        code: factors.authenticator.is_some(),
        passkey,
    })
}
