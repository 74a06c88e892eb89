//! Lists of users: imported, exported, and what the users then find.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod stage;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use stage::{Stage, hythe, success};

const LIST: &str = "<users>
  <user><user_name>ada</user_name><password>canary-secret</password><clients>
    <client><ip>192.0.2.7</ip><port>7000</port><path>/home/ada/R&amp;D</path>
      <files><file>a.txt</file><file>b.txt</file></files></client>
    <client><ip/><port/><path/><files/></client>
  </clients></user>
  <user><user_name>bob</user_name><password/></user>
</users>";

fn admin(stage: &Stage, arguments: &[&str]) -> Command {
    let mut command = stage.server_command();
    command.args(["admin", "users"]).args(arguments);
    command.arg("--data").arg(stage.data());
    command
}

fn list(stage: &Stage, name: &str, text: &str) -> String {
    let path: PathBuf = stage.place.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

fn json(command: &mut Command) -> Value {
    serde_json::from_str(&success(command)).unwrap()
}

/// Enters an account from a new home, and puts a file there.
fn enter(stage: &Stage, home: &str, how: &[&str], typed: &str) -> Output {
    let home = stage.place.path().join(home);
    let url = format!("https://{}/", stage.listen);
    let mut child = hythe()
        .env("HYTHE_HOME", &home)
        .args(how)
        .arg(&url)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{typed}").unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_list_of_users_is_imported_and_they_get_in() {
    let stage = Stage::server_only();
    let file = list(&stage, "users.xml", LIST);

    let (out, err) = said(
        &admin(&stage, &["import", &file, "--dry-run"])
            .output()
            .unwrap(),
    );
    assert!(
        out.contains("ada: will be made with its password, 2 devices to be enrolled"),
        "{out}"
    );
    assert!(err.contains("1 password in plain text"), "{err}");
    assert!(success(&mut admin(&stage, &[])).contains("no accounts"));

    let (out, err) = said(&admin(&stage, &["import", &file]).output().unwrap());
    assert!(out.contains("bob: made without a password"), "{out}{err}");
    assert!(
        out.ends_with("`hythe account recovery --renew --forgotten`.\n"),
        "{out}"
    );
    let code = out
        .lines()
        .find_map(|line| line.split("shown only now: ").nth(1))
        .unwrap();
    let users = success(&mut admin(&stage, &[]));
    assert!(users.contains("ada, 0 devices"), "{users}");
    let enrol = "to be enrolled: 192.0.2.7 port 7000, /home/ada/R&D with a.txt, b.txt";
    assert!(users.contains(enrol), "{users}");

    // Twice changes nothing.
    let (before, after) = (success(&mut admin(&stage, &["export"])), {
        let again = json(&mut admin(&stage, &["import", &file, "--json"]));
        assert_eq!(again["users"][0]["outcome"], "there");
        success(&mut admin(&stage, &["export"]))
    });
    assert_eq!(before, after);

    let wrong = enter(
        &stage,
        "w",
        &["connect", "--login", "ada"],
        "canary-secrets",
    );
    assert_eq!(wrong.status.code(), Some(1));
    let right = enter(&stage, "a", &["connect", "--login", "ada"], "canary-secret");
    assert!(right.status.success(), "{:?}", said(&right));
    let right = enter(&stage, "b", &["account", "recover"], code);
    assert!(right.status.success(), "{:?}", said(&right));
    for home in ["a", "b"] {
        let home = stage.place.path().join(home);
        success(hythe().env("HYTHE_HOME", &home).args(["mkdir", ":/mine"]));
        let listed = success(hythe().env("HYTHE_HOME", &home).args(["ls", ":/"]));
        assert!(listed.starts_with("mine"), "{listed}");
    }
    let mut audit = stage.server_command();
    audit.args(["admin", "audit", "--data"]).arg(stage.data());
    let audit = success(&mut audit);
    let line = "machine  import-user ada (with a password, 2 devices to enrol): done";
    assert!(audit.contains(line), "{audit}");
    assert!(!audit.contains("canary"), "{audit}");
    let mut check = stage.server_command();
    success(check.args(["admin", "check", "--data"]).arg(stage.data()));
}

#[test]
fn an_export_that_is_imported_is_exported_again() {
    let mut stage = Stage::with_devices(&["a"]);
    let file = list(&stage, "users.xml", LIST);
    let codes = stage.place.path().join("codes");
    let codes = codes.to_str().unwrap();
    let done = success(&mut admin(
        &stage,
        &["import", &file, "--recovery-file", codes],
    ));
    let written = std::fs::read_to_string(codes).unwrap();
    assert!(
        written.starts_with("bob\t") && !done.contains(written[4..].trim()),
        "{done}"
    );
    // A device and its folder are a client, with the path that it told.
    let folder = stage.device("a").folder.to_str().unwrap().to_owned();
    let tells = |out: &str| out.contains(&format!("<path>{folder}</path>"));
    stage::wait_until("the folder is told", || {
        tells(&success(&mut admin(&stage, &["export"])))
    });
    let xml = success(&mut admin(&stage, &["export"]));
    assert!(
        xml.contains("<path>/home/ada/R&amp;D</path>") && xml.contains("<ip>127.0.0.1</ip>"),
        "{xml}"
    );
    assert!(!xml.contains("canary"), "{xml}");
    let first = json(&mut admin(&stage, &["export", "--format", "json"]));

    // To a server that does not run: the command takes its place.
    let mut other = Stage::server_only();
    other.stop_server();
    let file = list(&other, "again.xml", &xml);
    success(&mut admin(&other, &["import", &file]));
    assert_eq!(success(&mut admin(&other, &["export"])), xml);
    assert_eq!(
        json(&mut admin(&other, &["export", "--format", "json"])),
        first
    );
}

#[test]
fn a_bad_list_imports_nothing_and_names_the_line() {
    let stage = Stage::server_only();
    let file = list(
        &stage,
        "users.xml",
        &LIST.replace("<port>7000", "<port>70000"),
    );
    let (_, err) = said(&admin(&stage, &["import", &file]).output().unwrap());
    assert!(err.contains("line 3: this is no port"), "{err}");
    assert!(success(&mut admin(&stage, &[])).contains("no accounts"));
}
