//! Accounts, as who runs the server governs them and who has one meets it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod stage;

use std::process::Output;

use stage::{Stage, success, url_in};

fn command(stage: &Stage, arguments: &[&str]) -> std::process::Command {
    let mut command = stage.server_command();
    command.arg("admin").args(arguments);
    command.arg("--data").arg(stage.data());
    command
}

fn admin(stage: &Stage, arguments: &[&str]) -> String {
    success(&mut command(stage, arguments))
}

fn refused(stage: &Stage, arguments: &[&str], code: i32) -> String {
    let done: Output = command(stage, arguments).output().unwrap();
    assert_eq!(done.status.code(), Some(code), "{arguments:?}");
    String::from_utf8(done.stderr).unwrap()
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn d6_a_suspended_account_waits_and_goes_on_by_itself() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    let users = json(&admin(&stage, &["users", "--json"]));
    let login = users["accounts"][0]["login"].as_str().unwrap().to_owned();
    assert_eq!(users["accounts"][0]["devices"], 2);

    let said = admin(&stage, &["users", "suspend", &login]);
    assert!(said.contains("suspended since"), "{said}");
    let is_cut_off = |now: &serde_json::Value| {
        let reason = now["server"]["reason"].as_str().unwrap_or_default();
        reason.contains("your account on this server is suspended")
    };
    stage.device("a").until(is_cut_off);
    stage.device("a").write("meanwhile", "kept");
    let listed = stage.device("b").run(&["ls", ":/"]);
    assert_eq!(listed.status.code(), Some(3));

    let said = admin(&stage, &["users", "resume", &login]);
    assert!(!said.contains("suspended"), "{said}");
    stage.device("a").until_state("synced");
    stage.device("b").until_state("synced");
    stage.settle_same();
    assert_eq!(stage.device("b").read("meanwhile"), b"kept");

    let audit = admin(&stage, &["audit"]);
    assert!(
        audit.contains(&format!("machine  suspend {login}: done")),
        "{audit}"
    );
    let entries = json(&admin(&stage, &["audit", "--json", "--limit", "1"]));
    assert_eq!(entries["entries"][0]["action"], "resume");
}

#[test]
fn accounts_are_let_in_given_a_role_and_removed() {
    let mut stage = Stage::server_only();
    assert!(admin(&stage, &["users"]).contains("no accounts"));
    assert!(admin(&stage, &["policy", "closed"]).starts_with("closed"));
    assert!(refused(&stage, &["invite"], 1).contains("takes no new accounts"));
    assert_eq!(
        json(&admin(&stage, &["policy", "invite", "--json"]))["registration"],
        "invite"
    );

    let invite = admin(&stage, &["invite", "--login", "ada", "--quota", "2GiB"]);
    assert!(invite.contains("hythe connect URL --login ada"), "{invite}");
    let url = url_in(&invite);
    stage.enrol("first");
    let home = stage.place.path().join("home-ada");
    let connect = |login: &str| {
        let mut command = stage::hythe();
        command.env("HYTHE_HOME", &home);
        command
            .args(["connect", &url, "--login", login])
            .output()
            .unwrap()
    };
    let wrong = connect("bob");
    assert_eq!(wrong.status.code(), Some(1));
    let text = String::from_utf8(wrong.stderr).unwrap();
    assert!(
        text.contains("the invite is for the login name ada"),
        "{text}"
    );
    let right = connect("ada");
    assert!(
        right.status.success(),
        "{}",
        String::from_utf8_lossy(&right.stderr)
    );

    let said = admin(&stage, &["users", "role", "ada", "admin"]);
    assert!(
        said.starts_with("ada, admin, 1 device, 0 B of 2.0 GiB"),
        "{said}"
    );
    let said = admin(&stage, &["users", "remove", "ada"]);
    assert!(said.contains("suspended, will be removed on"), "{said}");
    assert!(!admin(&stage, &["users", "resume", "ada"]).contains("removed"));
    assert_eq!(
        admin(&stage, &["users", "remove", "ada", "--after", "0"]),
        "ada was removed.\n"
    );
    assert!(refused(&stage, &["users", "resume", "ada"], 1).contains("no such account"));
    assert!(!admin(&stage, &["users"]).contains("ada"));
    admin(&stage, &["check"]);
    refused(&stage, &["policy", "maybe"], 2);
    let mut nowhere = stage.server_command();
    let nowhere = nowhere.args(["admin", "users"]).output().unwrap();
    assert_eq!(nowhere.status.code(), Some(2));
}
