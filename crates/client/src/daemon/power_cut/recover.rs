//! Starting a device on what a power cut left.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use hythe_testkit::power_cut::place;

use super::super::simulation::device::{Broken, Device};
use super::super::simulation::grounds::{Grounds, copy_all};
use super::super::simulation::oracle;
use super::super::simulation::world::{Host, Place, World};
use super::phases::{Phase, named};
use super::restamp;
use super::search::Chosen;
use super::stage::{Plan, SUBJECT, Stage, WITNESS, words};

/// Starts from each of the states. Says what was not as it should be.
pub async fn all(stage: &Stage, chosen: &[Chosen]) -> Vec<Broken> {
    let mut broken = Vec::new();
    for chosen in chosen {
        if let Err(why) = one(stage, chosen).await {
            let why = format!("{}: {why}", chosen.origin);
            println!("{why}");
            broken.push(why);
        }
    }
    broken
}

async fn one(stage: &Stage, chosen: &Chosen) -> Result<(), Broken> {
    let plan = &stage.plan;
    let placed = place(&chosen.state, &plan.volumes()).unwrap();
    restamp::restamp(plan, &placed);
    put_back(&plan.snapshot(chosen.snapshot), &plan.host());
    put_back(&plan.pristine().join("home"), &plan.home(WITNESS));
    let folder = plan.folder(WITNESS);
    for entry in fs::read_dir(&folder).unwrap() {
        remove(&entry.unwrap().path());
    }
    // The directory itself stays: its marker knows it.
    copy_all(
        &plan.pristine().join("folder/.hythe"),
        &folder.join(".hythe"),
    );
    let mut host = Host::start_in(Place::Given(plan.host())).await;
    let ended = start(stage, chosen, &mut host).await;
    host.stop().await;
    ended
}

async fn start(stage: &Stage, chosen: &Chosen, host: &mut Host) -> Result<(), Broken> {
    let plan = &stage.plan;
    let numbers = [SUBJECT, WITNESS];
    let folders = numbers.map(|number| plan.folder(number));
    let grounds = Arc::new(Grounds::new(folders.to_vec()));
    let mut devices = Vec::new();
    for (at, number) in numbers.into_iter().enumerate() {
        let line = host.line().await;
        devices.push(Device::at(
            at,
            plan.home(number),
            line,
            Arc::clone(&grounds),
        ));
    }
    let mut world = World::of(host, devices, grounds);
    let ended = match world.settle().await {
        Ok(()) => judge(stage, chosen, &mut world).await,
        Err(why) => Err(why),
    };
    for device in &mut world.devices {
        device.crash().await;
    }
    ended
}

/// Everything is as it came to be without a power cut, and no version is anything that no user wrote.
async fn judge(stage: &Stage, chosen: &Chosen, world: &mut World<'_>) -> Result<(), Broken> {
    let (plan, phase) = (&stage.plan, named(&chosen.phase));
    let expected = fs::read_to_string(plan.expected(phase.name)).unwrap();
    let there = words(&plan.folder(SUBJECT));
    let (missing, mut more) = difference(&expected, &there, &phase);
    if phase.copies {
        more.retain(|line| !line.contains("(conflict)") || !stage.knows(line));
    }
    if !missing.is_empty() || !more.is_empty() {
        return Err(format!("S1, S4: without {missing:?}, with {more:?}"));
    }
    let seen = words(&plan.folder(WITNESS));
    let (missing, more) = difference(&there, &seen, &phase);
    if !missing.is_empty() || !more.is_empty() {
        let why = format!("another device is without {missing:?}, with {more:?}");
        return Err(format!("C1: {why}"));
    }
    let kept = oracle::history(&world.witness().await.shared).await;
    let known = |hash: &[u8; 32]| {
        let hash = blake3::Hash::from_bytes(*hash).to_string();
        stage.values.contains(&hash)
    };
    // The text of a symlink is no file's content.
    let strange = kept.iter().filter(|hash| !known(hash) && !is_link(hash));
    if phase.uncertain.is_empty() && strange.count() > 0 {
        return Err("S7: a version that nobody wrote was sent".to_owned());
    }
    left_over(plan)
}

fn is_link(hash: &[u8; 32]) -> bool {
    (0..100).any(|value| blake3::hash(format!("target {value}").as_bytes()).as_bytes() == hash)
}

fn left_over(plan: &Plan) -> Result<(), Broken> {
    for place in ["staging", "out"] {
        let own = plan.folder(SUBJECT).join(".hythe").join(place);
        if let Some(entry) = fs::read_dir(own).unwrap().next() {
            return Err(format!("{:?} stays in {place}", entry.unwrap().file_name()));
        }
    }
    Ok(())
}

/// The lines that are missing, and those that are more, but for names that may hold anything.
fn difference<'t>(
    expected: &'t str,
    there: &'t str,
    phase: &Phase,
) -> (Vec<&'t str>, Vec<&'t str>) {
    let lines = |text: &'t str| {
        let certain = |line: &&str| {
            let mut uncertain = phase.uncertain.iter();
            !uncertain.any(|name| line.strip_prefix(name).is_some_and(is_rest))
        };
        text.lines().filter(certain).collect::<Vec<&str>>()
    };
    let (mut missing, mut more) = (lines(expected), lines(there));
    missing.retain(|line| match more.iter().position(|other| other == line) {
        Some(at) => {
            more.remove(at);
            false
        }
        None => true,
    });
    (missing, more)
}

/// Whether this is what stands behind a whole name.
fn is_rest(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(' ')
}

fn put_back(from: &Path, to: &Path) {
    if to.exists() {
        remove(to);
    }
    copy_all(from, to);
}

fn remove(path: &Path) {
    match fs::symlink_metadata(path).unwrap().is_dir() {
        true => fs::remove_dir_all(path).unwrap(),
        false => fs::remove_file(path).unwrap(),
    }
}
