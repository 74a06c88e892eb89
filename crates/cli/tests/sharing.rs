//! Two people and a space of one of them, as they would type it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod stage;

use std::fs;

use stage::{Device, Stage, wait_until};

/// Devices that end with the test.
struct Two {
    ann: Device,
    bob: Device,
    _stage: Stage,
}

impl Drop for Two {
    fn drop(&mut self) {
        for device in [&mut self.ann, &mut self.bob] {
            if device.daemon.is_some() {
                device.kill();
            }
        }
    }
}

/// Ann, Bob and a space of hers with him in it as editor, synced by both.
fn shared() -> Two {
    let stage = Stage::server_only();
    let (mut ann, mut bob) = (stage.person("ann"), stage.person("bob"));
    ann.ok(&["spaces", "create", "photos"]);
    ann.ok(&["share", "photos", "bob", "--role", "editor"]);
    bob.ok(&["spaces", "accept", "photos"]);
    for device in [&mut ann, &mut bob] {
        let folder = device.folder.clone();
        device.ok(&["sync", folder.to_str().unwrap(), "--space", "photos"]);
        device.start();
    }
    Two {
        ann,
        bob,
        _stage: stage,
    }
}

fn settle(devices: [&Device; 2]) {
    for device in devices.iter().chain(&devices) {
        device.ok(&["wait", "--timeout", "100"]);
    }
}

#[test]
fn two_accounts_share_a_space_until_one_may_only_read_and_then_is_out() {
    let mut two = shared();
    let (ann, bob) = (&two.ann, &mut two.bob);
    ann.write("from-ann", "hello");
    settle([ann, bob]);
    assert_eq!(bob.read("from-ann"), b"hello");
    bob.write("from-bob", "hello back");
    bob.write("from-ann", "edited by bob");
    settle([bob, ann]);
    assert_eq!(ann.read("from-bob"), b"hello back");
    assert_eq!(ann.read("from-ann"), b"edited by bob");

    // To viewer: what he writes stays with him, is shown, and nothing of it is lost (SC-157).
    ann.ok(&["share", "photos", "bob", "--role", "viewer"]);
    wait_until("the role is known", || {
        bob.ok(&["spaces"]).contains("photos  viewer")
    });
    bob.write("unsent", "of a viewer");
    bob.write("from-bob", "edited by a viewer");
    ann.write("later", "still read");
    ann.ok(&["wait", "--timeout", "100"]);
    let waited = bob.run(&["wait", "--timeout", "100"]);
    assert_eq!(waited.status.code(), Some(3), "{waited:?}");
    assert_eq!(bob.read("later"), b"still read");
    assert_eq!(bob.read("unsent"), b"of a viewer");
    let told = bob.run(&["status"]);
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(
        told.contains("unsent") && told.contains("you may only read"),
        "{told}"
    );
    assert_eq!(ann.read("from-bob"), b"hello back");
    assert!(!ann.path("unsent").exists());

    // As editor again, it goes on its way.
    ann.ok(&["share", "photos", "bob", "--role", "editor"]);
    wait_until("what was not sent arrives", || ann.path("unsent").exists());
    settle([bob, ann]);
    assert_eq!(ann.read("from-bob"), b"edited by a viewer");

    // Out: nothing more arrives, what is there stays, and no delete travels.
    let files = bob.names();
    ann.ok(&["members", "photos", "--remove", "bob"]);
    bob.until(|status| status["folders"][0]["state"] == "unavailable");
    ann.write("secret", "not for bob");
    fs::remove_file(ann.path("later")).unwrap();
    ann.ok(&["wait", "--timeout", "100"]);
    bob.write("own", "after it");
    assert_eq!(
        bob.run(&["wait", "--timeout", "100"]).status.code(),
        Some(3)
    );
    assert_eq!(bob.names().len(), files.len() + 1);
    assert!(!ann.path("own").exists());
    assert!(!bob.run(&["ls", "photos:/"]).status.success());
    let left = ann.ok(&["members", "photos"]);
    assert!(!left.contains("bob"), "{left}");
    // What it was called is still said, although there is no key to its name any more.
    for _ in 0..2 {
        let told = bob.status().to_string();
        assert!(told.contains("no member of photos any more"), "{told}");
        bob.stop();
        bob.start();
        bob.until(|status| status["folders"][0]["state"] == "unavailable");
    }
}

#[test]
fn a_role_that_changed_while_nothing_ran_counts_from_the_next_start() {
    let mut two = shared();
    two.bob.stop();
    let (ann, bob) = (&two.ann, &two.bob);
    ann.ok(&["share", "photos", "bob", "--role", "viewer"]);
    bob.write("unsent", "of a viewer");
    assert_eq!(
        bob.run(&["wait", "--timeout", "100"]).status.code(),
        Some(3)
    );
    ann.ok(&["share", "photos", "bob", "--role", "editor"]);
    bob.ok(&["wait", "--timeout", "100"]);
    ann.ok(&["wait", "--timeout", "100"]);
    assert_eq!(ann.read("unsent"), b"of a viewer");
}

#[test]
fn an_invitation_waits_for_an_answer_that_is_nobody_elses() {
    let stage = Stage::server_only();
    let (ann, bob) = (stage.person("ann"), stage.person("bob"));
    ann.ok(&["spaces", "create", "photos"]);
    let shown = ann.ok(&["share", "photos", "bob", "--role", "viewer"]);
    let number = shown.lines().last().unwrap().trim().to_owned();
    let asked = bob.ok(&["spaces"]);
    assert!(
        asked.contains("photos") && asked.contains("invited by ann"),
        "{asked}"
    );
    assert!(
        asked.contains(&number),
        "both see one safety number: {asked}"
    );
    assert!(
        ann.ok(&["members", "photos"])
            .contains("invited, has not answered")
    );
    // Not answered, it is no space of his.
    assert!(!bob.run(&["ls", "photos:/"]).status.success());
    bob.ok(&["spaces", "decline", "photos"]);
    assert!(!bob.ok(&["spaces"]).contains("photos"));
    assert!(ann.ok(&["members", "photos"]).contains("declined"));
    // A number that is not the one between them stops it.
    let wrong = "1".repeat(60);
    let refused = ann.run(&[
        "share", "photos", "bob", "--role", "editor", "--number", &wrong,
    ]);
    assert_eq!(refused.status.code(), Some(3));
    ann.ok(&[
        "share", "photos", "bob", "--role", "editor", "--number", &number,
    ]);
    bob.ok(&["spaces", "accept", "photos"]);
    assert!(bob.ok(&["spaces"]).contains("photos  editor"));
}

#[test]
fn ownership_goes_over_to_another_before_one_leaves() {
    let stage = Stage::server_only();
    let (ann, bob) = (stage.person("ann"), stage.person("bob"));
    ann.ok(&["spaces", "create", "photos"]);
    let alone = ann.run(&["spaces", "leave", "photos"]);
    assert_eq!(alone.status.code(), Some(1));
    ann.ok(&["share", "photos", "bob", "--role", "owner"]);
    bob.ok(&["spaces", "accept", "photos"]);
    ann.ok(&["spaces", "leave", "photos"]);
    assert!(!ann.ok(&["spaces"]).contains("photos"));
    bob.ok(&["spaces", "rename", "photos", "pictures"]);
    assert!(bob.ok(&["spaces"]).contains("pictures  owner"));
    assert!(!bob.ok(&["members", "pictures"]).contains("ann"));
}
