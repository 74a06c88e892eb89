//! The works: what is done to the first device, and when the second is said to have it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::candidates::{self, Candidate};
use super::data;
use super::machine::{self, Usage};
use super::{Facts, Sample, Settings};

/// A work with the code that does it.
pub struct Work {
    pub name: &'static str,
    /// Whether candidates that run once (rsync, Unison) can do it at all.
    pub batch: bool,
    pub run: fn(&Settings, &mut dyn Candidate) -> Result<Vec<Sample>>,
}

pub fn all(_: &Settings) -> Vec<Work> {
    vec![
        Work {
            name: "save",
            batch: false,
            run: save,
        },
        Work {
            name: "big-file",
            batch: true,
            run: big_file,
        },
        Work {
            name: "small-files",
            batch: true,
            run: small_files,
        },
    ]
}

/// What does not come within this time does not come.
pub const PATIENCE: Duration = Duration::from_secs(60);

fn sample(
    work: &'static str,
    candidate: &dyn Candidate,
    took: Duration,
    wire: Option<u64>,
) -> Sample {
    Sample {
        work,
        candidate: candidate.name().to_owned(),
        took,
        wire_bytes: wire,
    }
}

/// Saves of 200 bytes, one after the other; each counts until the second device reads the same.
fn save(_: &Settings, candidate: &mut dyn Candidate) -> Result<Vec<Sample>> {
    let (a, b) = (
        candidate.first().join("note.txt"),
        candidate.second().join("note.txt"),
    );
    let mut samples = Vec::new();
    let mut random = data::Random::new(7);
    let saves = if candidate.name() == "hythe" { 101 } else { 6 };
    for turn in 0..saves {
        let mut content = [0u8; 200];
        random.fill(&mut content);
        let begin = Instant::now();
        fs::write(&a, content)?;
        while fs::read(&b).ok().as_deref() != Some(&content[..]) {
            anyhow::ensure!(begin.elapsed() < PATIENCE, "a save did not arrive");
            std::thread::sleep(Duration::from_micros(500));
        }
        // The first save also finds the folders idle since start-up: it is no sample.
        if turn > 0 {
            samples.push(sample("save 200 bytes", candidate, begin.elapsed(), None));
        }
    }
    Ok(samples)
}

/// A new big file, then the same with one byte more at the front.
fn big_file(settings: &Settings, candidate: &mut dyn Candidate) -> Result<Vec<Sample>> {
    let source = candidate.first().with_file_name("source");
    let target = candidate.first().join("big.bin");
    data::write_big_file(&source, settings.big_file_mib, 11, b"")?;
    let fresh = timed(candidate, || Ok(fs::rename(&source, &target)?))?;
    data::assert_same(candidate.first(), candidate.second())?;
    data::write_big_file(&source, settings.big_file_mib, 11, b"x")?;
    let inserted = timed(candidate, || Ok(fs::rename(&source, &target)?))?;
    data::assert_same(candidate.first(), candidate.second())?;
    Ok(vec![
        sample("new big file", candidate, fresh.0, fresh.1),
        sample(
            "one byte inserted at its front",
            candidate,
            inserted.0,
            inserted.1,
        ),
    ])
}

/// 10,000 new files; a rename of the folder that holds them; five bytes appended to one of them.
fn small_files(_: &Settings, candidate: &mut dyn Candidate) -> Result<Vec<Sample>> {
    let source = candidate.first().with_file_name("source");
    let (before, after) = (
        candidate.first().join("many"),
        candidate.first().join("renamed"),
    );
    data::write_small_files(&source, 10_000, 4096, 13)?;
    let fresh = timed(candidate, || Ok(fs::rename(&source, &before)?))?;
    data::assert_same(candidate.first(), candidate.second())?;
    let renamed = timed(candidate, || Ok(fs::rename(&before, &after)?))?;
    data::assert_same(candidate.first(), candidate.second())?;
    let appended = appended(candidate, Path::new("renamed/d042/f04242"))?;
    data::assert_same(candidate.first(), candidate.second())?;
    Ok(vec![
        sample("10,000 new files of 4 KiB", candidate, fresh.0, fresh.1),
        sample("rename of their folder", candidate, renamed.0, renamed.1),
        sample("5 bytes appended to one", candidate, appended, None),
    ])
}

/// How long it takes until five bytes appended to a file are readable on the second device. What
/// watches its folders is given the time it takes; what does not is run.
fn appended(candidate: &mut dyn Candidate, file: &Path) -> Result<Duration> {
    let (a, b) = (candidate.first().join(file), candidate.second().join(file));
    if !candidate.watches() {
        return Ok(timed(candidate, || append(&a))?.0);
    }
    let begin = Instant::now();
    append(&a)?;
    let length = fs::metadata(&a)?.len();
    // A file may be gone for a moment where it is replaced.
    while fs::metadata(&b).ok().is_none_or(|at| at.len() != length) {
        anyhow::ensure!(begin.elapsed() < PATIENCE, "an edit did not arrive");
        std::thread::sleep(Duration::from_micros(500));
    }
    Ok(begin.elapsed())
}

fn append(path: &Path) -> Result<()> {
    use std::io::Write;
    Ok(fs::OpenOptions::new()
        .append(true)
        .open(path)?
        .write_all(b"12345")?)
}

/// Does something on the first device and waits until the second has it.
fn timed(
    candidate: &mut dyn Candidate,
    change: impl FnOnce() -> Result<()>,
) -> Result<(Duration, Option<u64>)> {
    let wire = candidate.wire_bytes();
    let begin = Instant::now();
    change()?;
    candidate.settle()?;
    let took = begin.elapsed();
    let sent = candidate
        .wire_bytes()
        .zip(wire)
        .map(|(after, before)| after - before);
    Ok((took, sent))
}

/// What the daemon costs while nothing happens, and what a start over an unchanged tree costs.
pub fn resources(settings: &Settings, scratch: &Path) -> Result<Facts> {
    let mut facts = Facts::new();
    for count in [10_000, settings.huge_tree] {
        if count == 0
            || settings
                .only
                .as_deref()
                .is_some_and(|only| only != "resources")
        {
            continue;
        }
        facts.extend(resources_at(scratch, count)?);
    }
    Ok(facts)
}

fn resources_at(scratch: &Path, count: usize) -> Result<Facts> {
    let place = scratch.join(format!("resources-{count}"));
    fs::create_dir_all(&place)?;
    let mut hythe = candidates::hythe::Hythe::start(&place)?;
    data::write_small_files(&hythe.first().join("many"), count, 64, 17)?;
    hythe.settle()?;
    let process = hythe.first_daemon();
    let before = Usage::of(process)?;
    let idle = Duration::from_secs(20);
    std::thread::sleep(idle);
    let after = Usage::of(process)?;
    let share = (after.cpu - before.cpu).as_secs_f64() / idle.as_secs_f64() * 100.0;
    let start = hythe.restart_first()?;
    let find = machine::find_with_stat(hythe.first())?;
    hythe.stop()?;
    fs::remove_dir_all(&place).ok();
    Ok(vec![
        (
            format!("daemon memory, {count} files"),
            format!("{:.1} MiB", after.resident_mib),
        ),
        (
            format!("idle CPU over {} s, {count} files", idle.as_secs()),
            format!("{share:.2} %"),
        ),
        (
            format!("start with nothing changed, {count} files"),
            format!(
                "{:.2} s ({:.1} × `find` with stat)",
                start.as_secs_f64(),
                start.as_secs_f64() / find.as_secs_f64()
            ),
        ),
    ])
}
