//! Calls about app passwords, and about deleting the caller's account.

use ::http::Method;
use hythe_wire::app_password::{
    AppPasswordList, AppPasswordView, CreateAppPassword, RemoveAppPassword,
};
use hythe_wire::deletion::{DeleteReply, DeleteRequest};
use hythe_wire::routes;

use super::{Api, ApiError};

impl Api {
    /// The app passwords of the caller's account.
    ///
    /// # Errors
    /// See [`ApiError`], here and below.
    pub async fn app_passwords(&self) -> Result<Vec<AppPasswordView>, ApiError> {
        let list: AppPasswordList = self.get_json(routes::ACCOUNT_APP_PASSWORDS).await?;
        Ok(list.app_passwords)
    }

    /// Makes an app password.
    pub async fn create_app_password(&self, new: &CreateAppPassword) -> Result<(), ApiError> {
        self.send_json(Method::POST, routes::ACCOUNT_APP_PASSWORDS, new)
            .await
    }

    /// Ends an app password.
    pub async fn remove_app_password(&self, name: String) -> Result<(), ApiError> {
        let remove = RemoveAppPassword { name };
        self.send_json(Method::POST, routes::ACCOUNT_APP_PASSWORDS_REMOVE, &remove)
            .await
    }

    /// Has the caller's account deleted after a waiting time.
    pub async fn delete_account(&self, request: &DeleteRequest) -> Result<DeleteReply, ApiError> {
        self.exchange_json(routes::ACCOUNT_DELETE, request).await
    }

    /// Takes that back.
    pub async fn keep_account(&self) -> Result<(), ApiError> {
        self.send_json(Method::POST, routes::ACCOUNT_DELETE_CANCEL, &())
            .await
    }
}
