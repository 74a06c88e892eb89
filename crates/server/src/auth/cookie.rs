//! The cookie of a browser's session.
//!
//! A browser sends it along whoever asks, so it counts only where the page itself asks: with a header
//! that no form and no foreign page can send (R22), or, for what a page shows or saves by address, in
//! a request that the browser says came from this origin.

use axum::extract::MatchedPath;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};

use hythe_wire::{Code, Token, headers, routes};

use super::denied;
use crate::files::Principal;
use crate::http::app::Shared;
use crate::http::error::Failure;
use crate::http::layers::Client;

/// What images, players and downloads name by address.
const BY_ADDRESS: [&str; 2] = [routes::WEB_CONTENT, routes::WEB_ZIP];

/// Whether a request shows the cookie, and nothing else.
pub(super) fn is_shown(parts: &Parts) -> bool {
    !parts.headers.contains_key(header::AUTHORIZATION) && token(&parts.headers).is_some()
}

/// Whether a page asks with its session, where others need none.
pub(crate) fn asks_with_session(parts: &Parts) -> bool {
    is_shown(parts) && parts.headers.contains_key(headers::WEB)
}

/// Whose browser asks.
///
/// # Errors
/// As for any wrong token; [`Code::Forbidden`] where it may not have been the page that asked.
pub(super) async fn caller(
    parts: &Parts,
    app: &Shared,
    client: Client,
) -> Result<Principal, Failure> {
    if !is_by_page(parts) {
        return Err(Failure::detail(
            Code::Forbidden,
            "a session is for the pages of this server: they send the header Hythe-Web",
        ));
    }
    let unknown = || Failure::new(Code::Unauthenticated);
    let token = token(&parts.headers).ok_or_else(unknown)?;
    let principal = app.files.authenticate_web(&token, Some(client.0)).await;
    principal.map_err(|error| denied(app, client, error))
}

fn is_by_page(parts: &Parts) -> bool {
    if parts.headers.contains_key(headers::WEB) {
        return true;
    }
    let path = parts.extensions.get::<MatchedPath>();
    let reads = parts.method == Method::GET || parts.method == Method::HEAD;
    let named = path.is_some_and(|path| BY_ADDRESS.contains(&path.as_str()));
    let from = parts.headers.get("sec-fetch-site");
    reads && named && from.is_some_and(|from| from == "same-origin")
}

/// The token of the cookie, if there is exactly one.
fn token(headers: &HeaderMap) -> Option<Token> {
    let lines = headers.get_all(header::COOKIE).iter();
    let texts = lines.filter_map(|line| line.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';'));
    let mut found = pairs.filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == headers::COOKIE).then_some(value)
    });
    let value = found.next()?;
    match found.next() {
        Some(_) => None,
        None => value.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn r22_only_one_whole_cookie_of_the_name_is_taken() {
        let hex = "ab".repeat(32);
        let shown = |values: &[&str]| {
            let mut map = HeaderMap::new();
            for value in values {
                map.append(header::COOKIE, HeaderValue::from_str(value).unwrap());
            }
            token(&map).map(|token| token.to_hex())
        };
        let good = format!("__Host-hythe={hex}");
        assert_eq!(shown(&[&good]), Some(hex.clone()));
        assert_eq!(shown(&[&format!("a=b; {good}; c=d")]), Some(hex.clone()));
        for bad in [
            format!("hythe={hex}"),
            format!("__Host-hythe2={hex}"),
            format!("__Host-hythe={}", &hex[2..]),
            format!("__Host-hythe=\"{hex}\""),
            format!("{good}; {good}"),
        ] {
            assert_eq!(shown(&[&bad]), None, "{bad}");
        }
        assert_eq!(shown(&[&good, &good]), None);
    }
}
