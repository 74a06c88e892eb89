//! Files put into sealed spaces by those who cannot read them, as everybody would type it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod stage;

use std::fs;
use std::path::{Path, PathBuf};

use stage::{Device, Stage, files_below, url_in, wait_until};

const NAME: &str = "canary-in-name-2b7f10";
const CONTENT: &str = "canary-in-content-e05c6d";

/// Somebody without an account: a device that was never enrolled.
fn visitor(stage: &Stage) -> Device {
    Device {
        name: "visitor".to_owned(),
        home: stage.place.path().join("home-visitor"),
        folder: stage.place.path().join("visited"),
        daemon: None,
    }
}

/// A file with some content, of somebody.
fn source(device: &Device, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let folder = device.folder.with_file_name(format!("of-{}", device.name));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), content).unwrap();
    folder.join(name)
}

fn put(device: &Device, file: &Path, target: &str) {
    device.ok(&["put", file.to_str().unwrap(), target]);
}

/// What a command says that must fail.
fn refused(device: &Device, arguments: &[&str]) -> String {
    let done = device.run(arguments);
    assert_eq!(done.status.code(), Some(1), "{arguments:?}");
    String::from_utf8(done.stderr).unwrap()
}

/// Makes an open and a sealed space, named so.
fn both_kinds(owner: &Device) -> [&'static str; 2] {
    owner.ok(&["spaces", "create", "open"]);
    owner.ok(&["spaces", "create", "sealed", "--sealed"]);
    ["open", "sealed"]
}

/// How often a text stands in any file of the server.
fn found(stage: &Stage, canary: &str) -> usize {
    let times = |path: &PathBuf| {
        let bytes = fs::read(path).unwrap();
        let windows = bytes.windows(canary.len());
        windows
            .filter(|window| *window == canary.as_bytes())
            .count()
    };
    files_below(&stage.data()).iter().map(times).sum()
}

/// Until a file is there with this content.
fn until(path: &Path, content: &[u8]) {
    wait_until("the file is there", || {
        fs::read(path).is_ok_and(|there| there == content)
    });
}

#[test]
fn a_file_put_through_a_link_into_a_sealed_space_is_a_plain_file_for_its_members() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    let (visitor, bob) = (visitor(&stage), stage.person("bob"));
    stage
        .device("a")
        .ok(&["spaces", "create", "diary", "--sealed"]);
    let a = stage.device("a");
    a.ok(&["mkdir", "diary:/in"]);
    let url = url_in(&a.ok(&["link", "create", "diary:/in", "--upload"]));
    let b = stage.device("b");
    let folder = b.folder.with_file_name("diary-b");
    b.ok(&["sync", folder.to_str().unwrap(), "--space", "diary"]);
    // It does not compress, and does not fit into one request.
    let mut large = stage::noise(5, 3 << 20);
    large.extend_from_slice(CONTENT.as_bytes());
    put(&visitor, &source(&visitor, NAME, CONTENT), &url);
    put(&visitor, &source(&visitor, "large", &large), &url);
    assert_eq!((found(&stage, NAME), found(&stage, CONTENT)), (0, 0));
    until(&folder.join("in").join(NAME), CONTENT.as_bytes());
    until(&folder.join("in/large"), &large);
    // Of two files of one name both are kept (SC-155).
    put(&visitor, &source(&visitor, NAME, "another"), &url);
    until(&folder.join("in").join(format!("{NAME} (2)")), b"another");
    assert_eq!((found(&stage, NAME), found(&stage, CONTENT)), (0, 0));
    // It shows nothing of what is there.
    refused(&visitor, &["ls", &url]);
    refused(&visitor, &["cat", &format!("{url}:/large")]);
    // Who has left has the key of before: the link goes on with another.
    let a = stage.device("a");
    a.ok(&["share", "diary", "bob", "--role", "editor"]);
    bob.ok(&["spaces", "accept", "diary"]);
    a.ok(&["members", "diary", "--remove", "bob"]);
    put(&visitor, &source(&visitor, "later", "later"), &url);
    until(&folder.join("in/later"), b"later");
    // The directory may be moved.
    let a = stage.device("a");
    a.ok(&["mv", "diary:/in", "diary:/moved"]);
    put(&visitor, &source(&visitor, "moved", "moved"), &url);
    until(&folder.join("moved/moved"), b"moved");
    let a = stage.device("a");
    let listed = a.ok(&["link", "list", "diary:/", "--uses"]);
    for told in ["upload", "taken 5", "put diary:/moved/later"] {
        assert!(listed.contains(told), "{told}: {listed}");
    }
    // D2: on whose behalf it was signed.
    let history = a.ok(&["history", "diary:/moved/later"]);
    assert!(history.contains(" through a link"), "{history}");
    a.ok(&["verify"]);
    a.ok(&["link", "revoke", "diary:/moved"]);
    let file = source(&visitor, "too-late", "late");
    assert!(refused(&visitor, &["put", file.to_str().unwrap(), &url]).contains("revoked"));
}

#[test]
fn what_was_put_waits_while_no_daemon_runs_and_one_of_two_takes_it_in() {
    let stage = Stage::server_only();
    let visitor = visitor(&stage);
    let (mut ann, mut bob) = (stage.person("ann"), stage.person("bob"));
    ann.ok(&["spaces", "create", "diary", "--sealed"]);
    ann.ok(&["share", "diary", "bob", "--role", "editor"]);
    bob.ok(&["spaces", "accept", "diary"]);
    ann.ok(&["mkdir", "diary:/in"]);
    let create = [
        "link",
        "create",
        "diary:/in",
        "--upload",
        "--downloads",
        "3",
    ];
    let url = url_in(&ann.ok(&create));
    put(&visitor, &source(&visitor, "first", "first"), &url);
    put(&visitor, &source(&visitor, "second", "second"), &url);
    let listed = ann.ok(&["link", "list", "diary:/"]);
    assert!(
        listed.contains("taken 2 of 3") && listed.contains("2 waiting"),
        "{listed}"
    );
    for device in [&ann, &bob] {
        let told = device.ok(&["status"]);
        assert!(
            told.contains("2 files wait to be taken into diary"),
            "{told}"
        );
        assert_eq!(device.ok(&["ls", "diary:/in"]), "");
    }
    // Where they were to go is not there any more: they are in the space all the same.
    ann.ok(&["rm", "-r", "diary:/in"]);
    refused(
        &visitor,
        &[
            "put",
            source(&visitor, "third", "third").to_str().unwrap(),
            &url,
        ],
    );
    for device in [&mut ann, &mut bob] {
        device.start();
    }
    wait_until("both are taken in", || {
        ann.ok(&["ls", "diary:/"]) == "first\nsecond\n"
    });
    assert_eq!(bob.ok(&["cat", "diary:/second"]), "second");
    // What the server told is held for some seconds.
    wait_until("nothing waits", || {
        !bob.ok(&["status"]).contains("files wait")
    });
    for device in [&mut ann, &mut bob] {
        device.ok(&["verify"]);
        device.stop();
    }
}

#[test]
fn a_member_with_the_role_drop_puts_files_and_sees_nothing() {
    let stage = Stage::server_only();
    let (mut ann, bob) = (stage.person("ann"), stage.person("bob"));
    for space in both_kinds(&ann) {
        ann.ok(&["mkdir", &format!("{space}:/secret-plans")]);
        ann.ok(&["share", space, "bob", "--role", "drop"]);
        let accepted = bob.ok(&["spaces", "accept", space]);
        assert!(
            accepted.contains(&format!("hythe put FILE {space}:/")),
            "{accepted}"
        );
    }
    let listed = bob.ok(&["spaces"]);
    assert!(
        listed.contains("open  drop") && listed.contains("sealed  drop"),
        "{listed}"
    );
    ann.start();
    let mut large = stage::noise(9, 3 << 20);
    large.extend_from_slice(CONTENT.as_bytes());
    let folder = bob.folder.with_file_name("into");
    for space in ["open", "sealed"] {
        let root = format!("{space}:/");
        put(&bob, &source(&bob, NAME, CONTENT), &root);
        put(&bob, &source(&bob, NAME, "another"), &root);
        put(
            &bob,
            &source(&bob, "large", &large),
            &format!("{space}:/renamed"),
        );
        let all = format!("{NAME}\n{NAME} (2)\nrenamed\nsecret-plans/\n");
        wait_until("all are taken in", || ann.ok(&["ls", &root]) == all);
        assert_eq!(ann.ok(&["cat", &format!("{space}:/{NAME}")]), CONTENT);
        let history = ann.ok(&["history", &format!("{space}:/{NAME}")]);
        assert!(history.contains("  by bob put"), "{history}");
        let got = folder.with_file_name(format!("got-{space}"));
        ann.ok(&["get", &format!("{space}:/renamed"), got.to_str().unwrap()]);
        assert!(fs::read(&got).unwrap() == large);
        // It sees nothing, and syncs nothing.
        for arguments in [
            vec!["ls", &root],
            vec!["tree", &root],
            vec!["cat", &format!("{space}:/{NAME}")],
            vec!["mkdir", &format!("{space}:/d")],
            vec!["history", &format!("{space}:/{NAME}")],
            vec!["sync", folder.to_str().unwrap(), "--space", space],
            vec!["members", space],
        ] {
            let told = refused(&bob, &arguments);
            assert!(told.contains("see nothing"), "{arguments:?}: {told}");
        }
    }
    assert_eq!((found(&stage, NAME), found(&stage, CONTENT)), (0, 0));
    assert!(!folder.exists() || fs::read_dir(&folder).unwrap().next().is_none());
    // A daemon of such a member has nothing to do there, and does the rest.
    let mut bob = bob;
    bob.start();
    bob.until(|now| now["server"]["connected"] == true);
    bob.ok(&["mkdir", ":/own"]);
    assert_eq!(bob.ok(&["ls", ":/"]), "own/\n");
    // Whoever is sent away puts nothing more, at once.
    ann.ok(&["members", "sealed", "--remove", "bob"]);
    let file = source(&bob, "late", "late");
    refused(&bob, &["put", file.to_str().unwrap(), "sealed:/"]);
    ann.ok(&["share", "open", "bob", "--role", "viewer"]);
    wait_until("bob may read", || {
        bob.run(&["ls", "open:/"]).status.success()
    });
    ann.ok(&["verify"]);
    ann.stop();
    bob.stop();
}

#[test]
fn a_joining_link_may_let_files_be_put_and_nothing_else() {
    let stage = Stage::server_only();
    let (mut ann, bob) = (stage.person("ann"), stage.person("bob"));
    for space in both_kinds(&ann) {
        let told = ann.ok(&["share", space, "--link", "--role", "drop"]);
        let url = told.split('\'').nth(1).unwrap().to_owned();
        let accepted = bob.ok(&["spaces", "accept", &url]);
        let named = format!("hythe put FILE {space}:/");
        assert!(accepted.contains(&named), "{accepted}");
        // Again, as where the reply was lost: it is a member already.
        bob.ok(&["spaces", "accept", &url]);
        // One link is for one account.
        let other = stage.person(&format!("other-{space}"));
        let told = refused(&other, &["spaces", "accept", &url]);
        assert!(told.contains("lets nobody in"), "{told}");
    }
    ann.start();
    for space in ["open", "sealed"] {
        put(&bob, &source(&bob, NAME, CONTENT), &format!("{space}:/"));
        let there = format!("{NAME}\n");
        wait_until("it is taken in", || {
            ann.ok(&["ls", &format!("{space}:/")]) == there
        });
        refused(&bob, &["ls", &format!("{space}:/")]);
        let members = ann.ok(&["members", space]);
        assert!(members.contains("bob  drop"), "{members}");
        // It has seen nothing of the log, and leaves all the same.
        bob.ok(&["spaces", "leave", space]);
        wait_until("it is known that bob left", || {
            !ann.ok(&["members", space]).contains("bob")
        });
        assert!(!bob.ok(&["spaces"]).contains(space));
        let file = source(&bob, "late", "late");
        let late = bob.run(&["put", file.to_str().unwrap(), &format!("{space}:/")]);
        assert!(!late.status.success());
    }
    ann.stop();
}
