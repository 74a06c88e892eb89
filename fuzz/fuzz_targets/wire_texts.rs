//! What comes as text or as a certificate: URLs, tokens, problems, identities.

#![no_main]

use hythe_wire::identity::server_identity;
use hythe_wire::invite::ConnectUrl;
use hythe_wire::join::JoinUrl;
use hythe_wire::link_url::LinkUrl;
use hythe_wire::{Problem, Token};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = server_identity(data);
    let _ = serde_json::from_slice::<Problem>(data);
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(token) = text.parse::<Token>() {
        assert_eq!(token.to_hex(), text);
    }
    if let Ok(join) = text.parse::<JoinUrl>() {
        let again = join.to_string().parse::<JoinUrl>();
        assert!(again.is_ok_and(|again| again == join));
    }
    if let Ok(link) = text.parse::<LinkUrl>() {
        let again = link.to_string().parse::<LinkUrl>();
        assert!(again.is_ok_and(|again| again == link));
    }
    let shown = match text.parse::<ConnectUrl>() {
        Ok(ConnectUrl::Invite(invite)) => invite.to_string(),
        Ok(ConnectUrl::Device(device)) => device.to_string(),
        Err(_) => return,
    };
    assert!(shown.parse::<ConnectUrl>().is_ok());
});
