//! App passwords of the caller's account.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use hythe_wire::app_password::{AppPasswordList, CreateAppPassword, RemoveAppPassword};
use hythe_wire::routes;

use super::app::Shared;
use super::error::Failure;
use super::message::JsonBody;
use crate::auth::Caller;

/// The app passwords of the caller's account.
#[utoipa::path(
    get, path = routes::ACCOUNT_APP_PASSWORDS, tag = "login", security(("device" = [])),
    responses((status = 200, body = AppPasswordList))
)]
pub(crate) async fn list(
    State(app): State<Shared>,
    caller: Caller,
) -> Result<Json<AppPasswordList>, Failure> {
    let app_passwords = app.files.app_passwords(&caller.principal).await?;
    Ok(Json(AppPasswordList { app_passwords }))
}

/// A new app password.
#[utoipa::path(
    post, path = routes::ACCOUNT_APP_PASSWORDS, tag = "login", security(("device" = [])),
    request_body = CreateAppPassword, responses((status = 204, description = "Done"))
)]
pub(crate) async fn create(
    State(app): State<Shared>,
    caller: Caller,
    JsonBody(new): JsonBody<CreateAppPassword>,
) -> Result<StatusCode, Failure> {
    let created = app.files.create_app_password(&caller.principal, new);
    created.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An app password ends.
#[utoipa::path(
    post, path = routes::ACCOUNT_APP_PASSWORDS_REMOVE, tag = "login", security(("device" = [])),
    request_body = RemoveAppPassword, responses((status = 204, description = "Done"))
)]
pub(crate) async fn remove(
    State(app): State<Shared>,
    caller: Caller,
    JsonBody(remove): JsonBody<RemoveAppPassword>,
) -> Result<StatusCode, Failure> {
    let removed = app.files.remove_app_password(&caller.principal, remove);
    removed.await?;
    Ok(StatusCode::NO_CONTENT)
}
