//! The caller's account.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use hythe_wire::factor::FactorProof;
use hythe_wire::profile::{Profile, ProfilePatch, TotpBegun, TotpConfirm};
use hythe_wire::routes;

use super::app::Shared;
use super::error::Failure;
use super::login::Anybody;
use super::message::JsonBody;
use crate::auth::Caller;

/// The caller's account.
#[utoipa::path(
    get, path = routes::ACCOUNT, tag = "accounts", security(("device" = []), ("app-password" = [])),
    responses((status = 200, body = Profile))
)]
pub(crate) async fn read(
    State(app): State<Shared>,
    caller: Caller,
) -> Result<Json<Profile>, Failure> {
    Ok(Json(app.files.profile(&caller.principal).await?))
}

/// What the caller's account says about its owner anew.
#[utoipa::path(
    patch, path = routes::ACCOUNT, tag = "accounts", security(("device" = [])),
    request_body = ProfilePatch, responses((status = 204, description = "Done"))
)]
pub(crate) async fn edit(
    State(app): State<Shared>,
    caller: Caller,
    JsonBody(patch): JsonBody<ProfilePatch>,
) -> Result<StatusCode, Failure> {
    app.files.edit_profile(&caller.principal, patch).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A secret for an authenticator.
#[utoipa::path(
    post, path = routes::ACCOUNT_TOTP, tag = "login", security(("device" = [])),
    request_body = FactorProof, responses((status = 200, body = TotpBegun))
)]
pub(crate) async fn begin_totp(
    State(app): State<Shared>,
    caller: Caller,
    JsonBody(proof): JsonBody<FactorProof>,
) -> Result<Json<TotpBegun>, Failure> {
    let begun = app
        .files
        .begin_totp(&caller.principal, proof, app.party.as_ref());
    Ok(Json(begun.await?))
}

/// The first code of an authenticator: from now on a login takes one.
#[utoipa::path(
    post, path = routes::ACCOUNT_TOTP_CONFIRM, tag = "login", security(("device" = [])),
    request_body = TotpConfirm, responses((status = 204, description = "Done"))
)]
pub(crate) async fn confirm_totp(
    State(app): State<Shared>,
    caller: Caller,
    client: Anybody,
    JsonBody(request): JsonBody<TotpConfirm>,
) -> Result<StatusCode, Failure> {
    let shown = FactorProof {
        code: Some(request.code.clone()),
        ..FactorProof::default()
    };
    guess(&app, &caller, client, &shown).await?;
    let confirmed = app.files.confirm_totp(&caller.principal, request.code);
    confirmed.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A login takes no code any more.
#[utoipa::path(
    post, path = routes::ACCOUNT_TOTP_REMOVE, tag = "login", security(("device" = [])),
    request_body = FactorProof, responses((status = 204, description = "Done"))
)]
pub(crate) async fn remove_totp(
    State(app): State<Shared>,
    caller: Caller,
    client: Anybody,
    JsonBody(proof): JsonBody<FactorProof>,
) -> Result<StatusCode, Failure> {
    guess(&app, &caller, client, &proof).await?;
    let removed = app
        .files
        .remove_totp(&caller.principal, proof, app.party.as_ref());
    removed.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Counts one code that is shown: they are short, and whoever has a device must not try them all.
pub(super) async fn guess(
    app: &Shared,
    caller: &Caller,
    client: Anybody,
    proof: &FactorProof,
) -> Result<(), Failure> {
    if proof.code.is_none() {
        return Ok(());
    }
    let account = format!("code of {}", caller.principal.account());
    app.rates.logins.guess(app, client.0, &account).await
}
