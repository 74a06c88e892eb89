//! Passkeys of the caller's account.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use hythe_wire::factor::{PasskeyBegin, PasskeyFinish, PasskeyList, PasskeyOptions, PasskeyRemove};
use hythe_wire::routes;

use super::app::Shared;
use super::error::Failure;
use super::login::Anybody;
use super::message::JsonBody;
use super::profile::guess;
use crate::auth::Caller;

/// The passkeys.
#[utoipa::path(
    get, path = routes::ACCOUNT_PASSKEYS, tag = "login", security(("device" = [])),
    responses((status = 200, body = PasskeyList))
)]
pub(crate) async fn list(
    State(app): State<Shared>,
    caller: Caller,
) -> Result<Json<PasskeyList>, Failure> {
    let passkeys = app.files.passkeys(&caller.principal, app.party.as_ref());
    let passkeys = passkeys.await?;
    Ok(Json(PasskeyList { passkeys }))
}

/// What to ask a browser for a new passkey.
#[utoipa::path(
    post, path = routes::ACCOUNT_PASSKEYS, tag = "login", security(("device" = [])),
    request_body = PasskeyBegin, responses((status = 200, body = PasskeyOptions))
)]
pub(crate) async fn begin(
    State(app): State<Shared>,
    caller: Caller,
    client: Anybody,
    JsonBody(request): JsonBody<PasskeyBegin>,
) -> Result<Json<PasskeyOptions>, Failure> {
    guess(&app, &caller, client, &request.proof).await?;
    let begun = app
        .files
        .begin_passkey(&caller.principal, request.proof, app.party.as_ref());
    let options = begun.await?;
    Ok(Json(PasskeyOptions { options }))
}

/// What the browser made: from now on a login asks for it, or for another second factor.
#[utoipa::path(
    post, path = routes::ACCOUNT_PASSKEYS_FINISH, tag = "login", security(("device" = [])),
    request_body = PasskeyFinish, responses((status = 204, description = "Done"))
)]
pub(crate) async fn finish(
    State(app): State<Shared>,
    caller: Caller,
    JsonBody(made): JsonBody<PasskeyFinish>,
) -> Result<StatusCode, Failure> {
    let finished = app
        .files
        .finish_passkey(&caller.principal, made, app.party.as_ref());
    finished.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A challenge for one of the passkeys, as proof for another request of this device.
#[utoipa::path(
    post, path = routes::ACCOUNT_PASSKEYS_CHALLENGE, tag = "login", security(("device" = [])),
    responses((status = 200, body = PasskeyOptions))
)]
pub(crate) async fn challenge(
    State(app): State<Shared>,
    caller: Caller,
) -> Result<Json<PasskeyOptions>, Failure> {
    let asked = app
        .files
        .challenge_passkey(&caller.principal, app.party.as_ref());
    let options = asked.await?;
    Ok(Json(PasskeyOptions { options }))
}

/// A login takes this passkey no more.
#[utoipa::path(
    post, path = routes::ACCOUNT_PASSKEYS_REMOVE, tag = "login", security(("device" = [])),
    request_body = PasskeyRemove, responses((status = 204, description = "Done"))
)]
pub(crate) async fn remove(
    State(app): State<Shared>,
    caller: Caller,
    client: Anybody,
    JsonBody(request): JsonBody<PasskeyRemove>,
) -> Result<StatusCode, Failure> {
    guess(&app, &caller, client, &request.proof).await?;
    let removed = app
        .files
        .remove_passkey(&caller.principal, request, app.party.as_ref());
    removed.await?;
    Ok(StatusCode::NO_CONTENT)
}
