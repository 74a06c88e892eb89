//! Commands that work straight on the server: without a sync folder, with and without a daemon.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod stage;

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use stage::{Device, Stage, assert_same_trees};

/// A server and one device, which has no sync folder and no daemon.
fn alone() -> Stage {
    let mut stage = Stage::server_only();
    stage.enrol("a");
    stage
}

/// Runs a command with something on its standard input; it must succeed.
fn feed(device: &Device, arguments: &[&str], input: &[u8]) -> String {
    let mut command = device.command(arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).unwrap()
}

/// Runs a command that must fail with an exit code, and returns what it said.
fn refused(device: &Device, arguments: &[&str], code: i32) -> String {
    let done = device.run(arguments);
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(done.stdout.is_empty(), "{arguments:?}");
    said
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A small tree of everything that travels.
fn tree(root: &Path) -> PathBuf {
    let tree = root.join("tree");
    fs::create_dir_all(tree.join("deep/er")).unwrap();
    fs::create_dir(tree.join("hollow")).unwrap();
    fs::write(tree.join("deep/er/file"), "content").unwrap();
    fs::write(tree.join("empty"), "").unwrap();
    fs::write(tree.join("big"), vec![7; 3 << 20]).unwrap();
    fs::write(tree.join("run.sh"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(tree.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(
        tree.join(OsStr::from_bytes(b"odd \xff\xfe\n name")),
        "bytes",
    )
    .unwrap();
    symlink("deep/er/file", tree.join("link")).unwrap();
    symlink("/nowhere", tree.join("dangling")).unwrap();
    tree
}

#[test]
fn a_tree_goes_to_the_server_and_comes_back_the_same() {
    let mut stage = alone();
    let place = stage.place.path().to_owned();
    let tree = tree(&place);
    let old = std::time::UNIX_EPOCH + std::time::Duration::new(1_000_000_000, 123_456_789);
    fs::File::open(tree.join("empty"))
        .unwrap()
        .set_modified(old)
        .unwrap();
    let a = stage.device("a");
    a.ok(&["put", text(&tree), ":/"]);
    let back = place.join("back");
    fs::create_dir(&back).unwrap();
    a.ok(&["get", ":/tree", text(&back)]);
    assert_same_trees(&tree, &back.join("tree"));
    let found = |name: &str| fs::metadata(back.join("tree").join(name)).unwrap();
    assert_eq!(found("run.sh").permissions().mode() & 0o100, 0o100);
    assert_eq!(found("empty").permissions().mode() & 0o100, 0);
    assert_eq!(found("empty").modified().unwrap(), old);
}

#[test]
fn what_a_command_puts_there_is_in_the_folders_and_the_other_way_round() {
    let mut stage = Stage::with_devices(&["a"]);
    let a = stage.device("a");
    feed(a, &["put", "-", ":/from-command"], b"one");
    a.write("from-folder", "two");
    a.ok(&["wait", "--timeout", "100"]);
    assert_eq!(a.read("from-command"), b"one");
    assert_eq!(a.ok(&["cat", ":/from-folder"]), "two");
    assert_eq!(a.ok(&["ls", ":/"]), "from-command\nfrom-folder\n");
}

#[test]
fn listings_show_names_byte_for_byte_in_pipes_and_twice_in_json() {
    let mut stage = alone();
    let place = stage.place.path().to_owned();
    let tree = tree(&place);
    let a = stage.device("a");
    a.ok(&["put", text(&tree), ":/"]);
    let done = a.run(&["ls", ":/tree"]);
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let listed = done.stdout;
    let expected = b"big\ndangling\ndeep/\nempty\nhollow/\nlink\nodd \xff\xfe\n name\nrun.sh\n";
    assert_eq!(listed, expected);
    let json: serde_json::Value = serde_json::from_str(&a.ok(&["ls", "--json", ":/tree"])).unwrap();
    assert_eq!(json["version"], 1);
    let entries = json["entries"].as_array().unwrap();
    let odd = entries
        .iter()
        .find(|entry| entry.get("path_b64").is_some())
        .unwrap();
    assert_eq!(odd["path"], "odd \\xff\\xfe\\u{a} name");
    assert_eq!(odd["path_b64"], "b2RkIP/+CiBuYW1l");
    let link = entries
        .iter()
        .find(|entry| entry["path"] == "link")
        .unwrap();
    assert_eq!(
        (&link["kind"], &link["target"]),
        (&"symlink".into(), &"deep/er/file".into())
    );
    let drawn = a.ok(&["tree", ":/tree"]);
    assert!(drawn.contains("│   └── er/\n│       └── file\n"), "{drawn}");
}

#[test]
fn a_file_is_edited_moved_removed_and_restored() {
    let mut stage = alone();
    let a = stage.device("a");
    feed(a, &["put", "-", ":/note"], b"first");
    feed(a, &["put", "-", ":/note"], b"second");
    a.ok(&["mkdir", "-p", ":/letters/old"]);
    a.ok(&["mkdir", "-p", ":/letters/old"]);
    a.ok(&["mv", ":/note", ":/letters"]);
    assert_eq!(a.ok(&["cat", ":/letters/note"]), "second");
    let json: serde_json::Value =
        serde_json::from_str(&a.ok(&["history", "--json", ":/letters/note"])).unwrap();
    let versions = json["versions"].as_array().unwrap();
    let changes: Vec<&str> = versions
        .iter()
        .map(|v| v["change"].as_str().unwrap())
        .collect();
    assert_eq!(changes, ["moved", "edited", "created"]);
    let first = versions[2]["version"].as_str().unwrap();
    assert_eq!(
        a.ok(&["cat", ":/letters/note", "--version", first]),
        "first"
    );
    a.ok(&["restore", ":/letters/note", "--version", first]);
    assert_eq!(a.ok(&["cat", ":/letters/note"]), "first");
    a.ok(&["rm", ":/letters/note"]);
    refused(a, &["cat", ":/letters/note"], 1);
    a.ok(&["restore", ":/letters/note"]);
    assert_eq!(a.ok(&["cat", ":/letters/note"]), "first");
}

#[test]
fn what_would_lose_something_is_refused() {
    let mut stage = alone();
    let place = stage.place.path().to_owned();
    let a = stage.device("a");
    feed(a, &["put", "-", ":/dir-file"], b"of the server");
    a.ok(&["mkdir", ":/full"]);
    feed(a, &["put", "-", ":/full/file"], b"inside");
    refused(a, &["rm", ":/full"], 1);
    refused(a, &["mkdir", ":/full"], 1);
    refused(a, &["mv", ":/full", ":/full/deeper"], 1);
    refused(a, &["mv", ":/dir-file", ":/full/file"], 1);
    let local = place.join("local");
    fs::write(&local, "of this machine").unwrap();
    let said = refused(a, &["get", ":/dir-file", text(&local)], 1);
    assert!(said.contains("--force"), "{said}");
    assert_eq!(fs::read(&local).unwrap(), b"of this machine");
    a.ok(&["get", "--force", ":/dir-file", text(&local)]);
    assert_eq!(fs::read(&local).unwrap(), b"of the server");
    let left: Vec<_> = fs::read_dir(&place)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert!(
        !left
            .iter()
            .any(|name| name.as_bytes().starts_with(b".hythe-get")),
        "{left:?}"
    );
    a.ok(&["rm", "-r", ":/full"]);
    assert_eq!(a.ok(&["ls", ":/"]), "dir-file\n");
}

#[test]
fn what_is_not_there_is_said_by_name() {
    let mut stage = alone();
    let place = stage.place.path().to_owned();
    let a = stage.device("a");
    for arguments in [
        &["ls", ":/gone"][..],
        &["cat", ":/gone"],
        &["get", ":/gone"],
        &["mv", ":/gone", ":/x"],
        &["rm", ":/gone"],
        &["history", ":/gone"],
        &["restore", ":/gone"],
        &["mkdir", ":/gone/below"],
    ] {
        let said = refused(a, arguments, 1);
        assert!(said.contains("gone"), "{arguments:?}: {said}");
    }
    assert!(refused(a, &["ls", "nowhere:/"], 1).contains("nowhere"));
    refused(a, &["why", text(&place)], 2);
}

#[test]
fn a_fifo_is_left_out_and_named() {
    let mut stage = alone();
    let place = stage.place.path().to_owned();
    let dir = place.join("dir");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("file"), "x").unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, dir.join("pipe"), mode).unwrap();
    let a = stage.device("a");
    let done = a.run(&["put", text(&dir), ":/"]);
    assert_eq!(done.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&done.stderr).contains("pipe"));
    assert_eq!(a.ok(&["ls", ":/dir"]), "file\n");
}

#[test]
fn what_cannot_be_synced_is_named_by_wait_and_is_no_success() {
    let mut stage = Stage::with_devices(&["a"]);
    let a = stage.device("a");
    a.write("file", "x");
    a.ok(&["wait", "--timeout", "100"]);
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    for number in 0..25 {
        let pipe = a.path(&format!("pipe-{number:02}"));
        rustix::fs::mkfifoat(rustix::fs::CWD, pipe, mode).unwrap();
    }
    a.write("later", "y");
    let waited = a.run(&["wait", "--timeout", "100"]);
    assert_eq!(waited.status.code(), Some(3), "{waited:?}");
    let told = String::from_utf8(waited.stderr).unwrap();
    let named = told.lines().filter(|line| line.contains("/pipe-"));
    assert_eq!(named.count(), 20, "{told}");
    assert!(told.contains("… and 5 items more"), "{told}");
    assert!(
        told.contains("all else is synced; 25 items are not"),
        "{told}"
    );
    assert_eq!(a.ok(&["ls", ":/"]), "file\nlater\n");
    for number in 0..25 {
        fs::remove_file(a.path(&format!("pipe-{number:02}"))).unwrap();
    }
    a.ok(&["wait", "--timeout", "100"]);
}

#[test]
fn a_daemon_in_the_background_starts_answers_and_stops() {
    let mut stage = alone();
    let place = stage.place.path().to_owned();
    let a = stage.device("a");
    a.ok(&["daemon", "start"]);
    a.ok(&["daemon", "start"]);
    let folder = place.join("synced");
    a.ok(&["sync", text(&folder)]);
    feed(a, &["put", "-", ":/f"], b"x");
    a.ok(&["wait", "--timeout", "100"]);
    assert_eq!(fs::read(folder.join("f")).unwrap(), b"x");
    let why = a.ok(&["why", text(&folder.join("f"))]);
    assert!(why.contains('f'), "{why}");
    a.ok(&["unsync", text(&folder)]);
    assert_eq!(fs::read(folder.join("f")).unwrap(), b"x");
    a.ok(&["daemon", "stop"]);
    a.ok(&["daemon", "stop"]);
}

#[test]
fn devices_are_listed_added_and_removed() {
    let mut stage = alone();
    stage.enrol("b");
    let a = stage.device("a");
    let json: serde_json::Value = serde_json::from_str(&a.ok(&["devices", "--json"])).unwrap();
    let devices = json["devices"].as_array().unwrap();
    let mut names: Vec<&str> = devices
        .iter()
        .map(|d| d["name"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["a", "b"]);
    let this: Vec<&str> = devices
        .iter()
        .filter(|device| device["this"] == true)
        .map(|device| device["name"].as_str().unwrap())
        .collect();
    assert_eq!(this, ["a"]);
    refused(a, &["devices", "remove", "nobody"], 1);
    a.ok(&["devices", "remove", "b"]);
    let said = refused(stage.device("b"), &["ls", ":/"], 1);
    assert!(said.contains("next:"), "{said}");
}
