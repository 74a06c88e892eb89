//! Accounts as their owners type them: password, recovery code.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod stage;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use stage::{Stage, hythe, success, url_in};

/// A server, and homes beside it.
struct Scene {
    stage: Stage,
}

impl Scene {
    fn new() -> Self {
        Self {
            stage: Stage::server_only(),
        }
    }

    fn home(&self, name: &str) -> PathBuf {
        self.stage.place.path().join(name)
    }

    fn url(&self) -> String {
        format!("https://{}/", self.stage.listen)
    }

    fn invite(&self) -> String {
        let mut command = self.stage.server_command();
        command
            .args(["admin", "invite", "--data"])
            .arg(self.stage.data());
        url_in(&success(&mut command))
    }

    /// Runs a command in a home, with lines on its standard input.
    fn run(&self, home: &str, arguments: &[&str], input: &[&str]) -> Output {
        let mut command = hythe();
        command
            .args(arguments)
            .env("HYTHE_HOME", self.home(home))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        for line in input {
            // A program that ended without reading closed the pipe: that is fine.
            let _ = writeln!(stdin, "{line}");
        }
        drop(stdin);
        child.wait_with_output().unwrap()
    }

    fn ok(&self, home: &str, arguments: &[&str], input: &[&str]) -> String {
        let done = self.run(home, arguments, input);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{arguments:?}: {said}");
        String::from_utf8(done.stdout).unwrap()
    }

    /// What a command that must fail says, and how it ends.
    fn refused(&self, home: &str, arguments: &[&str], input: &[&str]) -> (i32, String) {
        let done = self.run(home, arguments, input);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        (done.status.code().unwrap(), said)
    }

    /// An account with a password; its recovery code.
    fn register(&self, home: &str, login: &str, password: &str) -> String {
        let invite = self.invite();
        let arguments = ["account", "register", &invite, "--login", login];
        let said = self.ok(home, &arguments, &[password, password]);
        code_in(&said)
    }
}

/// The line of an output that is a recovery code.
fn code_in(text: &str) -> String {
    let is_code = |line: &&str| line.len() == 42 && line.matches('-').count() == 8;
    text.lines().find(is_code).unwrap().to_owned()
}

#[test]
fn d10_a_password_brings_a_second_device_in() {
    let scene = Scene::new();
    let _ = scene.register("a", "ada", "a small haven");
    let file = scene.home("plan.txt");
    std::fs::write(&file, "the plan").unwrap();
    scene.ok("a", &["put", file.to_str().unwrap(), ":/plan.txt"], &[]);

    let connect = ["connect", &scene.url(), "--login", "ada"];
    let (exit, said) = scene.refused("b", &connect, &["a smell haven"]);
    assert_eq!(exit, 1);
    assert!(said.contains("name or the password is wrong"), "{said}");
    scene.ok("b", &connect, &["a small haven"]);
    assert_eq!(scene.ok("b", &["cat", ":/plan.txt"], &[]), "the plan");
}

#[test]
fn passwords_are_asked_for_twice_and_have_a_length() {
    let scene = Scene::new();
    let invite = scene.invite();
    let register = ["account", "register", &invite];
    let cases: [(&[&str], &str); 4] = [
        (&["short", "short"], "8 to 256 characters"),
        (&["a small haven", "a small heaven"], "differ"),
        (&["a small haven"], "ended before a line came"),
        (&[], "ended before a line came"),
    ];
    for (input, expected) in cases {
        let (exit, said) = scene.refused("a", &register, input);
        assert_eq!(exit, 2, "{said}");
        assert!(said.contains(expected), "{said}");
    }
    // Nothing of it was used up.
    scene.ok("a", &register, &["a small haven", "a small haven"]);
}

#[test]
fn d10_the_recovery_code_is_confirmed_and_opens_the_account() {
    let scene = Scene::new();
    let code = scene.register("a", "ada", "a small haven");
    assert!(
        scene
            .ok("a", &["status"], &[])
            .contains("Nobody has confirmed")
    );
    assert_eq!(code_in(&scene.ok("a", &["account", "recovery"], &[])), code);
    let confirm = ["account", "recovery", "--confirm"];
    let mut wrong = code.clone();
    wrong.replace_range(0..1, if code.starts_with('0') { "1" } else { "0" });
    assert_eq!(scene.refused("a", &confirm, &[&wrong]).0, 2);
    scene.ok("a", &confirm, &[&code.to_lowercase()]);
    assert!(
        !scene
            .ok("a", &["status"], &[])
            .contains("Nobody has confirmed")
    );
    assert!(!scene.ok("a", &["account", "recovery"], &[]).contains(&code));

    // All devices are lost, and the password is forgotten.
    let recover = ["account", "recover", &scene.url(), "--login", "ada"];
    scene.ok("new", &recover, &[&code]);
    let forgotten = ["account", "password", "--forgotten"];
    let lines = [code.as_str(), "another haven", "another haven"];
    scene.ok("new", &forgotten, &lines);
    let connect = ["connect", &scene.url(), "--login", "ada"];
    assert_eq!(scene.refused("b", &connect, &["a small haven"]).0, 1);
    scene.ok("b", &connect, &["another haven"]);
}

#[test]
fn an_account_of_an_invite_alone_works_as_before_and_gets_a_password() {
    let scene = Scene::new();
    let said = scene.ok("a", &["connect", &scene.invite(), "--login", "ada"], &[]);
    let code = code_in(&said);
    let told: serde_json::Value =
        serde_json::from_str(&scene.ok("a", &["account", "--json"], &[])).unwrap();
    assert_eq!(told["login"], "ada");
    assert_eq!(
        (&told["password"], &told["recovery"]),
        (&false.into(), &true.into())
    );
    assert_eq!(told["recovery_confirmed"], false);

    scene.ok(
        "a",
        &["account", "password"],
        &["a small haven", "a small haven"],
    );
    let connect = ["connect", &scene.url(), "--login", "ada"];
    scene.ok("b", &connect, &["a small haven"]);

    // To change it, the present one is asked for first.
    let change = ["a small haven", "another haven", "another haven"];
    scene.ok("b", &["account", "password"], &change);
    let (exit, said) = scene.refused("b", &["account", "password"], &change);
    assert_eq!(exit, 1);
    assert!(said.contains("password is wrong"), "{said}");

    // A new code ends the old one.
    let file = scene.home("code");
    let renew = [
        "account",
        "recovery",
        "--renew",
        "--forgotten",
        "--recovery-file",
        file.to_str().unwrap(),
    ];
    scene.ok("a", &renew, &[&code]);
    let new = std::fs::read_to_string(&file).unwrap();
    assert!(new.trim() != code && mode(&file) == 0o600);
    let recover = ["account", "recover", &scene.url()];
    assert_eq!(scene.refused("c", &recover, &[&code]).0, 1);
    scene.ok("c", &recover, &[new.trim()]);

    scene.ok(
        "a",
        &["account", "password", "--remove"],
        &["another haven"],
    );
    assert_eq!(scene.refused("d", &connect, &["another haven"]).0, 1);
}

#[test]
fn d10_another_device_lets_a_new_one_in_by_its_code() {
    let scene = Scene::new();
    let _ = scene.register("a", "ada", "a small haven");
    let mut command = hythe();
    command
        .args(["connect", &scene.url(), "--approve", "--device-name", "new"])
        .env("HYTHE_HOME", scene.home("b"))
        .stdout(Stdio::piped());
    let mut asking = command.spawn().unwrap();
    let mut lines = BufReader::new(asking.stdout.take().unwrap()).lines();
    let code = lines.nth(1).unwrap().unwrap();
    assert_eq!(code.len(), 24);
    let approve = ["devices", "approve"];
    assert_eq!(scene.refused("a", &approve, &["nonsense"]).0, 2);
    assert_eq!(
        scene
            .refused("a", &approve, &["0000-0000-0000-0000-0000"])
            .0,
        1
    );
    assert_eq!(scene.refused("a", &approve, &[&code, "n"]).0, 1);
    let said = scene.ok("a", &approve, &[&code, "y"]);
    assert!(
        said.contains("\"new\"") && said.contains("127.0.0.1"),
        "{said}"
    );
    assert!(asking.wait().unwrap().success());
    assert!(scene.ok("b", &["status"], &[]).contains("new of ada\n"));
    assert!(scene.ok("a", &["devices"], &[]).contains("new  "));
}

#[test]
fn a16_a_device_that_came_is_shown_on_the_others_until_they_look() {
    let mut stage = Stage::with_devices(&["a"]);
    let news = |status: &serde_json::Value| status["account"]["new_devices"].clone();
    // Once it is connected, it knows who is there.
    stage
        .device("a")
        .until(|status| status["server"]["connected"] == true);
    stage.device("a").ok(&["devices"]);
    assert_eq!(news(&stage.device("a").status()), 0);
    stage.enrol("b");
    stage.device("a").until(|status| news(status) == 1);
    assert!(
        stage
            .device("a")
            .ok(&["status"])
            .contains("1 device has come to the account")
    );
    stage.device("a").ok(&["devices"]);
    stage.device("a").until(|status| news(status) == 0);

    stage.device("a").ok(&["devices", "remove", "b"]);
    let text = stage.device("a").ok(&["account", "history"]);
    let lines: Vec<&str> = text.lines().map(|line| &line[25..]).collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert!(lines[0].starts_with("account made with \"a\" ("), "{text}");
    assert!(
        lines[1].starts_with("the recovery code was set, by \"a\" ("),
        "{text}"
    );
    assert!(
        lines[2].starts_with("a URL for one more device was given out"),
        "{text}"
    );
    assert!(
        lines[3].starts_with("device ") && lines[3].ends_with(" came, by a URL"),
        "{text}"
    );
    assert!(lines[4].contains(" was cut off, by \"a\" ("), "{text}");
}

#[test]
fn the_first_start_of_up_gives_the_recovery_code() {
    let place = tempfile::tempdir().unwrap();
    let (home, file) = (place.path().join("home"), place.path().join("code"));
    let mut command = hythe();
    command
        .args(["up", "--listen", "127.0.0.1:0", "--recovery-file"])
        .arg(&file)
        .arg(place.path().join("folder"))
        .env("HYTHE_HOME", &home)
        .stdout(Stdio::piped());
    let mut up = command.spawn().unwrap();
    let mut lines = BufReader::new(up.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.starts_with("Its recovery code is in "), "{first}");
    assert_eq!(mode(&file), 0o600);
    let _ = code_in(&std::fs::read_to_string(&file).unwrap());
    up.kill().unwrap();
    up.wait().unwrap();
}

#[test]
fn an_account_is_renamed_and_its_devices_learn_it() {
    let scene = Scene::new();
    let _ = scene.register("a", "ada", "a small haven");
    let add = url_in(&scene.ok("a", &["devices", "add"], &[]));
    // Whoever comes by URL need not know the name.
    scene.ok("b", &["connect", &add], &[]);
    assert!(scene.ok("b", &["status"], &[]).contains(" of ada\n"));
    let edit = [
        "account",
        "edit",
        "--login",
        "lovelace",
        "--name",
        "Ada Lovelace",
    ];
    scene.ok("a", &edit, &[]);
    let told: serde_json::Value =
        serde_json::from_str(&scene.ok("b", &["account", "--json"], &[])).unwrap();
    assert_eq!(
        (&told["login"], &told["name"]),
        (&"lovelace".into(), &"Ada Lovelace".into())
    );
    assert_eq!(scene.refused("b", &["account", "edit"], &[]).0, 2);
    scene.ok(
        "c",
        &["connect", &scene.url(), "--login", "lovelace"],
        &["a small haven"],
    );
}

#[test]
fn r20_a_login_takes_the_code_of_an_authenticator_besides() {
    let scene = Scene::new();
    let code = scene.register("a", "ada", "a small haven");
    // The secret is drawn anew each time until a code of it was shown.
    let (exit, _) = scene.refused("a", &["account", "totp"], &["000000"]);
    assert_eq!(exit, 1);
    let mut command = hythe();
    command
        .args(["account", "totp"])
        .env("HYTHE_HOME", scene.home("a"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let secret = lines.nth(1).unwrap().unwrap();
    writeln!(child.stdin.take().unwrap(), "{}", code_now(&secret, 0)).unwrap();
    assert!(child.wait().unwrap().success());

    let connect = ["connect", &scene.url(), "--login", "ada"];
    let (exit, said) = scene.refused("b", &connect, &["a small haven"]);
    assert_eq!(exit, 2, "{said}");
    let next = code_now(&secret, 1);
    scene.ok("b", &connect, &["a small haven", &next]);
    assert_eq!(scene.refused("c", &connect, &["a small haven", &next]).0, 1);
    scene.ok(
        "a",
        &["account", "totp", "--remove", "--forgotten"],
        &[&code],
    );
    scene.ok("c", &connect, &["a small haven"]);
}

/// The code that an authenticator with this secret shows, so many steps from now.
fn code_now(secret: &str, steps: u64) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let totp = totp_rs::Builder::new()
        .with_secret(secret)
        .with_account_name("ada");
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    totp.build()
        .unwrap()
        .generate(now.as_secs() + steps * 30)
        .to_string()
}

fn mode(file: &Path) -> u32 {
    std::fs::metadata(file).unwrap().permissions().mode() & 0o777
}

#[test]
fn e7_a_new_password_renews_the_keys_of_the_spaces() {
    let scene = Scene::new();
    let _ = scene.register("a", "ada", "a small haven");
    let change = ["a small haven", "another haven", "another haven"];
    let said = scene.ok("a", &["account", "password"], &change);
    assert!(!said.contains("not replaced yet"), "{said}");
    let file = scene.home("after.txt");
    std::fs::write(&file, "after").unwrap();
    scene.ok("a", &["put", file.to_str().unwrap(), ":/after.txt"], &[]);
    scene.ok(
        "b",
        &["connect", &scene.url(), "--login", "ada"],
        &["another haven"],
    );
    assert_eq!(scene.ok("b", &["cat", ":/after.txt"], &[]), "after");
    let log = scene.ok("b", &["verify"], &[]);
    assert!(!log.is_empty());
}
