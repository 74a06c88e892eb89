//! What the server acknowledged survives a power cut (S11, SC-086).
//!
//! A real server runs under `strace` and answers a client. From the record of its calls the disk is
//! made that a power cut may leave (`disk`), a server is started on it, and it must have all that
//! was acknowledged before the cut (`survival`). `HYTHE_POWER_CUTS` sets how many cuts are tried
//! beside those that are always tried, `HYTHE_SEED` where they are.

mod disk;
mod record;
mod survival;
mod trace;

use std::path::Path;

use disk::{Keep, random};
use record::{Record, record, served};
use survival::{Cut, promised_at, survive};
use trace::Step;

/// Cuts at random steps, unless `HYTHE_POWER_CUTS` says otherwise.
const RANDOM_CUTS: u64 = 150;

#[test]
fn s11_sc086_a_power_cut_takes_nothing_that_was_acknowledged() {
    if served() {
        return;
    }
    let name = "power_cut::s11_sc086_a_power_cut_takes_nothing_that_was_acknowledged";
    let Some(record) = record(name) else { return };
    let mut cuts = where_promises_were_given(&record, &[Keep::Synced, Keep::All]);
    cuts.extend(where_the_log_was_synced(&record));
    cuts.extend(at_random(&record, number("HYTHE_POWER_CUTS", RANDOM_CUTS)));
    cuts.sort_by_key(|cut| cut.after);
    let seen = survive(&record, &record.steps, &cuts, false);
    println!("{} states of {} steps", seen.states, record.steps.len());
    assert!(seen.losses.is_empty(), "{:#?}", seen.losses);
}

#[test]
fn sc086_a_record_without_some_of_its_syncs_shows_losses() {
    if served() {
        return;
    }
    let name = "power_cut::sc086_a_record_without_some_of_its_syncs_shows_losses";
    let Some(record) = record(name) else { return };
    let mut cuts = where_promises_were_given(&record, &[Keep::Synced]);
    cuts.sort_by_key(|cut| cut.after);
    let ready = cuts[0].after;
    for sync in SYNCS_THAT_MATTER {
        let (steps, left_out) = without(&record.steps, &sync, ready);
        assert!(left_out > 0, "there is no sync of {}", sync.of);
        let seen = survive(&record, &steps, &cuts, true);
        let loss = seen.losses.first();
        let (cut, lost) = loss.unwrap_or_else(|| panic!("nothing is lost without {}", sync.of));
        println!("without {}, after step {}: {lost}", sync.of, cut.after);
    }
}

/// A record without some syncs, and how many those are. A step stays a step, so that cuts are
/// where they were.
fn without(steps: &[Step], sync: &Sync, ready: usize) -> (Vec<Step>, usize) {
    let mut left_out = 0;
    let kept = steps.iter().enumerate().map(|(at, step)| match step {
        Step::SyncBegan { path, .. } if (sync.is_of)(path) && (at > ready || !sync.later) => {
            left_out += 1;
            Step::Sent(Vec::new())
        }
        step => step.clone(),
    });
    (kept.collect(), left_out)
}

/// Syncs of one kind of file or folder.
struct Sync {
    of: &'static str,
    is_of: fn(&Path) -> bool,
    /// Only those after the first start.
    later: bool,
}

const SYNCS_THAT_MATTER: [Sync; 9] = [
    Sync {
        of: "the write-ahead log",
        is_of: |path| ends(path, "hythe.db-wal"),
        later: false,
    },
    Sync {
        of: "the write-ahead log, once there was a first one",
        is_of: |path| ends(path, "hythe.db-wal"),
        later: true,
    },
    Sync {
        of: "the database that is copied back to",
        is_of: |path| ends(path, "/hythe.db"),
        later: true,
    },
    Sync {
        of: "the bytes of packs",
        is_of: |path| within(path, "/packs/") && within(path, "#"),
        later: false,
    },
    Sync {
        of: "the names of packs",
        is_of: |path| within(path, "/packs/") && !within(path, "#"),
        later: false,
    },
    Sync {
        of: "the folders of packs",
        is_of: |path| ends(path, "/blobs/packs"),
        later: false,
    },
    Sync {
        of: "the names in the data folder",
        is_of: |path| ends(path, "/srv/data"),
        later: false,
    },
    Sync {
        of: "the name of the data folder",
        is_of: |path| ends(path, "/srv"),
        later: false,
    },
    Sync {
        of: "the master key",
        is_of: |path| within(path, "/keys/master"),
        later: false,
    },
];

fn ends(path: &Path, with: &str) -> bool {
    path.to_string_lossy().ends_with(with)
}

fn within(path: &Path, part: &str) -> bool {
    path.to_string_lossy().contains(part)
}

fn where_promises_were_given(record: &Record, keeps: &[Keep]) -> Vec<Cut> {
    let places = promised_at(record).into_iter();
    let cuts = places.flat_map(|(after, _)| {
        keeps.iter().map(move |keep| Cut {
            after,
            keep: keep.clone(),
        })
    });
    cuts.collect()
}

/// Where a transaction became durable: all that its rows name must be so already.
fn where_the_log_was_synced(record: &Record) -> Vec<Cut> {
    let mut calls = std::collections::HashSet::new();
    let mut cuts = Vec::new();
    for (at, step) in record.steps.iter().enumerate() {
        match step {
            Step::SyncBegan { path, call } if ends(path, "hythe.db-wal") => {
                calls.insert(call);
            }
            Step::SyncDone { call } if calls.contains(call) => cuts.push(Cut {
                after: at + 1,
                keep: Keep::Synced,
            }),
            _ => {}
        }
    }
    cuts
}

fn at_random(record: &Record, count: u64) -> Vec<Cut> {
    let mut state = number("HYTHE_SEED", u64::from(std::process::id()));
    println!("HYTHE_SEED={state}");
    let writes: Vec<usize> = record
        .steps
        .iter()
        .enumerate()
        .filter_map(|(at, step)| match step {
            Step::Wrote { path, .. } if ends(path, "hythe.db-wal") => Some(at + 1),
            _ => None,
        })
        .collect();
    let steps = record.steps.len() as u64;
    let cuts = (0..count).map(|turn| {
        let place = random(&mut state);
        if turn % 4 == 0 {
            let after = writes[(place % writes.len() as u64) as usize];
            return Cut {
                after,
                keep: Keep::Torn,
            };
        }
        let after = (place % (steps + 1)) as usize;
        Cut {
            after,
            keep: Keep::Mixed(random(&mut state)),
        }
    });
    cuts.collect()
}

fn number(variable: &str, otherwise: u64) -> u64 {
    let given = std::env::var(variable).ok();
    given.map_or(otherwise, |text| text.parse().unwrap())
}
