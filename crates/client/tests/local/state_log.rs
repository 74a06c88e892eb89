//! The write-ahead log of the state database.

use hythe_client::state::{State, StateError};

/// While somebody looks at an old moment the log of changes only grows; a million new files were
/// five gigabytes of it.
#[test]
fn the_log_of_changes_is_emptied_once_nobody_looks_at_an_old_moment() {
    const LONG: u64 = 64 << 20;
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("state.db");
    let (state, _) = State::open(&path).unwrap();
    let log = || std::fs::metadata(home.path().join("state.db-wal")).map_or(0, |log| log.len());
    let fill = |from: u8| {
        let value = |n: u8| vec![n; 1 << 20];
        for n in from..from + 70 {
            let key = format!("filler {n}");
            let written = state.write(move |tx| tx.set_setting(&key, &value(n)));
            let written: Result<(), StateError> = written.wait();
            written.unwrap();
        }
    };

    let snapshot = state.snapshot().unwrap();
    fill(0);
    state.shorten_log();
    assert!(log() > LONG, "somebody looks");
    let there = |key: &str| snapshot.rows().unwrap().setting(key).unwrap().is_some();
    assert!(!there("filler 69"));
    snapshot
        .renew_after(|| {
            state.shorten_log();
            Ok::<(), StateError>(())
        })
        .unwrap();
    assert_eq!(log(), 0);
    assert!(there("filler 69"), "it is the next moment");

    drop(snapshot);
    state.shorten_log();
    let short = state.write(|tx| tx.set_setting("short", b"x"));
    let short: Result<(), StateError> = short.wait();
    short.unwrap();
    state.shorten_log();
    assert!(log() > 0, "a short log stays");
}
