//! Scenarios of groups A and C: concurrent edits, and delete against edit. Two devices, each
//! offline (its daemon stopped) while the other acts; the server's order decides names, and no
//! value is ever lost.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod stage;

use std::fs;
use std::io::Write;

use stage::Stage;

fn conflict_copies(stage: &mut Stage) -> Vec<String> {
    let names = stage.device("a").names();
    names
        .into_iter()
        .filter(|name| name.contains("(conflict "))
        .collect()
}

#[test]
fn sc001_different_edits_keep_both_values_and_the_first_commit_keeps_the_name() {
    let mut stage = Stage::offline_with(&[("f.txt", "base")]);
    stage.device("a").write("f.txt", "value of a");
    stage.device("b").write("f.txt", "value of b, longer");
    stage.online();
    assert_eq!(stage.device("b").read("f.txt"), b"value of a");
    let copies = conflict_copies(&mut stage);
    assert_eq!(copies.len(), 1, "{copies:?}");
    assert!(
        copies[0].starts_with("f (conflict b ") && copies[0].ends_with(".txt"),
        "{copies:?}"
    );
    assert_eq!(stage.device("a").read(&copies[0]), b"value of b, longer");
}

#[test]
fn sc002_equal_edits_make_no_conflict_copy() {
    let mut stage = Stage::offline_with(&[("f", "base")]);
    stage.device("a").write("f", "the same");
    stage.device("b").write("f", "the same");
    stage.online();
    assert_eq!(stage.device("a").names(), ["f"]);
    assert_eq!(stage.device("b").read("f"), b"the same");
}

#[test]
fn sc003_a_local_file_unknown_so_far_is_not_overwritten_by_a_new_remote_one() {
    let mut stage = Stage::offline_with(&[]);
    stage.device("a").write("x", "of a");
    stage.device("b").write("x", "of b");
    stage.online();
    assert_eq!(
        stage.device("b").values(),
        [b"of a".to_vec(), b"of b".to_vec()]
    );
    assert_eq!(conflict_copies(&mut stage).len(), 1);
}

/// Appends a line as an editor does: what is there is opened, and closed again at once.
fn append(stage: &mut Stage, device: &str, name: &str, line: &str) {
    let path = stage.device(device).path(name);
    let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// All that `f` ever was, as its history says it.
fn all_versions(stage: &mut Stage) -> String {
    let a = stage.device("a");
    let json: serde_json::Value =
        serde_json::from_str(&a.ok(&["history", ":/f", "--json"])).unwrap();
    let versions = json["versions"].as_array().unwrap();
    let version = |entry: &serde_json::Value| entry["version"].as_str().unwrap().to_owned();
    let read = |id: String| a.ok(&["cat", ":/f", "--version", &id]);
    versions.iter().map(version).map(read).collect()
}

#[test]
fn sc006_s1_s12_lines_appended_on_both_sides_while_online_are_all_kept() {
    const ROUNDS: usize = 8;
    const EACH: usize = 3;
    let mut stage = Stage::with_devices(&["a", "b"]);
    stage.device("a").write("f", "begin\n");
    stage.settle_same();
    let (mut lines, mut copies) = (Vec::new(), 0);
    for round in 0..ROUNDS {
        // Every other round one side writes alone: nothing is concurrent, so nothing conflicts.
        let alone = round % 2 == 1;
        for turn in 0..EACH {
            for device in ["a", "b"].into_iter().skip(usize::from(alone)) {
                let line = format!("round {round}, line {turn} of {device}");
                append(&mut stage, device, "f", &line);
                lines.push(line);
            }
        }
        stage.settle_same();
        let found = conflict_copies(&mut stage).len();
        // Of n concurrent values one keeps the name (S12).
        let most = if alone { 0 } else { 2 * EACH - 1 };
        assert!(found <= copies + most, "round {round}: {copies}, {found}");
        copies = found;
    }
    println!("{copies} conflict copies of {} lines", lines.len());
    let kept = stage.device("a").values().concat();
    let kept = String::from_utf8(kept).unwrap() + &all_versions(&mut stage);
    for line in lines {
        assert!(kept.contains(&format!("{line}\n")), "{line:?} is lost");
    }
}

#[test]
fn sc007_an_edited_conflict_copy_breeds_no_chain() {
    let mut stage = Stage::offline_with(&[("f", "base")]);
    stage.device("a").write("f", "a");
    stage.device("b").write("f", "bb");
    stage.online();
    let copy = conflict_copies(&mut stage).remove(0);
    stage.device("a").stop();
    stage.device("b").stop();
    stage.device("a").write(&copy, "copy by a");
    stage.device("b").write(&copy, "copy by b!");
    stage.online();
    let names = stage.device("a").names();
    assert_eq!(names.len(), 3, "{names:?}");
    let before = names.clone();
    stage.settle_same();
    assert_eq!(stage.device("a").names(), before);
}

#[test]
fn sc008_a_file_only_touched_offline_does_not_beat_newer_content() {
    let mut stage = Stage::offline_with(&[("f", "base")]);
    stage.device("a").write("f", "newer");
    let touched = std::time::SystemTime::now();
    fs::File::open(stage.device("b").path("f"))
        .unwrap()
        .set_modified(touched)
        .unwrap();
    stage.online();
    assert_eq!(stage.device("b").read("f"), b"newer");
    assert_eq!(stage.device("a").names(), ["f"]);
}

#[test]
fn sc009_real_edits_after_weeks_become_conflict_copies() {
    let files: Vec<(String, String)> = (0..20)
        .map(|n| (format!("f{n:02}"), format!("base {n}")))
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(n, c)| (n.as_str(), c.as_str()))
        .collect();
    let mut stage = Stage::offline_with(&files);
    for (name, _) in &files {
        stage.device("a").write(name, format!("a of {name}"));
        stage.device("b").write(name, format!("b of {name} too"));
    }
    stage.online();
    assert_eq!(conflict_copies(&mut stage).len(), 20);
    for (name, _) in &files {
        assert_eq!(
            stage.device("b").read(name),
            format!("a of {name}").as_bytes()
        );
    }
    assert_eq!(stage.device("b").values().len(), 40);
}

#[test]
fn sc029_s3_an_edit_beats_a_delete() {
    let mut stage = Stage::offline_with(&[("f", "base")]);
    fs::remove_file(stage.device("a").path("f")).unwrap();
    stage.device("b").write("f", "edited");
    stage.online();
    assert_eq!(stage.device("a").read("f"), b"edited");
}

#[test]
fn sc037_s3_a_delete_gives_way_to_a_newer_version_not_yet_seen() {
    let mut stage = Stage::offline_with(&[("f", "base")]);
    stage.device("a").write("f", "newer on the server");
    fs::remove_file(stage.device("b").path("f")).unwrap();
    stage.online();
    assert_eq!(stage.device("b").read("f"), b"newer on the server");
}

#[test]
fn sc030_a_deleted_folder_keeps_just_the_file_that_was_edited_in_it() {
    let names: Vec<String> = (0..30).map(|n| format!("d/f{n:02}")).collect();
    let mut files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    // A folder that loses all it held is held (S4); this one does not.
    files.push(("other", "stays"));
    let mut stage = Stage::offline_with(&files);
    fs::remove_dir_all(stage.device("a").path("d")).unwrap();
    stage.device("b").write("d/f07", "edited");
    stage.online();
    assert_eq!(stage.device("a").names(), ["d", "d/f07", "other"]);
    assert_eq!(stage.device("a").read("d/f07"), b"edited");
}

#[test]
fn sc031_delete_and_new_content_under_the_same_name_is_no_conflict() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    stage.device("a").write("f", "old");
    stage.settle_same();
    let a = stage.device("a");
    fs::remove_file(a.path("f")).unwrap();
    a.write("f", "new content");
    stage.settle_same();
    assert_eq!(stage.device("b").names(), ["f"]);
    assert_eq!(stage.device("b").read("f"), b"new content");
}

#[test]
fn sc032_deleted_and_made_again_alike_is_the_same_file() {
    let mut stage = Stage::offline_with(&[("f", "content"), ("g", "base"), ("h", "content")]);
    let again = |stage: &mut Stage, name: &str, content: &str| {
        fs::remove_file(stage.device("a").path(name)).unwrap();
        stage.device("a").write(name, content);
    };
    again(&mut stage, "f", "content");
    // What was only made again is no edit that could stand against one.
    again(&mut stage, "g", "base");
    stage.device("b").write("g", "edited on b");
    stage.online();
    // And where the delete was seen elsewhere before.
    fs::remove_file(stage.device("a").path("h")).unwrap();
    stage.settle_same();
    assert_eq!(stage.device("b").names(), ["f", "g"]);
    stage.device("a").write("h", "content");
    stage.settle_same();
    let b = stage.device("b");
    assert_eq!(b.names(), ["f", "g", "h"]);
    assert_eq!(
        (b.read("f"), b.read("h")),
        (b"content".to_vec(), b"content".to_vec())
    );
    assert_eq!(b.read("g"), b"edited on b");
    let history = b.ok(&["history", ":/f"]);
    assert!(!history.contains("deleted"), "{history}");
}

#[test]
fn sc033_a_delete_gives_way_to_a_rename() {
    let mut stage = Stage::offline_with(&[("f", "content")]);
    fs::rename(stage.device("a").path("f"), stage.device("a").path("g")).unwrap();
    fs::remove_file(stage.device("b").path("f")).unwrap();
    stage.online();
    assert_eq!(stage.device("b").names(), ["g"]);
    assert_eq!(stage.device("b").read("g"), b"content");
}

#[test]
fn sc034_a_file_moved_into_a_deleted_folder_keeps_the_folder() {
    let mut stage = Stage::offline_with(&[("d/old", "old"), ("foreign", "foreign")]);
    fs::remove_dir_all(stage.device("a").path("d")).unwrap();
    fs::rename(
        stage.device("b").path("foreign"),
        stage.device("b").path("d/foreign"),
    )
    .unwrap();
    stage.online();
    assert_eq!(stage.device("a").read("d/foreign"), b"foreign");
    assert!(!stage.device("a").path("d/old").exists());
}

#[test]
fn s8_what_sync_wrote_never_comes_back_as_an_edit() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    for n in 0..50 {
        stage
            .device("a")
            .write(&format!("d/f{n}"), format!("content {n}"));
    }
    stage.settle_same();
    let cursor = |stage: &mut Stage, name: &str| stage.device(name).ok(&["status", "--json"]);
    let history = stage.device("a").ok(&["history", ":/d/f7", "--json"]);
    let before = (cursor(&mut stage, "a"), cursor(&mut stage, "b"));
    for name in ["a", "b"] {
        stage.device(name).stop();
        stage.device(name).start();
    }
    stage.settle_same();
    assert_eq!(
        stage.device("a").ok(&["history", ":/d/f7", "--json"]),
        history
    );
    let cursors = |text: &str| {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        value["folders"][0]["proven"]["cursor"].clone()
    };
    let after = (cursor(&mut stage, "a"), cursor(&mut stage, "b"));
    assert_eq!(
        (cursors(&after.0), cursors(&after.1)),
        (cursors(&before.0), cursors(&before.1))
    );
    assert!(cursors(&before.0).is_u64(), "{}", before.0);
}
