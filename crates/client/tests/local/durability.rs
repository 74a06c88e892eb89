//! What must be on the disk before what (S10). A power cut cannot be had here; the order of the
//! system calls that make one harmless can: each test runs itself again under `strace`.

use std::process::{Command, Stdio};

use hythe_client::state::StateError;

use crate::ground::{Ground, done, tree};

/// Set in the traced process.
const TRACED: &str = "HYTHE_TEST_TRACED";

/// The calls of interest of a traced run of the test `name`; none in the traced process itself,
/// which is to do the work, and none where there is no `strace`.
fn traced(name: &str) -> Option<Vec<String>> {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("trace");
    let status = Command::new("strace")
        .args([
            "-f",
            "-y",
            "-e",
            "trace=fsync,fdatasync,syncfs,renameat2,unlinkat",
            "-o",
        ])
        .arg(&out)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env(TRACED, "1")
        .stdout(Stdio::null())
        .status();
    match status {
        Ok(status) => assert!(status.success(), "the traced process failed"),
        Err(error) => {
            eprintln!("SKIPPED: strace, which is needed here, cannot be run: {error}");
            return None;
        }
    }
    let text = std::fs::read_to_string(out).unwrap();
    Some(text.lines().map(str::to_owned).collect())
}

fn is_traced() -> bool {
    std::env::var_os(TRACED).is_some()
}

/// Position of the first call after `start` whose line has all these parts.
#[track_caller]
fn position(calls: &[String], start: usize, parts: &[&str]) -> usize {
    let fits = |call: &&String| parts.iter().all(|part| call.contains(part));
    let found = calls.iter().skip(start).position(|call| fits(&call));
    start
        + found.unwrap_or_else(|| panic!("no {parts:?} after call {start}:\n{}", calls.join("\n")))
}

#[test]
fn s10_bytes_are_on_the_disk_before_the_name_and_the_name_before_the_record() {
    if is_traced() {
        let ground = Ground::new();
        let mut staged = vec![ground.staged("content")];
        let mut batch = ground.root.batch();
        batch.flush(&mut staged).unwrap();
        done(batch.place_new(staged.remove(0), &tree("placed")));
        batch.finish().unwrap();
        return;
    }
    let name =
        "durability::s10_bytes_are_on_the_disk_before_the_name_and_the_name_before_the_record";
    let Some(calls) = traced(name) else { return };
    let bytes = position(&calls, 0, &["fsync(", ".hythe/staging/"]);
    let placed = position(
        &calls,
        bytes,
        &["renameat2(", "\"placed\"", "RENAME_NOREPLACE"],
    );
    position(&calls, placed, &["fsync(", "/folder>"]);
}

#[test]
fn s10_a_file_that_was_not_flushed_is_flushed_when_it_replaces() {
    if is_traced() {
        let ground = Ground::new();
        ground.write("f", "old");
        let mut batch = ground.root.batch();
        done(batch.replace(ground.staged("new"), &tree("f"), &ground.stamp("f"), None));
        batch.finish().unwrap();
        return;
    }
    let name = "durability::s10_a_file_that_was_not_flushed_is_flushed_when_it_replaces";
    let Some(calls) = traced(name) else { return };
    let bytes = position(&calls, 0, &["fsync(", ".hythe/staging/"]);
    let exchanged = position(&calls, bytes, &["renameat2(", "\"f\"", "RENAME_EXCHANGE"]);
    let directory = position(&calls, exchanged, &["fsync(", "/folder>"]);
    assert!(position(&calls, exchanged, &["unlinkat(", ".hythe/out"]) < directory);
}

#[test]
fn s10_many_files_cost_one_sync_before_and_one_after() {
    if is_traced() {
        let ground = Ground::new();
        for n in 0..10 {
            std::fs::create_dir(ground.at(&format!("d{n}"))).unwrap();
        }
        let mut staged: Vec<_> = (0..100).map(|n| ground.staged(&format!("{n}"))).collect();
        let mut batch = ground.root.batch();
        batch.flush(&mut staged).unwrap();
        for (n, staged) in staged.into_iter().enumerate() {
            done(batch.place_new(staged, &tree(&format!("d{}/placed {n}", n % 10))));
        }
        batch.finish().unwrap();
        return;
    }
    let name = "durability::s10_many_files_cost_one_sync_before_and_one_after";
    let Some(calls) = traced(name) else { return };
    let before = position(&calls, 0, &["syncfs("]);
    let first = position(&calls, before, &["\"placed 0\""]);
    let last = position(&calls, first, &["\"placed 99\""]);
    position(&calls, last, &["syncfs("]);
    assert_eq!(
        calls.iter().filter(|call| call.contains("syncfs(")).count(),
        2
    );
    let singly = calls
        .iter()
        .filter(|call| call.contains("fsync(") && call.contains("staging"));
    assert_eq!(singly.count(), 0);
}

#[test]
fn s10_what_others_wrote_is_on_the_disk_before_it_is_recorded() {
    if is_traced() {
        let ground = Ground::new();
        ground.write("f", "saved and not synced");
        let mut batch = ground.root.batch();
        batch.include(&tree("f")).unwrap();
        batch.include(&tree("removed")).unwrap();
        batch.finish().unwrap();
        return;
    }
    let name = "durability::s10_what_others_wrote_is_on_the_disk_before_it_is_recorded";
    let Some(calls) = traced(name) else { return };
    let bytes = position(&calls, 0, &["fsync(", "/folder/f>"]);
    position(&calls, bytes, &["fsync(", "/folder>"]);
    assert!(!calls.iter().any(|call| call.contains("syncfs(")));
}

#[test]
fn s10_many_files_of_others_cost_one_sync_of_everything() {
    if is_traced() {
        let ground = Ground::new();
        let mut batch = ground.root.batch();
        for n in 0..20 {
            let name = format!("f{n}");
            ground.write(&name, "saved and not synced");
            batch.include(&tree(&name)).unwrap();
        }
        batch.finish().unwrap();
        return;
    }
    let name = "durability::s10_many_files_of_others_cost_one_sync_of_everything";
    let Some(calls) = traced(name) else { return };
    position(&calls, 0, &["syncfs(", "/folder>"]);
    let singly = calls.iter().filter(|call| call.contains("/folder/f"));
    assert!(singly.count() <= 3, "{}", calls.join("\n"));
}

#[test]
fn s11_a_change_is_acknowledged_when_it_is_on_the_disk_and_an_observation_before() {
    if is_traced() {
        let ground = Ground::new();
        let set = |key: &'static str| {
            move |tx: &hythe_client::state::Tx<'_>| -> Result<(), StateError> {
                tx.set_setting(key, b"x")
            }
        };
        let mark = |name: &str| {
            let handle = hythe_client::os::open_root(ground.home.path()).unwrap();
            assert!(hythe_client::os::remove_file(handle, name.as_bytes()).is_err());
        };
        ground.state.write(set("first")).wait().unwrap();
        mark("mark-1");
        for _ in 0..20 {
            ground.state.observe(set("observed")).wait().unwrap();
        }
        mark("mark-2");
        ground.state.write(set("last")).wait().unwrap();
        mark("mark-3");
        return;
    }
    let name =
        "durability::s11_a_change_is_acknowledged_when_it_is_on_the_disk_and_an_observation_before";
    let Some(calls) = traced(name) else { return };
    let marks =
        ["mark-1", "mark-2", "mark-3"].map(|mark| position(&calls, 0, &["unlinkat(", mark]));
    let syncs = |from: usize, to: usize| {
        let between = calls.iter().take(to).skip(from);
        between
            .filter(|call| call.contains("sync(") && call.contains("state.db-wal"))
            .count()
    };
    assert_eq!(
        syncs(marks[0], marks[1]),
        0,
        "an observation waits for nothing"
    );
    assert!(
        syncs(marks[1], marks[2]) >= 1,
        "a change waits for the disk"
    );
}
