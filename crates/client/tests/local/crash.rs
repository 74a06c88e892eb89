//! Killed at any moment (group G): each test runs itself again as a process that works without
//! end, kills it, and looks at what is left.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use hythe_client::disk::{Opened, Outcome, Root, Staged};
use hythe_client::state::{State, StateError};

use crate::ground::{TOP, attributes, marker, names, owner, tree};

const WORKS_IN: &str = "HYTHE_TEST_WORKS_IN";
const ROUNDS: u64 = 100;
/// Longer than a page and a buffer, so that half a file would show.
const LENGTH: usize = 100_000;

/// Where to work, in the process that works.
fn works_in() -> Option<PathBuf> {
    std::env::var_os(WORKS_IN).map(PathBuf::from)
}

fn start(test: &str, home: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(WORKS_IN, home)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// Lines a worker said until it was killed. It is killed upon another of them in each round; which
/// call that hits, the system's scheduler decides.
fn said_until_killed(mut worker: Child, round: u64) -> Vec<String> {
    let lines = BufReader::new(worker.stdout.take().unwrap()).lines();
    let mut lines = lines.map_while(Result::ok);
    // The test's own first lines, and some of the worker's.
    let mut said: Vec<String> = lines.by_ref().take(5 + round as usize * 37 % 100).collect();
    worker.kill().unwrap();
    worker.wait().unwrap();
    said.extend(lines);
    said
}

fn stage(root: &Root, value: u8) -> Staged {
    let mut staging = root.stage().unwrap();
    staging.write_at(&vec![value; LENGTH], 0).unwrap();
    staging.finish(LENGTH as u64, attributes()).unwrap()
}

fn open(path: &Path) -> Root {
    match Root::open(path, &owner(&[marker().generation])).unwrap() {
        Opened::Ready(root) => root,
        _ => panic!("the folder is not as it was left"),
    }
}

/// Places, replaces, moves and removes without end.
fn work_on_disk(home: &Path) {
    let root = open(&home.join("folder"));
    let stage = |root: &Root, value| {
        println!("stages");
        let staged = stage(root, value);
        println!("staged");
        staged
    };
    for n in 0_u32.. {
        println!("begins {n}");
        let path = tree(&format!("f{}", n % 7));
        let value = u8::try_from(n % 251).unwrap();
        let mut batch = root.batch();
        let outcome = match root.stat(&path).unwrap() {
            None => batch
                .place_new(stage(&root, value), &path)
                .unwrap()
                .done()
                .map(drop),
            Some(found) if n % 5 == 0 => batch.remove(&path, &found.stamp, None).unwrap().done(),
            Some(found) if n % 5 == 1 => {
                let to = tree(&format!("f{}", (n + 3) % 7));
                match batch.move_entry(&path, &to, &found.stamp).unwrap() {
                    Outcome::Done(_) | Outcome::Changed(_) => Some(()),
                }
            }
            Some(found) => {
                let staged = stage(&root, value);
                batch
                    .replace(staged, &path, &found.stamp, None)
                    .unwrap()
                    .done()
                    .map(drop)
            }
        };
        assert!(outcome.is_some(), "nobody else works here");
        // Without the syncs: killing a process loses nothing that the system has.
    }
}

#[test]
fn sc081_sc083_a_killed_process_leaves_old_or_new_and_nothing_else() {
    if let Some(home) = works_in() {
        return work_on_disk(&home);
    }
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("folder");
    std::fs::create_dir(&path).unwrap();
    drop(Root::create(&path, marker()).unwrap());
    let name = "crash::sc081_sc083_a_killed_process_leaves_old_or_new_and_nothing_else";
    for round in 0..ROUNDS {
        said_until_killed(start(name, home.path()), round);
        let root = open(&path);
        assert_eq!(root.settle_out().unwrap(), [], "nothing there was a user's");
        assert_eq!(names(&path.join(".hythe/staging")), [""; 0]);
        assert_eq!(names(&path.join(".hythe/out")), [""; 0]);
        for name in names(&path).iter().filter(|name| *name != ".hythe") {
            let content = std::fs::read(path.join(name)).unwrap();
            assert_eq!(content.len(), LENGTH, "{name} in round {round}");
            assert!(
                content.windows(2).all(|pair| pair[0] == pair[1]),
                "{name} is mixed"
            );
        }
    }
}

/// Writes numbers without end and says each when it is acknowledged.
fn work_on_state(home: &Path) {
    let (state, _) = State::open(&home.join("state.db")).unwrap();
    let first = state.read(|rows| rows.setting("last")).unwrap();
    let first = first.map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().unwrap()));
    for n in first + 1.. {
        let change = move |tx: &hythe_client::state::Tx<'_>| -> Result<(), StateError> {
            tx.set_setting("last", &n.to_le_bytes())?;
            tx.set_setting(&format!("n{}", n % 1000), &[7; 2000])
        };
        if n % 3 == 0 {
            state.observe(change).wait().unwrap();
        } else {
            state.write(change).wait().unwrap();
        }
        println!("acknowledged {n}");
    }
}

#[test]
fn s10_s11_a_killed_process_keeps_what_was_acknowledged() {
    if let Some(home) = works_in() {
        return work_on_state(&home);
    }
    let home = tempfile::tempdir().unwrap();
    let name = "crash::s10_s11_a_killed_process_keeps_what_was_acknowledged";
    let mut highest = 0;
    for round in 0..ROUNDS {
        let said = said_until_killed(start(name, home.path()), round);
        let acknowledged = said
            .iter()
            .filter_map(|line| line.strip_prefix("acknowledged "));
        let acknowledged = acknowledged
            .filter_map(|number| number.parse::<u64>().ok())
            .max();
        highest = acknowledged.unwrap_or(highest);
        let (state, _) = State::open(&home.path().join("state.db")).unwrap();
        let last = state.read(|rows| rows.setting("last")).unwrap();
        let last = last.map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().unwrap()));
        assert!(
            last >= highest,
            "{highest} was acknowledged, {last} is there"
        );
        assert_eq!(
            state
                .read(|rows| rows.local_children(hythe_client::state::FolderNumber(1), TOP))
                .unwrap(),
            []
        );
        // Killed, not closed, in every second round: the next one finds it open.
        if round % 2 == 0 {
            std::mem::forget(state);
        }
    }
    assert!(highest > 0, "nothing was ever acknowledged");
}
