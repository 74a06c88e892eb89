//! Invite and device URLs.

use hythe_model::{AccountId, Secret32};
use hythe_wire::invite::{ConnectUrl, DeviceUrl, InviteUrl, UrlError, server_url};
use hythe_wire::{IdentityKey, Token};
use proptest::prelude::*;

fn parse(text: &str) -> Result<ConnectUrl, UrlError> {
    text.parse()
}

fn refused(text: &str) -> Option<UrlError> {
    parse(text).err()
}

proptest! {
    #[test]
    fn urls_come_back(
        host in prop_oneof![
            Just("example.org".to_owned()), Just("127.0.0.1".to_owned()), Just("[::1]".to_owned()),
        ],
        port in 1_u16..,
        fields: [[u8; 32]; 3],
    ) {
        let server = server_url(&format!("https://{host}:{port}")).unwrap();
        let [identity, second, third] = fields;
        let invite = InviteUrl {
            server: server.clone(),
            identity: IdentityKey(identity),
            token: Token(Secret32::new(second)),
        };
        let text = invite.to_string();
        let start = format!("{server}#i=");
        prop_assert!(text.starts_with(&start));
        prop_assert!(parse(&text).unwrap() == ConnectUrl::Invite(invite));
        let device = DeviceUrl {
            server,
            identity: IdentityKey(identity),
            account: AccountId(second),
            secret: Secret32::new(third),
        };
        let text = device.to_string();
        prop_assert!(text.len() < 200, "fits into a small QR code");
        let pasted = [" ", &text, "\n"].concat();
        prop_assert!(parse(&pasted).unwrap() == ConnectUrl::Device(device));
        prop_assert!(text.parse::<InviteUrl>().is_err());
    }
}

fn invite() -> String {
    let server = server_url("https://example.org").unwrap();
    let (identity, token) = (IdentityKey([1; 32]), Token(Secret32::new([2; 32])));
    InviteUrl {
        server,
        identity,
        token,
    }
    .to_string()
}

#[test]
fn a_url_that_was_cut_or_changed_is_told_apart() {
    let whole = invite();
    assert!(parse(&whole).is_ok());
    for length in 0..whole.len() {
        assert!(parse(&whole[..length]).is_err(), "{length}");
    }
    assert_eq!(refused("https://example.org/"), Some(UrlError::Fragment));
    assert_eq!(
        refused(&whole.replace("#i=", "#d=")),
        Some(UrlError::Fragment)
    );
    assert_eq!(
        refused(&whole.replace("#i=", "#x=")),
        Some(UrlError::Fragment)
    );
    assert_eq!(refused(&format!("{whole}A")), Some(UrlError::Fragment));
    // The first six bits are the upper ones of the version.
    assert_eq!(
        refused(&whole.replace("#i=A", "#i=B")),
        Some(UrlError::Version)
    );
    assert_eq!(
        refused(&format!("{whole}{}", "A".repeat(600))),
        Some(UrlError::Fragment)
    );
}

#[test]
fn only_the_bare_address_of_a_server_is_taken() {
    assert_eq!(
        server_url("https://example.org:7443").unwrap().port(),
        Some(7443)
    );
    assert!(server_url("http://127.0.0.1:8080/").is_ok());
    for text in [
        "",
        "example.org",
        "ftp://example.org/",
        "file:///etc/passwd",
        "https://",
        "https://example.org/path",
        "https://example.org/?q",
        "https://user@example.org/",
        "https://user:pass@example.org/",
        "https://example.org/#i=x",
        "javascript:alert(1)",
    ] {
        assert_eq!(server_url(text), Err(UrlError::Server), "{text}");
    }
}

#[test]
fn tokens_are_exactly_64_digits() {
    let good = "0f".repeat(32);
    let token: Token = good.parse().unwrap();
    assert_eq!(token.to_hex(), good);
    assert_eq!(token.authorization("Bearer"), format!("Bearer {good}"));
    for bad in [
        "",
        &good[1..],
        &format!("{good}0"),
        &good.replace('f', "F"),
        &good.replace('f', "g"),
    ] {
        assert!(bad.parse::<Token>().is_err(), "{bad}");
    }
}
