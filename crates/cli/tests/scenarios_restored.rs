//! Scenarios of group J: a server that was restored from a copy, and what devices bring back.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod stage;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use stage::Stage;
use stage::chance::{let_run, seed};

fn copy_all(from: &Path, to: &Path) {
    fs::remove_dir_all(to).ok();
    stage::success(Command::new("cp").arg("-a").arg(from).arg(to));
}

/// Copies the server's data while it is down.
fn back_up(stage: &mut Stage) {
    stage.stop_server();
    copy_all(&stage.data(), &stage.place.path().join("backup"));
    stage.start_server();
}

/// Puts the copy in place of the data.
fn restore(stage: &mut Stage) {
    stage.stop_server();
    copy_all(&stage.place.path().join("backup"), &stage.data());
    stage.start_server();
}

fn wait(stage: &mut Stage, device: &str) {
    stage.device(device).ok(&["wait", "--timeout", "100"]);
}

fn copies(stage: &mut Stage) -> Vec<String> {
    let names = stage.device("b").names().into_iter();
    names.filter(|name| name.contains("(conflict")).collect()
}

fn versions(stage: &mut Stage, path: &str) -> usize {
    let text = stage.device("a").ok(&["history", path, "--json"]);
    let history: serde_json::Value = serde_json::from_str(&text).unwrap();
    history["versions"].as_array().unwrap().len()
}

#[test]
fn sc123_d4_a_restored_server_makes_clients_bring_back_what_they_have() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    for name in ["kept", "edited", "deleted", "folder/moved", "folder/in"] {
        stage.device("a").write(name, format!("old {name}"));
    }
    stage.settle_same();
    back_up(&mut stage);
    let a = stage.device("a");
    a.write("new", "made after the backup");
    a.write("new folder/new", "made after the backup");
    a.write("edited", "edited after the backup");
    fs::remove_file(a.path("deleted")).unwrap();
    fs::rename(a.path("folder/moved"), a.path("moved away")).unwrap();
    fs::rename(a.path("folder"), a.path("renamed")).unwrap();
    stage.settle_same();
    let told = stage.device("b").ok(&["status"]);
    assert!(!told.contains("copy of its data"), "{told}");
    restore(&mut stage);
    stage.settle_same();
    let b = stage.device("b");
    assert_eq!(b.read("new"), b"made after the backup");
    assert_eq!(b.read("new folder/new"), b"made after the backup");
    assert_eq!(b.read("edited"), b"edited after the backup");
    assert_eq!(b.read("kept"), b"old kept");
    assert_eq!(b.read("moved away"), b"old folder/moved");
    assert_eq!(b.read("renamed/in"), b"old folder/in");
    assert_eq!(b.read("deleted"), b"old deleted", "never a delete");
    let expected = [
        "deleted",
        "edited",
        "kept",
        "moved away",
        "new",
        "new folder",
        "new folder/new",
        "renamed",
        "renamed/in",
    ];
    assert_eq!(b.names(), expected, "nothing twice");
    let told = b.ok(&["status"]);
    assert!(told.contains("came back from a copy of its data"), "{told}");
    assert_eq!(versions(&mut stage, ":/edited"), 2, "on top of the old one");
    assert_eq!(versions(&mut stage, ":/kept"), 1);
    // It is the same server from now on, and what is deleted now is deleted.
    fs::remove_file(stage.device("b").path("deleted")).unwrap();
    stage.settle_same();
    assert!(!stage.device("a").path("deleted").exists());
    stage.device("a").ok(&["verify"]);
}

#[test]
fn sc124_what_others_wrote_after_the_restore_keeps_its_name() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    for name in ["both", "only a", "place"] {
        stage.device("a").write(name, "old");
    }
    stage.settle_same();
    back_up(&mut stage);
    // Only a has what comes after the backup.
    stage.device("b").stop();
    let a = stage.device("a");
    a.write("both", "of a, after the backup");
    a.write("only a", "of a, after the backup");
    fs::rename(a.path("place"), a.path("place of a")).unwrap();
    wait(&mut stage, "a");
    stage.device("a").stop();
    restore(&mut stage);
    let b = stage.device("b");
    b.write("both", "of b, after the restore");
    fs::rename(b.path("place"), b.path("place of b")).unwrap();
    b.start();
    wait(&mut stage, "b");
    stage.device("a").start();
    stage.settle_same();
    let b = stage.device("b");
    assert_eq!(b.read("both"), b"of b, after the restore");
    assert_eq!(b.read("only a"), b"of a, after the backup");
    assert_eq!(b.read("place of b"), b"old");
    assert!(!b.path("place of a").exists() && !b.path("place").exists());
    let copies = copies(&mut stage);
    assert_eq!(copies.len(), 1, "{copies:?}");
    assert!(copies[0].starts_with("both (conflict"), "{copies:?}");
    assert_eq!(
        stage.device("b").read(&copies[0]),
        b"of a, after the backup"
    );
}

#[test]
fn sc125_a_device_that_was_offline_at_the_restore_loses_nothing() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    stage.device("a").write("shared", "base");
    stage.settle_same();
    back_up(&mut stage);
    stage.device("b").write("from-b", "made after the backup");
    stage.settle_same();
    stage.device("b").stop();
    restore(&mut stage);
    wait(&mut stage, "a");
    stage.device("b").write("offline", "made offline");
    stage.device("b").start();
    stage.settle_same();
    let a = stage.device("a");
    assert_eq!(a.read("from-b"), b"made after the backup");
    assert_eq!(a.read("offline"), b"made offline");
    assert_eq!(a.read("shared"), b"base");
}

#[test]
fn sc125_a_device_that_comes_days_later_makes_no_copies_of_what_came_back() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    stage.device("a").write("brought back", "old");
    stage.device("a").write("edited on", "old");
    stage.settle_same();
    back_up(&mut stage);
    for name in ["brought back", "edited on"] {
        stage.device("a").write(name, "after the backup");
    }
    stage.settle_same();
    stage.device("b").stop();
    restore(&mut stage);
    wait(&mut stage, "a");
    stage.device("a").write("edited on", "after the restore");
    wait(&mut stage, "a");
    stage.device("b").start();
    stage.settle_same();
    let b = stage.device("b");
    assert_eq!(b.read("brought back"), b"after the backup");
    assert_eq!(b.read("edited on"), b"after the restore");
    assert_eq!(b.names().len(), 2, "{:?}", b.names());
}

#[test]
fn sc123_a_device_that_never_saw_the_lost_tail_goes_on() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    stage.device("a").write("f", "old");
    stage.device("a").write("unseen", "old");
    stage.settle_same();
    back_up(&mut stage);
    stage.device("b").stop();
    stage.device("a").write("unseen", "after the backup");
    wait(&mut stage, "a");
    stage.device("a").stop();
    restore(&mut stage);
    let b = stage.device("b");
    b.write("f", "edited offline");
    fs::remove_file(b.path("unseen")).unwrap();
    b.start();
    wait(&mut stage, "b");
    stage.device("a").start();
    stage.settle_same();
    let b = stage.device("b");
    assert_eq!(b.read("f"), b"edited offline");
    assert_eq!(
        b.read("unseen"),
        b"after the backup",
        "an edit beats a delete"
    );
    assert_eq!(b.names().len(), 2, "{:?}", b.names());
}

#[test]
fn sc123_s10_a_device_killed_while_it_compares_brings_everything_back() {
    let mut random = seed() | 1;
    let mut stage = Stage::with_devices(&["a", "b"]);
    let name = |n: usize| format!("d{}/f{n:03}", n % 7);
    for n in 0..120 {
        stage.device("a").write(&name(n), format!("old {n}"));
    }
    stage.settle_same();
    back_up(&mut stage);
    for n in 0..120 {
        // One change set each, so that there is a log to read.
        stage.device("a").write(&name(n), format!("new {n}"));
        if n % 10 == 0 {
            wait(&mut stage, "a");
        }
    }
    stage.settle_same();
    stage.device("b").stop();
    restore(&mut stage);
    for _ in 0..8 {
        let_run(&mut random, Duration::from_millis(150));
        stage.device("a").kill();
        stage.device("a").start();
    }
    stage.device("b").start();
    stage.settle_same();
    let b = stage.device("b");
    for n in 0..120 {
        assert_eq!(b.read(&name(n)), format!("new {n}").as_bytes());
    }
    assert_eq!(copies(&mut stage), Vec::<String>::new());
    stage.device("a").ok(&["verify"]);
}

#[test]
fn e3_a_sealed_space_waits_for_a_person_when_the_server_says_it_was_restored() {
    let mut stage = Stage::with_devices(&["a"]);
    let sealed = stage.place.path().join("sealed folder");
    let folder = sealed.to_str().unwrap().to_owned();
    let a = stage.device("a");
    a.ok(&["spaces", "create", "diary", "--sealed"]);
    a.ok(&["sync", &folder, "--space", "diary"]);
    fs::write(sealed.join("old"), "before the copy").unwrap();
    wait(&mut stage, "a");
    let early = stage.device("a").run(&["spaces", "confirm", "diary"]);
    assert!(!early.status.success(), "nothing was claimed: {early:?}");
    back_up(&mut stage);
    let a = stage.device("a");
    fs::write(sealed.join("new"), "after the copy").unwrap();
    a.write("open", "after the copy");
    wait(&mut stage, "a");
    restore(&mut stage);

    let a = stage.device("a");
    let is_stopped = |status: &serde_json::Value| {
        let folders = status["folders"].as_array().unwrap().iter();
        let states: Vec<_> = folders
            .map(|folder| folder["state"].as_str().unwrap())
            .collect();
        states == ["synced", "unavailable"]
    };
    a.until(is_stopped);
    let status = a.run(&["status"]);
    let told = String::from_utf8(status.stdout).unwrap();
    assert_eq!(status.status.code(), Some(3), "{told}");
    assert!(
        told.contains("lacks 1 change that this device knows; diary is sealed"),
        "{told}"
    );
    assert_eq!(a.run(&["wait", "--timeout", "100"]).status.code(), Some(3));
    let put = a.run(&["mkdir", "diary:/folder"]);
    assert_eq!(put.status.code(), Some(3), "{put:?}");
    assert_eq!(fs::read(sealed.join("new")).unwrap(), b"after the copy");
    // The open space went on by itself.
    assert_eq!(a.ok(&["cat", ":/open"]), "after the copy");
    // So it is after a restart of the device.
    a.kill();
    a.start();
    a.until(is_stopped);

    a.ok(&["spaces", "confirm", "diary"]);
    a.ok(&["wait", "--timeout", "100"]);
    assert_eq!(a.ok(&["cat", "diary:/new"]), "after the copy");
    assert_eq!(fs::read(sealed.join("old")).unwrap(), b"before the copy");
}

#[test]
fn sc123_c5_a_folder_that_was_shared_after_the_backup_is_a_folder_again() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    let bob = stage.person("bob");
    stage.device("a").write("recipes/soup", "soup");
    stage.device("a").write("recipes/old/pie", "pie");
    stage.settle_same();
    back_up(&mut stage);
    let a = stage.device("a");
    a.ok(&["share", ":/recipes", "bob", "--role", "editor"]);
    bob.ok(&["spaces", "accept", "recipes"]);
    stage.settle_same();
    let a = stage.device("a");
    a.write("recipes/cake", "made in the shared folder");
    a.write("recipes/soup", "edited there");
    stage.settle_same();
    restore(&mut stage);
    // The space is on no server any more: what it held is this folder's own again, on both.
    stage.settle_same();
    let b = stage.device("b");
    assert_eq!(b.read("recipes/cake"), b"made in the shared folder");
    assert_eq!(b.read("recipes/old/pie"), b"pie");
    let soups = ["recipes/soup".to_owned()]
        .into_iter()
        .chain(copies(&mut stage));
    let soups: Vec<Vec<u8>> = soups.map(|name| stage.device("b").read(&name)).collect();
    assert!(soups.contains(&b"edited there".to_vec()), "{soups:?}");
    let a = stage.device("a");
    assert_eq!(
        a.ok(&["cat", ":/recipes/cake"]),
        "made in the shared folder"
    );
    let told = a.ok(&["status"]);
    assert!(told.contains("came back from a copy"), "{told}");
    // It can be shared again.
    a.ok(&["share", ":/recipes", "bob", "--role", "editor"]);
    bob.ok(&["spaces", "accept", "recipes"]);
    assert_eq!(
        bob.ok(&["cat", "recipes:/cake"]),
        "made in the shared folder"
    );
    stage.settle_same();
}

#[test]
fn sc123_c5_what_was_attached_after_the_backup_is_attached_again() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    let a = stage.device("a");
    a.ok(&["spaces", "create", "album"]);
    a.ok(&["spaces", "create", "early"]);
    a.ok(&["spaces", "attach", "early", ":/early"]);
    stage.settle_same();
    stage.device("a").write("early/before", "before");
    stage.settle_same();
    back_up(&mut stage);
    let a = stage.device("a");
    a.ok(&["spaces", "attach", "album", ":/album"]);
    stage.settle_same();
    let a = stage.device("a");
    a.write("album/picture", "after the backup");
    a.write("early/later", "after the backup");
    stage.settle_same();
    restore(&mut stage);
    stage.settle_same();
    let b = stage.device("b");
    assert_eq!(b.read("album/picture"), b"after the backup");
    assert_eq!(b.read("early/later"), b"after the backup");
    assert_eq!(b.read("early/before"), b"before");
    for path in ["album:/picture", "early:/later"] {
        assert_eq!(b.ok(&["cat", path]), "after the backup");
    }
    assert_eq!(b.ok(&["ls", ":/"]).lines().count(), 2);
}
