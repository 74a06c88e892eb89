//! Browsers that are signed in.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use hythe_wire::web::WebSession;
use hythe_wire::{Code, Token, headers, routes};
use zeroize::Zeroizing;

use super::app::Shared;
use super::error::Failure;
use crate::auth::Caller;
use crate::files::SESSION_MS;

/// Who is signed in.
#[utoipa::path(
    get, path = routes::WEB_SESSION, tag = "web", security(("device" = []), ("session" = [])),
    responses((status = 200, body = WebSession))
)]
pub(crate) async fn look(
    State(app): State<Shared>,
    caller: Caller,
) -> Result<Json<WebSession>, Failure> {
    let profile = app.files.profile(&caller.principal).await?;
    Ok(Json(WebSession {
        account: profile.id,
        device: caller.principal.device(),
        login_name: profile.login,
        display_name: profile.name,
        admin: profile.admin,
    }))
}

/// A session for the caller's device, which ends the one it had: a token of its own, in a cookie.
#[utoipa::path(
    post, path = routes::WEB_SESSION, tag = "web", security(("device" = []), ("session" = [])),
    responses((status = 204, description = "The session's token is in the cookie `__Host-hythe`"))
)]
pub(crate) async fn open(State(app): State<Shared>, caller: Caller) -> Result<Response, Failure> {
    let token = app.files.open_web_session(&caller.principal).await?;
    let seconds = SESSION_MS / 1000;
    let text = Zeroizing::new(format!("{}; Max-Age={seconds}", *cookie(&token)));
    let value = HeaderValue::from_str(&text);
    let mut value = value.map_err(|_| Failure::new(Code::Internal))?;
    value.set_sensitive(true);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, value)]).into_response())
}

/// Ends the caller's session.
#[utoipa::path(
    delete, path = routes::WEB_SESSION, tag = "web", security(("device" = []), ("session" = [])),
    responses((status = 204, description = "Ended; the cookie is taken back"))
)]
pub(crate) async fn end(State(app): State<Shared>, caller: Caller) -> Result<Response, Failure> {
    app.files.end_web_session(&caller.principal).await?;
    let gone = HeaderValue::from_static(
        "__Host-hythe=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0",
    );
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response())
}

/// No script reads it, no other host gets it, no other site's page makes the browser send it.
fn cookie(token: &Token) -> Zeroizing<String> {
    let (name, value) = (headers::COOKIE, Zeroizing::new(token.to_hex()));
    Zeroizing::new(format!(
        "{name}={}; Path=/; Secure; HttpOnly; SameSite=Strict",
        *value
    ))
}
