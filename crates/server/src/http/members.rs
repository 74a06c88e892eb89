//! Members of spaces.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use std::time::Instant;

use hythe_model::SpaceId;
use hythe_wire::limits::MAX_TEXT_BYTES;
use hythe_wire::member::{AccountFound, InvitationAnswer, MemberList};
use hythe_wire::{Code, routes};

use super::app::Shared;
use super::error::Failure;
use super::message::{Asked, IdText, Ids, JsonBody};
use crate::auth::Caller;

/// Whom somebody looks for.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Login {
    /// The login name.
    login: String,
}

/// The account of a login name.
#[utoipa::path(
    get, path = routes::ACCOUNT_LOOKUP, tag = "accounts", security(("device" = [])),
    params(Login), responses((status = 200, body = AccountFound))
)]
pub(crate) async fn look_up(
    State(app): State<Shared>,
    caller: Caller,
    Asked(Login { login }): Asked<Login>,
) -> Result<Json<AccountFound>, Failure> {
    // Names are not to be tried out one after the other.
    let device = caller.principal.device();
    if let Err(wait) = app.rates.lookups.take(device, Instant::now()) {
        return Err(Failure::later(Code::RateLimited, wait));
    }
    if login.len() > MAX_TEXT_BYTES {
        return Err(Failure::new(Code::NotFound));
    }
    let account = app.files.account_of(&caller.principal, login).await?;
    Ok(Json(AccountFound { account }))
}

/// Who is in a space.
#[utoipa::path(
    get, path = routes::SPACE_MEMBERS, tag = "spaces", security(("device" = [])),
    params(("space" = String, Path, description = "Id of the space")),
    responses((status = 200, body = MemberList))
)]
pub(crate) async fn list(
    State(app): State<Shared>,
    caller: Caller,
    Ids(IdText(space)): Ids<IdText<SpaceId>>,
) -> Result<Json<MemberList>, Failure> {
    let members = app.files.members(&caller.principal, space).await?;
    Ok(Json(MemberList { members }))
}

/// Accepts or declines an invitation into a space.
#[utoipa::path(
    post, path = routes::SPACE_INVITATION, tag = "spaces", security(("device" = [])),
    params(("space" = String, Path, description = "Id of the space")),
    request_body = InvitationAnswer,
    responses((status = 204, description = "Done"))
)]
pub(crate) async fn answer(
    State(app): State<Shared>,
    caller: Caller,
    Ids(IdText(space)): Ids<IdText<SpaceId>>,
    JsonBody(answer): JsonBody<InvitationAnswer>,
) -> Result<StatusCode, Failure> {
    app.files
        .answer_invitation(&caller.principal, space, answer.accept)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
