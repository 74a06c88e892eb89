//! Parts: what a download left unfinished in the staging area.

use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use hythe_client::disk::{Part, Root, Staging};
use hythe_model::{NodeId, VersionId};

use crate::ground::{Ground, attributes, done, marker, names, owner, tree};

fn part(node: u8, version: u8) -> Part {
    Part {
        node: NodeId([node; 16]),
        version: VersionId([version; 16]),
    }
}

fn take(root: &Root, part: Part) -> Staging {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.build().unwrap();
    runtime.block_on(root.stage_part(part)).unwrap()
}

/// Leaves a part with this text.
fn leave(root: &Root, part: Part, text: &str) {
    let mut staging = take(root, part);
    staging.write_at(text.as_bytes(), 0).unwrap();
}

fn text_of(staging: &Staging) -> String {
    let reader = staging.reader().unwrap();
    let mut bytes = vec![0; reader.length() as usize];
    reader.read_exact_at(&mut bytes, 0).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Closes the folder and opens it again, as the next process does.
fn reopen(ground: Ground) -> (tempfile::TempDir, Root) {
    let Ground { root, home, .. } = ground;
    drop(root);
    let root = Root::open(&home.path().join("folder"), &owner(&[marker().generation]));
    let hythe_client::disk::Opened::Ready(root) = root.unwrap() else {
        panic!("the folder is ready");
    };
    (home, root)
}

fn staging_of(home: &tempfile::TempDir) -> PathBuf {
    home.path().join("folder/.hythe/staging")
}

#[test]
fn sc081_a_part_outlives_the_process_and_everything_else_is_swept() {
    let ground = Ground::new();
    leave(&ground.root, part(1, 1), "half");
    std::mem::forget(ground.staged("no part"));
    let staging = ground.at(".hythe/staging");
    fs::write(staging.join("part-00-00"), "no name of a part").unwrap();
    let directory = format!("part-{}-{}", "0".repeat(32), "f".repeat(32));
    std::os::unix::fs::symlink("elsewhere", staging.join(directory)).unwrap();
    let (home, root) = reopen(ground);
    assert_eq!(names(&staging_of(&home)).len(), 1);
    let again = take(&root, part(1, 1));
    assert_eq!(text_of(&again), "half");
    assert_eq!(
        take(&root, part(2, 1)).length(),
        0,
        "another node's is another"
    );
}

#[test]
fn a_part_becomes_the_file_and_is_no_part_any_more() {
    let ground = Ground::new();
    leave(&ground.root, part(1, 1), "half");
    let mut staging = take(&ground.root, part(1, 1));
    staging.write_at(b" and half", 4).unwrap();
    let staged = staging.finish(13, attributes()).unwrap();
    let mut batch = ground.root.batch();
    done(batch.place_new(staged, &tree("whole")));
    batch.finish().unwrap();
    assert_eq!(ground.read("whole"), "half and half");
    assert!(ground.own("staging").is_empty());
    assert!(ground.root.known_parts().is_empty());
    assert_eq!(take(&ground.root, part(1, 1)).length(), 0);
    assert_eq!(ground.read("whole"), "half and half");
}

#[test]
fn a_part_that_could_not_be_placed_stays_and_what_is_longer_is_cut() {
    let ground = Ground::new();
    ground.write("taken", "a user's");
    leave(&ground.root, part(1, 1), "0123456789");
    let staged = take(&ground.root, part(1, 1)).finish(4, attributes());
    let mut batch = ground.root.batch();
    let placed = batch.place_new(staged.unwrap(), &tree("taken")).unwrap();
    assert!(placed.done().is_none());
    assert_eq!(ground.read("taken"), "a user's");
    assert_eq!(text_of(&take(&ground.root, part(1, 1))), "0123");
}

#[test]
fn a_later_version_goes_on_with_the_part_of_the_earlier_one() {
    let ground = Ground::new();
    leave(&ground.root, part(1, 1), "of the first");
    let second = take(&ground.root, part(1, 2));
    assert_eq!(text_of(&second), "of the first");
    assert_eq!(ground.own("staging").len(), 1);
    drop(second);
    assert_eq!(ground.root.known_parts(), [part(1, 2)]);
}

#[test]
fn a_part_has_one_writer_and_others_wait_for_it() {
    let ground = Ground::new();
    let first = take(&ground.root, part(1, 1));
    let root = &ground.root;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let order = std::sync::Mutex::new(Vec::new());
    runtime.block_on(async {
        let second = async {
            let staging = root.stage_part(part(1, 2)).await.unwrap();
            order.lock().unwrap().push("taken");
            text_of(&staging)
        };
        let writing = async {
            // The other one has asked by now, and waits.
            tokio::task::yield_now().await;
            let mut first = first;
            first.write_at(b"late", 0).unwrap();
            order.lock().unwrap().push("let go");
        };
        let (text, ()) = tokio::join!(second, writing);
        assert_eq!(text, "late");
    });
    assert_eq!(*order.lock().unwrap(), ["let go", "taken"]);
}

#[test]
fn a_part_that_is_dropped_in_use_goes_when_it_is_let_go_unless_it_was_placed() {
    let ground = Ground::new();
    for placed in [false, true] {
        let mut staging = take(&ground.root, part(1, 1));
        staging.write_at(b"x", 0).unwrap();
        ground.root.drop_part(part(1, 1));
        assert_eq!(ground.own("staging").len(), 1);
        if placed {
            let staged = staging.finish(1, attributes()).unwrap();
            let mut batch = ground.root.batch();
            done(batch.place_new(staged, &tree("placed")));
            assert_eq!(ground.read("placed"), "x");
        } else {
            drop(staging);
        }
        assert!(ground.own("staging").is_empty());
        assert!(ground.root.known_parts().is_empty());
    }
}

#[test]
fn what_is_discarded_or_dropped_is_gone() {
    let ground = Ground::new();
    leave(&ground.root, part(1, 1), "x");
    leave(&ground.root, part(2, 1), "y");
    take(&ground.root, part(1, 1)).discard();
    ground.root.drop_part(part(2, 1));
    assert!(ground.own("staging").is_empty());
    assert!(ground.root.known_parts().is_empty());
    ground.root.stage().unwrap().discard();
    assert!(ground.own("staging").is_empty());
}

#[test]
fn parts_are_few_and_the_one_used_longest_ago_goes_first() {
    let ground = Ground::new();
    for node in 1..=8 {
        leave(&ground.root, part(node, 1), "x");
    }
    leave(&ground.root, part(1, 1), "again");
    leave(&ground.root, part(9, 1), "one more");
    let known = ground.root.known_parts();
    assert_eq!(known.len(), 8);
    assert!(known.contains(&part(1, 1)) && !known.contains(&part(2, 1)));
    assert_eq!(ground.own("staging").len(), 8);
}

#[test]
fn a_part_that_is_too_old_is_swept() {
    let ground = Ground::new();
    leave(&ground.root, part(1, 1), "old");
    leave(&ground.root, part(2, 1), "new");
    let file = ground.at(".hythe/staging").read_dir().unwrap();
    for entry in file {
        let path = entry.unwrap().path();
        if fs::read(&path).unwrap() == b"old" {
            let days = Duration::from_secs(15 * 24 * 3600);
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(SystemTime::now() - days).unwrap();
        }
    }
    let (_home, root) = reopen(ground);
    assert_eq!(root.known_parts(), [part(2, 1)]);
}

#[test]
fn s2_a_part_that_has_another_name_is_not_written_to() {
    let ground = Ground::new();
    leave(&ground.root, part(1, 1), "theirs by now");
    let name = ground.own("staging").remove(0);
    fs::hard_link(ground.at(".hythe/staging").join(name), ground.at("kept")).unwrap();
    let mut staging = take(&ground.root, part(1, 1));
    assert_eq!(staging.length(), 0);
    staging.write_at(b"ours", 0).unwrap();
    assert_eq!(ground.read("kept"), "theirs by now");
}

#[test]
fn sc071_a_range_of_a_part_becomes_a_hole() {
    let ground = Ground::new();
    let mut staging = take(&ground.root, part(1, 1));
    staging.write_at(&[7; 3 << 16], 0).unwrap();
    staging.make_hole(1 << 16..2 << 16).unwrap();
    let reader = staging.reader().unwrap();
    let mut bytes = vec![1; 3 << 16];
    reader.read_exact_at(&mut bytes, 0).unwrap();
    assert!(bytes[1 << 16..2 << 16].iter().all(|byte| *byte == 0));
    assert!(
        bytes[..1 << 16]
            .iter()
            .chain(&bytes[2 << 16..])
            .all(|byte| *byte == 7)
    );
    assert_eq!(reader.data_from(0).unwrap(), Some(0..1 << 16));
    let name = ground.own("staging").remove(0);
    let file = fs::File::open(ground.at(".hythe/staging").join(name)).unwrap();
    assert_eq!(file.metadata().unwrap().size(), 3 << 16);
    let mut byte = [1];
    file.read_exact_at(&mut byte, 1 << 16).unwrap();
    assert_eq!(byte, [0]);
}
