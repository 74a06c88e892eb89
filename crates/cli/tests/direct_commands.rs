//! Commands straight on the server, without a sync folder.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod stage;

use std::fs;
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use hythe_client::state::State;
use hythe_model::Timestamp;
use stage::{Device, Stage, success};

/// A server and enrolled devices, without daemons and folders.
fn devices(names: &[&str]) -> Stage {
    let mut stage = Stage::server_only();
    names.iter().for_each(|name| stage.enrol(name));
    stage
}

fn put(device: &Device, place: &str, content: &[u8]) -> Output {
    let mut command = device.command(&["put", "-", place]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that refuses at once reads nothing of it.
    child.stdin.take().unwrap().write_all(content).ok();
    child.wait_with_output().unwrap()
}

fn put_ok(device: &Device, place: &str, content: &[u8]) {
    let done = put(device, place, content);
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// The version ids of a file, newest first.
fn versions(device: &Device, place: &str) -> Vec<String> {
    let listed = device.ok(&["history", place]);
    let is_id = |word: &&str| word.len() == 32 && word.bytes().all(|b| b.is_ascii_hexdigit());
    listed
        .lines()
        .filter_map(|line| line.split_whitespace().find(is_id))
        .map(Into::into)
        .collect()
}

fn names(device: &Device, place: &str) -> Vec<String> {
    device
        .ok(&["ls", place])
        .lines()
        .map(str::to_owned)
        .collect()
}

/// Bytes that no compressor shrinks.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn files_are_put_read_moved_and_removed_and_the_other_device_sees_it() {
    let stage = devices(&["a", "b"]);
    let (a, b) = (&stage.devices[0], &stage.devices[1]);
    a.ok(&["mkdir", "--parents", ":/notes/old"]);
    a.ok(&["mkdir", "--parents", ":/notes/old"]);
    put_ok(a, ":/notes/one", b"first\n");
    assert_eq!(b.ok(&["cat", ":/notes/one"]), "first\n");
    b.ok(&["mv", ":/notes/one", ":/notes/old"]);
    b.ok(&["mv", ":/notes/old/one", ":/notes/old/two"]);
    b.ok(&["mv", ":/notes/old", ":/"]);
    assert_eq!(names(a, ":/"), ["notes/", "old/"]);
    assert_eq!(names(a, ":/old"), ["two"]);
    assert_eq!(
        a.ok(&["rm", "--recursive", ":/old"]).split('.').next(),
        Some("Removed 2 items")
    );
    assert_eq!(names(b, ":/"), ["notes/"]);
}

#[test]
fn what_cannot_be_done_is_refused_and_changes_nothing() {
    let stage = devices(&["a"]);
    let a = &stage.devices[0];
    a.ok(&["mkdir", "--parents", ":/d/e"]);
    put_ok(a, ":/f", b"f");
    let before = a.ok(&["tree", ":/"]);
    for arguments in [
        &["mkdir", ":/d"][..],
        &["mkdir", ":/x/y"],
        &["mkdir", "--parents", ":/f/y"],
        &["mv", ":/d", ":/d/e/g"],
        &["mv", ":/f", ":/nowhere/f"],
        &["mv", ":/nothing", ":/x"],
        &["mv", ":/", ":/d"],
        &["rm", ":/d"],
        &["rm", "--recursive", ":/"],
        &["rm", ":/nothing"],
        &["cat", ":/d"],
        &[
            "cat",
            ":/f",
            "--version",
            "00000000000000000000000000000000",
        ],
        &["restore", ":/f"],
        &["restore", ":/nothing"],
        &["why", ":/nothing"],
    ] {
        let done = a.run(arguments);
        assert_eq!(done.status.code(), Some(1), "{arguments:?}");
        assert!(done.stderr.starts_with(b"hythe: "), "{arguments:?}");
    }
    for place in [":/", ":/d", ":/x/y", ":/f/y"] {
        assert_eq!(put(a, place, b"x").status.code(), Some(1), "{place}");
    }
    assert_eq!(a.run(&["ls", "elsewhere:/"]).status.code(), Some(1));
    assert_eq!(a.ok(&["tree", ":/"]), before);
    assert_eq!(a.ok(&["cat", ":/f"]), "f");
}

#[test]
fn an_older_version_is_read_and_restored_as_a_new_one() {
    let stage = devices(&["a", "b"]);
    let (a, b) = (&stage.devices[0], &stage.devices[1]);
    put_ok(a, ":/f", b"one");
    put_ok(b, ":/f", b"two");
    let listed = versions(a, ":/f");
    assert_eq!(listed.len(), 2);
    assert_eq!(a.ok(&["cat", ":/f", "--version", &listed[1]]), "one");
    assert_eq!(a.ok(&["cat", ":/f", "--version", &listed[1][..8]]), "one");
    b.ok(&["restore", ":/f", "--version", &listed[1]]);
    assert_eq!(a.ok(&["cat", ":/f"]), "one");
    assert_eq!(
        versions(a, ":/f").len(),
        3,
        "nothing of the history is lost"
    );
    let history = a.ok(&["history", ":/f"]);
    assert!(
        history.lines().next().unwrap().ends_with("f  on b"),
        "{history}"
    );
}

#[test]
fn a_deleted_directory_comes_back_with_what_was_deleted_with_it() {
    let stage = devices(&["a"]);
    let a = &stage.devices[0];
    a.ok(&["mkdir", "--parents", ":/d/e"]);
    for place in [":/d/before", ":/d/e/kept", ":/d/e/other"] {
        put_ok(a, place, place.as_bytes());
    }
    a.ok(&["rm", ":/d/before"]);
    a.ok(&["rm", "--recursive", ":/d"]);
    assert!(
        a.ok(&["history", ":/d/e/kept"])
            .lines()
            .next()
            .unwrap()
            .contains("deleted")
    );
    a.ok(&["restore", ":/d"]);
    assert_eq!(
        names(a, ":/d"),
        ["e/"],
        "what was deleted before stays deleted"
    );
    assert_eq!(a.ok(&["cat", ":/d/e/kept"]), ":/d/e/kept");
    a.ok(&["restore", ":/d/before"]);
    a.ok(&["rm", "--recursive", ":/d"]);
    // One file brings back the directories above it, and nothing else.
    a.ok(&["restore", ":/d/e/other"]);
    assert_eq!(names(a, ":/d"), ["e/"]);
    assert_eq!(names(a, ":/d/e"), ["other"]);
    // Of several that had a path, the one that was deleted last.
    put_ok(a, ":/twice", b"first");
    a.ok(&["rm", ":/twice"]);
    put_ok(a, ":/twice", b"second");
    a.ok(&["rm", ":/twice"]);
    a.ok(&["restore", ":/twice"]);
    assert_eq!(a.ok(&["cat", ":/twice"]), "second");
}

#[test]
fn writers_at_the_same_time_all_get_through() {
    let stage = devices(&["a", "b", "c", "d"]);
    std::thread::scope(|scope| {
        for device in &stage.devices {
            scope.spawn(move || {
                for round in 0..5 {
                    put_ok(
                        device,
                        ":/contended",
                        format!("{} {round}", device.name).as_bytes(),
                    );
                    device.ok(&["mkdir", "--parents", &format!(":/m/{round}")]);
                }
            });
        }
    });
    assert_eq!(versions(&stage.devices[0], ":/contended").len(), 20);
    assert_eq!(
        names(&stage.devices[1], ":/m"),
        ["0/", "1/", "2/", "3/", "4/"]
    );
}

#[test]
fn sc071_large_and_sparse_content_goes_both_ways() {
    let stage = devices(&["a"]);
    let a = &stage.devices[0];
    let source = stage.place.path().join("source");
    let file = fs::File::create(&source).unwrap();
    let data = noise(5 << 20);
    file.write_all_at(&data, 0).unwrap();
    file.write_all_at(b"end", 30 << 20).unwrap();
    file.set_len(40 << 20).unwrap();
    a.ok(&["put", source.to_str().unwrap(), ":/sparse"]);
    let target = stage.place.path().join("target");
    a.ok(&["get", ":/sparse", target.to_str().unwrap()]);
    success(std::process::Command::new("cmp").arg(&source).arg(&target));
    let found = fs::metadata(&target).unwrap();
    assert!(
        found.blocks() * 512 < 20 << 20,
        "holes stay holes: {} blocks",
        found.blocks()
    );
    put_ok(a, ":/piped", &data);
    let read = a.run(&["cat", ":/piped"]);
    assert!(read.stdout == data, "a pipe gets the same bytes");
    // Behind what is in the file already, where no hole can be left out.
    let appended = stage.place.path().join("appended");
    fs::write(&appended, "before").unwrap();
    let file = fs::File::options().append(true).open(&appended).unwrap();
    let mut cat = a.command(&["cat", ":/sparse"]);
    assert!(cat.stdout(file).status().unwrap().success());
    let expected = [b"before".as_slice(), &fs::read(&source).unwrap()].concat();
    assert!(fs::read(&appended).unwrap() == expected);
}

#[test]
fn without_the_server_listings_show_what_is_known_and_changes_fail() {
    let mut stage = devices(&["a"]);
    put_ok(&stage.devices[0], ":/f", b"f");
    stage.stop_server();
    let a = &stage.devices[0];
    let listed = a.run(&["ls", ":/"]);
    assert_eq!(listed.status.code(), Some(0));
    assert_eq!(listed.stdout, b"f\n");
    assert!(String::from_utf8_lossy(&listed.stderr).contains("cannot be reached"));
    for arguments in [
        &["rm", ":/f"][..],
        &["cat", ":/f"],
        &["mkdir", ":/d"],
        &["verify"],
    ] {
        assert_eq!(a.run(arguments).status.code(), Some(1), "{arguments:?}");
    }
}

#[test]
fn a_sync_folder_shows_what_commands_did() {
    let mut stage = Stage::with_devices(&["a"]);
    let a = stage.device("a");
    put_ok(a, ":/one", b"one");
    a.ok(&["mkdir", ":/d"]);
    a.ok(&["wait", "--timeout", "60"]);
    assert_eq!(a.read("one"), b"one");
    assert!(
        a.ok(&["why", a.path("one").to_str().unwrap()])
            .contains("It is synced.")
    );
    a.ok(&["mv", ":/one", ":/d/two"]);
    a.ok(&["wait", "--timeout", "60"]);
    assert_eq!(a.names(), ["d", "d/two"]);
    fs::remove_file(a.path("d/two")).unwrap();
    a.ok(&["wait", "--timeout", "60"]);
    a.ok(&["restore", a.path("d/two").to_str().unwrap()]);
    a.ok(&["wait", "--timeout", "60"]);
    assert_eq!(a.read("d/two"), b"one");
    a.ok(&["verify"]);
}

fn largest_below(directory: &Path) -> PathBuf {
    let files = stage::files_below(directory);
    files
        .into_iter()
        .max_by_key(|file| fs::metadata(file).unwrap().len())
        .unwrap()
}

#[test]
fn sc118_verify_names_a_damaged_chunk_and_a_whole_copy_mends_it() {
    let mut stage = devices(&["a"]);
    let content = noise(3 << 20);
    put_ok(&stage.devices[0], ":/d", b"small");
    put_ok(&stage.devices[0], ":/big", &content);
    let sound = stage.devices[0].ok(&["verify"]);
    assert!(sound.contains("stored chunks"), "{sound}");
    stage.stop_server();
    let pack = largest_below(&stage.data().join("blobs"));
    let file = fs::File::options()
        .read(true)
        .write(true)
        .open(&pack)
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, 1 << 20).unwrap();
    file.write_all_at(&[byte[0] ^ 1], 1 << 20).unwrap();
    stage.start_server();
    let a = &stage.devices[0];
    let found = a.run(&["verify"]);
    assert_eq!(found.status.code(), Some(1));
    let text = String::from_utf8_lossy(&found.stdout);
    assert!(text.contains("chunks: home:/big: "), "{text}");
    assert_eq!(
        text.matches("next:").count(),
        1,
        "nothing else is wrong: {text}"
    );
    assert_eq!(
        a.run(&["cat", ":/big"]).status.code(),
        Some(1),
        "damage is never shown as content"
    );
    put_ok(a, ":/big", &content);
    a.ok(&["verify"]);
    assert!(a.run(&["cat", ":/big"]).stdout == content);
}

/// Makes what the state remembers of a file's `ctime` what it is now: as if the disk had changed
/// the content by itself, which no program can do.
fn forget_the_write(device: &Device, name: &str) {
    let changed = fs::metadata(device.path(name)).unwrap();
    let changed = Timestamp {
        seconds: changed.ctime(),
        nanos: u32::try_from(changed.ctime_nsec()).unwrap(),
    };
    let (state, _) = State::open(&device.home.join("state.db")).unwrap();
    let folders = state.read(|rows| rows.numbered_folders()).unwrap();
    let folder = folders[0].0;
    let mut synced = Vec::new();
    let collect = |rows: &hythe_client::state::Rows<'_>| {
        rows.each_synced(folder, |node| {
            synced.push(node);
            Ok(())
        })
    };
    state.read(collect).unwrap();
    let mut synced = synced
        .into_iter()
        .find(|node| node.place.name.as_bytes() == name.as_bytes())
        .unwrap();
    synced.stamp.changed = changed;
    let write = state.write_blocking(move |tx| {
        let mut local = tx.local(folder, synced.id)?.unwrap();
        local.node.stamp = synced.stamp;
        tx.put_local(folder, &local)?;
        tx.put_synced(folder, &synced)
    });
    write.unwrap();
}

#[test]
fn s9_rot_on_this_disk_is_named_and_never_sent() {
    let mut stage = Stage::with_devices(&["a"]);
    let a = stage.device("a");
    a.write("rotten", "good content");
    a.write("sound", "sound");
    a.ok(&["wait", "--timeout", "60"]);
    a.ok(&["verify"]);
    a.stop();
    let modified = fs::metadata(a.path("rotten")).unwrap().modified().unwrap();
    let file = fs::File::options()
        .write(true)
        .open(a.path("rotten"))
        .unwrap();
    file.write_all_at(b"bad ", 0).unwrap();
    file.set_modified(modified).unwrap();
    drop(file);
    forget_the_write(a, "rotten");
    let found = a.run(&["verify"]);
    assert_eq!(found.status.code(), Some(1));
    let text = String::from_utf8_lossy(&found.stdout);
    let item = format!("disk: {}: ", a.path("rotten").display());
    assert!(text.contains(&item), "{text}");
    assert_eq!(text.matches("next:").count(), 1, "{text}");
    a.start();
    a.ok(&["wait", "--timeout", "60"]);
    assert_eq!(a.ok(&["cat", ":/rotten"]), "good content");
    assert_eq!(versions(a, ":/rotten").len(), 1);
}
