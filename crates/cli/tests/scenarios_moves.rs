//! Scenarios of group B: renames, moves, cycles; and T2: a move keeps the node.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod stage;

use std::fs;

use stage::relay::{Relay, To};
use stage::{Stage, noise, wait_until};

/// Two offline devices that share files of these names.
fn offline_with(names: &[&str]) -> Stage {
    let contents: Vec<String> = names
        .iter()
        .map(|name| format!("content of {name}"))
        .collect();
    let files: Vec<(&str, &str)> = names
        .iter()
        .zip(&contents)
        .map(|(name, content)| (*name, content.as_str()))
        .collect();
    Stage::offline_with(&files)
}

fn rename(stage: &mut Stage, device: &str, from: &str, to: &str) {
    let device = stage.device(device);
    fs::rename(device.path(from), device.path(to)).unwrap();
}

#[test]
fn sc013_two_renames_of_one_file_end_with_one_name_by_server_order() {
    let mut stage = offline_with(&["x"]);
    rename(&mut stage, "a", "x", "by-a");
    rename(&mut stage, "b", "x", "by-b");
    stage.online();
    let names = stage.device("b").names();
    assert_eq!(names, ["by-a"], "the move that was committed first wins");
    assert_eq!(stage.device("b").read("by-a"), b"content of x");
}

#[test]
fn sc014_t1_moves_into_each_other_make_no_cycle_and_lose_nothing() {
    let mut stage = offline_with(&["d/in-d", "x/in-x"]);
    rename(&mut stage, "a", "d", "x/d");
    rename(&mut stage, "b", "x", "d/x");
    stage.online();
    assert_eq!(
        stage.device("a").names(),
        ["x", "x/d", "x/d/in-d", "x/in-x"]
    );
    let expected = [b"content of d/in-d".to_vec(), b"content of x/in-x".to_vec()];
    assert_eq!(stage.device("b").values(), expected);
}

#[test]
fn sc015_t1_a_circle_of_moves_over_three_devices_leaves_a_tree() {
    let mut stage = Stage::with_devices(&["a", "b", "c"]);
    for name in ["x/in-x", "y/in-y", "z/in-z"] {
        stage.device("a").write(name, name);
    }
    stage.settle_same();
    for device in ["a", "b", "c"] {
        stage.device(device).stop();
    }
    rename(&mut stage, "a", "x", "y/x");
    rename(&mut stage, "b", "y", "z/y");
    rename(&mut stage, "c", "z", "x/z");
    for device in ["a", "b", "c"] {
        stage.device(device).start();
        stage.device(device).ok(&["wait", "--timeout", "100"]);
    }
    stage.settle_same();
    let expected = ["z", "z/in-z", "z/y", "z/y/in-y", "z/y/x", "z/y/x/in-x"];
    assert_eq!(stage.device("c").names(), expected, "two moves win");
    let values = ["x/in-x", "y/in-y", "z/in-z"].map(|name| name.as_bytes().to_vec());
    assert_eq!(stage.device("a").values(), values);
    stage.device("a").ok(&["verify"]);
}

#[test]
fn sc017_a_file_created_in_a_renamed_folder_ends_inside_it() {
    let mut stage = offline_with(&["d/old"]);
    rename(&mut stage, "a", "d", "renamed");
    stage.device("b").write("d/new", "new");
    stage.online();
    assert_eq!(
        stage.device("a").names(),
        ["renamed", "renamed/new", "renamed/old"]
    );
}

#[test]
fn sc018_a_rename_onto_a_name_created_elsewhere_keeps_both() {
    let mut stage = offline_with(&["x"]);
    stage.device("a").write("y", "created on a");
    rename(&mut stage, "b", "x", "y");
    stage.online();
    assert_eq!(
        stage.device("b").values(),
        [b"content of x".to_vec(), b"created on a".to_vec()]
    );
    assert_eq!(stage.device("b").read("y"), b"created on a");
}

#[test]
fn sc019_swapped_names_follow_their_contents() {
    let mut stage = offline_with(&["p", "q"]);
    rename(&mut stage, "a", "p", "temporary");
    rename(&mut stage, "a", "q", "p");
    rename(&mut stage, "a", "temporary", "q");
    stage.online();
    let b = stage.device("b");
    assert_eq!(b.read("p"), b"content of q");
    assert_eq!(b.read("q"), b"content of p");
    assert_eq!(b.names(), ["p", "q"]);
}

#[test]
fn sc020_a_log_rotation_arrives_unmixed() {
    let mut stage = offline_with(&["log.1", "log.2"]);
    rename(&mut stage, "a", "log.2", "log.3");
    rename(&mut stage, "a", "log.1", "log.2");
    stage.device("a").write("log.1", "fresh");
    stage.online();
    let b = stage.device("b");
    assert_eq!(b.read("log.1"), b"fresh");
    assert_eq!(b.read("log.2"), b"content of log.1");
    assert_eq!(b.read("log.3"), b"content of log.2");
}

#[test]
fn sc021_t2_a_folder_move_is_one_operation_whatever_its_size() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    for n in 0..300 {
        stage
            .device("a")
            .write(&format!("many/f{n:03}"), format!("{n}"));
    }
    stage.settle_same();
    let head = |stage: &mut Stage| {
        let text = stage.device("a").ok(&["status", "--json"]);
        let status: serde_json::Value = serde_json::from_str(&text).unwrap();
        status["folders"][0]["proven"]["cursor"]
            .as_u64()
            .expect("a cursor")
    };
    let before = head(&mut stage);
    rename(&mut stage, "a", "many", "moved");
    stage.settle_same();
    assert_eq!(
        head(&mut stage),
        before + 1,
        "one change set carries the move"
    );
    assert!(!stage.device("b").path("many").exists());
    assert_eq!(stage.device("b").values().len(), 300);
}

#[test]
fn sc024_a_move_out_of_the_folder_is_a_delete_that_history_keeps() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    stage.device("a").write("f", "still retrievable");
    stage.settle_same();
    let outside = stage.place.path().join("outside");
    fs::rename(stage.device("a").path("f"), &outside).unwrap();
    stage.settle_same();
    assert!(!stage.device("b").path("f").exists());
    stage.device("a").ok(&["restore", ":/f"]);
    stage.settle_same();
    assert_eq!(stage.device("b").read("f"), b"still retrievable");
}

#[test]
fn sc025_a_git_repository_moved_in_is_whole_on_the_other_side() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    let work = stage.place.path().join("work");
    let git = |directory: &std::path::Path, arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.current_dir(directory).args([
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.org",
        ]);
        stage::success(command.args(arguments))
    };
    fs::create_dir(&work).unwrap();
    git(&work, &["init", "-q"]);
    for n in 0..40 {
        fs::write(
            work.join(format!("f{n}")),
            format!("line {n}\n").repeat(n + 1),
        )
        .unwrap();
        git(&work, &["add", "."]);
        git(&work, &["commit", "-q", "-m", "more"]);
    }
    fs::rename(&work, stage.device("a").path("repository")).unwrap();
    stage.settle_same();
    let there = stage.device("b").path("repository");
    git(&there, &["fsck", "--strict"]);
    assert_eq!(git(&there, &["status", "--porcelain"]), "");
}

#[test]
fn sc022_t2_uploads_go_on_while_their_folder_is_moved() {
    const MIB: u64 = 1 << 20;
    let mut stage = Stage::with_devices(&["b"]);
    let relay = Relay::to(&stage.listen);
    stage.enrol_by_way_of("a", relay.addr);
    let a = stage.device("a");
    a.write("d/kept", "as it is");
    a.ok(&["sync", a.folder.clone().to_str().unwrap()]);
    a.start();
    a.ok(&["wait", "--timeout", "100"]);
    let begin = relay.passed(To::Server);
    relay.let_pass(To::Server, Some(20 * MIB));
    let mut files: Vec<(String, Vec<u8>)> = (0..4)
        .map(|n| (format!("large{n}"), noise(11 + 2 * n, 8 * MIB)))
        .collect();
    files.extend((0..30).map(|n| (format!("small{n:02}"), noise(51 + 2 * n, 1000))));
    for (name, content) in &files {
        a.write(&format!("d/{name}"), content);
    }
    wait_until("half of it is sent", || {
        relay.passed(To::Server) - begin >= 19 * MIB
    });
    rename(&mut stage, "a", "d", "e");
    relay.let_pass(To::Server, None);
    stage.settle_same();
    let sent = relay.passed(To::Server) - begin;
    println!("{} MiB were sent", sent / MIB);
    let b = stage.device("b");
    let mut expected = vec!["e".to_owned(), "e/kept".to_owned()];
    expected.extend(files.iter().map(|(name, _)| format!("e/{name}")));
    expected.sort();
    assert_eq!(
        b.names(),
        expected,
        "no duplicate, nothing at the old place"
    );
    for (name, content) in &files {
        assert!(b.read(&format!("e/{name}")) == *content, "{name}");
    }
    let history = b.ok(&["history", ":/e/kept"]);
    assert!(!history.contains("deleted"), "one move: {history}");
    // What was under way may be sent again, and no more.
    assert!(sent < 32 * MIB + 17 * MIB, "{sent} bytes");
}

#[test]
fn sc026_a_write_after_a_rename_follows_the_new_name() {
    use std::io::Write;
    let mut stage = Stage::with_devices(&["a", "b"]);
    stage.device("a").write("f", "start ");
    stage.settle_same();
    let path = stage.device("a").path("f");
    let mut open = fs::OpenOptions::new().append(true).open(&path).unwrap();
    rename(&mut stage, "a", "f", "g");
    open.write_all(b"end").unwrap();
    drop(open);
    stage.settle_same();
    assert_eq!(stage.device("b").names(), ["g"]);
    assert_eq!(stage.device("b").read("g"), b"start end");
}

#[test]
fn sc027_a_case_only_rename_is_a_rename() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    stage.device("a").write("README", "text");
    stage.settle_same();
    rename(&mut stage, "a", "README", "Readme");
    stage.settle_same();
    assert_eq!(stage.device("b").names(), ["Readme"]);
    let log = stage.device("a").ok(&["history", ":/Readme", "--json"]);
    assert!(log.contains("\"version\""), "{log}");
}
