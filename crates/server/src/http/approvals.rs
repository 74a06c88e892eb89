//! New devices that another one of an account lets in.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use hythe_wire::approval::{
    ApprovalGrant, ApprovalId, ApprovalRequest, ApprovalState, ApprovalView,
};
use hythe_wire::routes;

use super::app::Shared;
use super::error::Failure;
use super::login::Anybody;
use super::message::JsonBody;
use crate::auth::{self, Caller};

/// A new device asks to be let in.
#[utoipa::path(
    post, path = routes::APPROVALS, tag = "devices", security(()),
    request_body = ApprovalRequest, responses((status = 204, description = "Kept"))
)]
pub(crate) async fn ask(
    State(app): State<Shared>,
    Anybody(client): Anybody,
    JsonBody(request): JsonBody<ApprovalRequest>,
) -> Result<StatusCode, Failure> {
    app.rates.logins.set(&app, client)?;
    app.files.ask_approval(request, client.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A new device looks whether it was let in.
#[utoipa::path(
    post, path = routes::APPROVALS_POLL, tag = "devices", security(()),
    request_body = ApprovalId, responses((status = 200, body = ApprovalState))
)]
pub(crate) async fn poll(
    State(app): State<Shared>,
    Anybody(client): Anybody,
    JsonBody(request): JsonBody<ApprovalId>,
) -> Result<Json<ApprovalState>, Failure> {
    let polled = app.files.poll_approval(request.id).await;
    let sealed = polled.map_err(|error| auth::denied(&app, client, error))?;
    Ok(Json(ApprovalState { sealed }))
}

/// Who asks to be let in.
#[utoipa::path(
    post, path = routes::APPROVALS_LOOK, tag = "devices", security(("device" = [])),
    request_body = ApprovalId, responses((status = 200, body = ApprovalView))
)]
pub(crate) async fn look(
    State(app): State<Shared>,
    caller: Caller,
    JsonBody(request): JsonBody<ApprovalId>,
) -> Result<Json<ApprovalView>, Failure> {
    let looked = app.files.look_at_approval(&caller.principal, request.id);
    Ok(Json(looked.await?))
}

/// Lets a new device in.
#[utoipa::path(
    post, path = routes::APPROVALS_GRANT, tag = "devices", security(("device" = [])),
    request_body = ApprovalGrant, responses((status = 204, description = "Done"))
)]
pub(crate) async fn grant(
    State(app): State<Shared>,
    caller: Caller,
    JsonBody(request): JsonBody<ApprovalGrant>,
) -> Result<StatusCode, Failure> {
    app.files.grant_approval(&caller.principal, request).await?;
    Ok(StatusCode::NO_CONTENT)
}
