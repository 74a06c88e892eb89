//! Sync folders that the user moved or copied: found again by their marker, and asked for first.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod stage;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use stage::{Device, Stage};

/// Two devices that share sixty files, and what the server holds then.
fn filled() -> (Stage, Value) {
    let stage = Stage::with_sixty_files();
    let held = stage.stats();
    (stage, held)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn rename(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::rename(from, to).unwrap();
}

fn copy(from: &Path, to: &Path) {
    stage::success(Command::new("cp").arg("-a").arg(from).arg(to));
}

/// Waits until the first folder of a device is said to be at a place.
fn until_found(device: &Device, at: &Path) {
    device.until(|now| now["folders"][0]["moved"]["dir"] == text(at));
    device.until_state("unavailable");
}

/// The command that `status` gives as the next step, typed as it stands.
fn do_as_status_says(device: &Device) {
    let status = device.run(&["status"]);
    assert_eq!(status.status.code(), Some(3), "a person is needed");
    let said = String::from_utf8(status.stdout).unwrap();
    let next = said
        .lines()
        .find_map(|line| line.split_once("To go on there: "));
    let (_, command) = next.unwrap_or_else(|| panic!("no next step in {said}"));
    let command = command.replacen("hythe", env!("CARGO_BIN_EXE_hythe"), 1);
    let mut shell = Command::new("bash");
    shell.args(["-c", &command]).env("HYTHE_HOME", &device.home);
    stage::success(&mut shell);
}

fn answered(device: &Device, arguments: &[&str], answer: &str) -> Output {
    let mut command = device.command(arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(answer.as_bytes()).unwrap();
    drop(input);
    child.wait_with_output().unwrap()
}

fn errors(done: &Output) -> String {
    String::from_utf8_lossy(&done.stderr).into_owned()
}

/// Syncing goes on at the new place, both ways, and moving it there sent nothing.
fn assert_goes_on(stage: &mut Stage, held: &Value, at: PathBuf) {
    stage.device("a").folder = at;
    stage.settle_same();
    assert_eq!(stage.device("b").values().len(), 60);
    assert_eq!(stage.stats(), *held, "the server was sent something");
    stage.device("a").write("after", "the move");
    stage.device("b").write("d/f00", "edited after");
    stage.settle_same();
    assert_eq!(stage.device("b").read("after"), b"the move");
    assert_eq!(stage.device("a").read("d/f00"), b"edited after");
}

#[test]
fn sc135_a_folder_moved_while_the_daemon_runs_is_asked_for_and_goes_on_without_a_transfer() {
    let (mut stage, held) = filled();
    let old = stage.device("a").folder.clone();
    // Deeper than any search looks: an open handle is what leads there.
    let new = stage.place.path().join("My archive/1/2/3/4/5/6/it's here");
    rename(&old, &new);
    until_found(stage.device("a"), &new);
    let status = stage.device("a").status();
    assert_eq!(status["folders"][0]["moved"]["same"], true);
    assert_eq!(
        status["folders"][0]["dir"],
        text(&old),
        "nothing is done alone"
    );
    assert_eq!(stage.stats(), held);
    do_as_status_says(stage.device("a"));
    assert_goes_on(&mut stage, &held, new);
}

#[test]
fn sc135_a_folder_moved_while_the_daemon_was_stopped_is_found_by_its_marker() {
    let (mut stage, held) = filled();
    let old = stage.device("a").folder.clone();
    let new = stage.place.path().join("archive/old/files");
    stage.device("a").stop();
    rename(&old, &new);
    // What took its place is not what it was.
    fs::create_dir(&old).unwrap();
    stage.device("a").start();
    until_found(stage.device("a"), &new);
    fs::remove_dir(&old).unwrap();
    do_as_status_says(stage.device("a"));
    assert_goes_on(&mut stage, &held, new);
}

#[test]
fn what_was_found_is_forgotten_when_the_folder_is_back() {
    let (mut stage, held) = filled();
    let old = stage.device("a").folder.clone();
    let new = old.with_file_name("aside");
    rename(&old, &new);
    until_found(stage.device("a"), &new);
    rename(&new, &old);
    stage.device("a").ok(&["resume"]);
    stage.settle_same();
    assert_eq!(
        stage.device("a").status()["folders"][0]["moved"],
        Value::Null
    );
    assert_eq!(stage.stats(), held);
}

#[test]
fn syncing_a_moved_folder_asks_and_goes_on_after_a_yes() {
    let (mut stage, held) = filled();
    let old = stage.device("a").folder.clone();
    let new = old.with_file_name("elsewhere");
    stage.device("a").stop();
    rename(&old, &new);
    let a = stage.device("a");
    let sync = ["sync", text(&new)];
    let unasked = a.run(&sync);
    assert_eq!(unasked.status.code(), Some(2), "{}", errors(&unasked));
    let refused = answered(a, &sync, "n\n");
    assert_eq!(refused.status.code(), Some(1), "{}", errors(&refused));
    assert!(
        errors(&refused).contains(text(&old)),
        "{}",
        errors(&refused)
    );
    let unclear = answered(a, &sync, "perhaps\n");
    assert_eq!(unclear.status.code(), Some(2), "{}", errors(&unclear));
    let folders = a.status()["folders"].clone();
    assert_eq!(folders[0]["dir"], text(&old), "nothing was done: {folders}");
    let agreed = answered(a, &sync, "y\n");
    assert_eq!(agreed.status.code(), Some(0), "{}", errors(&agreed));
    a.start();
    assert_goes_on(&mut stage, &held, new);
}

#[test]
fn a_copy_is_not_taken_for_a_folder_that_moved() {
    let (mut stage, held) = filled();
    let folder = stage.device("a").folder.clone();
    let other = folder.with_file_name("copy");
    copy(&folder, &other);
    stage.settle_same();
    let a = stage.device("a");
    assert_eq!(a.status()["folders"][0]["moved"], Value::Null);
    let added = a.run(&["sync", "--yes", text(&other)]);
    let moved = a.run(&["sync", "--move", text(&folder), text(&other)]);
    for refused in [added, moved] {
        let said = errors(&refused);
        assert_eq!(refused.status.code(), Some(1), "{said}");
        let what = format!("is a copy of your sync folder {}", text(&folder));
        assert!(said.contains(&what), "{said}");
    }
    stage.settle_same();
    assert_eq!(stage.stats(), held);
    // Without the marker it is a directory like any other.
    fs::remove_dir_all(other.join(".hythe")).unwrap();
    stage.device("a").ok(&["sync", text(&other)]);
    stage.settle_same();
    assert_eq!(stage.device("b").values().len(), 60);
}

#[test]
fn sc138_a_copy_whose_original_is_gone_is_called_one_and_goes_on_with_zero_deletes() {
    let (mut stage, held) = filled();
    let folder = stage.device("a").folder.clone();
    let other = folder.with_file_name("copy");
    // As `mv` to another file system does it.
    copy(&folder, &other);
    fs::remove_file(other.join("d/f07")).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    until_found(stage.device("a"), &other);
    assert_eq!(
        stage.device("a").status()["folders"][0]["moved"]["same"],
        false
    );
    stage.device("a").ok(&["sync", "--yes", text(&other)]);
    assert_goes_on(&mut stage, &held, other);
}
