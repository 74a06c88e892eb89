//! Registering an account.

use std::time::Instant;

use axum::extract::{FromRequestParts, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use bytes::Bytes;

use hythe_wire::account::{RegisterReply, RegisterRequest};
use hythe_wire::server::RegistrationPolicy;
use hythe_wire::{ByteVec, Code, headers, routes};

use super::app::Shared;
use super::error::Failure;
use super::layers::Client;
use super::message::Cbor;
use super::openapi::Octets;
use crate::auth::{self, Shown};
use crate::files::Registration;

/// An invite's token, or none, and who shows it.
pub(crate) struct Invited(Option<Shown>, Client);

impl FromRequestParts<Shared> for Invited {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Failure> {
        let client = auth::client(parts)?;
        // Whoever shows a token of another kind is told so, also where none is needed.
        if parts.headers.contains_key(AUTHORIZATION)
            || app.files.policy().await? == RegistrationPolicy::Invite
        {
            let shown = Shown::take(parts, headers::INVITE)?;
            return Ok(Self(Some(shown), client));
        }
        if app.by_address
            && let Err(wait) = app.rates.registrations.take(client.key(), Instant::now())
        {
            return Err(Failure::later(Code::RateLimited, wait));
        }
        Ok(Self(None, client))
    }
}

/// Creates an account, its first device and its personal space. Where registration is open (see
/// `registration` of the server's description) no invite is needed.
#[utoipa::path(
    post, path = routes::ACCOUNTS, tag = "accounts", security(("invite" = [])),
    request_body(content = Octets, content_type = "application/cbor", description = "RegisterRequest"),
    responses((status = 200, description = "RegisterReply", content_type = "application/cbor", body = Octets))
)]
pub(crate) async fn register(
    State(app): State<Shared>,
    Invited(invite, client): Invited,
    request: Cbor<RegisterRequest>,
) -> Result<Cbor<RegisterReply>, Failure> {
    let request = request.message;
    let registration = Registration {
        login: request.login,
        device: request.device,
        token: request.token,
        account: bytes(request.account),
        space: bytes(request.space),
        password: request.password,
        recovery: request.recovery,
        address: Some(client.0),
    };
    let invite = invite.as_ref().map(|Shown(token)| token);
    let registered = app.files.register(invite, registration).await;
    let done = registered.map_err(|error| auth::denied(&app, client, error))?;
    Ok(Cbor::answer(RegisterReply {
        account: done.account,
        device: done.device,
        account_head: done.account_head,
        space: done.space,
        space_head: done.space_head,
    }))
}

fn bytes(log: Vec<ByteVec>) -> Vec<Bytes> {
    log.into_iter()
        .map(|change_set| Vec::from(change_set).into())
        .collect()
}
