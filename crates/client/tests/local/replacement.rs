//! Replacing (S2, S6): what is there by then is what counts.

use std::collections::HashMap;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use hythe_client::disk::{Change, Outcome};
use hythe_model::{ContentHash, EntryName, LinkTarget, Timestamp};

use crate::ground::{Ends, Ground, done, tree};

fn hash(content: &str) -> ContentHash {
    ContentHash(*blake3::hash(content.as_bytes()).as_bytes())
}

#[test]
fn s2_the_expected_file_is_replaced_and_leaves_nothing_behind() {
    let ground = Ground::new();
    ground.write("f", "old");
    let expected = ground.stamp("f");
    let mut batch = ground.root.batch();
    let found = done(batch.replace(ground.staged("new"), &tree("f"), &expected, None));
    batch.finish().unwrap();
    assert_eq!(ground.read("f"), "new");
    assert_eq!(found.stamp, ground.stamp("f"));
    assert!(ground.own("out").is_empty());
    assert!(ground.own("staging").is_empty());
}

#[test]
fn sc004_an_edit_before_the_exchange_is_left_alone() {
    let ground = Ground::new();
    ground.write("f", "old");
    let expected = ground.stamp("f");
    ground.write("f", "edited");
    let mut batch = ground.root.batch();
    let outcome = batch
        .replace(ground.staged("new"), &tree("f"), &expected, None)
        .unwrap();
    assert!(matches!(
        outcome,
        Outcome::Changed(Change::Instead(Some(_)))
    ));
    assert_eq!(ground.read("f"), "edited");
    std::fs::remove_file(ground.at("f")).unwrap();
    let outcome = batch
        .replace(ground.staged("new"), &tree("f"), &expected, None)
        .unwrap();
    assert_eq!(outcome, Outcome::Changed(Change::Instead(None)));
    std::fs::create_dir(ground.at("f")).unwrap();
    let outcome = batch
        .replace(ground.staged("new"), &tree("f"), &expected, None)
        .unwrap();
    assert!(matches!(
        outcome,
        Outcome::Changed(Change::Instead(Some(_)))
    ));
    assert!(ground.own("out").is_empty() && ground.own("staging").is_empty());
}

#[test]
fn c5_permissions_stay_the_owners_and_set_user_id_never_travels() {
    let ground = Ground::new();
    ground.write("f", "old");
    std::fs::set_permissions(ground.at("f"), std::fs::Permissions::from_mode(0o4750)).unwrap();
    let expected = ground.stamp("f");
    let mut batch = ground.root.batch();
    done(batch.replace(ground.staged("new"), &tree("f"), &expected, None));
    assert_eq!(ground.at("f").metadata().unwrap().mode() & 0o7777, 0o640);
}

#[test]
fn s1_what_is_written_late_through_an_open_file_comes_back() {
    let ground = Ground::new();
    ground.write("d/f", "old");
    let mut writer = std::fs::OpenOptions::new()
        .append(true)
        .open(ground.at("d/f"))
        .unwrap();
    let expected = ground.stamp("d/f");
    let mut batch = ground.root.batch();
    done(batch.replace(
        ground.staged("new"),
        &tree("d/f"),
        &expected,
        Some(hash("old")),
    ));
    assert!(ground.root.keeps_any_out().unwrap());
    assert_eq!(
        ground.root.settle_out().unwrap(),
        [],
        "the writer has it open still"
    );
    writer.write_all(b" and more").unwrap();
    drop(writer);
    let late = ground.root.settle_out().unwrap();
    assert_eq!(late.len(), 1);
    assert_eq!(late[0].origin, Some(tree("d/f")));
    done(batch.place_late(&late[0], &tree("d/f (conflict)")));
    assert_eq!(ground.read("d/f (conflict)"), "old and more");
    assert_eq!(ground.read("d/f"), "new");
    assert!(ground.own("out").is_empty());
    assert!(!ground.root.keeps_any_out().unwrap());
}

#[test]
fn s12_a_writer_that_wrote_nothing_makes_no_copy() {
    let ground = Ground::new();
    ground.write("f", "old");
    let writer = std::fs::OpenOptions::new()
        .append(true)
        .open(ground.at("f"))
        .unwrap();
    let expected = ground.stamp("f");
    let mut batch = ground.root.batch();
    done(batch.replace(
        ground.staged("new"),
        &tree("f"),
        &expected,
        Some(hash("old")),
    ));
    drop(writer);
    assert_eq!(ground.root.settle_out().unwrap(), []);
    assert!(ground.own("out").is_empty());
}

#[test]
fn sc069_what_was_written_without_a_new_time_is_found_by_its_hash() {
    let ground = Ground::new();
    ground.write("f", "old");
    let mut writer = std::fs::OpenOptions::new()
        .write(true)
        .open(ground.at("f"))
        .unwrap();
    let expected = ground.stamp("f");
    let mut batch = ground.root.batch();
    done(batch.replace(
        ground.staged("new"),
        &tree("f"),
        &expected,
        Some(hash("old")),
    ));
    writer.write_all(b"OLD").unwrap();
    // As writing through mapped memory does: new bytes, the old time.
    let since = std::time::UNIX_EPOCH;
    let seconds = std::time::Duration::new(
        u64::try_from(expected.modified.seconds).unwrap(),
        expected.modified.nanos,
    );
    writer.set_modified(since + seconds).unwrap();
    drop(writer);
    let late = ground.root.settle_out().unwrap();
    assert_eq!(late.len(), 1);
    done(batch.place_late(&late[0], &tree("g")));
    assert_eq!(ground.read("g"), "OLD");
}

#[test]
fn links_and_files_replace_each_other() {
    let ground = Ground::new();
    ground.write("x", "file");
    let target = LinkTarget::new(*b"over/there").unwrap();
    let mut batch = ground.root.batch();
    let at = Timestamp {
        seconds: 5,
        nanos: 0,
    };
    let found = done(batch.replace_link(&target, at, &tree("x"), &ground.stamp("x")));
    assert_eq!(
        std::fs::read_link(ground.at("x")).unwrap().to_str(),
        Some("over/there")
    );
    assert_eq!(found.stamp.modified, at);
    done(batch.replace(ground.staged("file again"), &tree("x"), &found.stamp, None));
    assert_eq!(ground.read("x"), "file again");
}

#[test]
fn sc001_whatever_is_there_is_put_aside_whole() {
    let ground = Ground::new();
    ground.write("f", "the user's, newer than planned");
    let aside = EntryName::new(*b"f (conflict)").unwrap();
    let mut batch = ground.root.batch();
    let (found, copy) = done(batch.replace_aside(ground.staged("theirs"), &tree("f"), &aside));
    assert_eq!(ground.read("f"), "theirs");
    assert_eq!(
        ground.read("f (conflict)"),
        "the user's, newer than planned"
    );
    assert_eq!(
        (found.stamp, copy.stamp),
        (ground.stamp("f"), ground.stamp("f (conflict)"))
    );
    let outcome = batch
        .replace_aside(ground.staged("third"), &tree("f"), &aside)
        .unwrap();
    assert_eq!(outcome, Outcome::Changed(Change::Taken));
    assert_eq!(ground.read("f"), "theirs");
    assert!(ground.own("out").is_empty() && ground.own("staging").is_empty());
}

#[test]
fn sc056_a_directory_is_put_aside_with_what_it_holds() {
    let ground = Ground::new();
    ground.write("d/child", "x");
    let aside = EntryName::new(*b"d (conflict)").unwrap();
    let mut batch = ground.root.batch();
    done(batch.replace_aside(ground.staged("a file"), &tree("d"), &aside));
    assert_eq!(ground.read("d"), "a file");
    assert_eq!(ground.read("d (conflict)/child"), "x");
}

/// A user saves without pause, by renaming over the file, while it is replaced again and again.
/// Whenever the user finds another's value in the file, that value must have replaced the user's
/// last one and no other: a save that nobody had seen is never covered.
#[test]
fn sc004_s2_no_save_is_covered_unseen() {
    let ground = Ground::new();
    ground.write("f", "user 0");
    let covers: Mutex<HashMap<String, String>> = Mutex::default();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _ends = Ends(&ended);
            let mut last = "user 0".to_owned();
            for round in 1..3000 {
                // Ours is announced only after the exchange, and may be taken back before that.
                loop {
                    let there = ground.read("f");
                    if there == last {
                        break;
                    }
                    if let Some(covered) = covers.lock().unwrap().get(&there) {
                        assert_eq!(*covered, last, "covered unseen");
                        break;
                    }
                    std::thread::yield_now();
                }
                last = format!("user {round}");
                std::fs::write(ground.home.path().join("next"), &last).unwrap();
                std::fs::rename(ground.home.path().join("next"), ground.at("f")).unwrap();
            }
        });
        let mut round = 0;
        while !ended.load(Ordering::SeqCst) {
            round += 1;
            let Some(seen) = ground.root.stat(&tree("f")).unwrap() else {
                continue;
            };
            let reading = ground
                .root
                .read(&tree("f"), Some(&seen.stamp))
                .unwrap()
                .done();
            let Some(reading) = reading else { continue };
            let mut content = vec![0; 32];
            let length = reading.read_at(&mut content, 0).unwrap();
            let content = String::from_utf8_lossy(&content[..length]).into_owned();
            if !reading.is_unchanged().unwrap() {
                continue;
            }
            drop(reading);
            let ours = format!("ours {round}");
            let mut batch = ground.root.batch();
            let outcome = batch.replace(ground.staged(&ours), &tree("f"), &seen.stamp, None);
            if let Outcome::Done(_) = outcome.unwrap() {
                // What ours covered, seen through earlier values of ours, is the user's.
                let mut covers = covers.lock().unwrap();
                let users = covers.get(&content).cloned().unwrap_or(content);
                covers.insert(ours, users);
            }
        }
    });
    let late = ground.root.settle_out().unwrap();
    assert!(
        late.iter()
            .all(|late| late.kind == hythe_client::os::FileKind::File)
    );
}
