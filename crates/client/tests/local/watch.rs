//! Hearing of changes.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::rename;
use std::io::Write;
use std::time::{Duration, Instant};

use hythe_client::scan::{Scan, ScanReport, Scope};
use hythe_client::watch::{Unwatched, Watcher};
use hythe_model::TreePath;

use crate::ground::{Ground, tree};

const PATIENCE: Duration = Duration::from_secs(20);

struct Watching {
    ground: Ground,
    watcher: Watcher,
    /// Places that were told of and not looked at yet.
    told: RefCell<BTreeSet<TreePath>>,
}

impl Watching {
    fn new(ground: Ground) -> Self {
        let watching = Self::with_limit(ground, usize::MAX);
        watching.scan(&Scope::Whole);
        while watching.watcher.take().is_some() {}
        watching
    }

    fn with_limit(ground: Ground, limit: usize) -> Self {
        Self {
            ground,
            watcher: Watcher::start(limit),
            told: RefCell::default(),
        }
    }

    fn scan(&self, scope: &Scope) -> ScanReport {
        let ground = &self.ground;
        let scan = Scan {
            root: &ground.root,
            state: &ground.state,
            folder: ground.folder,
            entering: Some(&self.watcher),
        };
        scan.run(scope).unwrap()
    }

    /// Waits until all of these places were told of.
    #[track_caller]
    fn expect(&self, wanted: &[&str]) {
        let wanted: BTreeSet<TreePath> = wanted.iter().map(|path| tree(path)).collect();
        let mut seen = BTreeSet::new();
        let until = Instant::now() + PATIENCE;
        while !seen.is_superset(&wanted) {
            let left = until.saturating_duration_since(Instant::now());
            let Some(changes) = self.watcher.wait(left) else {
                panic!("told of {seen:?}, not of all of {wanted:?}")
            };
            assert!(!changes.lost, "events were lost");
            seen.extend(changes.places);
        }
        self.told.borrow_mut().append(&mut seen);
    }

    /// Scans what the watcher tells of; then the Local tree is the disk. Events come in order, so
    /// a last one of our own says that all before it were told.
    #[track_caller]
    fn settle(&self) {
        self.ground.write("fence", "x");
        self.expect(&["fence"]);
        let mut places = self.told.take();
        for _ in 0..100 {
            places = self.scan(&Scope::Places(places)).again;
            if places.is_empty() {
                break;
            }
        }
        self.ground.assert_local_is_disk();
        let missed = self.scan(&Scope::Whole).dirty;
        assert_eq!(missed, BTreeSet::new(), "something was missed");
    }
}

#[test]
fn what_happens_to_files_is_told() {
    let ground = Ground::new();
    ground.write("d/e/f", "x");
    ground.write("d/g", "x");
    let watching = Watching::new(ground);
    let ground = &watching.ground;
    ground.write("d/e/f", "edited");
    watching.expect(&["d/e/f"]);
    ground.write("d/new", "x");
    watching.expect(&["d/new"]);
    rename(ground.at("d/g"), ground.at("d/e/h")).unwrap();
    watching.expect(&["d/g", "d/e/h"]);
    std::fs::remove_file(ground.at("d/e/h")).unwrap();
    watching.expect(&["d/e/h"]);
    ground.write("top", "x");
    watching.expect(&["top"]);
}

#[test]
fn nothing_is_told_of_what_hythe_does_in_its_own_folder() {
    let watching = Watching::new(Ground::new());
    drop(watching.ground.staged("x"));
    watching.ground.root.now().unwrap();
    watching.ground.write("after", "x");
    let until = Instant::now() + PATIENCE;
    let mut seen = BTreeSet::new();
    while !seen.contains(&tree("after")) && Instant::now() < until {
        seen.extend(watching.watcher.wait(PATIENCE).unwrap().places);
    }
    assert_eq!(seen, BTreeSet::from([tree("after")]));
}

#[test]
fn s7_a_file_that_is_open_for_writing_is_said_to_be() {
    let ground = Ground::new();
    ground.write("f", "");
    let watching = Watching::new(ground);
    let path = watching.ground.at("f");
    let mut writer = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    writer.write_all(b"x").unwrap();
    let changes = watching.watcher.wait(PATIENCE).unwrap();
    assert!(changes.open.contains(&tree("f")));
    drop(writer);
    let changes = watching.watcher.wait(PATIENCE).unwrap();
    assert!(changes.places.contains(&tree("f")) && changes.open.is_empty());
}

#[test]
fn sc080_events_inside_a_tree_that_is_just_being_made_are_not_missed() {
    let watching = Watching::new(Ground::new());
    for n in 0..50 {
        let path = watching.ground.at(&format!("t{n}/x/y/z"));
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("f"), "x").unwrap();
        rename(path.join("f"), path.join("g")).unwrap();
    }
    watching.settle();
    assert_eq!(watching.ground.local().len(), 50 * 5 + 1);
    // And what happens in them later is told.
    watching.ground.write("t7/x/y/z/later", "x");
    watching.expect(&["t7/x/y/z/later"]);
}

#[test]
fn t2_after_a_directory_moved_its_places_have_their_new_paths() {
    let ground = Ground::new();
    ground.write("d/x/f", "x");
    ground.write("e/f", "x");
    let watching = Watching::new(ground);
    let ground = &watching.ground;
    rename(ground.at("d"), ground.at("e/moved")).unwrap();
    watching.expect(&["d", "e/moved"]);
    ground.write("e/moved/x/f", "edited");
    watching.expect(&["e/moved/x/f"]);
    watching.settle();
}

#[test]
fn sc024_what_left_the_folder_is_told_of_no_more() {
    let ground = Ground::new();
    ground.write("d/x/f", "x");
    let watching = Watching::new(ground);
    let watched = watching.watcher.watched();
    let outside = watching.ground.home.path().join("outside");
    rename(watching.ground.at("d"), &outside).unwrap();
    watching.expect(&["d"]);
    let until = Instant::now() + PATIENCE;
    while watching.watcher.watched() != watched - 2 {
        assert!(Instant::now() < until, "it is watched still");
        std::thread::yield_now();
    }
    std::fs::write(outside.join("x/f"), "outside").unwrap();
    watching.ground.write("inside", "x");
    let mut seen = BTreeSet::new();
    while !seen.contains(&tree("inside")) {
        seen.extend(watching.watcher.wait(PATIENCE).unwrap().places);
    }
    assert_eq!(seen, BTreeSet::from([tree("inside")]));
    watching.told.borrow_mut().append(&mut seen);
    watching.settle();
}

#[test]
fn sc024_a_tree_that_comes_in_is_looked_through() {
    let watching = Watching::new(Ground::new());
    let outside = watching.ground.home.path().join("outside");
    std::fs::create_dir_all(outside.join("x/y")).unwrap();
    std::fs::write(outside.join("x/y/f"), "x").unwrap();
    rename(&outside, watching.ground.at("in")).unwrap();
    watching.settle();
    assert!(watching.ground.local().contains_key("in/x/y/f"));
}

#[test]
fn sc106_the_limit_of_watches_is_said_in_words() {
    let ground = Ground::new();
    for n in 0..10 {
        ground.write(&format!("d{n}/f"), "x");
    }
    let watching = Watching::with_limit(ground, 5);
    watching.scan(&Scope::Whole);
    let why = watching.watcher.unwatched().unwrap();
    assert_eq!(why, Unwatched::Watches { watched: 5 });
    assert!(why.to_string().contains("max_user_watches"));
    watching.ground.assert_local_is_disk();
}

#[test]
fn sc135_the_folder_itself_going_is_told() {
    let watching = Watching::new(Ground::new());
    let aside = watching.ground.home.path().join("aside");
    rename(watching.ground.at(""), &aside).unwrap();
    assert!(watching.watcher.wait(PATIENCE).unwrap().root);
    rename(&aside, watching.ground.at("")).unwrap();
}

#[test]
fn changes_can_be_awaited() {
    let watching = Watching::new(Ground::new());
    watching.ground.write("f", "x");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let changes = runtime
        .block_on(async { tokio::time::timeout(PATIENCE, watching.watcher.changes()).await })
        .unwrap();
    assert!(changes.places.contains(&tree("f")));
}

/// The kernel's queue holds a bounded number of events; when it is full it says so, once.
#[test]
fn sc080_an_overflow_of_the_kernels_queue_is_seen() {
    use hythe_client::os::{self, Seen, Watches};
    use std::os::fd::AsFd;
    let directory = tempfile::tempdir().unwrap();
    let handle = os::open_root(directory.path()).unwrap();
    let watches = Watches::new().unwrap();
    watches.add(handle.as_fd()).unwrap();
    let limit = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: u32 = limit.trim().parse().unwrap();
    for n in 0..limit {
        let path = directory.path().join(format!("{}", n % 64));
        std::fs::write(&path, "x").unwrap();
        std::fs::remove_file(&path).unwrap();
    }
    let mut overflows = 0;
    watches
        .drain(|seen| overflows += u32::from(seen == Seen::Overflow))
        .unwrap();
    assert_eq!(overflows, 1);
}

/// A user works without pause while places are told of and looked at.
#[test]
fn c1_after_a_storm_the_local_tree_is_the_disk() {
    let watching = Watching::new(Ground::new());
    std::thread::scope(|scope| {
        let path = watching.ground.at("");
        let user = scope.spawn(move || {
            let at = |place: &str| path.join(place);
            for round in 0..300_u32 {
                let (one, two) = (round % 7, round % 5);
                let directory = at(&format!("d{one}/e{two}"));
                std::fs::create_dir_all(&directory).unwrap();
                std::fs::write(
                    directory.join(format!("f{}", round % 3)),
                    format!("{round}"),
                )
                .unwrap();
                let _ = match round % 6 {
                    0 => rename(at(&format!("d{one}")), at(&format!("d{two}/in{round}"))),
                    1 => std::fs::remove_dir_all(at(&format!("d{two}"))),
                    2 => rename(directory, at(&format!("e{round}"))),
                    _ => Ok(()),
                };
            }
        });
        while !user.is_finished() {
            if let Some(changes) = watching.watcher.wait(Duration::from_millis(5)) {
                let scope = Scope::Places(changes.places);
                watching
                    .told
                    .borrow_mut()
                    .append(&mut watching.scan(&scope).again);
            }
        }
    });
    watching.settle();
}
