//! Logins by password: among themselves, and with what a browser's implementation made.

use hythe_wire::IdentityKey;
use hythe_wire::Token;
use hythe_wire::opaque::{
    EXPORT_KEY_BYTES, LoggedIn, LoggingIn, OpaqueError, Password, PasswordServer, Registering,
    finish, record,
};
use serde_json::Value;

const HERE: IdentityKey = IdentityKey([7; 32]);
const ELSEWHERE: IdentityKey = IdentityKey([8; 32]);
const CREDENTIAL: &[u8] = b"credential";

/// A server that keeps the record of a password, and its client's export key.
fn registered(password: &str) -> (PasswordServer, Vec<u8>, [u8; EXPORT_KEY_BYTES]) {
    let server = PasswordServer::draw();
    let server = PasswordServer::from_bytes(&server.to_bytes()).unwrap();
    let (client, request) = Registering::start(Password::new(password)).unwrap();
    let response = server.register(&request, CREDENTIAL).unwrap();
    let (upload, key) = client.finish(&response, HERE).unwrap();
    (server, record(&upload).unwrap(), *key.0)
}

/// A login; `seen` is the identity that the client believes the server to have.
fn log_in(
    server: &PasswordServer,
    record: Option<&[u8]>,
    password: &str,
    seen: IdentityKey,
) -> Result<(LoggedIn, Result<Token, OpaqueError>), OpaqueError> {
    let (client, request) = LoggingIn::start(Password::new(password)).unwrap();
    let begun = server.begin(&request, CREDENTIAL, record, HERE).unwrap();
    let done = client.finish(&begun.response, seen)?;
    let token = finish(&begun.state, &done.finalization, HERE);
    Ok((done, token))
}

#[test]
fn d10_the_right_password_leaves_both_sides_with_one_token() {
    let (server, record, key) = registered("a haven, small");
    let (done, token) = log_in(&server, Some(&record), "a haven, small", HERE).unwrap();
    assert!(token.unwrap() == done.token);
    assert_eq!(*done.export_key.0, key);
    let (again, token) = log_in(&server, Some(&record), "a haven, small", HERE).unwrap();
    assert!(again.token != done.token && token.unwrap() == again.token);
}

#[test]
fn r20_a_wrong_password_and_an_unknown_name_look_the_same() {
    let (server, record, _) = registered("a haven, small");
    let wrong = log_in(&server, Some(&record), "a haven, smell", HERE);
    let unknown = log_in(&server, None, "a haven, small", HERE);
    assert_eq!(wrong.err(), Some(OpaqueError::Wrong));
    assert_eq!(unknown.err(), Some(OpaqueError::Wrong));
    let length = |record: Option<&[u8]>| {
        let (_, request) = LoggingIn::start(Password::new("x")).unwrap();
        let begun = server.begin(&request, CREDENTIAL, record, HERE).unwrap();
        begun.response.len()
    };
    assert_eq!(length(Some(&record)), length(None));
}

#[test]
fn a25_whoever_stands_in_between_cannot_finish() {
    let (server, record, _) = registered("a haven, small");
    // The client sees the other's identity; its messages are passed on to the real server.
    let relayed = log_in(&server, Some(&record), "a haven, small", ELSEWHERE);
    assert_eq!(relayed.err(), Some(OpaqueError::Wrong));
}

#[test]
fn a_finalization_fits_its_own_login_only() {
    let (server, record, _) = registered("a haven, small");
    let (first, _) = log_in(&server, Some(&record), "a haven, small", HERE).unwrap();
    let (_, request) = LoggingIn::start(Password::new("a haven, small")).unwrap();
    let other = server
        .begin(&request, CREDENTIAL, Some(&record), HERE)
        .unwrap();
    let refused = finish(&other.state, &first.finalization, HERE);
    assert_eq!(refused.err(), Some(OpaqueError::Wrong));
}

#[test]
fn a_password_is_the_same_on_every_keyboard() {
    let (server, record, _) = registered("h\u{e4}fen sind sch\u{f6}n");
    let typed = "ha\u{308}fen sind scho\u{308}n";
    assert!(log_in(&server, Some(&record), typed, HERE).is_ok());
}

#[test]
fn a29_bad_messages_are_errors() {
    let (server, record, _) = registered("a haven, small");
    for length in [0, 1, 31, 32, 64, 96, 320, 512] {
        let bytes = vec![0xff; length];
        assert!(server.register(&bytes, CREDENTIAL).is_err());
        assert!(
            server
                .begin(&bytes, CREDENTIAL, Some(&record), HERE)
                .is_err()
        );
        assert!(hythe_wire::opaque::record(&bytes).is_err());
        assert!(finish(&vec![0; length], &bytes, HERE).is_err());
        let (client, _) = LoggingIn::start(Password::new("x")).unwrap();
        assert!(client.finish(&bytes, HERE).is_err());
        let (client, _) = Registering::start(Password::new("x")).unwrap();
        assert!(client.finish(&bytes, HERE).is_err());
    }
    // A23: the identity of the group is no element.
    assert!(server.register(&[0; 32], CREDENTIAL).is_err());
}

/// Made by `golden/opaque-browser.mjs`.
fn browser(field: &str) -> String {
    let vector: Value = serde_json::from_str(include_str!("golden/opaque-browser.json")).unwrap();
    vector[field].as_str().unwrap().to_owned()
}

fn bytes(field: &str) -> Vec<u8> {
    data_encoding::HEXLOWER
        .decode(browser(field).as_bytes())
        .unwrap()
}

#[test]
fn a_password_that_a_browser_set_opens_here() {
    let server = PasswordServer::from_bytes(&bytes("server_setup")).unwrap();
    let record = record(&bytes("record")).unwrap();
    assert_eq!(browser("identity"), HERE.to_string());
    let (done, token) = log_in(&server, Some(&record), &browser("password"), HERE).unwrap();
    assert!(token.unwrap() == done.token);
    assert_eq!(done.export_key.0.as_slice(), bytes("export_key"));
}

#[test]
fn a_login_that_a_browser_finished_is_taken_here() {
    let token = finish(&bytes("login_state"), &bytes("login_finalization"), HERE).unwrap();
    let session = blake3::derive_key("hythe 1 login token", &bytes("session_key"));
    assert!(token.0.expose() == &session);
}
