//! A removed device that is asked to delete its local copies.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod stage;

use std::fs;

use stage::{Stage, files_below, success, url_in};

#[test]
fn s1_a_removed_device_deletes_what_the_server_has_and_nothing_else() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    let work = stage.place.path().join("work");
    let a = stage.device("a");
    a.ok(&["spaces", "create", "photos"]);
    a.ok(&["mkdir", ":/d"]);
    a.ok(&["spaces", "attach", "photos", ":/d/album"]);
    a.ok(&["spaces", "create", "work"]);
    for (name, content) in [("d/one", "1"), ("d/two", "2"), ("three", "3")] {
        a.write(name, content);
    }
    stage.settle_same();
    stage.device("a").write("d/album/picture", "4");
    let b = stage.device("b");
    b.ok(&["sync", work.to_str().unwrap(), "--space", "work"]);
    fs::create_dir_all(work.join("plans")).unwrap();
    fs::write(work.join("plans/plan"), "5").unwrap();
    stage.settle_same();
    let b = stage.device("b");
    assert_eq!(b.read("d/album/picture"), b"4");
    b.stop();
    // While its daemon is away: an edit, and a file that only it has.
    b.write("d/two", "edited");
    b.write("d/album/new", "only here");

    let said = stage.device("a").ok(&["devices", "remove", "b", "--wipe"]);
    assert!(said.contains("asked to delete its copies"), "{said}");
    assert!(said.contains("Nothing makes sure of it"), "{said}");
    let b = stage.device("b");
    assert!(b.home.join("keys/device").exists());
    // It does what it was asked, and ends.
    success(&mut b.command(&["daemon", "run"]));
    let told = b.run(&["status"]);
    assert_eq!(told.status.code(), Some(1));
    let told = String::from_utf8(told.stderr).unwrap();
    assert!(
        told.contains("removed from its account and wiped"),
        "{told}"
    );
    assert!(told.contains("4 files were"), "{told}");
    assert!(
        told.contains("d/two") && told.contains("d/album/new"),
        "{told}"
    );
    assert!(!told.contains("three"), "{told}");
    assert_eq!(b.names(), ["d", "d/album", "d/album/new", "d/two"]);
    assert_eq!(b.read("d/two"), b"edited");
    assert_eq!(b.read("d/album/new"), b"only here");
    assert!(files_below(&work).is_empty() && !work.join("plans").exists());
    // Nothing that it knew of the account is left: no keys, no names.
    let left: Vec<_> = files_below(&b.home);
    let mut names: Vec<_> = left.iter().filter_map(|path| path.file_name()).collect();
    names.sort();
    assert_eq!(names, ["lock", "removed"], "{left:?}");
    assert!(!b.run(&["cat", ":/three"]).status.success());

    // It is done once: what somebody puts there later stays, whoever looks.
    b.write("three", "3");
    assert!(!b.run(&["daemon", "run"]).status.success());
    assert_eq!(b.read("three"), b"3");

    // Nothing of it is a delete for anybody else.
    let a = stage.device("a");
    a.ok(&["wait", "--timeout", "100"]);
    assert_eq!(a.read("d/two"), b"2");
    assert_eq!(a.read("d/album/picture"), b"4");
    assert_eq!(a.read("three"), b"3");
    assert_eq!(a.ok(&["cat", "work:/plans/plan"]), "5");

    // The home can be a device's again, which nobody removes.
    let url = url_in(&a.ok(&["devices", "add"]));
    let b = stage.device("b");
    b.ok(&["connect", &url, "--device-name", "b again"]);
    assert_eq!(b.ok(&["cat", ":/three"]), "3");
    b.ok(&["status"]);
}
