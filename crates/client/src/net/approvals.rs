//! Calls about new devices that another one lets in.

use ::http::Method;
use hythe_wire::approval::{
    ApprovalGrant, ApprovalId, ApprovalRequest, ApprovalState, ApprovalView,
};
use hythe_wire::routes;

use super::{Api, ApiError};

impl Api {
    /// Asks to be let in.
    ///
    /// # Errors
    /// See [`ApiError`], here and below.
    pub async fn ask_approval(&self, request: &ApprovalRequest) -> Result<(), ApiError> {
        self.send_json(Method::POST, routes::APPROVALS, request)
            .await
    }

    /// Whether somebody approved.
    pub async fn poll_approval(&self, id: [u8; 32]) -> Result<ApprovalState, ApiError> {
        self.exchange_json(routes::APPROVALS_POLL, &ApprovalId { id })
            .await
    }

    /// Who asks.
    pub async fn look_at_approval(&self, id: [u8; 32]) -> Result<ApprovalView, ApiError> {
        self.exchange_json(routes::APPROVALS_LOOK, &ApprovalId { id })
            .await
    }

    /// Lets a device in.
    pub async fn grant_approval(&self, grant: &ApprovalGrant) -> Result<(), ApiError> {
        self.send_json(Method::POST, routes::APPROVALS_GRANT, grant)
            .await
    }
}
