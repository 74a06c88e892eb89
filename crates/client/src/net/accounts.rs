//! Calls about the server itself, accounts, devices and spaces.

use ::http::Method;
use hythe_model::{AccountId, DeviceId, SpaceId};
use hythe_wire::Message;
use hythe_wire::account::{
    AppendReply, AppendRequest, EnrolReply, EnrolRequest, RegisterReply, RegisterRequest,
};
use hythe_wire::device::{DeviceList, DevicePatch, DeviceView};
use hythe_wire::join::JoinTermsReply;
use hythe_wire::member::{AccountFound, InvitationAnswer, MemberList, MemberView};
use hythe_wire::routes;
use hythe_wire::server::ServerInfo;
use hythe_wire::space::{CreateSpaceReply, CreateSpaceRequest, SpaceList};

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

    /// The account of a login name, as the server says.
    pub async fn account_of(&self, login: &str) -> Result<AccountId, ApiError> {
        let login = url::form_urlencoded::byte_serialize(login.as_bytes());
        let path = format!(
            "{}?login={}",
            routes::ACCOUNT_LOOKUP,
            login.collect::<String>()
        );
        let found: AccountFound = self.get_json(&path).await?;
        Ok(found.account)
    }

    /// Who is in a space, as the server tells of it.
    pub async fn members(&self, space: SpaceId) -> Result<Vec<MemberView>, ApiError> {
        let list: MemberList = self.get_json(&routes::space_members(space)).await?;
        Ok(list.members)
    }

    /// Accepts or declines an invitation.
    pub async fn answer_invitation(&self, space: SpaceId, accept: bool) -> Result<(), ApiError> {
        let answer = InvitationAnswer { accept };
        self.send_json(Method::POST, &routes::space_invitation(space), &answer)
            .await
    }

    /// What taking up an offer to join needs, by the id of its one-time key.
    pub async fn join_terms(
        &self,
        space: SpaceId,
        key: DeviceId,
    ) -> Result<JoinTermsReply, ApiError> {
        let path = routes::space_offer(space, key);
        let answer = self.call(Channel::Shared, Method::GET, &path, None).await;
        let bytes = answer?.whole(JoinTermsReply::MAX_BYTES).await?;
        JoinTermsReply::from_cbor(&bytes).map_err(ApiError::malformed)
    }

    /// Creates a space.
    pub async fn create_space(
        &self,
        request: &CreateSpaceRequest,
    ) -> Result<CreateSpaceReply, ApiError> {
        self.send_message(Channel::Shared, Method::POST, routes::SPACES, request)
            .await
    }

    /// The spaces the caller's account is a member of.
    pub async fn spaces(&self) -> Result<SpaceList, ApiError> {
        self.get_json(routes::SPACES).await
    }
}
