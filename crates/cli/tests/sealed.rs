//! Sealed spaces: what the server's disk does not hold (E1), and that everything works all the same.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod stage;

use std::fs;
use std::path::Path;

use stage::{Device, Stage, files_below};

const CONTENT: &str = "canary-in-content-6f1b0c";
const NAME: &str = "canary-in-name-93ae44";
const FOLDER: &str = "canary-in-folder-51d7e0";
const TARGET: &str = "canary-in-link-c88a12";
const SPACE: &str = "canary-of-space-07be5d";

/// How often a text stands in any file below a directory.
fn found(data: &Path, canary: &str) -> usize {
    let times = |path: &Path| {
        let bytes = fs::read(path).unwrap();
        bytes
            .windows(canary.len())
            .filter(|window| *window == canary.as_bytes())
            .count()
    };
    // Logs of the database are files as well.
    files_below(data).iter().map(|path| times(path)).sum()
}

fn fill(device: &Device, space: &str) {
    // The server is told where sync folders are, so this one is called by no canary.
    let folder = device.folder.with_file_name("filled");
    fs::create_dir_all(folder.join(FOLDER)).unwrap();
    // Larger than what travels with a commit, so that there is a pack too; it does not compress.
    let mut large = stage::noise(7, 3 << 20);
    large.extend_from_slice(CONTENT.as_bytes());
    fs::write(folder.join(NAME), CONTENT).unwrap();
    fs::write(folder.join(FOLDER).join("large"), &large).unwrap();
    std::os::unix::fs::symlink(TARGET, folder.join("link")).unwrap();
    device.ok(&["sync", folder.to_str().unwrap(), "--space", space]);
}

#[test]
fn e1_a30_the_servers_data_hold_nothing_of_a_sealed_space() {
    let mut stage = Stage::with_devices(&["a"]);
    let data = stage.data();
    let a = stage.device("a");
    a.ok(&["spaces", "create", SPACE, "--sealed"]);
    fill(a, SPACE);
    a.ok(&["wait", "--timeout", "100"]);
    // All of it is there, for its members.
    assert_eq!(a.ok(&["cat", &format!("{SPACE}:/{NAME}")]), CONTENT);
    let listed = a.ok(&["tree", &format!("{SPACE}:/")]);
    assert!(listed.contains(NAME) && listed.contains(FOLDER), "{listed}");
    // What the server has of it, while it runs and when it has tidied up.
    let held: u64 = files_below(&data)
        .iter()
        .map(|path| fs::metadata(path).unwrap().len())
        .sum();
    assert!(held > 3 << 20, "{held} bytes hold no large file");
    for _ in 0..2 {
        for canary in [CONTENT, NAME, FOLDER, TARGET, SPACE] {
            assert_eq!(found(&data, canary), 0, "{canary}");
        }
        if stage.server.is_some() {
            stage.stop_server();
        }
    }
    // The search finds what is there: the name of a device is.
    assert!(found(&data, "linux") > 0, "the search finds nothing at all");
}

#[test]
fn a_sealed_space_works_as_any_other() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    let a = stage.device("a");
    a.ok(&["spaces", "create", "diary", "--sealed"]);
    assert!(a.ok(&["spaces"]).contains("sealed"));
    let folder = a.folder.with_file_name("diary-a");
    a.ok(&["sync", folder.to_str().unwrap(), "--space", "diary"]);
    fs::write(folder.join("today"), "first").unwrap();
    a.ok(&["wait", "--timeout", "100"]);
    fs::write(folder.join("today"), "second").unwrap();
    a.ok(&["wait", "--timeout", "100"]);
    assert!(a.ok(&["history", "diary:/today"]).lines().count() >= 2);

    let b = stage.device("b");
    let there = b.folder.with_file_name("diary-b");
    b.ok(&["sync", there.to_str().unwrap(), "--space", "diary"]);
    b.ok(&["wait", "--timeout", "100"]);
    assert_eq!(fs::read(there.join("today")).unwrap(), b"second");
    b.ok(&["rm", "diary:/today"]);
    b.ok(&["restore", "diary:/today"]);
    assert_eq!(b.ok(&["cat", "diary:/today"]), "second");
    b.ok(&["mkdir", "diary:/more"]);
    b.ok(&["mv", "diary:/today", "diary:/more"]);
    b.ok(&["verify"]);
    let a = stage.device("a");
    a.ok(&["wait", "--timeout", "100"]);
    assert_eq!(fs::read(folder.join("more/today")).unwrap(), b"second");
    // Another name is everybody's, and ends no sync folder.
    a.ok(&["spaces", "rename", "diary", "journal"]);
    let b = stage.device("b");
    assert_eq!(b.ok(&["cat", "journal:/more/today"]), "second");
}
