//! HTTP Basic (RFC 7617): a login name and an app password.

use axum::extract::MatchedPath;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use data_encoding::BASE64;
use zeroize::Zeroizing;

use hythe_wire::app_password::AppPassword;
use hythe_wire::{Code, headers, limits, routes};

use super::denied;
use crate::files::Principal;
use crate::http::app::Shared;
use crate::http::error::Failure;
use crate::http::layers::Client;

/// What of the API an app password may ask: who it is, and which spaces it reaches. Everything else is
/// for devices, which have the keys to read it.
const REACHABLE: [(Method, &str); 2] = [
    (Method::GET, routes::ACCOUNT),
    (Method::GET, routes::SPACES),
];

/// Longest header that is looked at.
const MAX_BYTES: usize = 4 * limits::MAX_TEXT_BYTES;

/// A login name and what was shown with it, not yet looked up; none: not an app password.
pub(crate) struct Basic {
    login: String,
    password: Option<AppPassword>,
}

/// What a request shows, where it shows HTTP Basic.
pub(crate) fn shown(headers: &HeaderMap) -> Option<Basic> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() || value.len() > MAX_BYTES {
        return None;
    }
    let (scheme, text) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case(headers::BASIC) {
        return None;
    }
    let bytes = Zeroizing::new(BASE64.decode(text.trim().as_bytes()).ok()?);
    let (login, password) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
    Some(Basic {
        login: login.to_owned(),
        password: password.parse().ok(),
    })
}

/// Who showed an app password. Called by every door that takes one.
///
/// # Errors
/// As for any wrong token.
pub(crate) async fn principal(
    app: &Shared,
    client: Client,
    shown: Basic,
) -> Result<Principal, Failure> {
    let Some(password) = shown.password else {
        let unknown = crate::files::Denied::TokenUnknown;
        return Err(denied(app, client, unknown.into()));
    };
    let principal = app.files.authenticate_app(&shown.login, &password).await;
    principal.map_err(|error| denied(app, client, error))
}

/// Who showed an app password to a route of the API.
pub(super) async fn caller(
    parts: &Parts,
    app: &Shared,
    client: Client,
    shown: Basic,
) -> Result<Principal, Failure> {
    let principal = principal(app, client, shown).await?;
    let path = parts
        .extensions
        .get::<MatchedPath>()
        .map(MatchedPath::as_str);
    let reaches =
        |(method, route): &(Method, &str)| *method == parts.method && path == Some(*route);
    match REACHABLE.iter().any(reaches) {
        true => Ok(principal),
        false => Err(Failure::detail(
            Code::Forbidden,
            "an app password does not reach this",
        )),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for value in values {
            map.append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        map
    }

    #[test]
    fn r1_only_one_whole_header_is_taken_and_only_an_app_password_counts() {
        let password = AppPassword::new([7; 20]).to_string();
        let value = |text: &str| format!("basic {}", BASE64.encode(text.as_bytes()));
        let good = value(&format!("ada:{password}"));
        let found = shown(&headers(&[&good])).unwrap();
        assert_eq!(found.login, "ada");
        assert!(
            found
                .password
                .is_some_and(|one| one.to_string() == password)
        );
        // A login name without a password, or with one of another kind, is a guess like any other.
        for text in ["ada:", "ada:secret", ":", "a:b:c"] {
            assert!(shown(&headers(&[&value(text)])).unwrap().password.is_none());
        }
        for bad in ["Basic", "Basic ", "Basic !", "Bearer YTpi", &value("ada")] {
            assert!(shown(&headers(&[bad])).is_none(), "{bad}");
        }
        assert!(shown(&headers(&[&good, &good])).is_none());
        let long = value(&format!("{}:{password}", "a".repeat(MAX_BYTES)));
        assert!(shown(&headers(&[&long])).is_none());
    }
}
