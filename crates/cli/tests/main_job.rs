//! The main job: what one device has, the other gets, both ways.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

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
    fs::File::open(a.path("notes/today.txt"))
        .unwrap()
        .set_modified(old)
        .unwrap();
    stage.settle_same();
    let b = stage.device("b");
    assert_eq!(b.read("notes/today.txt"), b"buy bread\n");
    assert!(b.path("hollow").is_dir());
    assert_eq!(
        fs::read_link(b.path("dangling")).unwrap().to_str(),
        Some("/nowhere/at all")
    );
    assert_eq!(
        fs::metadata(b.path("tool.sh"))
            .unwrap()
            .permissions()
            .mode()
            & 0o100,
        0o100
    );
    assert_eq!(
        fs::metadata(b.path("notes/today.txt"))
            .unwrap()
            .modified()
            .unwrap(),
        old
    );
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
    assert_eq!(
        b.read("other"),
        b"of a",
        "the value that was committed first keeps the name"
    );
    let values = b.values();
    let expected: [&[u8]; 5] = [b"a", b"b", b"of a", b"of b", b"same"];
    assert_eq!(values, expected);
}

/// Bytes that neither repeat nor compress (xorshift64).
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut next)
        .flatten()
        .take(length)
        .collect()
}

#[test]
fn large_files_travel_beside_the_others_and_an_insertion_sends_little() {
    let mut stage = Stage::with_devices(&["a", "b"]);
    let mut content = noise(48 << 20, 7);
    stage.device("a").write("large.bin", &content);
    stage
        .device("a")
        .write("small.txt", "does not wait for the large one");
    stage.settle_same();
    content.insert(0, b'x');
    stage.device("a").write("large.bin", &content);
    stage.settle_same();
    assert_eq!(stage.device("b").read("large.bin"), content);
    // Back the other way, so that both devices cut the same content at the same places.
    content.truncate(40 << 20);
    stage.device("b").write("large.bin", &content);
    stage.settle_same();
    assert_eq!(stage.device("a").read("large.bin"), content);
}

#[test]
fn sc071_holes_stay_holes_and_are_not_transferred() {
    use std::os::unix::fs::{FileExt, MetadataExt};
    let mut stage = Stage::with_devices(&["a", "b"]);
    let path = stage.device("a").path("sparse.img");
    let file = fs::File::create(&path).unwrap();
    file.set_len(8 << 30).unwrap();
    file.write_all_at(&noise(1 << 20, 3), 5 << 30).unwrap();
    drop(file);
    stage.settle();
    let there = fs::metadata(stage.device("b").path("sparse.img")).unwrap();
    assert_eq!(there.len(), 8 << 30);
    assert!(
        there.blocks() * 512 < 16 << 20,
        "{} bytes on disk",
        there.blocks() * 512
    );
    let file = fs::File::open(stage.device("b").path("sparse.img")).unwrap();
    let mut bytes = vec![0; 1 << 20];
    file.read_exact_at(&mut bytes, 5 << 30).unwrap();
    assert_eq!(bytes, noise(1 << 20, 3));
}
