//! Quotas, as who runs the server sets them and who has an account meets them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod stage;

use std::fs;

use stage::{Stage, noise, success, wait_until};

/// `hythe admin` on the server's data.
fn admin(stage: &Stage, arguments: &[&str]) -> String {
    let mut command = stage.server_command();
    command.arg("admin").args(&arguments[..1]);
    command.arg("--data").arg(stage.data());
    success(command.args(&arguments[1..]))
}

fn quotas(stage: &Stage) -> serde_json::Value {
    serde_json::from_str(&admin(stage, &["quota", "--json"])).unwrap()
}

fn login(stage: &Stage) -> String {
    let login = &quotas(stage)["accounts"][0]["login"];
    login.as_str().unwrap().to_owned()
}

#[test]
fn sc105_what_has_no_room_waits_and_goes_on_by_itself() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    let login = login(&stage);
    stage.device("a").write("before", "before");
    stage.settle_same();
    admin(&stage, &["quota", &login, "3MiB"]);

    // A large file beside the passes, one in a pass, and what fits: it does not wait for them (C3).
    let a = stage.device("a");
    a.write("large", noise(1, 20 << 20));
    a.write("middle", noise(5, 4 << 20));
    a.write("fits", noise(9, 1 << 20));
    a.write("note", "fits too");
    fs::rename(a.path("before"), a.path("after")).unwrap();
    let waited = a.run(&["wait", "--timeout", "100"]);
    assert_eq!(waited.status.code(), Some(3));
    stage.device("b").ok(&["wait", "--timeout", "100"]);
    assert_eq!(stage.device("b").names(), ["after", "fits", "note"]);

    let a = stage.device("a");
    // What the server said of the account before holds for some seconds.
    let said = || String::from_utf8(a.run(&["status"]).stdout).unwrap();
    wait_until("the usage is told", || {
        said().contains("1.0 MiB of 3.0 MiB used on the server")
    });
    assert_eq!(a.run(&["status"]).status.code(), Some(3));
    let text = said();
    assert!(
        text.contains("! large: there is no room for 20 MiB: your account uses "),
        "{text}"
    );
    assert!(
        text.contains("! middle: there is no room for 4.0 MiB: your account uses "),
        "{text}"
    );
    assert!(
        text.contains("next: Ask whoever runs the server for more room"),
        "{text}"
    );
    assert_eq!(a.read("large"), noise(1, 20 << 20), "it stays here");
    // Nothing was sent in vain: what was refused left no bytes behind.
    let account = &quotas(&stage)["accounts"][0];
    assert!(
        account["used_bytes"].as_u64().unwrap() < 2 << 20,
        "{account}"
    );
    assert_eq!(account["reserved_bytes"], 0);

    admin(&stage, &["quota", &login, "none"]);
    stage.device("a").until_state("synced");
    stage.settle_same();
}

#[test]
fn without_a_daemon_a_command_says_that_there_is_no_room() {
    let mut stage = Stage::server_only();
    stage.enrol("a");
    let login = login(&stage);
    admin(&stage, &["quota", &login, "1200KiB"]);
    let source = stage.place.path().join("source");
    for (length, code) in [(3 << 20, 1), (1 << 20, 0), (1 << 20, 0), (200_000, 1)] {
        fs::write(&source, noise(length + u64::from(code == 1), length)).unwrap();
        let put = stage
            .device("a")
            .run(&["put", source.to_str().unwrap(), ":/file"]);
        let text = String::from_utf8(put.stderr).unwrap();
        assert_eq!(put.status.code(), Some(code), "{length}: {text}");
        if code == 1 {
            assert!(
                text.contains("There is not enough room on the server"),
                "{text}"
            );
            assert!(
                text.contains("next:  Ask whoever runs the server"),
                "{text}"
            );
        }
        // The second time the same content needs no room.
    }
}

#[test]
fn an_administrator_sees_and_sets_limits() {
    let mut stage = Stage::server_only();
    admin(&stage, &["quota", "--default", "5GiB"]);
    stage.enrol("a");
    let all = quotas(&stage);
    assert_eq!(all["default_limit_bytes"], 5_u64 << 30);
    let account = &all["accounts"][0];
    assert_eq!(account["limit_bytes"], 5_u64 << 30);
    let login = account["login"].as_str().unwrap();
    let space = all["spaces"][0]["space"].as_str().unwrap();

    let text = admin(&stage, &["quota", login, "1500MB"]);
    assert!(text.contains(&format!("{login}: 0 B of 1.3 GiB")), "{text}");
    let text = admin(&stage, &["quota", space, "1GiB"]);
    assert!(
        text.contains(&format!("personal space {space}: 0 B of 1.0 GiB")),
        "{text}"
    );
    let text = admin(&stage, &["quota"]);
    assert!(text.starts_with("new accounts: 5.0 GiB\n"), "{text}");

    for (wrong, code) in [
        (["quota", "nobody", "1GiB"], 1),
        (["quota", login, "1.5 GiB"], 2),
    ] {
        let mut command = stage.server_command();
        command
            .arg("admin")
            .args(wrong)
            .arg("--data")
            .arg(stage.data());
        assert_eq!(
            command.output().unwrap().status.code(),
            Some(code),
            "{wrong:?}"
        );
    }
    let checked = admin(&stage, &["check", "--recount"]);
    assert!(
        checked.starts_with("0 spaces were counted wrong"),
        "{checked}"
    );
}
