//! Transfers that break off in the middle go on with what is there.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod stage;

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Child;

use stage::relay::{Relay, To};
use stage::{Device, Stage, noise, wait_until};

const MIB: u64 = 1 << 20;
const SIZE: u64 = 48 * MIB;
/// What may pass before everything stops: the transfer is in its middle then.
const LEAVE: u64 = 30 * MIB;
/// What has to be there by then, at least. The rest was under way.
const THERE: u64 = 12 * MIB;

fn parts(device: &Device) -> Vec<PathBuf> {
    let entries = fs::read_dir(device.path(".hythe/staging")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn stored(path: &Path) -> u64 {
    path.metadata().map_or(0, |found| found.blocks() * 512)
}

/// A device "a" with a file, and a device "b" behind a relay that has fetched a part of it.
struct Scene {
    stage: Stage,
    relay: Relay,
    part: PathBuf,
}

fn scene(content: &[u8]) -> Scene {
    let mut stage = Stage::with_devices(&["a"]);
    let a = stage.device("a");
    a.write("kept", "as it is");
    write_with_holes(&a.path("large"), content);
    a.ok(&["wait", "--timeout", "100"]);
    let relay = Relay::to(&stage.listen);
    stage.enrol_by_way_of("b", relay.addr);
    let b = stage.device("b");
    fs::create_dir_all(&b.folder).unwrap();
    b.ok(&["sync", b.folder.clone().to_str().unwrap()]);
    relay.let_pass(To::Client, Some(LEAVE));
    b.start();
    wait_until("a part of the file is there", || {
        parts(b).iter().any(|part| stored(part) >= THERE)
    });
    let part = parts(b).remove(0);
    Scene { stage, relay, part }
}

/// Writes a file whose zeros are holes, a mebibyte at a time.
fn write_with_holes(path: &Path, content: &[u8]) {
    let file = File::create(path).unwrap();
    for (at, block) in (0..).zip(content.chunks(MIB as usize)) {
        if block.iter().any(|byte| *byte != 0) {
            file.write_all_at(block, at * MIB).unwrap();
        }
    }
    file.set_len(content.len() as u64).unwrap();
}

/// Changes one byte of a file.
fn flip(path: &Path, offset: u64) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ 1], offset).unwrap();
}

/// Lets everything pass, and returns what had to until "b" was settled.
fn settle(stage: &mut Stage, relay: &Relay) -> u64 {
    let before = relay.passed(To::Client);
    relay.let_pass(To::Client, None);
    let b = stage.device("b");
    b.ok(&["wait", "--timeout", "100"]);
    // A transfer that was told to stop takes its part along a moment later.
    wait_until("no part is left", || parts(b).is_empty());
    relay.passed(To::Client) - before
}

#[test]
fn sc081_a_download_that_was_killed_fetches_only_what_is_not_there() {
    let mut content = noise(1, SIZE);
    content[4 << 20..8 << 20].fill(0);
    let Scene {
        mut stage,
        relay,
        part,
    } = scene(&content);
    stage.device("b").kill();
    let there = stored(&part);
    println!("{} MiB are there", there / MIB);
    // Bytes that nobody fetched: in a chunk, and in a hole.
    flip(&part, MIB + 17);
    flip(&part, 5 * MIB);
    stage.device("b").start();
    let fetched = settle(&mut stage, &relay);
    println!("{} MiB were fetched", fetched / MIB);
    assert!(stage.device("b").read("large") == content);
    // A chunk that was flipped, chunks of which a part was there, and the log.
    let expected = SIZE - there + 4 * MIB;
    assert!(fetched < expected, "{fetched} bytes, not {expected}");
    assert!(fetched > 4 * MIB, "what was not there had to come");
    stage.settle_same();
}

#[test]
fn sc085_a_lost_connection_does_not_begin_the_file_anew() {
    let content = noise(2, SIZE);
    let Scene {
        mut stage, relay, ..
    } = scene(&content);
    // Only now is an answer cut in two: a shorter one might have come whole before the cut.
    wait_until("nothing more may pass", || relay.is_held_up(To::Client));
    let before = relay.passed(To::Client);
    relay.cut();
    let after = settle(&mut stage, &relay);
    println!("{} MiB, then {} MiB", before / MIB, after / MIB);
    assert!(stage.device("b").read("large") == content);
    assert!(after < SIZE - THERE + 4 * MIB, "{after} bytes");
}

#[test]
fn a_new_version_goes_on_with_what_it_shares_with_the_old_one() {
    let mut content = noise(3, SIZE);
    let Scene {
        mut stage, relay, ..
    } = scene(&content);
    // So that the old version is not gone on with before the new one is known.
    stage.device("b").ok(&["pause"]);
    stage.device("b").kill();
    content[MIB as usize] ^= 1;
    content.extend_from_slice(&noise(4, MIB));
    let a = stage.device("a");
    a.write("large", &content);
    a.ok(&["wait", "--timeout", "100"]);
    relay.let_pass(To::Client, None);
    stage.device("b").start();
    stage.device("b").ok(&["ls", ":/"]);
    let before = relay.passed(To::Client);
    stage.device("b").ok(&["resume"]);
    settle(&mut stage, &relay);
    let fetched = relay.passed(To::Client) - before;
    println!("{} MiB were fetched", fetched / MIB);
    assert!(stage.device("b").read("large") == content);
    assert!(fetched < SIZE - THERE + 8 * MIB, "{fetched} bytes");
    stage.settle_same();
}

#[test]
fn a_part_of_what_was_deleted_meanwhile_goes() {
    let Scene {
        mut stage, relay, ..
    } = scene(&noise(5, SIZE));
    stage.device("b").kill();
    let a = stage.device("a");
    fs::remove_file(a.path("large")).unwrap();
    a.ok(&["wait", "--timeout", "100"]);
    stage.device("b").start();
    settle(&mut stage, &relay);
    assert_eq!(stage.device("b").names(), ["kept"]);
}

#[test]
fn sc082_an_upload_that_was_killed_sends_only_what_the_server_lacks() {
    let content = noise(6, SIZE);
    let mut stage = Stage::server_only();
    let relay = Relay::to(&stage.listen);
    stage.enrol_by_way_of("a", relay.addr);
    let a = stage.device("a");
    fs::create_dir_all(&a.folder).unwrap();
    a.ok(&["sync", a.folder.clone().to_str().unwrap()]);
    a.write("large", &content);
    let begin = relay.passed(To::Server);
    relay.let_pass(To::Server, Some(LEAVE));
    a.start();
    wait_until("half of it is sent", || {
        relay.passed(To::Server) - begin >= LEAVE - MIB
    });
    a.kill();
    relay.let_pass(To::Server, None);
    let before = relay.passed(To::Server);
    a.start();
    a.ok(&["wait", "--timeout", "100"]);
    let sent = relay.passed(To::Server) - before;
    println!("{} MiB were sent again or for the first time", sent / MIB);
    // Three packs of 8 MiB may have been under way.
    assert!(sent < SIZE - LEAVE + 26 * MIB, "{sent} bytes");
    stage.enrol("b");
    let b = stage.device("b");
    fs::create_dir_all(&b.folder).unwrap();
    b.ok(&["sync", b.folder.clone().to_str().unwrap()]);
    b.start();
    stage.settle_same();
    assert!(stage.device("b").read("large") == content);
}

/// Sends a signal to a process, as a laptop that sleeps and wakes does to all of them.
fn signal(process: &Child, name: &str) {
    let pid = process.id().to_string();
    stage::success(std::process::Command::new("kill").args(["-s", name, &pid]));
}

#[test]
fn sc094_a_download_goes_on_after_the_device_slept() {
    let content = noise(7, SIZE);
    let Scene {
        mut stage,
        relay,
        part,
    } = scene(&content);
    let b = stage.device("b");
    signal(b.daemon.as_ref().unwrap(), "STOP");
    let there = stored(&part);
    println!("{} MiB are there", there / MIB);
    assert_eq!(b.names(), ["kept"], "no name before the file is whole");
    // Nobody keeps a connection for a device that sleeps.
    relay.cut();
    signal(b.daemon.as_ref().unwrap(), "CONT");
    let fetched = settle(&mut stage, &relay);
    println!("{} MiB were fetched", fetched / MIB);
    assert!(stage.device("b").read("large") == content);
    assert_eq!(stage.device("b").names(), ["kept", "large"]);
    assert!(fetched < SIZE - there + 8 * MIB, "{fetched} bytes");
    stage.settle_same();
}

#[test]
fn sc094_an_upload_goes_on_after_the_device_slept() {
    let content = noise(8, SIZE);
    let mut stage = Stage::with_devices(&["b"]);
    let relay = Relay::to(&stage.listen);
    stage.enrol_by_way_of("a", relay.addr);
    let a = stage.device("a");
    a.write("large", &content);
    a.ok(&["sync", a.folder.clone().to_str().unwrap()]);
    let begin = relay.passed(To::Server);
    relay.let_pass(To::Server, Some(LEAVE));
    a.start();
    wait_until("half of it is sent", || {
        relay.passed(To::Server) - begin >= LEAVE - MIB
    });
    signal(a.daemon.as_ref().unwrap(), "STOP");
    relay.cut();
    stage.device("b").ok(&["wait", "--timeout", "100"]);
    assert!(stage.device("b").names().is_empty(), "half a file is none");
    relay.let_pass(To::Server, None);
    let before = relay.passed(To::Server);
    let a = stage.device("a");
    signal(a.daemon.as_ref().unwrap(), "CONT");
    a.ok(&["wait", "--timeout", "100"]);
    let sent = relay.passed(To::Server) - before;
    println!("{} MiB were sent again or for the first time", sent / MIB);
    // Three packs of 8 MiB may have been under way.
    assert!(sent < SIZE - LEAVE + 26 * MIB, "{sent} bytes");
    stage.settle_same();
    assert!(stage.device("b").read("large") == content);
    assert_eq!(stage.device("b").names(), ["large"]);
}
