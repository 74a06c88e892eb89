//! The server's half of the password protocol, with any bytes for what a client sends: nothing but a
//! finalization that was computed from the password is ever taken.

#![no_main]

use std::sync::OnceLock;

use hythe_wire::IdentityKey;
use hythe_wire::opaque::{LoggingIn, Password, PasswordServer, finish, record};
use libfuzzer_sys::fuzz_target;

/// A server, its identity, and a login that it began for nobody.
struct Scene {
    server: PasswordServer,
    own: IdentityKey,
    state: Vec<u8>,
}

fn scene() -> Scene {
    let server = PasswordServer::draw();
    let own = "11".repeat(32).parse().expect("an identity");
    let (_, request) = LoggingIn::start(Password::new("x")).expect("a login");
    let begun = server
        .begin(&request, b"nobody", None, own)
        .expect("an answer");
    let state = begun.state.to_vec();
    Scene { server, own, state }
}

static SCENE: OnceLock<Scene> = OnceLock::new();

fuzz_target!(|data: &[u8]| {
    let scene = SCENE.get_or_init(scene);
    let Some((kind, bytes)) = data.split_first() else {
        return;
    };
    match kind % 4 {
        0 => drop(scene.server.register(bytes, b"name")),
        1 => {
            // Of a name that there is and of one that there is not.
            let (message, kept) = bytes.split_at(bytes.len().min(96));
            let stored = record(kept).ok();
            drop(
                scene
                    .server
                    .begin(message, b"name", stored.as_deref(), scene.own),
            );
            drop(scene.server.begin(message, b"name", None, scene.own));
        }
        2 => {
            if let Ok(kept) = record(bytes) {
                assert_eq!(record(&kept).as_deref(), Ok(kept.as_slice()));
            }
        }
        _ => assert!(finish(&scene.state, bytes, scene.own).is_err()),
    }
});
