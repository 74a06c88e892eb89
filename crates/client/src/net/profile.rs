//! Calls about the caller's account.

use ::http::Method;
use hythe_wire::factor::FactorProof;
use hythe_wire::profile::{Profile, ProfilePatch, TotpBegun, TotpConfirm};
use hythe_wire::routes;

use super::{Api, ApiError};

impl Api {
    /// The caller's account.
    ///
    /// # Errors
    /// See [`ApiError`], here and below.
    pub async fn account(&self) -> Result<Profile, ApiError> {
        self.get_json(routes::ACCOUNT).await
    }

    /// Changes what the caller's account says about its owner.
    pub async fn edit_account(&self, patch: &ProfilePatch) -> Result<(), ApiError> {
        self.send_json(Method::PATCH, routes::ACCOUNT, patch).await
    }

    /// A secret for an authenticator, which does not count yet.
    pub async fn begin_totp(&self, proof: &FactorProof) -> Result<TotpBegun, ApiError> {
        self.exchange_json(routes::ACCOUNT_TOTP, proof).await
    }

    /// Makes the authenticator count, with its first code.
    pub async fn confirm_totp(&self, code: String) -> Result<(), ApiError> {
        let confirm = TotpConfirm { code };
        self.send_json(Method::POST, routes::ACCOUNT_TOTP_CONFIRM, &confirm)
            .await
    }

    /// Removes the authenticator.
    pub async fn remove_totp(&self, proof: &FactorProof) -> Result<(), ApiError> {
        self.send_json(Method::POST, routes::ACCOUNT_TOTP_REMOVE, proof)
            .await
    }
}
