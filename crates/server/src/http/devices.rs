//! Devices of an account.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;

use hythe_wire::account::{EnrolReply, EnrolRequest};
use hythe_wire::device::{DeviceList, DevicePatch};
use hythe_wire::limits::{MAX_FOLDERS, MAX_TEXT_BYTES};
use hythe_wire::{Code, headers, routes};

use super::app::Shared;
use super::error::Failure;
use super::layers::Client;
use super::message::{Cbor, JsonBody};
use super::openapi::Octets;
use crate::auth::{self, Caller, Shown};
use crate::files::Enrolment;

/// A one-time token, and who shows it.
pub(crate) struct OneTime(pub(crate) Shown, pub(crate) Client);

impl FromRequestParts<Shared> for OneTime {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Failure> {
        Ok(Self(
            Shown::take(parts, headers::ONE_TIME)?,
            auth::client(parts)?,
        ))
    }
}

/// Enrols one more device of an account.
#[utoipa::path(
    post, path = routes::DEVICES_ENROL, tag = "devices", security(("one-time" = [])),
    request_body(content = Octets, content_type = "application/cbor", description = "EnrolRequest"),
    responses((
        status = 200, description = "EnrolReply",
        content_type = "application/cbor", body = Octets
    ))
)]
pub(crate) async fn enrol(
    State(app): State<Shared>,
    OneTime(Shown(one_time), client): OneTime,
    request: Cbor<EnrolRequest>,
) -> Result<Cbor<EnrolReply>, Failure> {
    let EnrolRequest {
        device,
        token,
        change_set,
    } = request.message;
    let change_set = Vec::from(change_set).into();
    let enrolment = Enrolment {
        device,
        token,
        change_set,
        address: Some(client.0),
    };
    let enrolled = app.files.enrol(&one_time, enrolment).await;
    let done = enrolled.map_err(|error| auth::denied(&app, client, error))?;
    Ok(Cbor::answer(EnrolReply {
        account: done.account,
        device: done.device,
        account_head: done.account_head,
    }))
}

/// The devices of the caller's account.
#[utoipa::path(
    get, path = routes::DEVICES, tag = "devices", security(("device" = [])),
    responses((status = 200, body = DeviceList))
)]
pub(crate) async fn list(
    State(app): State<Shared>,
    caller: Caller,
) -> Result<Json<DeviceList>, Failure> {
    let devices = app.files.devices(&caller.principal).await?;
    Ok(Json(DeviceList { devices }))
}

/// What the calling device tells of itself anew.
#[utoipa::path(
    patch, path = routes::DEVICES_SELF, tag = "devices", security(("device" = [])),
    request_body = DevicePatch,
    responses((status = 204, description = "Done"))
)]
pub(crate) async fn describe(
    State(app): State<Shared>,
    caller: Caller,
    JsonBody(patch): JsonBody<DevicePatch>,
) -> Result<StatusCode, Failure> {
    let folders = patch.folders.as_deref().unwrap_or_default();
    let long = |text: &str| text.len() > MAX_TEXT_BYTES;
    if folders.len() > MAX_FOLDERS
        || folders
            .iter()
            .any(|folder| folder.path.len() > 4 * MAX_TEXT_BYTES)
        || patch.name.as_deref().is_some_and(long)
    {
        return Err(Failure::detail(
            Code::Malformed,
            "a text or list is too long",
        ));
    }
    app.files.describe_device(&caller.principal, patch).await?;
    Ok(StatusCode::NO_CONTENT)
}
