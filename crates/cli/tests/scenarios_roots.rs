//! Scenarios of group K: the sync folder, the device, the home.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod stage;

use std::fs;

use stage::Stage;

#[test]
fn sc135_s4_a_folder_that_vanishes_while_running_pauses_with_zero_deletes() {
    let mut stage = Stage::with_sixty_files();
    let folder = stage.device("a").folder.clone();
    let aside = folder.with_file_name("aside");
    fs::rename(&folder, &aside).unwrap();
    stage.device("a").until_state("unavailable");
    assert_eq!(
        stage
            .device("a")
            .run(&["wait", "--timeout", "60"])
            .status
            .code(),
        Some(3)
    );
    stage.device("b").ok(&["wait", "--timeout", "100"]);
    assert_eq!(stage.device("b").values().len(), 60);
    fs::rename(&aside, &folder).unwrap();
    stage.device("a").ok(&["resume"]);
    stage.settle_same();
    assert_eq!(stage.device("b").values().len(), 60);
}

#[test]
fn sc137_s4_a_folder_replaced_by_an_empty_one_pauses_with_zero_deletes() {
    let mut stage = Stage::with_sixty_files();
    stage.device("a").stop();
    let folder = stage.device("a").folder.clone();
    fs::rename(&folder, folder.with_file_name("aside")).unwrap();
    fs::create_dir(&folder).unwrap();
    stage.device("a").start();
    stage.device("a").until_state("unavailable");
    stage.device("b").ok(&["wait", "--timeout", "100"]);
    assert_eq!(stage.device("b").values().len(), 60);
}

#[test]
fn s4_a_folder_that_was_emptied_holds_instead_of_deleting_everything() {
    let mut stage = Stage::with_sixty_files();
    let folder = stage.device("a").folder.clone();
    stage.device("a").stop();
    fs::remove_dir_all(folder.join("d")).unwrap();
    stage.device("a").start();
    let done = stage.device("a").run(&["wait", "--timeout", "60"]);
    assert_eq!(
        done.status.code(),
        Some(3),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    stage.device("b").ok(&["wait", "--timeout", "100"]);
    assert_eq!(stage.device("b").values().len(), 60);
}

#[test]
fn s5_a_mass_delete_is_held_until_a_yes() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    for n in 0..120 {
        stage
            .device("a")
            .write(&format!("d/f{n:03}"), format!("{n}"));
    }
    stage.settle_same();
    // S5 does not count files that this device created within the last hour: b deletes a's. While
    // nothing runs, so that the delete is met as one.
    stage.device("b").stop();
    fs::remove_dir_all(stage.device("b").path("d")).unwrap();
    stage.device("b").start();
    let done = stage.device("b").run(&["wait", "--timeout", "60"]);
    assert_eq!(
        done.status.code(),
        Some(3),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let held = stage.device("b").run(&["held"]);
    let text = String::from_utf8_lossy(&held.stdout).into_owned();
    assert!(text.contains("12"), "says how many: {text}");
    assert_eq!(
        stage.device("a").values().len(),
        120,
        "nothing was deleted on the other device"
    );
    stage.device("b").ok(&["held", "approve"]);
    stage.settle_same();
    assert_eq!(stage.device("a").names(), Vec::<String>::new());
}

#[test]
fn s5_a_held_mass_delete_can_be_undone() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    for n in 0..80 {
        stage.device("a").write(&format!("f{n:03}"), format!("{n}"));
    }
    stage.settle_same();
    let b = stage.device("b");
    b.stop();
    for n in 0..80 {
        fs::remove_file(b.path(&format!("f{n:03}"))).unwrap();
    }
    b.start();
    assert_eq!(b.run(&["wait", "--timeout", "60"]).status.code(), Some(3));
    b.ok(&["held", "undo"]);
    stage.settle_same();
    assert_eq!(stage.device("b").values().len(), 80);
}

#[test]
fn sc138_a_copied_folder_with_its_marker_is_not_mistaken_for_the_original() {
    let mut stage = Stage::with_sixty_files();
    stage.device("a").stop();
    let folder = stage.device("a").folder.clone();
    let copy = folder.with_file_name("copy");
    stage::success(
        std::process::Command::new("cp")
            .arg("-a")
            .arg(&folder)
            .arg(&copy),
    );
    fs::remove_file(copy.join("d/f07")).unwrap();
    fs::rename(&folder, folder.with_file_name("aside")).unwrap();
    fs::rename(&copy, &folder).unwrap();
    stage.device("a").start();
    stage.device("a").run(&["wait", "--timeout", "60"]);
    stage.device("b").ok(&["wait", "--timeout", "100"]);
    assert_eq!(
        stage.device("b").values().len(),
        60,
        "a missing file in a copy is no delete"
    );
}

#[test]
fn sc143_a_second_daemon_on_one_home_exits_and_names_the_first() {
    let mut stage = Stage::with_devices(&["a"]);
    let a = stage.device("a");
    let first = a.daemon.as_ref().unwrap().id().to_string();
    let second = a.run(&["daemon", "run"]);
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains(&first), "{said}");
}

#[test]
fn sc143_two_devices_on_one_folder_are_refused() {
    let mut stage = Stage::with_devices(&["a"]);
    stage.enrol("b");
    let folder = stage.device("a").folder.clone();
    let b = stage.device("b");
    let refused = b.run(&["sync", folder.to_str().unwrap()]);
    assert_eq!(
        refused.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&refused.stderr)
    );
}

#[test]
fn sc144_a_folder_inside_a_folder_is_refused() {
    let mut stage = Stage::with_devices(&["a"]);
    let inside = stage.device("a").path("inside");
    fs::create_dir(&inside).unwrap();
    let refused = stage.device("a").run(&["sync", inside.to_str().unwrap()]);
    assert_eq!(
        refused.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&refused.stderr)
    );
}

#[test]
fn sc147_removing_a_folder_with_unsynced_edits_keeps_them_on_disk() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    stage.device("a").write("f", "synced");
    stage.settle_same();
    stage.device("a").ok(&["pause"]);
    stage.device("a").write("unsynced", "only here");
    let folder = stage.device("a").folder.clone();
    stage.device("a").run(&["unsync", folder.to_str().unwrap()]);
    assert_eq!(stage.device("a").read("unsynced"), b"only here");
    assert_eq!(stage.device("a").read("f"), b"synced");
}

#[test]
fn a_sync_folder_is_moved_without_a_transfer() {
    let mut stage = Stage::with_sixty_files();
    let old = stage.device("a").folder.clone();
    let new = old.with_file_name("elsewhere");
    fs::rename(&old, &new).unwrap();
    let a = stage.device("a");
    a.ok(&[
        "sync",
        "--move",
        old.to_str().unwrap(),
        new.to_str().unwrap(),
    ]);
    a.folder = new;
    a.write("after", "the move");
    stage.settle_same();
    assert_eq!(stage.device("b").read("after"), b"the move");
}

#[test]
fn sc142_a_clean_end_begins_another_period_of_use() {
    let mut stage = Stage::with_devices(&["a"]);
    let a = stage.device("a");
    a.write("f", "x");
    a.ok(&["wait", "--timeout", "100"]);
    // What a copy of the state that is made now would know.
    let while_open = fs::read(a.path(".hythe/marker")).unwrap();
    a.stop();
    assert_ne!(fs::read(a.path(".hythe/marker")).unwrap(), while_open);
    a.start();
    a.ok(&["wait", "--timeout", "100"]);
}

#[test]
fn a_removed_device_is_cut_off() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    stage.device("a").write("before", "x");
    stage.settle_same();
    stage.device("a").ok(&["devices", "remove", "b"]);
    let begin = std::time::Instant::now();
    stage.device("a").write("after", "y");
    stage.device("a").ok(&["wait", "--timeout", "100"]);
    stage.device("b").until(|now| {
        now["server"]["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("removed"))
    });
    assert!(begin.elapsed() < stage::PATIENCE);
    assert!(!stage.device("b").path("after").exists());
    assert_eq!(stage.device("b").read("before"), b"x", "its files stay");
}
