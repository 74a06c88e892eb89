//! The `Authorization` header.

use axum::http::{HeaderMap, header};

use hythe_wire::Token;

/// The token of the header, if there is exactly one header of that scheme with one in it.
pub(super) fn bearer(headers: &HeaderMap, scheme: &str) -> Option<Token> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (shown, token) = value.split_once(' ')?;
    if !shown.eq_ignore_ascii_case(scheme) {
        return None;
    }
    token.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for value in values {
            map.append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        map
    }

    #[test]
    fn r1_only_one_whole_token_of_the_scheme_is_taken() {
        let token = "ab".repeat(32);
        let good = format!("bearer {token}");
        assert!(bearer(&headers(&[&good]), "Bearer").is_some());
        for bad in [
            "Bearer",
            "Bearer ",
            &format!("Basic {token}"),
            &format!("Hythe-Invite {token}"),
            &format!("Bearer {}", &token[1..]),
            &format!("Bearer {}zz", &token[2..]),
            &format!("Bearer {token} {token}"),
        ] {
            assert!(bearer(&headers(&[bad]), "Bearer").is_none(), "{bad}");
        }
        assert!(bearer(&headers(&[&good, &good]), "Bearer").is_none());
        assert!(bearer(&HeaderMap::new(), "Bearer").is_none());
    }
}
