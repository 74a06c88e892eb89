//! What an account with the role admin asks: the same functions as `hythe admin` on the machine, on
//! the same terms, written down as the account's.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use hythe_model::AccountId;
use hythe_wire::admin::{
    Audit, AuditRow, InviteRequest, Invited, Policy, User, UserChange, UserList,
};
use hythe_wire::invite::InviteUrl;
use hythe_wire::routes;

use super::app::Shared;
use super::error::Failure;
use super::message::{Asked, IdText, Ids, JsonBody};
use crate::auth::Caller;
use crate::files::{AccountView, Actor, AuditEntry, InviteTerms, QuotaName};

/// How long an invite holds: time to send it, not to forget it.
const INVITE: Duration = Duration::from_secs(24 * 60 * 60);

/// Most rows of the audit log that are told at once.
const MAX_AUDIT: u32 = 1000;

/// Which part of the audit log.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Latest {
    /// How many of the latest rows; 1000 at most.
    limit: Option<u32>,
}

/// All accounts.
#[utoipa::path(
    get, path = routes::ADMIN_USERS, tag = "admin", security(("device" = [])),
    responses((status = 200, body = UserList))
)]
pub(crate) async fn users(
    State(app): State<Shared>,
    caller: Caller,
) -> Result<Json<UserList>, Failure> {
    app.files.as_admin(&caller.principal).await?;
    let users = app.files.accounts().await?.into_iter().map(user).collect();
    Ok(Json(UserList { users }))
}

/// Something is done to an account.
#[utoipa::path(
    post, path = routes::ADMIN_USER, tag = "admin", security(("device" = [])),
    params(("account" = String, Path, description = "Id of the account")),
    request_body = UserChange, responses((status = 204, description = "Done"))
)]
pub(crate) async fn change(
    State(app): State<Shared>,
    caller: Caller,
    Ids(IdText(account)): Ids<IdText<AccountId>>,
    JsonBody(change): JsonBody<UserChange>,
) -> Result<StatusCode, Failure> {
    let actor = app.files.as_admin(&caller.principal).await?;
    let (files, named) = (&app.files, account.to_string());
    match change {
        UserChange::Suspend => files.suspend(actor, &named).await?,
        UserChange::Resume => files.resume(actor, &named).await?,
        UserChange::Remove { after_days } => {
            let wait = Duration::from_secs(u64::from(after_days) * 24 * 60 * 60);
            files.remove_account(actor, &named, wait).await?;
        }
        UserChange::Role { admin } => files.set_role(actor, &named, admin).await?,
        UserChange::Quota { limit_bytes } => {
            let of = QuotaName::Of(named);
            files.set_quota(actor, of, limit_bytes).await?;
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

/// An invite.
#[utoipa::path(
    post, path = routes::ADMIN_INVITES, tag = "admin", security(("device" = [])),
    request_body = InviteRequest, responses((status = 200, body = Invited))
)]
pub(crate) async fn invite(
    State(app): State<Shared>,
    caller: Caller,
    JsonBody(request): JsonBody<InviteRequest>,
) -> Result<Json<Invited>, Failure> {
    let actor = app.files.as_admin(&caller.principal).await?;
    let terms = InviteTerms {
        lifetime: INVITE,
        admin: request.admin,
        login: request.login,
        limit: request.limit_bytes.map(Some),
    };
    let invite = app.files.invite(actor, terms).await?;
    let url = InviteUrl {
        server: app.public.clone(),
        identity: app.identity.public(),
        token: invite.token,
    };
    Ok(Json(Invited {
        url: url.to_string(),
        expires_ms: invite.expires_ms,
    }))
}

/// Who may create an account.
#[utoipa::path(
    get, path = routes::ADMIN_POLICY, tag = "admin", security(("device" = [])),
    responses((status = 200, body = Policy))
)]
pub(crate) async fn policy(
    State(app): State<Shared>,
    caller: Caller,
) -> Result<Json<Policy>, Failure> {
    app.files.as_admin(&caller.principal).await?;
    let registration = app.files.policy().await?;
    Ok(Json(Policy { registration }))
}

/// Who may create an account from now on.
#[utoipa::path(
    post, path = routes::ADMIN_POLICY, tag = "admin", security(("device" = [])),
    request_body = Policy, responses((status = 204, description = "Done"))
)]
pub(crate) async fn set_policy(
    State(app): State<Shared>,
    caller: Caller,
    JsonBody(policy): JsonBody<Policy>,
) -> Result<StatusCode, Failure> {
    let actor: Actor = app.files.as_admin(&caller.principal).await?;
    let set = app.files.set_policy(actor, policy.registration);
    set.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What was administered lately.
#[utoipa::path(
    get, path = routes::ADMIN_AUDIT, tag = "admin", security(("device" = [])),
    params(Latest), responses((status = 200, body = Audit))
)]
pub(crate) async fn audit(
    State(app): State<Shared>,
    caller: Caller,
    Asked(latest): Asked<Latest>,
) -> Result<Json<Audit>, Failure> {
    app.files.as_admin(&caller.principal).await?;
    let limit = latest.limit.unwrap_or(MAX_AUDIT).min(MAX_AUDIT);
    let entries = app.files.audit(limit).await?.into_iter().map(row);
    Ok(Json(Audit {
        entries: entries.collect(),
    }))
}

fn user(view: AccountView) -> User {
    User {
        account: view.account,
        login: view.login,
        admin: view.admin,
        created_ms: view.created_ms,
        suspended_ms: view.suspended_ms,
        removal_ms: view.removal_ms,
        devices: view.devices,
        used_bytes: view.used_bytes,
        limit_bytes: view.limit_bytes,
    }
}

fn row(entry: AuditEntry) -> AuditRow {
    AuditRow {
        at_ms: entry.at_ms,
        actor: entry.actor,
        action: entry.action,
        subject: entry.subject,
        detail: entry.detail,
        outcome: entry.outcome,
    }
}
