//! The main job: what one device has, the other gets, both ways.

mod stage;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use stage::Stage;

#[test]
fn files_directories_links_modes_and_times_reach_the_other_device() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    let a = stage.device("a");
    a.write("notes/today.txt", "buy bread\n");
    a.write("empty", "");
    a.write("tool.sh", "#!/bin/sh\n");
    fs::set_permissions(a.path("tool.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(a.path("hollow")).unwrap();
    symlink("notes/today.txt", a.path("link")).unwrap();
    symlink("/nowhere/at all", a.path("dangling")).unwrap();
    let old = std::time::UNIX_EPOCH + std::time::Duration::new(1_000_000_000, 123_456_789);
    fs::File::open(a.path("notes/today.txt")).unwrap().set_modified(old).unwrap();
    stage.settle_same();
    let b = stage.device("b");
    assert_eq!(b.read("notes/today.txt"), b"buy bread\n");
    assert!(b.path("hollow").is_dir());
    assert_eq!(fs::read_link(b.path("dangling")).unwrap().to_str(), Some("/nowhere/at all"));
    assert_eq!(fs::metadata(b.path("tool.sh")).unwrap().permissions().mode() & 0o100, 0o100);
    assert_eq!(fs::metadata(b.path("notes/today.txt")).unwrap().modified().unwrap(), old);
}

#[test]
fn edits_renames_and_deletes_travel_both_ways() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    for name in ["one", "two", "dir/three", "dir/four"] {
        stage.device("a").write(name, name);
    }
    stage.settle_same();
    let b = stage.device("b");
    b.write("one", "edited on b");
    fs::rename(b.path("dir"), b.path("moved")).unwrap();
    fs::remove_file(b.path("two")).unwrap();
    stage.settle_same();
    let a = stage.device("a");
    assert_eq!(a.read("one"), b"edited on b");
    assert_eq!(a.names(), ["moved", "moved/four", "moved/three", "one"]);
    a.write("moved/three", "edited on a");
    stage.settle_same();
    assert_eq!(stage.device("b").read("moved/three"), b"edited on a");
}

#[test]
fn sc139_a_second_device_with_a_filled_folder_merges_and_deletes_nothing() {
    let mut stage = Stage::with_devices(&["a"]);
    for (name, content) in [("same", "same"), ("other", "of a"), ("only-a", "a")] {
        stage.device("a").write(name, content);
    }
    stage.settle();
    stage.enrol("b");
    let b = stage.device("b");
    for (name, content) in [("same", "same"), ("other", "of b"), ("only-b", "b")] {
        b.write(name, content);
    }
    b.ok(&["sync", b.folder.clone().to_str().unwrap()]);
    b.start();
    stage.settle_same();
    let b = stage.device("b");
    assert_eq!(b.read("other"), b"of a", "the value that was committed first keeps the name");
    let values = b.values();
    let expected: [&[u8]; 5] = [b"a", b"b", b"of a", b"of b", b"same"];
    assert_eq!(values, expected);
}
