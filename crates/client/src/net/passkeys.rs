//! Calls about the passkeys of the caller's account. What is between two of them happens in a
//! browser.

use ::http::Method;
use hythe_wire::factor::{PasskeyBegin, PasskeyFinish, PasskeyList, PasskeyOptions, PasskeyRemove};
use hythe_wire::routes;

use super::{Api, ApiError};

impl Api {
    /// The passkeys.
    ///
    /// # Errors
    /// See [`ApiError`], here and below.
    pub async fn passkeys(&self) -> Result<PasskeyList, ApiError> {
        self.get_json(routes::ACCOUNT_PASSKEYS).await
    }

    /// What to ask a browser for a new one.
    pub async fn begin_passkey(&self, begin: &PasskeyBegin) -> Result<PasskeyOptions, ApiError> {
        self.exchange_json(routes::ACCOUNT_PASSKEYS, begin).await
    }

    /// Registers the one that a browser made.
    pub async fn finish_passkey(&self, made: &PasskeyFinish) -> Result<(), ApiError> {
        self.send_json(Method::POST, routes::ACCOUNT_PASSKEYS_FINISH, made)
            .await
    }

    /// What to ask a browser, so that one of the passkeys proves that it is there.
    pub async fn challenge_passkey(&self) -> Result<PasskeyOptions, ApiError> {
        self.exchange_json(routes::ACCOUNT_PASSKEYS_CHALLENGE, &())
            .await
    }

    /// Removes one.
    pub async fn remove_passkey(&self, remove: &PasskeyRemove) -> Result<(), ApiError> {
        self.send_json(Method::POST, routes::ACCOUNT_PASSKEYS_REMOVE, remove)
            .await
    }
}
