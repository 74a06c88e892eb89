//! Deletion of the caller's own account.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use hythe_wire::deletion::{DeleteReply, DeleteRequest};
use hythe_wire::{Code, Token, routes};

use super::app::Shared;
use super::error::Failure;
use super::message::JsonBody;
use crate::auth::Caller;
use crate::files::DELETION_WAIT;

/// The caller's account is deleted when the waiting time is over.
#[utoipa::path(
    post, path = routes::ACCOUNT_DELETE, tag = "accounts", security(("device" = [])),
    request_body = DeleteRequest, responses((status = 200, body = DeleteReply))
)]
pub(crate) async fn begin(
    State(app): State<Shared>,
    caller: Caller,
    JsonBody(request): JsonBody<DeleteRequest>,
) -> Result<Json<DeleteReply>, Failure> {
    let proof: Option<Token> = request.proof.map(|text| text.parse()).transpose().map_err(
        |error: hythe_wire::token::TokenError| Failure::detail(Code::Malformed, error.to_string()),
    )?;
    let deleted = app
        .files
        .delete_own(&caller.principal, proof.as_ref(), DELETION_WAIT);
    let removal_ms = deleted.await?;
    Ok(Json(DeleteReply { removal_ms }))
}

/// The caller's account stays.
#[utoipa::path(
    post, path = routes::ACCOUNT_DELETE_CANCEL, tag = "accounts", security(("device" = [])),
    responses((status = 204, description = "Done"))
)]
pub(crate) async fn cancel(
    State(app): State<Shared>,
    caller: Caller,
) -> Result<StatusCode, Failure> {
    app.files.keep_own(&caller.principal).await?;
    Ok(StatusCode::NO_CONTENT)
}
