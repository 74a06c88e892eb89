//! Removing (S2, S3).

use std::collections::HashSet;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hythe_client::disk::{Change, Outcome};

use crate::ground::{Ends, Ground, done, tree};

#[test]
fn s2_the_expected_entry_goes() {
    let ground = Ground::new();
    ground.write("d/f", "x");
    std::os::unix::fs::symlink("f", ground.at("d/l")).unwrap();
    let mut batch = ground.root.batch();
    let outcome = batch.remove(&tree("d"), &ground.stamp("d"), None).unwrap();
    assert_eq!(outcome, Outcome::Changed(Change::NotEmpty));
    done(batch.remove(&tree("d/f"), &ground.stamp("d/f"), None));
    done(batch.remove(&tree("d/l"), &ground.stamp("d/l"), None));
    done(batch.remove(&tree("d"), &ground.stamp("d"), None));
    batch.finish().unwrap();
    assert!(!ground.at("d").exists());
    assert!(ground.own("out").is_empty());
}

#[test]
fn sc029_sc038_an_edited_file_stays() {
    let ground = Ground::new();
    ground.write("f", "x");
    let expected = ground.stamp("f");
    ground.write("f", "edited");
    let mut batch = ground.root.batch();
    let outcome = batch.remove(&tree("f"), &expected, None).unwrap();
    assert!(matches!(
        outcome,
        Outcome::Changed(Change::Instead(Some(_)))
    ));
    assert_eq!(ground.read("f"), "edited");
    std::fs::remove_file(ground.at("f")).unwrap();
    let outcome = batch.remove(&tree("f"), &expected, None).unwrap();
    assert_eq!(outcome, Outcome::Changed(Change::Instead(None)));
}

#[test]
fn s3_what_is_written_late_to_a_removed_file_comes_back() {
    let ground = Ground::new();
    ground.write("f", "x");
    let mut writer = std::fs::OpenOptions::new()
        .append(true)
        .open(ground.at("f"))
        .unwrap();
    let mut batch = ground.root.batch();
    done(batch.remove(&tree("f"), &ground.stamp("f"), None));
    assert!(!ground.at("f").exists());
    writer.write_all(b"yz").unwrap();
    drop(writer);
    let late = ground.root.settle_out().unwrap();
    done(batch.place_late(&late[0], &tree("f")));
    assert_eq!(ground.read("f"), "xyz");
}

/// A process that was killed between the steps of a replace or remove leaves files in
/// `.hythe/out` under names that say what they should be.
#[test]
fn sc081_sc083_after_a_crash_known_values_go_and_unknown_ones_come_back() {
    let ground = Ground::new();
    ground.write("f", "old");
    // A writer keeps the file in `out` past the end of the process.
    let writer = std::fs::OpenOptions::new()
        .append(true)
        .open(ground.at("f"))
        .unwrap();
    let mut batch = ground.root.batch();
    done(batch.replace(ground.staged("new"), &tree("f"), &ground.stamp("f"), None));
    drop((batch, writer));
    let known = ground.own("out");
    assert_eq!(
        known.iter().filter(|name| !name.ends_with(".note")).count(),
        1
    );
    // And something whose name promises nothing.
    std::fs::write(ground.at(".hythe/out/0123456789abcdef"), "a user's").unwrap();

    let Ground { root, home, .. } = ground;
    drop(root);
    let owner = crate::ground::owner(&[crate::ground::marker().generation]);
    let path = home.path().join("folder");
    let hythe_client::disk::Opened::Ready(root) =
        hythe_client::disk::Root::open(&path, &owner).unwrap()
    else {
        panic!("not ready")
    };
    let late = root.settle_out().unwrap();
    assert_eq!(late.len(), 1);
    assert_eq!(late[0].origin, None);
    let mut batch = root.batch();
    done(batch.place_late(&late[0], &tree("recovered")));
    assert_eq!(
        std::fs::read_to_string(path.join("recovered")).unwrap(),
        "a user's"
    );
    assert!(crate::ground::names(&path.join(".hythe/out")).is_empty());
}

/// A user saves without pause, by renaming over the file, while it is removed again and again. The
/// file is only ever missing when what was removed is what the user had saved last.
#[test]
fn s2_s3_no_save_is_removed_unseen() {
    let ground = Ground::new();
    ground.write("f", "user 0");
    let removed: Mutex<HashSet<String>> = Mutex::default();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _ends = Ends(&ended);
            let mut last = "user 0".to_owned();
            for round in 1..2000 {
                let until = Instant::now() + Duration::from_secs(20);
                // Missing for a moment while it is put back, or removed and announced soon.
                while std::fs::read_to_string(ground.at("f")).ok().as_ref() != Some(&last)
                    && !removed.lock().unwrap().contains(&last)
                {
                    assert!(Instant::now() < until, "{last} is gone and nobody saw it");
                    std::thread::yield_now();
                }
                last = format!("user {round}");
                std::fs::write(ground.home.path().join("next"), &last).unwrap();
                std::fs::rename(ground.home.path().join("next"), ground.at("f")).unwrap();
            }
        });
        while !ended.load(Ordering::SeqCst) {
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
            if !reading.is_unchanged().unwrap() {
                continue;
            }
            drop(reading);
            let mut batch = ground.root.batch();
            let outcome = batch.remove(&tree("f"), &seen.stamp, None).unwrap();
            if let Outcome::Done(()) = outcome {
                let content = String::from_utf8_lossy(&content[..length]).into_owned();
                removed.lock().unwrap().insert(content);
            }
        }
    });
}
