//! Calls about the server itself, accounts, devices and spaces.

use ::http::Method;
use hythe_model::AccountId;
use hythe_wire::account::{
    AppendReply, AppendRequest, EnrolReply, EnrolRequest, RegisterReply, RegisterRequest,
};
use hythe_wire::device::{DeviceList, DevicePatch, DeviceView};
use hythe_wire::routes;
use hythe_wire::server::ServerInfo;
use hythe_wire::space::SpaceList;

use super::http::Channel;
use super::{Api, ApiError};

impl Api {
    /// What the server tells about itself; needs no token.
    ///
    /// # Errors
    /// See [`ApiError`], here and below.
    pub async fn server(&self) -> Result<ServerInfo, ApiError> {
        self.get_json(routes::SERVER).await
    }

    /// Creates an account, with the token of an invite.
    pub async fn register(&self, request: &RegisterRequest) -> Result<RegisterReply, ApiError> {
        self.send_message(Channel::Shared, Method::POST, routes::ACCOUNTS, request)
            .await
    }

    /// Enrols one more device, with a one-time token.
    pub async fn enrol(&self, request: &EnrolRequest) -> Result<EnrolReply, ApiError> {
        self.send_message(
            Channel::Shared,
            Method::POST,
            routes::DEVICES_ENROL,
            request,
        )
        .await
    }

    /// Appends a change set to the caller's account's log.
    pub async fn append_account(
        &self,
        account: AccountId,
        request: &AppendRequest,
    ) -> Result<AppendReply, ApiError> {
        let path = routes::account_log(account);
        self.send_message(Channel::Shared, Method::POST, &path, request)
            .await
    }

    /// The devices of the caller's account.
    pub async fn devices(&self) -> Result<Vec<DeviceView>, ApiError> {
        let list: DeviceList = self.get_json(routes::DEVICES).await?;
        Ok(list.devices)
    }

    /// Tells the server this device's name and folders.
    pub async fn describe_device(&self, patch: &DevicePatch) -> Result<(), ApiError> {
        self.send_json(Method::PATCH, routes::DEVICES_SELF, patch)
            .await
    }

    /// The spaces the caller's account is a member of.
    pub async fn spaces(&self) -> Result<SpaceList, ApiError> {
        self.get_json(routes::SPACES).await
    }
}
