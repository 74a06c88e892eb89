//! Reading, placing, moving.

use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use hythe_client::disk::{Change, Extent, Outcome};
use hythe_client::os::{FileKind, Special, Writers};
use hythe_model::{Attributes, EntryName, LinkTarget, Timestamp, TreePath};

use crate::ground::{Ground, attributes, done, tree};

#[test]
fn a_staged_file_appears_complete_with_its_attributes() {
    let ground = Ground::new();
    let mut staged = vec![ground.staged("content")];
    assert_eq!(ground.own("staging").len(), 1);
    let mut batch = ground.root.batch();
    batch.flush(&mut staged).unwrap();
    let found = done(batch.place_new(staged.remove(0), &tree("f")));
    batch.finish().unwrap();
    assert_eq!(ground.read("f"), "content");
    assert_eq!(found.stamp, ground.stamp("f"));
    assert_eq!(found.stamp.modified, attributes().modified);
    assert!(ground.own("staging").is_empty());
}

#[test]
fn many_files_become_durable_together() {
    let ground = Ground::new();
    let mut staged: Vec<_> = (0..50)
        .map(|n| ground.staged(&format!("content {n}")))
        .collect();
    let mut batch = ground.root.batch();
    batch.flush(&mut staged).unwrap();
    for (n, staged) in staged.into_iter().enumerate() {
        done(batch.place_new(staged, &tree(&format!("f{n}"))));
    }
    batch.finish().unwrap();
    assert_eq!(ground.read("f49"), "content 49");
}

#[test]
fn sc003_a_taken_name_is_not_touched() {
    let ground = Ground::new();
    ground.write("f", "the user's");
    let mut batch = ground.root.batch();
    let outcome = batch.place_new(ground.staged("ours"), &tree("f")).unwrap();
    assert_eq!(outcome, Outcome::Changed(Change::Taken));
    assert_eq!(
        batch.make_directory(&tree("f")).unwrap(),
        Outcome::Changed(Change::Taken)
    );
    let target = LinkTarget::new(*b"x").unwrap();
    let outcome = batch
        .make_link(&tree("f"), &target, Timestamp::default())
        .unwrap();
    assert_eq!(outcome, Outcome::Changed(Change::Taken));
    assert_eq!(ground.read("f"), "the user's");
    assert!(
        ground.own("staging").is_empty(),
        "what was not placed is gone"
    );
}

#[test]
fn a_missing_directory_above_is_an_outcome() {
    let ground = Ground::new();
    ground.write("file", "");
    let mut batch = ground.root.batch();
    for path in ["no/f", "file/f"] {
        let outcome = batch.place_new(ground.staged("x"), &tree(path)).unwrap();
        assert_eq!(outcome, Outcome::Changed(Change::NoParent), "{path}");
    }
    assert_eq!(ground.root.stat(&tree("no/f")).unwrap(), None);
    assert_eq!(ground.root.stat(&tree("file/f")).unwrap(), None);
}

#[test]
fn c4_staged_files_are_private_and_placed_files_follow_the_umask() {
    let ground = Ground::new();
    let mode = |path: &str| ground.at(path).symlink_metadata().unwrap().mode() & 0o7777;
    assert_eq!(mode(".hythe"), 0o700);
    assert_eq!(mode(".hythe/staging"), 0o700);
    let staging = ground.root.stage().unwrap();
    let name = ground.own("staging").remove(0);
    assert_eq!(mode(&format!(".hythe/staging/{name}")), 0o600);
    let executable = Attributes {
        executable: true,
        ..attributes()
    };
    let staged = staging.finish(0, executable).unwrap();
    let mut batch = ground.root.batch();
    let found = done(batch.place_new(staged, &tree("run")));
    done(batch.place_new(ground.staged(""), &tree("plain")));
    assert!(found.executable);
    let umask = 0o777 & !mode_of_new_directory(&ground);
    assert_eq!(mode("run"), 0o777 & !umask);
    assert_eq!(mode("plain"), 0o666 & !umask);
}

fn mode_of_new_directory(ground: &Ground) -> u32 {
    std::fs::create_dir(ground.at("probe")).unwrap();
    ground.at("probe").symlink_metadata().unwrap().mode() & 0o777
}

#[test]
fn what_is_dropped_or_left_by_a_crash_leaves_the_staging_area() {
    let ground = Ground::new();
    drop(ground.root.stage().unwrap());
    drop(ground.staged("x"));
    assert!(ground.own("staging").is_empty());
    std::mem::forget(ground.staged("left by a crash"));
    let Ground { root, home, .. } = ground;
    drop(root);
    let path = home.path().join("folder");
    let owner = crate::ground::owner(&[crate::ground::marker().generation]);
    let root = hythe_client::disk::Root::open(&path, &owner).unwrap();
    assert!(crate::ground::names(&path.join(".hythe/staging")).is_empty());
    drop(root);
}

#[test]
fn sc071_holes_stay_holes_on_the_way_in_and_are_not_read_on_the_way_out() {
    let ground = Ground::new();
    const SIZE: u64 = 1 << 40;
    let mut staging = ground.root.stage().unwrap();
    staging.write_at(&[1; 4096], 0).unwrap();
    staging.write_at(&[2; 4096], SIZE / 2).unwrap();
    let staged = staging.finish(SIZE, attributes()).unwrap();
    let mut batch = ground.root.batch();
    done(batch.place_new(staged, &tree("sparse")));
    let metadata = ground.at("sparse").metadata().unwrap();
    assert_eq!(metadata.len(), SIZE);
    assert!(metadata.blocks() * 512 < 1 << 20);

    let reading = done_reading(&ground, "sparse");
    let (mut at, mut data) = (0, Vec::new());
    while let Some(extent) = reading.extent(at).unwrap() {
        at = match extent {
            Extent::Data(run) => {
                data.push(run.clone());
                run.end
            }
            Extent::Hole(run) => run.end,
        };
    }
    assert_eq!(data, [0..4096, SIZE / 2..SIZE / 2 + 4096]);
    assert_eq!(at, SIZE);
}

#[track_caller]
fn done_reading(ground: &Ground, path: &str) -> hythe_client::disk::Reading {
    ground.root.read(&tree(path), None).unwrap().done().unwrap()
}

#[test]
fn s7_a_change_while_reading_shows() {
    let ground = Ground::new();
    ground.write("f", "before");
    let reading = done_reading(&ground, "f");
    let mut buffer = [0; 16];
    assert_eq!(reading.read_at(&mut buffer, 0).unwrap(), 6);
    assert!(reading.is_unchanged().unwrap());
    std::fs::OpenOptions::new()
        .write(true)
        .open(ground.at("f"))
        .unwrap()
        .write_all(b"BEFORE")
        .unwrap();
    assert!(!reading.is_unchanged().unwrap());
}

#[test]
fn sc164_a_second_save_of_the_same_size_right_after_shows_every_time() {
    let ground = Ground::new();
    for round in 0..200_u8 {
        std::fs::write(ground.at("f"), [round; 8]).unwrap();
        let reading = done_reading(&ground, "f");
        std::fs::write(ground.at("f"), [round ^ 0xff; 8]).unwrap();
        assert!(!reading.is_unchanged().unwrap(), "round {round}");
    }
}

#[test]
fn sc038_only_what_is_expected_is_read() {
    let ground = Ground::new();
    ground.write("f", "one");
    let expected = ground.stamp("f");
    assert!(
        ground
            .root
            .read(&tree("f"), Some(&expected))
            .unwrap()
            .done()
            .is_some()
    );
    ground.write("f", "two");
    let outcome = ground.root.read(&tree("f"), Some(&expected)).unwrap();
    assert!(matches!(
        outcome,
        Outcome::Changed(Change::Instead(Some(_)))
    ));
}

#[test]
fn s7_writers_are_seen() {
    let ground = Ground::new();
    ground.write("f", "x");
    assert_eq!(done_reading(&ground, "f").writers(), Writers::None);
    let writer = std::fs::OpenOptions::new()
        .append(true)
        .open(ground.at("f"))
        .unwrap();
    assert_eq!(done_reading(&ground, "f").writers(), Writers::Some);
    drop(writer);
    assert_eq!(done_reading(&ground, "f").writers(), Writers::None);
}

#[test]
fn sc060_what_is_no_data_is_never_opened() {
    let ground = Ground::new();
    let made = std::process::Command::new("mkfifo")
        .arg(ground.at("pipe"))
        .status();
    assert!(made.unwrap().success());
    let outcome = ground.root.read(&tree("pipe"), None).unwrap();
    let Outcome::Changed(Change::Instead(Some(found))) = outcome else {
        panic!("it was opened")
    };
    assert_eq!(found.kind, FileKind::Special(Special::Fifo));
    let _socket = std::os::unix::net::UnixListener::bind(ground.at("socket")).unwrap();
    let found = ground.root.stat(&tree("socket")).unwrap().unwrap();
    assert_eq!(found.kind, FileKind::Special(Special::Socket));
}

#[test]
fn sc045_a_tree_far_deeper_than_a_path_may_be_long() {
    let ground = Ground::new();
    let name = EntryName::new(vec![b'd'; 100]).unwrap();
    let mut path = TreePath::ROOT;
    let mut batch = ground.root.batch();
    for _ in 0..1000 {
        path = path.join(name.clone());
        done(batch.make_directory(&path));
    }
    assert!(path.to_bytes().len() > 100_000);
    let file = path.join(EntryName::new(*b"f").unwrap());
    done(batch.place_new(ground.staged("deep"), &file));
    let stamp = ground.root.stat(&file).unwrap().unwrap().stamp;
    let moved = path.join(EntryName::new(*b"g").unwrap());
    done(batch.move_entry(&file, &moved, &stamp));
    let mut buffer = [0; 4];
    let reading = ground.root.read(&moved, None).unwrap().done().unwrap();
    assert_eq!(reading.read_at(&mut buffer, 0).unwrap(), 4);
    drop(reading);
    let stamp = ground.root.stat(&moved).unwrap().unwrap().stamp;
    done(batch.remove(&moved, &stamp, None));
    batch.finish().unwrap();
    let report = ground.scan();
    assert_eq!(report.entries, 1000);
    assert_eq!(ground.scan().dirty.len(), 0);
    // Nobody else can remove so deep a tree by its path.
    let mut batch = ground.root.batch();
    while !path.is_root() {
        let stamp = ground.root.stat(&path).unwrap().unwrap().stamp;
        done(batch.remove(&path, &stamp, None));
        path = path.parent().unwrap();
    }
}

#[test]
fn sc042_sc047_sc054_names_are_kept_byte_by_byte() {
    let ground = Ground::new();
    let mut batch = ground.root.batch();
    let all_bytes: Vec<u8> = (1..=255).filter(|byte| *byte != b'/').collect();
    let names: [&[u8]; 6] = [
        b"\xff\xfe",
        b" ",
        b"a\nb\tc\x1b[2J",
        b"$(x) %n",
        "\u{202e}cod".as_bytes(),
        &all_bytes,
    ];
    for name in names {
        let path = TreePath::new(vec![EntryName::new(name).unwrap()]);
        done(batch.place_new(ground.staged("x"), &path));
        assert!(ground.root.stat(&path).unwrap().is_some());
    }
    assert_eq!(ground.scan().dirty.len(), names.len());
    let found: Vec<Vec<u8>> = ground
        .state
        .read(|rows| rows.local_list(ground.folder, crate::ground::TOP))
        .unwrap()
        .into_iter()
        .map(|row| row.node.place.name.as_bytes().to_vec())
        .collect();
    let mut sorted: Vec<Vec<u8>> = names.iter().map(|name| name.to_vec()).collect();
    sorted.sort();
    assert_eq!(found, sorted);
}

#[test]
fn t2_a_directory_moves_in_one_step_and_a_taken_target_stops_it() {
    let ground = Ground::new();
    ground.write("d/deep/f", "x");
    ground.write("taken", "y");
    let stamp = ground.stamp("d");
    let mut batch = ground.root.batch();
    let outcome = batch
        .move_entry(&tree("d"), &tree("taken"), &stamp)
        .unwrap();
    assert_eq!(outcome, Outcome::Changed(Change::Taken));
    let found = done(batch.move_entry(&tree("d"), &tree("e"), &stamp));
    assert_eq!(found.stamp, stamp);
    assert_eq!(ground.read("e/deep/f"), "x");
    let outcome = batch
        .move_entry(&tree("e"), &tree("e/deep/e"), &stamp)
        .unwrap();
    assert!(matches!(outcome, Outcome::Changed(_)), "not below itself");
}

#[test]
fn sc026_an_edit_that_moves_along_still_shows_as_an_edit() {
    let ground = Ground::new();
    ground.write("f", "one");
    let expected = ground.stamp("f");
    ground.write("f", "edited");
    let mut batch = ground.root.batch();
    let found = done(batch.move_entry(&tree("f"), &tree("g"), &expected));
    assert_eq!(found.stamp, expected, "the record does not cover the edit");
    assert_ne!(ground.stamp("g"), expected);
    let other = ground.stamp("g");
    std::fs::remove_file(ground.at("g")).unwrap();
    ground.write("keeps the inode busy", "");
    ground.write("g", "another file");
    let outcome = batch.move_entry(&tree("g"), &tree("h"), &other).unwrap();
    assert!(matches!(
        outcome,
        Outcome::Changed(Change::Instead(Some(_)))
    ));
}

#[test]
fn attributes_are_set_only_while_nobody_writes() {
    let ground = Ground::new();
    ground.write("f", "x");
    let expected = ground.stamp("f");
    let wanted = Attributes {
        executable: true,
        ..attributes()
    };
    let writer = std::fs::OpenOptions::new()
        .append(true)
        .open(ground.at("f"))
        .unwrap();
    let mut batch = ground.root.batch();
    let outcome = batch.set_attributes(&tree("f"), &expected, wanted).unwrap();
    assert!(
        matches!(outcome, Outcome::Changed(_)),
        "somebody has it open for writing"
    );
    drop(writer);
    let found = done(batch.set_attributes(&tree("f"), &expected, wanted));
    assert!(found.executable);
    assert_eq!(found.stamp, ground.stamp("f"));
    assert_eq!(found.stamp.modified, wanted.modified);
    let outcome = batch.set_attributes(&tree("f"), &expected, wanted).unwrap();
    assert!(
        matches!(outcome, Outcome::Changed(_)),
        "it is not as expected any more"
    );
}

#[test]
fn a_symlink_has_its_own_time_and_is_never_followed() {
    let ground = Ground::new();
    let target = LinkTarget::new(*b"/etc/passwd").unwrap();
    let mut batch = ground.root.batch();
    let found = done(batch.make_link(&tree("l"), &target, attributes().modified));
    assert_eq!(found.kind, FileKind::Symlink);
    assert_eq!(found.stamp.modified, attributes().modified);
    assert_eq!(
        ground.root.read_link(&tree("l")).unwrap().unwrap(),
        b"/etc/passwd"
    );
    assert!(ground.root.read(&tree("l"), None).unwrap().done().is_none());
    let before = std::fs::metadata("/etc/passwd").unwrap();
    let later = Timestamp {
        seconds: 1_700_000_000,
        nanos: 0,
    };
    let wanted = Attributes {
        executable: true,
        modified: later,
    };
    let found = done(batch.set_attributes(&tree("l"), &found.stamp, wanted));
    assert_eq!(found.stamp.modified, later);
    let after = std::fs::metadata("/etc/passwd").unwrap();
    assert_eq!(before.modified().unwrap(), after.modified().unwrap());
    assert_eq!(before.permissions().mode(), after.permissions().mode());
}
