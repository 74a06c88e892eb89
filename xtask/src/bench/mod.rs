//! `make bench`: the works of the design's speed table, Hythe beside its peers in one run.
//!
//! Every round makes the same data, gives it to each candidate in turn and measures until the
//! second device has it, checked byte for byte afterwards. The page reports medians and ratios:
//! machines are noisy, so a single figure says little and a figure of another run says nothing.

mod accounts;
mod candidates;
mod data;
mod machine;
mod plot;
mod report;
mod works;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use works::Work;

/// What the command line asked for.
#[derive(Debug)]
struct Settings {
    rounds: usize,
    only: Option<String>,
    candidates: Option<Vec<String>>,
    big_file_mib: u64,
    huge_tree: usize,
    /// A binary of an earlier commit, to compare processor time with.
    before: Option<PathBuf>,
    commits: u32,
    scratch: PathBuf,
    page: Option<PathBuf>,
}

/// One figure: how long one candidate took for one work in one round.
#[derive(Debug, Clone)]
pub struct Sample {
    pub work: &'static str,
    pub candidate: String,
    pub took: Duration,
    /// Bytes that crossed the network, where the candidate can tell.
    pub wire_bytes: Option<u64>,
}

/// What was measured beside the works: what, and the figure.
pub type Facts = Vec<(String, String)>;

/// Runs the benchmark as the arguments after `bench` say.
pub fn run(arguments: &[String]) -> Result<()> {
    let settings = parse(arguments)?;
    let scratch = tempdir_in(&settings.scratch)?;
    println!("scratch: {}", scratch.display());
    let mut samples = Vec::new();
    for round in 1..=settings.rounds {
        for work in works::all(&settings) {
            run_work(&settings, &scratch, round, &work, &mut samples)?;
        }
    }
    let extra = [
        ("Hythe at rest", works::resources(&settings, &scratch)?),
        ("Accounts and sharing", of_accounts(&settings, &scratch)?),
    ];
    std::fs::remove_dir_all(&scratch).ok();
    let text = report::page(&samples, &extra, settings.rounds);
    println!("\n{text}");
    if let Some(page) = &settings.page {
        let before = std::fs::read_to_string(page).unwrap_or_default();
        let text = text + report::by_hand(&before);
        std::fs::write(page, &text).with_context(|| page.display().to_string())?;
        std::fs::write(page.with_extension("svg"), plot::svg(&samples))?;
    }
    Ok(())
}

/// Logins, invitations, and what a commit costs since there are accounts.
fn of_accounts(settings: &Settings, scratch: &std::path::Path) -> Result<Facts> {
    let wanted = |name| settings.only.as_deref().is_none_or(|only| only == name);
    let mut facts = Facts::new();
    if wanted("logins") {
        facts.extend(accounts::logins(scratch)?);
    }
    if wanted("invitations") {
        let nodes = settings.huge_tree.max(10_000);
        facts.extend(accounts::invitations(scratch, nodes)?);
    }
    match &settings.before {
        Some(before) if wanted("commits") => {
            facts.extend(accounts::commits(scratch, before, settings.commits)?);
        }
        _ => {}
    }
    Ok(facts)
}

fn run_work(
    settings: &Settings,
    scratch: &std::path::Path,
    round: usize,
    work: &Work,
    samples: &mut Vec<Sample>,
) -> Result<()> {
    if settings
        .only
        .as_deref()
        .is_some_and(|only| only != work.name)
    {
        return Ok(());
    }
    for name in candidates::names_for(work) {
        let wanted = settings.candidates.as_ref();
        if wanted.is_some_and(|wanted| !wanted.iter().any(|w| w == name)) {
            continue;
        }
        let place = scratch.join(format!("{}-{name}-{round}", work.name));
        std::fs::create_dir_all(&place)?;
        let mut candidate = candidates::start(name, &place)?;
        let measured = (work.run)(settings, candidate.as_mut());
        candidate.stop()?;
        for sample in measured.with_context(|| format!("{} with {name}", work.name))? {
            println!(
                "round {round}  {:<28} {:<14} {:>9.3} s",
                sample.work,
                name,
                sample.took.as_secs_f64()
            );
            samples.push(sample);
        }
        std::fs::remove_dir_all(&place).ok();
    }
    Ok(())
}

fn parse(arguments: &[String]) -> Result<Settings> {
    let mut settings = Settings {
        rounds: 3,
        only: None,
        candidates: None,
        big_file_mib: 1024,
        huge_tree: 0,
        before: None,
        commits: 10_000,
        scratch: std::env::temp_dir(),
        page: None,
    };
    let mut rest = arguments.iter();
    while let Some(option) = rest.next() {
        let mut value = || {
            rest.next()
                .with_context(|| format!("{option} wants a value"))
        };
        match option.as_str() {
            "--rounds" => settings.rounds = value()?.parse()?,
            "--only" => settings.only = Some(value()?.clone()),
            "--candidates" => {
                settings.candidates = Some(value()?.split(',').map(str::to_owned).collect());
            }
            "--big-file-mib" => settings.big_file_mib = value()?.parse()?,
            "--huge-tree" => settings.huge_tree = value()?.parse()?,
            "--before" => settings.before = Some(value()?.into()),
            "--commits" => settings.commits = value()?.parse()?,
            "--scratch" => settings.scratch = value()?.into(),
            "--page" => settings.page = Some(value()?.into()),
            other => bail!(
                "unknown option {other}; known: --rounds N --only WORK --candidates a,b \
                 --big-file-mib N --huge-tree N --before BINARY --commits N --scratch DIR \
                 --page FILE"
            ),
        }
    }
    Ok(settings)
}

fn tempdir_in(parent: &std::path::Path) -> Result<PathBuf> {
    let path = parent.join(format!("hythe-bench-{}", std::process::id()));
    std::fs::create_dir_all(&path)?;
    Ok(path)
}
