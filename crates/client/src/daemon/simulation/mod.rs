//! Seeded runs of a few devices and a server: users at work, faults on the lines, crashes.
//!
//! What is real: the daemon's loop, its passes, the state database, scanning, the disk, the API
//! over loopback, and the server with its database. What is simulated: who does what, and in which
//! order ([`script`]); users ([`grounds`]); the lines ([`line`]); the moments between the steps of a
//! plan ([`moments`]); what the loop is told, and when ([`device`]). A seed gives the same script
//! every time, and one device acts at a time; the ids that a run draws are its own.
//!
//! In the end the lines are mended, everybody syncs until nothing moves, and [`oracle`] judges.
//!
//! `HYTHE_SIM_RUNS` says how many seeds are tried, `HYTHE_SIM_SEED` the first one, `HYTHE_SIM_DIR`
//! where the files are; `HYTHE_SIM_LOG=1` tells all that the shortest failing run does.

pub(super) mod device;
mod found;
pub(super) mod grounds;
pub(super) mod line;
pub(super) mod moments;
pub(super) mod oracle;
mod parts;
mod random;
pub(super) mod script;
mod shrink;
pub(super) mod world;

use script::Script;
use world::Host;

/// How many runs are made when nobody says.
const RUNS: u64 = 60;

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

#[test]
fn s1_s8_s12_c1_c2_any_run_of_devices_and_server_settles_and_loses_nothing() {
    moments::Ears::open();
    let first = setting("HYTHE_SIM_SEED").unwrap_or_else(|| getrandom::u64().unwrap() >> 32);
    let runs = setting("HYTHE_SIM_RUNS").unwrap_or(RUNS);
    println!("HYTHE_SIM_SEED={first} HYTHE_SIM_RUNS={runs}");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut host = Host::start().await;
        for seed in (first..).take(runs as usize) {
            try_seed(&mut host, seed).await;
        }
        host.stop().await;
    });
}

async fn try_seed(host: &mut Host, seed: u64) {
    let script = Script::new(seed);
    let Err(why) = world::run(host, &script).await else {
        return;
    };
    println!("HYTHE_SIM_SEED={seed} HYTHE_SIM_RUNS=1 fails: {why}");
    println!("now it is made shorter");
    let (short, why) = shrink::shrink(host, script, why).await;
    println!("the shortest script that fails:");
    for step in &short.steps {
        println!("    {step}");
    }
    if setting("HYTHE_SIM_LOG").is_some() {
        moments::tell_all();
        println!("this time: {:?}", world::run(host, &short).await);
    }
    panic!("HYTHE_SIM_SEED={seed} HYTHE_SIM_RUNS=1 fails, and so does the above: {why}");
}
