//! Browsers that are signed in.
//!
//! A browser is a device with keys of its own. Its token opens a session; from then on it shows the
//! session's token, in a cookie that no script can read, and may forget its own (R21, R22). A session
//! is over when it is ended, when its device is removed, and some time after it began.

use std::net::SocketAddr;

use hythe_space::Entropy;
use hythe_wire::Token;

use super::session::check_standing;
use super::{Denied, Files, FilesError, Principal};
use crate::clock::now_ms;
use crate::metadata::devices::{self, DeviceRow};
use crate::metadata::web_sessions::{self, SessionRow};
use crate::metadata::{DbError, Tx, standing};
use crate::notify::Notice;

/// How long a session lasts; whoever comes back before opens the next one.
pub const SESSION_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// The hash of a session's token: other than a device's, so that neither is taken for the other.
fn hash_of(token: &Token) -> [u8; 32] {
    blake3::derive_key("hythe 1 server web session hash", token.0.expose())
}

impl Files {
    /// Opens a session for the caller's device, and ends those it had. Returns its token.
    ///
    /// # Errors
    /// [`Denied::Role`] for a program with an app password; the database's.
    pub async fn open_web_session(&self, principal: &Principal) -> Result<Token, FilesError> {
        self.still_valid(principal).await?;
        if principal.app().is_some() {
            return Err(Denied::Role.into());
        }
        let broken = |error| FilesError::Storage(Box::new(error));
        let token = Token(Entropy::system().map_err(broken)?.secret());
        let (now_ms, device, account) = (now_ms(), principal.device(), principal.account());
        let row = SessionRow {
            hash: hash_of(&token),
            device,
            created_ms: now_ms,
            ends_ms: now_ms + SESSION_MS,
        };
        let write = move |tx: &mut dyn Tx| {
            web_sessions::remove_of(tx, device, now_ms)?;
            // Whoever was found valid by the one before is looked up anew.
            tx.notify(Notice::Standing { account });
            web_sessions::insert(tx, &row)
        };
        let written: Result<(), DbError> = self.inner.database.write(write).await;
        written?;
        self.inner.sessions.revoke_all();
        Ok(token)
    }

    /// Ends a session, at once.
    ///
    /// # Errors
    /// The database's.
    pub async fn end_web_session(&self, principal: &Principal) -> Result<(), FilesError> {
        let (account, device) = (principal.account(), principal.device());
        let write = move |tx: &mut dyn Tx| {
            web_sessions::remove_of(tx, device, now_ms())?;
            // Other replicas forget whom they found valid.
            tx.notify(Notice::Standing { account });
            Ok::<_, DbError>(())
        };
        self.inner.database.write(write).await?;
        self.inner.sessions.revoke_all();
        Ok(())
    }

    /// Whoever shows the token of a session.
    ///
    /// # Errors
    /// [`Denied::TokenUnknown`] where there is no such session, or it is over;
    /// [`Denied::DeviceRemoved`], [`Denied::Suspended`], or the database's.
    pub async fn authenticate_web(
        &self,
        token: &Token,
        address: Option<SocketAddr>,
    ) -> Result<Principal, FilesError> {
        let hash = hash_of(token);
        let sessions = &self.inner.sessions;
        let principal = match sessions.recall(&hash) {
            Some(principal) => principal,
            None => {
                // Read first: a removal in between leaves the result outdated, never too new.
                let checked = sessions.generation();
                let found = self.inner.database.read(move |tx| find(tx, &hash)).await?;
                let principal = Principal::of_web(&found, hash, checked);
                sessions.remember(hash, &principal);
                principal
            }
        };
        sessions.see(principal.device(), address);
        Ok(principal)
    }
}

/// The device of a session that is not over.
fn find(tx: &mut dyn Tx, hash: &[u8; 32]) -> Result<DeviceRow, FilesError> {
    let device = web_sessions::device(tx, hash, now_ms())?.ok_or(Denied::TokenUnknown)?;
    let row = devices::get(tx, device)?.ok_or(Denied::TokenUnknown)?;
    let standing = standing::get(tx, row.account)?;
    check_standing(&row, standing)?;
    Ok(row)
}

/// Whether a session is not over.
///
/// # Errors
/// [`Denied::TokenUnknown`]; the database's.
pub(super) fn still_there(tx: &mut dyn Tx, hash: &[u8; 32]) -> Result<(), FilesError> {
    let found = web_sessions::device(tx, hash, now_ms())?;
    found.map(drop).ok_or_else(|| Denied::TokenUnknown.into())
}
