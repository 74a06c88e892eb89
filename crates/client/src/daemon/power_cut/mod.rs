//! The crash explorer of a device (SC-084): a device works under `strace`, and starts again on what a
//! power cut at any moment may have left on its disks.
//!
//! [`stage`] is where it happens; [`record`] lets a real device, with a server and a second device,
//! do its work in a process of its own; `hythe_testkit::power_cut` says what a power cut may leave of its
//! calls; [`recover`] starts the device there, with the server as it was at that moment, and compares what
//! it comes to with what it came to without a power cut. The home and the folder are on file systems of
//! their own: what was synced on one says nothing about the other.
//!
//! `HYTHE_CUT_STATES` says from how many states the device starts again, `HYTHE_CUT_SEED` which ones.

mod phases;
mod record;
mod recover;
mod restamp;
mod search;
mod stage;

use search::{Found, Search};
use stage::Stage;

/// Run in the process that is traced: where its stage is.
const PLACE: &str = "HYTHE_CUT_PLACE";
/// From so many states the device starts again when nobody says.
const STATES: usize = 60;

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

fn seed() -> u64 {
    setting("HYTHE_CUT_SEED").unwrap_or_else(|| getrandom::u64().unwrap() >> 32)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// What a device did, as a test of this name lets it do it; none in the process that does it, and
/// where there is no `strace`.
fn recorded(test: &str) -> Option<Stage> {
    if let Some(place) = std::env::var_os(PLACE) {
        runtime().block_on(record::record(place.into()));
        return None;
    }
    Stage::record(&format!("daemon::power_cut::{test}"))
}

#[test]
fn sc084_s10_a_device_goes_on_from_whatever_a_power_cut_leaves() {
    let test = "sc084_s10_a_device_goes_on_from_whatever_a_power_cut_leaves";
    let Some(stage) = recorded(test) else { return };
    let (seed, states) = (seed(), setting("HYTHE_CUT_STATES"));
    let states = states.map_or(STATES, |states| states as usize);
    println!("HYTHE_CUT_SEED={seed} HYTHE_CUT_STATES={states}");
    stage.is_what_the_log_says();
    let found = Search::new(&stage, &stage.log, seed).run(states);
    println!("{found:?}");
    assert_eq!(found.torn, [""; 0], "S6, S10");
    let broken = runtime().block_on(recover::all(&stage, &found.chosen));
    assert_eq!(broken, [""; 0], "of {} states", found.chosen.len());
}

#[test]
fn sc084_without_its_syncs_a_device_leaves_torn_files_on_every_file_system() {
    let test = "sc084_without_its_syncs_a_device_leaves_torn_files_on_every_file_system";
    let Some(stage) = recorded(test) else { return };
    let log = stage.without_syncs(|_| true);
    let found: Found = Search::new(&stage, &log, seed()).run(1);
    for system in hythe_testkit::power_cut::FileSystem::ALL {
        let name = format!("{system:?}");
        assert!(
            found.torn.iter().any(|torn| torn.contains(&name)),
            "{name}: {found:?}"
        );
    }
}

#[test]
fn sc084_without_the_syncs_of_its_directories_a_device_takes_a_loss_for_a_delete() {
    let test = "sc084_without_the_syncs_of_its_directories_a_device_takes_a_loss_for_a_delete";
    let Some(stage) = recorded(test) else { return };
    let log = stage.without_syncs(|node| *node == hythe_testkit::power_cut::Node::Directory);
    let found = Search::new(&stage, &log, seed()).least().run(24);
    let broken = runtime().block_on(recover::all(&stage, &found.chosen));
    assert!(!broken.is_empty(), "none of {} states", found.chosen.len());
}
