//! Members that come by a link, and spaces that are deleted, as they would be typed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod stage;

use stage::{Device, Stage};

/// Devices that end with the test.
struct Two([Device; 2]);

impl Drop for Two {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(Device::kill);
    }
}

/// The link in what was printed, without the quotes around it.
fn link_in(text: &str) -> String {
    let (_, rest) = text.split_once('\'').unwrap();
    rest.split_once('\'').unwrap().0.to_owned()
}

#[test]
fn whoever_has_a_link_takes_part_once() {
    let stage = Stage::server_only();
    let (ann, bob) = (stage.person("ann"), stage.person("bob"));
    ann.ok(&["spaces", "create", "diary", "--sealed"]);
    let told = ann.ok(&["share", "diary", "--link", "--role", "editor"]);
    let link = link_in(&told);
    assert!(ann.ok(&["members", "diary"]).contains("a link "), "{told}");
    let joined = bob.ok(&["spaces", "accept", &link]);
    assert!(
        joined.contains("You take part in diary as editor"),
        "{joined}"
    );
    assert!(bob.ok(&["spaces"]).contains("diary  editor"));
    assert!(!ann.ok(&["members", "diary"]).contains("a link "));
    // Again it says the same, and lets nobody else in.
    assert_eq!(bob.ok(&["spaces", "accept", &link]), joined);
    let eve = stage.person("eve");
    let refused = eve.run(&["spaces", "accept", &link]);
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(
        !refused.status.success() && text.contains("lets nobody in"),
        "{text}"
    );

    let told = ann.ok(&["share", "diary", "--link", "--role", "viewer"]);
    let members: serde_json::Value =
        serde_json::from_str(&ann.ok(&["members", "diary", "--json"])).unwrap();
    let id = members["links"][0]["id"].as_str().unwrap().to_owned();
    ann.ok(&["members", "diary", "--withdraw", &id[..12]]);
    assert!(
        !eve.run(&["spaces", "accept", &link_in(&told)])
            .status
            .success()
    );
    let owner = ann.run(&["share", "diary", "--link", "--role", "owner"]);
    assert!(!owner.status.success());
}

#[test]
fn s4_a_deleted_space_leaves_its_files_in_ordinary_folders() {
    let mut stage = Stage::server_only();
    let mut two = Two([stage.person("ann"), stage.person("bob")]);
    let [ann, bob] = &mut two.0;
    ann.ok(&["spaces", "create", "photos"]);
    ann.ok(&["share", "photos", "bob", "--role", "editor"]);
    bob.ok(&["spaces", "accept", "photos"]);
    for device in [&mut *ann, &mut *bob] {
        let folder = device.folder.clone();
        device.ok(&["sync", folder.to_str().unwrap(), "--space", "photos"]);
        device.start();
    }
    let [ann, bob] = &two.0;
    ann.write("one", "kept");
    for device in [ann, bob, ann] {
        device.ok(&["wait", "--timeout", "100"]);
    }
    assert_eq!(bob.read("one"), b"kept");
    assert!(!bob.run(&["spaces", "delete", "photos"]).status.success());
    ann.ok(&["spaces", "delete", "photos"]);
    assert!(ann.ok(&["spaces", "restore", "photos"]).contains("stays"));
    ann.ok(&["spaces", "delete", "photos", "--after", "1"]);
    stage::wait_until("the other member sees it", || {
        bob.ok(&["status"]).contains("photos is deleted on")
    });
    assert!(bob.ok(&["spaces"]).contains("deleted on"));
    assert!(!ann.run(&["spaces", "delete", "home"]).status.success());

    // The day passes.
    stage.stop_server();
    let database = rusqlite::Connection::open(stage.data().join("hythe.db")).unwrap();
    let sql = "UPDATE logs SET ends_ms = 1 WHERE ends_ms IS NOT NULL";
    assert_eq!(database.execute(sql, []).unwrap(), 1);
    drop(database);
    stage.start_server();
    for device in [ann, bob] {
        device.until(|status| status["ended"].as_array().is_some_and(|all| all.len() == 1));
        let told = device.ok(&["status"]);
        assert!(told.contains("is no sync folder any more"), "{told}");
        assert_eq!(device.read("one"), b"kept");
        assert!(!device.ok(&["spaces"]).contains("photos"));
    }
    // An ordinary folder: it can become one of another space, with what is in it.
    bob.write("two", "written later");
    ann.ok(&["unsync", ann.folder.to_str().unwrap()]);
    assert!(!ann.ok(&["status"]).contains("no sync folder any more"));
    bob.ok(&["sync", bob.folder.to_str().unwrap()]);
    bob.ok(&["wait", "--timeout", "100"]);
    assert_eq!(bob.ok(&["cat", ":/one"]), "kept");
}
