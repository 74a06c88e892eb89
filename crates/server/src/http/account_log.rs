//! The log of an account.

use axum::extract::{FromRequestParts, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::Response;

use hythe_model::{AccountId, Cursor};
use hythe_wire::account::{AppendReply, AppendRequest};
use hythe_wire::{Code, Token, headers, routes};

use super::app::Shared;
use super::error::Failure;
use super::layers::Client;
use super::message::{Asked, Cbor, IdText, Ids};
use super::openapi::Octets;
use super::stream::{LogRange, PAGE_BYTES, ReadLog, frames, log_frames, open_frames};
use crate::auth::{self, Caller, Shown};
use crate::files::{Appending, Files, FilesError, LogPage, Principal};

/// Who wants to read a log.
pub(crate) enum Reader {
    /// A device: may read its own account's, fellow members' and the server's.
    Device(Box<Caller>),
    /// A device about to be enrolled: may read its account's and the server's.
    OneTime(Token, Client),
    /// Anybody: may read the server's, whose keys a new account needs.
    Anybody,
}

impl FromRequestParts<Shared> for Reader {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Failure> {
        let Some(shown) = parts.headers.get(header::AUTHORIZATION) else {
            // Whoever makes an account in a browser may have a cookie from before, and does not ask
            // with it.
            return match auth::asks_with_session(parts) {
                true => Self::device(parts, app).await,
                false => Ok(Self::Anybody),
            };
        };
        let scheme = shown.to_str().ok().and_then(|text| text.split(' ').next());
        if scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(headers::ONE_TIME)) {
            let Shown(token) = Shown::take(parts, headers::ONE_TIME)?;
            return Ok(Self::OneTime(token, auth::client(parts)?));
        }
        Self::device(parts, app).await
    }
}

impl Reader {
    async fn device(parts: &mut Parts, app: &Shared) -> Result<Self, Failure> {
        let caller = Caller::from_request_parts(parts, app).await?;
        Ok(Self::Device(Box::new(caller)))
    }
}

/// A log of an account, and by what right it is read.
struct Log {
    files: Files,
    account: AccountId,
    right: Right,
}

enum Right {
    Device(Principal),
    OneTime(Token),
    /// It is the server's own.
    Public,
}

impl ReadLog for Log {
    async fn page(&self, from: Cursor, limit: u32) -> Result<LogPage, FilesError> {
        let Self {
            files,
            account,
            right,
        } = self;
        match right {
            Right::Device(reader) => {
                files
                    .account_log(reader, *account, from, limit, PAGE_BYTES)
                    .await
            }
            Right::OneTime(token) => files.offered_log(token, *account, from).await,
            Right::Public => files.server_log(from).await,
        }
    }
}

/// The change sets of an account after a position.
#[utoipa::path(
    get, path = routes::ACCOUNT_LOG, tag = "accounts",
    security((), ("device" = []), ("one-time" = [])),
    params(("account" = String, Path, description = "Id of the account"), LogRange),
    responses((
        status = 200, description = "LogFrame sequence",
        content_type = "application/cbor-seq", body = Octets
    ))
)]
pub(crate) async fn read(
    State(app): State<Shared>,
    reader: Reader,
    Ids(IdText(account)): Ids<IdText<AccountId>>,
    Asked(range): Asked<LogRange>,
) -> Result<Response, Failure> {
    let limit = range.limit();
    let log = |right| Log {
        files: app.files.clone(),
        account,
        right,
    };
    if account == app.files.account() {
        let log = log(Right::Public);
        let first = log.page(range.from(), limit).await?;
        return Ok(open_frames(log_frames(log, first, limit)));
    }
    match reader {
        Reader::Device(caller) => {
            let log = log(Right::Device(caller.principal.clone()));
            let first = log.page(range.from(), limit).await?;
            frames(&app, *caller, log_frames(log, first, limit))
        }
        Reader::OneTime(token, client) => {
            let log = log(Right::OneTime(token));
            let first = log.page(range.from(), limit).await;
            let first = first.map_err(|error| auth::denied(&app, client, error))?;
            Ok(open_frames(log_frames(log, first, limit)))
        }
        Reader::Anybody => Err(Failure::new(Code::Unauthenticated)),
    }
}

/// Adds a change set to the caller's account. A device that it removes is cut off.
#[utoipa::path(
    post, path = routes::ACCOUNT_LOG, tag = "accounts", security(("device" = [])),
    params(("account" = String, Path, description = "Id of the caller's account")),
    request_body(content = Octets, content_type = "application/cbor", description = "AppendRequest"),
    responses((
        status = 200, description = "AppendReply",
        content_type = "application/cbor", body = Octets
    ))
)]
pub(crate) async fn append(
    State(app): State<Shared>,
    caller: Caller,
    Ids(IdText(account)): Ids<IdText<AccountId>>,
    request: Cbor<AppendRequest>,
) -> Result<Cbor<AppendReply>, Failure> {
    if account != caller.principal.account() {
        return Err(Failure::new(Code::Forbidden));
    }
    let AppendRequest {
        change_set,
        one_time,
        password,
        recovery,
        proof,
    } = request.message;
    let appending = Appending {
        change_set: Vec::from(change_set).into(),
        one_time,
        password,
        recovery,
        proof,
    };
    let appended = app
        .files
        .append_account(&caller.principal, appending)
        .await?;
    Ok(Cbor::answer(AppendReply {
        head: appended.head,
    }))
}
