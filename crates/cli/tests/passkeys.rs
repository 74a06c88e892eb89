//! Passkeys at the command line, which cannot use them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod stage;

use std::process::Stdio;

use hythe_client::keys::KeyStore;
use hythe_client::net::Api;
use hythe_testkit::SoftPasskey;
use hythe_wire::factor::{PasskeyBegin, PasskeyFinish};
use stage::{Stage, hythe, success, url_in};

const PASSWORD: &str = "a small haven";

/// A server that has a name, and homes beside it.
struct Scene {
    stage: Stage,
}

impl Scene {
    /// With an account; its recovery code.
    fn new() -> (Self, String) {
        let mut stage = Stage::server_only();
        stage.kill_server();
        stage.serve(&["--public-url", "https://hythe.test/"]);
        let scene = Self { stage };
        let mut invite = scene.stage.server_command();
        invite
            .args(["admin", "invite", "--data"])
            .arg(scene.stage.data());
        let invite = url_in(&success(&mut invite));
        // Nobody answers at the name here.
        let invite = invite.replace("https://hythe.test/", &scene.url());
        let register = ["account", "register", &invite, "--login", "ada"];
        let (_, said) = scene.run("a", &register, &[PASSWORD, PASSWORD]);
        let is_code = |line: &&str| line.len() == 42 && line.matches('-').count() == 8;
        let code = said.lines().find(is_code).unwrap().to_owned();
        (scene, code)
    }

    fn url(&self) -> String {
        format!("https://{}/", self.stage.listen)
    }

    /// Runs a command in a home; how it ended, and what it said.
    fn run(&self, home: &str, arguments: &[&str], input: &[&str]) -> (i32, String) {
        let mut command = hythe();
        command
            .args(arguments)
            .env("HYTHE_HOME", self.stage.place.path().join(home))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines: String = input.iter().map(|line| format!("{line}\n")).collect();
        // A program that ended without reading closed the pipe: that is fine.
        let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), lines.as_bytes());
        let done = child.wait_with_output().unwrap();
        let said = [done.stdout, done.stderr].concat();
        (
            done.status.code().unwrap(),
            String::from_utf8(said).unwrap(),
        )
    }

    /// What a browser would do that shows the server's page.
    fn add_passkey(&self, name: &str) {
        let keys = self.stage.place.path().join("a").join("keys");
        let keys = KeyStore::open(keys).unwrap().device().unwrap().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let api = Api::new(&keys.server, &keys.token).unwrap();
            let begun = api.begin_passkey(&PasskeyBegin::default()).await.unwrap();
            let (_, created) = SoftPasskey::create(&begun.options, "https://hythe.test");
            let made = PasskeyFinish {
                name: name.into(),
                client_data: created.client_data,
                attestation: created.attestation,
                transports: vec![],
            };
            api.finish_passkey(&made).await.unwrap();
        });
    }
}

#[test]
fn r20_where_only_a_passkey_is_taken_the_recovery_code_is_named() {
    let (scene, code) = Scene::new();
    let (_, said) = scene.run("a", &["account", "passkeys"], &[]);
    assert_eq!(said, "There is no passkey.\n");
    scene.add_passkey("Blue key");
    let (_, said) = scene.run("a", &["account", "passkeys"], &[]);
    assert_eq!(said, "Blue key  never used\n");
    let (_, said) = scene.run("a", &["account"], &[]);
    assert!(said.contains("takes a passkey besides"), "{said}");

    let connect = ["connect", &scene.url(), "--login", "ada"];
    let (exit, said) = scene.run("b", &connect, &[PASSWORD]);
    assert_eq!(exit, 1, "{said}");
    assert!(said.contains("only a browser can use"), "{said}");
    assert!(said.contains("hythe account recover"), "{said}");
    let (exit, said) = scene.run("a", &["account", "password"], &[PASSWORD]);
    assert_eq!(exit, 1, "{said}");
    assert!(said.contains("--forgotten"), "{said}");
    for change in [
        &["account", "totp"][..],
        &["account", "passkeys", "--remove", "Blue key"],
    ] {
        let (exit, said) = scene.run("a", change, &[]);
        assert_eq!(exit, 1, "{said}");
        assert!(said.contains("--forgotten"), "{said}");
    }

    let mut remove = vec!["account", "passkeys", "--remove", "Red key", "--forgotten"];
    let (exit, said) = scene.run("a", &remove, &[&code]);
    assert_eq!(exit, 1);
    assert!(said.contains("no passkey of this name"), "{said}");
    remove[3] = "Blue key";
    let (exit, said) = scene.run("a", &remove, &[&code]);
    assert_eq!(exit, 0, "{said}");
    let (exit, said) = scene.run("b", &connect, &[PASSWORD]);
    assert_eq!(exit, 0, "{said}");
}
