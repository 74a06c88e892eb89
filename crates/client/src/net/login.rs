//! Calls about passwords and recovery codes.

use hythe_wire::login::{
    LoginDone, LoginFinishRequest, LoginReply, LoginRequest, PasswordReply, PasswordRequest,
    RecoverReply,
};
use hythe_wire::routes;

use super::{Api, ApiError};

impl Api {
    /// The first half of a login.
    ///
    /// # Errors
    /// See [`ApiError`], here and below.
    pub async fn login(&self, request: &LoginRequest) -> Result<LoginReply, ApiError> {
        self.exchange_json(routes::LOGIN, request).await
    }

    /// The other half of a login.
    pub async fn finish_login(&self, request: &LoginFinishRequest) -> Result<LoginDone, ApiError> {
        self.exchange_json(routes::LOGIN_FINISH, request).await
    }

    /// Whose a recovery code is; its token is this caller's.
    pub async fn recover(&self) -> Result<RecoverReply, ApiError> {
        self.exchange_json(routes::LOGIN_RECOVER, &()).await
    }

    /// The first half of setting a password.
    pub async fn begin_password(
        &self,
        request: &PasswordRequest,
    ) -> Result<PasswordReply, ApiError> {
        self.exchange_json(routes::PASSWORD, request).await
    }
}
