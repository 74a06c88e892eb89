//! Logging in with a password or a recovery code.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;

use hythe_wire::login::{
    LoginDone, LoginFinishRequest, LoginReply, LoginRequest, PasswordReply, PasswordRequest,
    RecoverReply,
};
use hythe_wire::{Code, Problem, There, routes};

use super::app::Shared;
use super::devices::OneTime;
use super::error::Failure;
use super::layers::Client;
use super::message::JsonBody;
use crate::auth::{self, Shown};
use crate::files::LoginEnd;

/// Who asks, as far as its address tells.
pub(crate) struct Anybody(pub(crate) Client);

impl FromRequestParts<Shared> for Anybody {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Failure> {
        Ok(Self(auth::client(parts)?))
    }
}

/// The first half of a login. Its answer looks the same whether there is such an account or not.
#[utoipa::path(
    post, path = routes::LOGIN, tag = "login", security(()), request_body = LoginRequest,
    responses((status = 200, body = LoginReply))
)]
pub(crate) async fn begin(
    State(app): State<Shared>,
    Anybody(client): Anybody,
    JsonBody(request): JsonBody<LoginRequest>,
) -> Result<Json<LoginReply>, Failure> {
    app.rates.logins.guess(&app, client, &request.login).await?;
    let begun = app.files.begin_login(request.login, &request.request);
    let begun = begun.await?;
    Ok(Json(LoginReply {
        session: begun.session,
        response: begun.response,
    }))
}

/// The other half of a login: the token that the client computed holds from now on.
#[utoipa::path(
    post, path = routes::LOGIN_FINISH, tag = "login", security(()), request_body = LoginFinishRequest,
    responses((status = 200, body = LoginDone))
)]
pub(crate) async fn finish(
    State(app): State<Shared>,
    Anybody(client): Anybody,
    JsonBody(request): JsonBody<LoginFinishRequest>,
) -> Result<Json<LoginDone>, Failure> {
    if request.code.is_some() || request.passkey.is_some() {
        // Codes are short: of one login only a few are looked at.
        let session = blake3::hash(&request.session).to_hex();
        app.rates.logins.guess(&app, client, &session).await?;
    }
    let ended = app.files.finish_login(request, app.party.as_ref()).await;
    match ended.map_err(|error| auth::denied(&app, client, error))? {
        LoginEnd::In(done) => Ok(Json(LoginDone {
            account: done.account,
            expires_ms: done.expires_ms,
        })),
        LoginEnd::Asks { code, passkey } => {
            let problem = Problem::new(Code::SecondFactor);
            let there = There::SecondFactor { code, passkey };
            Err(Failure(Box::new(problem.there(there))))
        }
    }
}

/// Whose a recovery code is; its token is shown as a one-time token.
#[utoipa::path(
    post, path = routes::LOGIN_RECOVER, tag = "login", security(("one-time" = [])),
    responses((status = 200, body = RecoverReply))
)]
pub(crate) async fn recover(
    State(app): State<Shared>,
    OneTime(Shown(token), client): OneTime,
) -> Result<Json<RecoverReply>, Failure> {
    let account = app.files.recovery_account(&token).await;
    let account = account.map_err(|error| auth::denied(&app, client, error))?;
    Ok(Json(RecoverReply { account }))
}

/// The first half of setting a password. Says nothing about any account.
#[utoipa::path(
    post, path = routes::PASSWORD, tag = "login", security(()), request_body = PasswordRequest,
    responses((status = 200, body = PasswordReply))
)]
pub(crate) async fn password(
    State(app): State<Shared>,
    Anybody(client): Anybody,
    JsonBody(request): JsonBody<PasswordRequest>,
) -> Result<Json<PasswordReply>, Failure> {
    app.rates.logins.set(&app, client)?;
    let begun = app.files.begin_password(&request.request)?;
    Ok(Json(PasswordReply {
        credential: begun.credential,
        response: begun.response,
    }))
}
