//! Scenarios of groups G and J: kill -9 at any moment, server state that goes back in time.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod stage;

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use stage::Stage;

/// A seed for the moments of the kills; printed, and taken from `HYTHE_SEED` to repeat a run.
fn seed() -> u64 {
    let given = std::env::var("HYTHE_SEED")
        .ok()
        .and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(|| u64::from(std::process::id()));
    println!("HYTHE_SEED={seed}");
    seed
}

fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Lets the daemons work for a random while: the moment of a kill is the thing under test.
fn let_run(state: &mut u64, up_to: Duration) {
    let pause = Duration::from_micros(next(state) % u64::try_from(up_to.as_micros()).unwrap());
    let begin = Instant::now();
    while begin.elapsed() < pause {
        std::thread::yield_now();
    }
}

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

fn copy_all(from: &std::path::Path, to: &std::path::Path) {
    fs::remove_dir_all(to).ok();
    stage::success(Command::new("cp").arg("-a").arg(from).arg(to));
}

#[test]
fn sc123_d4_a_restored_server_makes_clients_bring_back_what_they_have() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    for name in ["kept", "edited", "deleted"] {
        stage.device("a").write(name, format!("old {name}"));
    }
    stage.settle_same();
    stage.stop_server();
    let backup = stage.place.path().join("backup");
    copy_all(&stage.data(), &backup);
    stage.start_server();
    let a = stage.device("a");
    a.write("new", "made after the backup");
    a.write("edited", "edited after the backup");
    fs::remove_file(a.path("deleted")).unwrap();
    stage.settle_same();
    stage.stop_server();
    let data = stage.data();
    copy_all(&backup, &data);
    stage.start_server();
    stage.settle_same();
    let b = stage.device("b");
    assert_eq!(b.read("new"), b"made after the backup");
    let edited = b"edited after the backup".to_vec();
    assert!(b.values().contains(&edited), "{:?}", b.names());
    assert_eq!(b.read("kept"), b"old kept");
}

#[test]
fn sc125_a_device_that_was_offline_at_the_restore_loses_nothing() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    stage.device("a").write("shared", "base");
    stage.settle_same();
    stage.stop_server();
    let backup = stage.place.path().join("backup");
    copy_all(&stage.data(), &backup);
    stage.start_server();
    stage.device("b").write("from-b", "made after the backup");
    stage.settle_same();
    stage.device("b").stop();
    stage.stop_server();
    let data = stage.data();
    copy_all(&backup, &data);
    stage.start_server();
    stage.device("a").ok(&["wait", "--timeout", "100"]);
    stage.device("b").write("offline", "made offline");
    stage.device("b").start();
    stage.settle_same();
    let a = stage.device("a");
    assert_eq!(a.read("from-b"), b"made after the backup");
    assert_eq!(a.read("offline"), b"made offline");
    assert_eq!(a.read("shared"), b"base");
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
