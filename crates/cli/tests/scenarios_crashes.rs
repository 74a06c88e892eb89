//! Scenarios of group G: kill -9 at any moment.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod stage;

use std::fs;
use std::time::Duration;

use stage::Stage;
use stage::chance::{let_run, next, seed};

#[test]
fn sc090_s10_kills_at_random_moments_lose_nothing_and_converge() {
    let mut random = seed() | 1;
    let mut stage = Stage::with_devices(&["a", "b"]);
    for round in 0..6 {
        for n in 0..60 {
            let name = format!("round{round}/f{n:02}");
            stage
                .device("a")
                .write(&name, format!("{round} {n} ").repeat(n * 40));
        }
        stage
            .device("b")
            .write(&format!("of-b/{round}"), format!("b{round}"));
        let_run(&mut random, Duration::from_millis(400));
        match next(&mut random) % 3 {
            0 => {
                stage.device("a").kill();
                stage.device("a").start();
            }
            1 => {
                stage.device("b").kill();
                stage.device("b").start();
            }
            _ => {
                stage.kill_server();
                stage.start_server();
            }
        }
    }
    stage.settle_same();
    let a = stage.device("a");
    for round in 0..6 {
        assert_eq!(
            a.read(&format!("of-b/{round}")),
            format!("b{round}").as_bytes()
        );
        for n in 0..60 {
            let expected = format!("{round} {n} ").repeat(n * 40);
            assert_eq!(
                a.read(&format!("round{round}/f{n:02}")),
                expected.as_bytes()
            );
        }
    }
    let copies: Vec<String> = a
        .names()
        .into_iter()
        .filter(|n| n.contains("(conflict"))
        .collect();
    assert!(copies.is_empty(), "a kill is not an edit: {copies:?}");
    a.ok(&["verify"]);
}

#[test]
fn sc082_a_killed_upload_is_not_committed_twice() {
    let mut random = seed() | 1;
    let mut stage = Stage::with_devices(&["a", "b"]);
    for turn in 0..5 {
        stage.device("a").write("f", format!("value {turn}"));
        let_run(&mut random, Duration::from_millis(40));
        stage.device("a").kill();
        stage.device("a").start();
        stage.device("a").ok(&["wait", "--timeout", "100"]);
    }
    stage.settle_same();
    let text = stage.device("a").ok(&["history", ":/f", "--json"]);
    let history: serde_json::Value = serde_json::from_str(&text).unwrap();
    let versions = history["versions"]
        .as_array()
        .expect("a list of versions")
        .len();
    assert_eq!(versions, 5, "each value once: {text}");
}

#[test]
fn sc085_the_server_keeps_what_it_acknowledged_before_a_kill() {
    let mut stage = Stage::with_devices(&["a"]);
    for turn in 0..8 {
        stage
            .device("a")
            .write(&format!("f{turn}"), format!("value {turn}"));
        stage.device("a").ok(&["wait", "--timeout", "100"]);
        stage.kill_server();
        stage.start_server();
    }
    stage.enrol("b");
    let b = stage.device("b");
    b.ok(&["sync", b.folder.clone().to_str().unwrap()]);
    b.start();
    stage.settle_same();
    assert_eq!(stage.device("b").values().len(), 8);
}

#[test]
fn sc089_a_lost_state_database_is_rebuilt_without_deletes() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    for n in 0..20 {
        stage.device("a").write(&format!("f{n:02}"), format!("{n}"));
    }
    stage.settle_same();
    let before = stage.device("b").names();
    let b = stage.device("b");
    b.stop();
    b.write("f03", "edited while the state was lost");
    for file in ["state.db", "state.db-wal", "state.db-shm"] {
        fs::remove_file(b.home.join(file)).ok();
    }
    let folder = b.folder.clone();
    b.ok(&["sync", folder.to_str().unwrap()]);
    b.start();
    stage.settle_same();
    let names = stage.device("a").names();
    assert!(before.iter().all(|name| names.contains(name)), "{names:?}");
    let values = stage.device("a").values();
    assert!(values.contains(&b"edited while the state was lost".to_vec()));
    assert!(values.contains(&b"3".to_vec()));
}

#[test]
fn sc131_a_second_server_on_the_same_data_refuses_and_names_the_first() {
    let stage = Stage::server_only();
    let mut second = stage.server_command();
    second
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(stage.data());
    let done = second.output().unwrap();
    assert_eq!(done.status.code(), Some(1));
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    let holder = stage
        .server
        .as_ref()
        .map(std::process::Child::id)
        .unwrap()
        .to_string();
    assert!(said.contains(&holder), "{said}");
}
