//! What accounts and sharing cost: a login, an invitation into a large space, and the processor time
//! of commits beside that of an earlier binary.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::Facts;
use super::candidates::hythe::{self, Hythe};
use super::candidates::{Candidate, Process, run};
use super::data;
use super::machine::Usage;
use super::works::PATIENCE;

/// How often a login and an invitation are measured.
const TURNS: usize = 5;

/// How often the processor time of each binary is measured, in turn.
const ALTERNATIONS: usize = 7;

const PASSWORD: &str = "a small haven on a river";

/// A server and people with homes.
struct People {
    place: PathBuf,
    data: PathBuf,
    url: String,
    server: Process,
}

impl People {
    fn start(place: &Path) -> Result<Self> {
        std::fs::create_dir_all(place)?;
        let data = place.join("data");
        let (server, url) = hythe::start_server(&hythe::binary()?, &data)?;
        Ok(Self {
            place: place.to_owned(),
            data,
            url,
            server,
        })
    }

    fn command(&self, home: &str) -> Result<Command> {
        let mut command = Command::new(hythe::binary()?);
        command
            .env("HYTHE_HOME", self.place.join(home))
            .env("HYTHE_LOG", "warn");
        Ok(command)
    }

    /// A new account with a password.
    fn register(&self, login: &str) -> Result<()> {
        let invite = hythe::output(
            Command::new(hythe::binary()?)
                .args(["admin", "invite", "--data"])
                .arg(&self.data),
        )?;
        let mut register = self.command(login)?;
        register.args(["account", "register", &hythe::url_in(&invite)?]);
        register.args(["--login", login]);
        typed(&mut register, &[PASSWORD, PASSWORD])
    }

    fn end(mut self) -> Result<()> {
        self.server.end()?;
        std::fs::remove_dir_all(&self.place).ok();
        Ok(())
    }
}

/// How long `hythe connect SERVER` takes with a password, from the start of the program to its end:
/// a new device that has its keys and is listed.
pub fn logins(scratch: &Path) -> Result<Facts> {
    let people = People::start(&scratch.join("logins"))?;
    people.register("ada")?;
    let mut took = Vec::new();
    for turn in 0..TURNS {
        let mut login = people.command(&format!("device-{turn}"))?;
        login.args(["connect", &people.url, "--login", "ada"]);
        let begin = Instant::now();
        typed(&mut login, &[PASSWORD])?;
        took.push(begin.elapsed());
    }
    people.end()?;
    let what = "login with a password, Argon2id with 64 MiB, a new device";
    Ok(vec![(what.to_owned(), of(took))])
}

/// How long `hythe share SPACE LOGIN` takes where the space has many nodes.
pub fn invitations(scratch: &Path, nodes: usize) -> Result<Facts> {
    let people = People::start(&scratch.join("invitations"))?;
    people.register("ada")?;
    let folder = people.place.join("many");
    run(people.command("ada")?.args(["spaces", "create", "many"]))?;
    data::write_small_files(&folder, nodes, 0, 19)?;
    run(people
        .command("ada")?
        .arg("sync")
        .arg(&folder)
        .args(["--space", "many"]))?;
    // As it is in the field: the daemon runs, and a command asks it.
    run(people.command("ada")?.args(["daemon", "start"]))?;
    run(people.command("ada")?.args(["wait", "--timeout", "7200"]))?;
    let mut took = Vec::new();
    for turn in 0..TURNS {
        let login = format!("guest-{turn}");
        people.register(&login)?;
        let mut share = people.command("ada")?;
        share.args(["share", "many", &login, "--role", "editor"]);
        let begin = Instant::now();
        run(&mut share)?;
        took.push(begin.elapsed());
    }
    run(people.command("ada")?.args(["daemon", "stop"]))?;
    people.end()?;
    Ok(vec![(
        format!("invitation into a space of {nodes} files"),
        of(took),
    )])
}

/// Processor time of server and both devices for commits, of this binary and of an earlier one.
pub fn commits(scratch: &Path, before: &Path, commits: u32) -> Result<Facts> {
    let now = hythe::binary()?;
    let (mut olds, mut news) = (Vec::new(), Vec::new());
    for turn in 0..ALTERNATIONS {
        for (binary, figures) in [(before, &mut olds), (now.as_path(), &mut news)] {
            let place = scratch.join(format!("commits-{turn}-{}", figures.len()));
            let cpu = processor_time(&place, binary, commits)?;
            println!("{}: {cpu:.3} s", binary.display());
            figures.push(cpu);
        }
    }
    let (old, new) = (middle(&mut olds), middle(&mut news));
    let spread = |all: &[f64]| match (all.first(), all.last()) {
        (Some(least), Some(most)) => format!("{least:.2} to {most:.2}"),
        _ => String::new(),
    };
    let row = |which: &str, figure: f64, all: &[f64]| {
        let what = format!("processor time of 10,000 commits, {which}");
        (what, format!("{figure:.2} s ({})", spread(all)))
    };
    Ok(vec![
        row("before accounts", old, &olds),
        row("now", new, &news),
        (
            "more than before".to_owned(),
            format!("{:+.1} %", (new / old - 1.0) * 100.0),
        ),
    ])
}

/// Seconds of processor time for 10,000 commits: saves one after the other, each waited for.
fn processor_time(place: &Path, binary: &Path, commits: u32) -> Result<f64> {
    std::fs::create_dir_all(place)?;
    let mut hythe = Hythe::start_as(binary, place)?;
    let (a, b) = (hythe.first().join("note"), hythe.second().join("note"));
    let mut random = data::Random::new(23);
    // The first ones warm everything up.
    save_each(&a, &b, 20, &mut random)?;
    let used = |hythe: &Hythe| -> Result<Duration> {
        let each = hythe.processes().into_iter().map(Usage::of);
        each.map(|usage| Ok(usage?.cpu)).sum()
    };
    let begin = used(&hythe)?;
    save_each(&a, &b, commits, &mut random)?;
    hythe.settle()?;
    let took = used(&hythe)? - begin;
    hythe.stop()?;
    std::fs::remove_dir_all(place).ok();
    Ok(took.as_secs_f64() * 10_000.0 / f64::from(commits))
}

fn save_each(a: &Path, b: &Path, count: u32, random: &mut data::Random) -> Result<()> {
    let mut content = [0u8; 200];
    for _ in 0..count {
        random.fill(&mut content);
        std::fs::write(a, content)?;
        let begin = Instant::now();
        while std::fs::read(b).ok().as_deref() != Some(&content[..]) {
            ensure!(begin.elapsed() < PATIENCE, "a save did not arrive");
            std::thread::sleep(Duration::from_micros(500));
        }
    }
    Ok(())
}

/// Runs a command that asks for these lines.
fn typed(command: &mut Command, lines: &[&str]) -> Result<()> {
    let text = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut input = child.stdin.take().context("its input")?;
    input.write_all(lines.join("\n").as_bytes())?;
    input.write_all(b"\n")?;
    drop(input);
    let done = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{text}: {said}");
    Ok(())
}

/// Median, and what lies around it.
fn of(mut took: Vec<Duration>) -> String {
    took.sort();
    let seconds = |at: usize| took.get(at).map_or(0.0, Duration::as_secs_f64);
    let (least, most) = (seconds(0), seconds(took.len().saturating_sub(1)));
    format!("{:.2} s ({least:.2} to {most:.2})", seconds(took.len() / 2))
}

fn middle(all: &mut [f64]) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or_default()
}
