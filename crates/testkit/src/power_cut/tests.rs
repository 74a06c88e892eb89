//! What each file system may leave, on logs made by hand.

use std::collections::BTreeSet;

use super::log::{Change, Inode, Log, Node};
use super::{Choice, Cut, FileSystem, Held, Names, State};

const ROOT: Inode = Inode(0);

/// A log of one file system.
fn log(nodes: usize, changes: Vec<Change>) -> Log {
    let files = std::iter::repeat_n((Node::File, 0), nodes);
    Log {
        nodes: std::iter::once((Node::Directory, 0)).chain(files).collect(),
        changes,
        ..Log::default()
    }
}

fn make(name: &str, inode: usize) -> Change {
    Change::Make {
        slot: (ROOT, name.into()),
        inode: Inode(inode),
    }
}

fn write(inode: usize, bytes: &[u8]) -> Change {
    Change::Write {
        inode: Inode(inode),
        offset: 0,
        bytes: bytes.to_vec(),
    }
}

fn rename(from: &str, to: &str, inode: usize, replaced: Option<usize>) -> Change {
    Change::Rename {
        from: (ROOT, from.into()),
        to: (ROOT, to.into()),
        inode: Inode(inode),
        replaced: replaced.map(Inode),
    }
}

fn sync(inode: usize, since: usize) -> Change {
    let inode = Inode(inode);
    Change::Sync { inode, since }
}

/// Names and contents.
fn shown(state: &State) -> Vec<(String, Vec<u8>)> {
    let items = state.items.iter();
    let mut shown: Vec<_> = items
        .map(|item| {
            let name = String::from_utf8(item.path.concat()).unwrap();
            match &item.held {
                Held::File(bytes) => (name, bytes.clone()),
                _ => (name, Vec::new()),
            }
        })
        .collect();
    shown.sort();
    shown
}

/// Everything that is possible at the end of a log, as far as a hundred seeds find it.
fn possible(log: &Log, system: FileSystem) -> BTreeSet<Vec<(String, Vec<u8>)>> {
    let mut cut = Cut::new(log);
    cut.go_to(usize::MAX);
    let mut found = BTreeSet::new();
    for names in Names::ALL {
        for bytes in system.bytes() {
            for seed in 0..100 {
                let choice = Choice {
                    system,
                    names,
                    bytes: *bytes,
                    seed,
                };
                found.insert(shown(&cut.state(choice)));
            }
        }
    }
    found
}

fn one(name: &str, bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    vec![(name.to_owned(), bytes.to_vec())]
}

#[test]
fn a_file_that_was_not_synced_before_it_was_renamed_may_be_empty_everywhere() {
    let old = [make("f", 1), write(1, b"old"), sync(1, 2)];
    let new = [
        make("f.new", 2),
        write(2, b"new"),
        rename("f.new", "f", 2, Some(1)),
    ];
    let log = log(2, old.into_iter().chain(new).collect());
    for system in FileSystem::ALL {
        let possible = possible(&log, system);
        for whole in [one("f", b"old"), one("f", b"new"), one("f", b"")] {
            assert!(possible.contains(&whole), "{system:?}: {possible:?}");
        }
        let stale = possible.contains(&one("f", b"ZZZ"));
        assert_eq!(stale, system == FileSystem::Ext4Writeback, "{system:?}");
        let zeros = possible.contains(&one("f", b"\0\0\0"));
        let may = matches!(system, FileSystem::Ext4Writeback | FileSystem::Xfs);
        assert_eq!(zeros, may, "{system:?}");
    }
}

#[test]
fn a_file_that_was_synced_before_it_was_renamed_is_old_or_new_everywhere() {
    let old = [make("f", 1), write(1, b"old"), sync(1, 2)];
    let new = [
        make("f.new", 2),
        write(2, b"new"),
        sync(2, 5),
        rename("f.new", "f", 2, Some(1)),
    ];
    let log = log(2, old.into_iter().chain(new).collect());
    for system in FileSystem::ALL {
        let held: BTreeSet<Vec<u8>> = possible(&log, system)
            .into_iter()
            .flatten()
            .filter(|(name, _)| name == "f")
            .map(|(_, bytes)| bytes)
            .collect();
        assert_eq!(held, BTreeSet::from([b"old".to_vec(), b"new".to_vec()]));
    }
}

#[test]
fn names_come_in_order_but_on_btrfs_where_what_was_synced_comes_first() {
    let changes = vec![make("a", 1), make("b", 2), make("c", 3), sync(2, 3)];
    let log = log(3, changes);
    for system in FileSystem::ALL {
        let names: BTreeSet<String> = possible(&log, system)
            .into_iter()
            .map(|files| files.into_iter().map(|(name, _)| name).collect())
            .collect();
        let mut expected = BTreeSet::from(["ab".to_owned(), "abc".to_owned()]);
        if system == FileSystem::Btrfs {
            expected.insert("b".to_owned());
        }
        assert_eq!(names, expected, "{system:?}");
    }
}

#[test]
fn a_sync_makes_nothing_durable_that_was_done_while_it_ran() {
    let changes = vec![make("a", 1), write(1, b"x"), sync(1, 1)];
    for system in FileSystem::ALL {
        let possible = possible(&log(1, changes.clone()), system);
        assert!(possible.contains(&one("a", b"")), "{system:?}");
    }
}

#[test]
fn a_sync_of_the_file_system_leaves_nothing_to_chance() {
    let all = Change::SyncAll {
        volume: 0,
        since: 4,
    };
    let changes = vec![
        make("a", 1),
        write(1, b"x"),
        make("b", 2),
        rename("b", "c", 2, None),
        all,
    ];
    let log = log(2, changes);
    let there = vec![
        ("a".to_owned(), b"x".to_vec()),
        ("c".to_owned(), Vec::new()),
    ];
    for system in FileSystem::ALL {
        assert_eq!(possible(&log, system), BTreeSet::from([there.clone()]));
    }
}

#[test]
fn pages_are_torn_in_sectors_but_on_btrfs() {
    let changes = vec![
        make("db", 1),
        write(1, &[1; 4096]),
        sync(1, 2),
        write(1, &[2; 4096]),
    ];
    let log = log(1, changes);
    for system in FileSystem::ALL {
        let torn = |file: &(String, Vec<u8>)| file.1.contains(&1) && file.1.contains(&2);
        let any = possible(&log, system).iter().flatten().any(torn);
        assert_eq!(any, system != FileSystem::Btrfs, "{system:?}");
    }
}

#[test]
fn an_exchange_happens_whole_or_not_at_all() {
    let changes = vec![
        make("a", 1),
        write(1, b"1"),
        sync(1, 2),
        make("b", 2),
        write(2, b"2"),
        sync(2, 5),
        Change::Exchange {
            slots: [(ROOT, b"a".to_vec()), (ROOT, b"b".to_vec())],
            inodes: [Inode(1), Inode(2)],
        },
    ];
    let log = log(2, changes);
    let both =
        |a: &[u8], b: &[u8]| vec![("a".to_owned(), a.to_vec()), ("b".to_owned(), b.to_vec())];
    for system in FileSystem::ALL {
        let possible = possible(&log, system);
        assert_eq!(
            possible,
            BTreeSet::from([both(b"1", b"2"), both(b"2", b"1")]),
            "{system:?}"
        );
    }
}

/// The time of a write is an attribute: it may be there without the bytes, and the bytes without it, but
/// not on btrfs.
#[test]
fn new_bytes_may_stand_under_an_old_time_and_old_ones_under_a_new_one() {
    let changes = vec![
        make("f", 1),
        write(1, b"old"),
        sync(1, 2),
        write(1, b"new"),
        Change::Mode(Inode(1), 0o600),
    ];
    let log = log(1, changes);
    for system in FileSystem::ALL {
        let (mut early, mut late) = (BTreeSet::new(), BTreeSet::new());
        let mut cut = Cut::new(&log);
        cut.go_to(usize::MAX);
        for bytes in system.bytes() {
            for (names, found) in [(Names::Least, &mut early), (Names::Most, &mut late)] {
                let choice = Choice {
                    system,
                    names,
                    bytes: *bytes,
                    seed: 1,
                };
                found.extend(shown(&cut.state(choice)));
            }
        }
        let holds = |found: &BTreeSet<(String, Vec<u8>)>, bytes: &[u8]| {
            found.contains(&("f".to_owned(), bytes.to_vec()))
        };
        assert!(holds(&late, b"old") && holds(&late, b"new"), "{system:?}");
        assert_eq!(
            holds(&early, b"new"),
            system != FileSystem::Btrfs,
            "{system:?}"
        );
    }
}
