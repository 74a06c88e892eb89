//! Nothing outside the folder is ever reached (T5).

use std::sync::atomic::{AtomicBool, Ordering};

use hythe_client::disk::{Change, Outcome};
use hythe_client::os;

use crate::ground::{Ground, Mounted, done, names, tree};

#[test]
fn t5_a_symlink_above_the_entry_leads_nowhere() {
    let ground = Ground::new();
    let outside = ground.home.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("f"), "outside").unwrap();
    std::os::unix::fs::symlink(&outside, ground.at("way")).unwrap();
    std::os::unix::fs::symlink("..", ground.at("up")).unwrap();
    let mut batch = ground.root.batch();
    for path in ["way/f", "up/outside/f"] {
        let path = tree(path);
        assert_eq!(ground.root.stat(&path).unwrap(), None);
        assert!(ground.root.read(&path, None).unwrap().done().is_none());
        let no_parent = Outcome::Changed(Change::NoParent);
        assert_eq!(
            batch.place_new(ground.staged("x"), &path).unwrap(),
            no_parent
        );
        let stamp = ground.stamp("way");
        assert!(batch.remove(&path, &stamp, None).unwrap().done().is_none());
        assert!(
            batch
                .move_entry(&path, &tree("in"), &stamp)
                .unwrap()
                .done()
                .is_none()
        );
    }
    assert_eq!(
        std::fs::read_to_string(outside.join("f")).unwrap(),
        "outside"
    );
    assert_eq!(names(&outside), ["f"]);
}

#[test]
fn t5_a_symlink_to_a_directory_of_the_folder_is_no_way_either() {
    let ground = Ground::new();
    ground.write("d/sub/f", "x");
    std::os::unix::fs::symlink("d", ground.at("alias")).unwrap();
    assert_eq!(ground.root.stat(&tree("alias/sub/f")).unwrap(), None);
    let mut batch = ground.root.batch();
    let outcome = batch.place_new(ground.staged("x"), &tree("alias/sub/new"));
    assert_eq!(outcome.unwrap(), Outcome::Changed(Change::NoParent));
    assert_eq!(ground.scan().entries, 4);
}

#[test]
fn t5_another_file_system_inside_is_not_entered() {
    let ground = Ground::new();
    ground.write("d/inside", "x");
    let Some(_mounted) = Mounted::tmpfs(&ground.at("d"), "size=1m") else {
        return;
    };
    std::fs::write(ground.at("d/f"), "on another disk").unwrap();
    assert_eq!(ground.root.stat(&tree("d/f")).unwrap(), None);
    let d = ground.root.stat(&tree("d")).unwrap().unwrap();
    assert!(d.foreign);
    let mut batch = ground.root.batch();
    let outcome = batch.place_new(ground.staged("x"), &tree("d/new")).unwrap();
    assert_eq!(outcome, Outcome::Changed(Change::NoParent));
    assert!(
        batch
            .remove(&tree("d"), &d.stamp, None)
            .unwrap()
            .done()
            .is_none()
    );
    assert_eq!(names(&ground.at("d")), ["f"]);
}

/// Another program exchanges a directory of the folder with a symlink to a directory outside, as
/// fast as it can, while files are placed, replaced, moved and removed below that name.
#[test]
fn t5_c2_a_race_of_directory_and_symlink_reaches_nothing_outside() {
    let ground = Ground::new();
    let outside = ground.home.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("f"), "outside").unwrap();
    std::fs::create_dir(ground.at("d")).unwrap();
    std::os::unix::fs::symlink(&outside, ground.at("l")).unwrap();
    let before = os::info_of(os::open_root(&outside).unwrap()).unwrap();
    let folder = os::open_root(&ground.at("")).unwrap();
    let ended = AtomicBool::new(false);
    let (mut placed, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                os::exchange(&folder, b"d", &folder, b"l").unwrap();
            }
        });
        while placed < 300 || refused < 300 {
            let mut batch = ground.root.batch();
            let path = tree("d/f");
            let outcome = match ground.root.stat(&path).unwrap() {
                None => batch.place_new(ground.staged("ours"), &path).unwrap(),
                Some(found) if (placed + refused) % 2 == 0 => {
                    let staged = ground.staged("ours again");
                    batch.replace(staged, &path, &found.stamp, None).unwrap()
                }
                Some(found) => {
                    let moved = batch.move_entry(&path, &tree("d/g"), &found.stamp).unwrap();
                    if let Outcome::Done(found) = &moved {
                        let _ = batch.remove(&tree("d/g"), &found.stamp, None).unwrap();
                    }
                    moved
                }
            };
            match outcome {
                Outcome::Done(_) => placed += 1,
                Outcome::Changed(_) => refused += 1,
            }
            if ground.root.stat(&tree("d/g")).unwrap().is_some() {
                let stamp = ground
                    .root
                    .stat(&tree("d/g"))
                    .unwrap()
                    .map(|found| found.stamp);
                if let Some(stamp) = stamp {
                    let _ = batch.remove(&tree("d/g"), &stamp, None).unwrap();
                }
            }
        }
        ended.store(true, Ordering::Relaxed);
    });
    assert_eq!(names(&outside), ["f"]);
    assert_eq!(
        std::fs::read_to_string(outside.join("f")).unwrap(),
        "outside"
    );
    let after = os::info_of(os::open_root(&outside).unwrap()).unwrap();
    assert_eq!(
        (before.modified, before.changed),
        (after.modified, after.changed)
    );
}

#[test]
fn done_is_done() {
    // Keeps the helper honest: an outcome that is not done fails the test that expects it.
    let ground = Ground::new();
    let mut batch = ground.root.batch();
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        done(batch.make_directory(&tree("no/d")))
    }));
    assert!(result.is_err());
}
