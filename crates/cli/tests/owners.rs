//! App passwords and the end of an account, as typed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod stage;

use std::io::Write;
use std::process::{Output, Stdio};

use stage::Stage;

/// Runs a command of the first device, with lines on its standard input.
fn typed(stage: &Stage, arguments: &[&str], lines: &[&str]) -> Output {
    let mut command = stage.devices[0].command(arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for line in lines {
        // A program that ended without reading closed the pipe: that is fine.
        let _ = writeln!(stdin, "{line}");
    }
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn said(output: &Output) -> (Option<i32>, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

fn account(stage: &Stage) -> serde_json::Value {
    let shown = stage.devices[0].ok(&["account", "--json"]);
    serde_json::from_str(&shown).unwrap()
}

#[test]
fn an_app_password_is_made_listed_and_ended() {
    let mut stage = Stage::server_only();
    stage.enrol("a");
    let device = &stage.devices[0];
    device.ok(&["spaces", "create", "Photos"]);
    device.ok(&["spaces", "create", "Diary", "--sealed"]);
    let made = device.ok(&[
        "account",
        "app-password",
        "create",
        "phone",
        "--read-only",
        "--space",
        "Photos",
    ]);
    let password = made.lines().last().unwrap();
    assert_eq!(password.len(), 39, "{made}");
    device.ok(&["account", "app-password", "create", "all"]);
    let listed = device.ok(&["account", "app-password", "list"]);
    assert!(listed.contains("phone  reads Photos  made "), "{listed}");
    assert!(
        listed.contains("all  reads and writes all open spaces"),
        "{listed}"
    );
    assert!(
        listed.contains("never used") && !listed.contains(password),
        "{listed}"
    );
    let again = device.run(&["account", "app-password", "create", "phone"]);
    assert!(
        said(&again)
            .1
            .contains("there is an app password of that name")
    );
    let sealed = device.run(&["account", "app-password", "create", "x", "--space", "Diary"]);
    assert!(said(&sealed).1.contains("reaches no sealed space"));
    device.ok(&["account", "app-password", "remove", "phone"]);
    let listed = device.ok(&["account", "app-password", "list", "--json"]);
    assert!(
        !listed.contains("phone") && listed.contains("all"),
        "{listed}"
    );
}

#[test]
fn an_owner_deletes_the_account_with_its_password_and_keeps_it() {
    let mut stage = Stage::server_only();
    stage.enrol("a");
    let login = account(&stage)["login"].as_str().unwrap().to_owned();
    let (code, text) = said(&typed(&stage, &["account", "delete"], &["somebody"]));
    assert_eq!(code, Some(2), "{text}");
    let set = typed(
        &stage,
        &["account", "password"],
        &["correct horse", "correct horse"],
    );
    assert!(set.status.success());
    let (code, text) = said(&typed(
        &stage,
        &["account", "delete"],
        &[&login, "wrong horse"],
    ));
    assert_eq!(code, Some(1), "{text}");
    assert!(account(&stage)["removal_ms"].is_null());
    let (code, text) = said(&typed(
        &stage,
        &["account", "delete"],
        &[&login, "correct horse"],
    ));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("The account is deleted on "), "{text}");
    assert!(account(&stage)["removal_ms"].is_i64());
    let shown = stage.devices[0].ok(&["account"]);
    assert!(
        shown.contains("`hythe account delete --cancel` keeps it"),
        "{shown}"
    );
    // Whoever only looks at the status hears of it.
    stage.devices[0].start();
    let told = |stage: &Stage| stage.devices[0].status()["account"]["removal_ms"].clone();
    stage::wait_until("the status tells it", || told(&stage).is_i64());
    let shown = stage.devices[0].ok(&["status"]);
    assert!(
        shown.contains("`hythe account delete --cancel` keeps it"),
        "{shown}"
    );
    let kept = stage.devices[0].ok(&["account", "delete", "--cancel"]);
    assert_eq!(kept, "The account stays.\n");
    assert!(account(&stage)["removal_ms"].is_null());
    stage::wait_until("the status tells it no more", || told(&stage).is_null());
}
