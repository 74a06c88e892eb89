//! Scenarios of group K: a device that meets another server, and a device that there is twice.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod stage;

use std::fs;
use std::path::Path;
use std::process::Command;

use stage::{Device, Stage, url_in};

fn copy(from: &Path, to: &Path) {
    stage::success(Command::new("cp").arg("-a").arg(from).arg(to));
}

/// A command that must not succeed, and what it says.
fn refused(device: &Device, arguments: &[&str]) -> String {
    let done = device.run(arguments);
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(1), "{arguments:?}: {said}");
    said
}

/// Waits until a device is told something about its server.
fn until_told(device: &Device, words: &str) {
    device.until(|now| {
        let reason = now["server"]["reason"].as_str();
        reason.is_some_and(|reason| reason.contains(words))
    });
}

/// Gives up the device of a home and makes another of it, as a user types it.
fn enrol_anew(device: &mut Device, url: &str, name: &str) {
    let folder = device.folder.to_str().unwrap().to_owned();
    device.ok(&["unsync", &folder]);
    device.stop();
    fs::rename(&device.home, device.home.with_extension("aside")).unwrap();
    device.ok(&["connect", url, "--device-name", name]);
    device.ok(&["sync", &folder]);
    device.start();
}

/// A server of the same address, with nothing of what there was; and an invite to it.
fn install_server_anew(stage: &mut Stage) -> String {
    stage.stop_server();
    fs::remove_dir_all(stage.data()).unwrap();
    stage.start_server();
    let mut admin = stage.server_command();
    let invite = admin.args(["admin", "invite", "--data"]).arg(stage.data());
    url_in(&stage::success(invite))
}

#[test]
fn sc140_s4_files_of_an_old_account_go_to_a_new_empty_server_and_stay() {
    let mut stage = Stage::with_devices(&["a"]);
    for n in 0..60 {
        let name = format!("d/f{n:02}");
        stage.device("a").write(&name, format!("{n}"));
    }
    stage.device("a").ok(&["wait", "--timeout", "100"]);
    let invite = install_server_anew(&mut stage);
    let a = stage.device("a");
    until_told(a, "`hythe connect`");
    assert_eq!(a.values().len(), 60, "an empty server empties no folder");
    let said = refused(a, &["connect", &invite]);
    assert!(said.contains("connected already"), "{said}");
    a.write("later", "made meanwhile");
    enrol_anew(a, &invite, "a");
    stage.enrol("b");
    let b = stage.device("b");
    b.ok(&["sync", b.folder.clone().to_str().unwrap()]);
    b.start();
    stage.settle_same();
    let b = stage.device("b");
    assert_eq!(b.values().len(), 61);
    assert_eq!(b.read("d/f07"), b"7");
    assert_eq!(b.read("later"), b"made meanwhile");
}

#[test]
fn sc140_a_folder_of_another_device_is_refused_until_its_marker_is_gone() {
    let mut stage = Stage::with_devices(&["a"]);
    stage.device("a").write("f", "of the old account");
    stage.device("a").ok(&["wait", "--timeout", "100"]);
    let invite = install_server_anew(&mut stage);
    stage.device("a").stop();
    let folder = stage.device("a").folder.clone();
    let new = Device {
        name: "new".into(),
        home: stage.place.path().join("home-new"),
        folder: folder.clone(),
        daemon: None,
    };
    new.ok(&["connect", &invite]);
    let said = refused(&new, &["sync", folder.to_str().unwrap()]);
    assert!(said.contains("`.hythe`"), "says what to remove: {said}");
    fs::remove_dir_all(folder.join(".hythe")).unwrap();
    new.ok(&["sync", folder.to_str().unwrap()]);
    stage.devices.push(new);
    stage.device("new").start();
    stage.device("new").ok(&["wait", "--timeout", "100"]);
    let new = stage.device("new");
    assert_eq!(new.ok(&["cat", ":/f"]), "of the old account");
    assert_eq!(new.names(), ["f"]);
    // The old device finds a folder that is none of its own, and leaves it alone.
    stage.device("a").start();
    stage.device("a").until_state("unavailable");
    stage.device("new").ok(&["wait", "--timeout", "100"]);
    assert_eq!(stage.device("new").names(), ["f"]);
}

/// Two devices, and a copy of the first with all it has, as of a disk that was copied.
fn with_a_twin() -> Stage {
    let mut stage = Stage::with_devices(&["a", "b"]);
    stage.device("a").write("f", "before the copy");
    stage.settle_same();
    stage.device("a").stop();
    let place = stage.place.path().to_owned();
    let twin = Device {
        name: "twin".into(),
        home: place.join("home-twin"),
        folder: place.join("folder-twin"),
        daemon: None,
    };
    let (home, folder) = (
        stage.device("a").home.clone(),
        stage.device("a").folder.clone(),
    );
    copy(&home, &twin.home);
    copy(&folder, &twin.folder);
    // On a disk of its own the copy would be at the same path.
    let aside = place.join("aside");
    fs::rename(&folder, &aside).unwrap();
    let (old, new) = (folder.to_str().unwrap(), twin.folder.to_str().unwrap());
    twin.ok(&["sync", "--move", old, new]);
    fs::rename(&aside, &folder).unwrap();
    stage.devices.push(twin);
    stage.device("a").start();
    stage.device("twin").start();
    stage.device("a").ok(&["wait", "--timeout", "100"]);
    stage.device("twin").ok(&["wait", "--timeout", "100"]);
    stage
}

#[test]
fn sc141_s1_of_a_device_and_its_copy_one_goes_on_and_the_other_is_told_what_to_do() {
    let mut stage = with_a_twin();
    // The copy wins: it is the first to write.
    stage.device("twin").write("of-twin", "x");
    until_told(stage.device("a"), "`hythe connect`");
    stage.device("a").write("of-a", "only here");
    stage.device("twin").write("f", "edited by the copy");
    stage.device("twin").ok(&["wait", "--timeout", "100"]);
    let waited = stage.device("a").run(&["wait", "--timeout", "100"]);
    assert_eq!(waited.status.code(), Some(3), "a person has to act");
    // No restart brings it back.
    stage.device("a").stop();
    stage.device("a").start();
    until_told(stage.device("a"), "`hythe connect`");
    assert_eq!(stage.device("a").names(), ["f", "of-a"]);
    let url = url_in(&stage.device("b").ok(&["devices", "add"]));
    enrol_anew(stage.device("a"), &url, "a again");
    stage.settle_same();
    let b = stage.device("b");
    assert_eq!(b.read("of-a"), b"only here");
    assert_eq!(b.read("of-twin"), b"x");
    let values = b.values();
    assert!(values.contains(&b"edited by the copy".to_vec()));
}

#[test]
fn sc141_s1_a_device_and_its_copy_that_write_at_once_lose_nothing() {
    let mut stage = with_a_twin();
    let url = url_in(&stage.device("b").ok(&["devices", "add"]));
    for n in 0..20 {
        stage
            .device("a")
            .write(&format!("a{n:02}"), format!("a {n}"));
        let name = format!("twin{n:02}");
        stage.device("twin").write(&name, format!("twin {n}"));
    }
    let told = |device: &Device| {
        let reason = &device.status()["server"]["reason"];
        reason
            .as_str()
            .is_some_and(|reason| reason.contains("copied"))
    };
    stage::wait_until("one of them is told", || {
        told(stage.device("a")) || told(stage.device("twin"))
    });
    let loser = if told(stage.device("a")) { "a" } else { "twin" };
    enrol_anew(stage.device(loser), &url, "another");
    stage.settle_same();
    let names = stage.device("b").names();
    assert_eq!(names.len(), 41, "{names:?}");
}
