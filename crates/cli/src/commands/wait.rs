//! `hythe wait`.

use std::collections::BTreeMap;

use hythe_control::{Event, Problem, Reply, Request, WaitOutcome, Waited};

use crate::args;
use crate::door::{self, Door, Work};
use crate::error::{Exit, Trouble};
use crate::output;
use crate::output::words;
use crate::progress::Bar;

/// Items that are told one by one; `hythe status` tells all.
const TOLD: usize = 20;

pub async fn run(args: args::Wait) -> Result<Exit, Trouble> {
    let timeout_ms = args.timeout.map(|seconds| seconds.saturating_mul(1000));
    let mut door = Door::open(Work::Sync).await?;
    let waited = wait(&mut door, timeout_ms).await;
    let unsynced = match &waited {
        Ok(Waited {
            outcome: WaitOutcome::Attention,
            ..
        }) => unsynced(&mut door).await,
        _ => Ok(Vec::new()),
    };
    door.close().await;
    let waited = waited?;
    for line in unsynced? {
        eprintln!("{line}");
    }
    tell(waited)
}

async fn wait(door: &mut Door, timeout_ms: Option<u64>) -> Result<Waited, Trouble> {
    let bar = Bar::new(false);
    let request = Request::Wait { timeout_ms };
    let reply = door
        .follow(request, None, |event| _ = bar.follow(&event))
        .await;
    bar.end();
    match reply? {
        Reply::Waited(waited) => Ok(waited),
        other => Err(door::unexpected(&other)),
    }
}

/// What is not synced and will not be by itself, a line each.
async fn unsynced(door: &mut Door) -> Result<Vec<String>, Trouble> {
    let mut problems: Vec<Problem> = Vec::new();
    let mut more = 0;
    let keep = |event| match event {
        Event::Problem(problem) if problem.retry_ms.is_none() && problems.len() < TOLD => {
            problems.push(problem);
        }
        Event::Problem(problem) if problem.retry_ms.is_none() => more += 1,
        _ => {}
    };
    let status = match door.follow(Request::Status, None, keep).await? {
        Reply::Status(status) => status,
        other => return Err(door::unexpected(&other)),
    };
    let folders = status.folders.iter();
    let dirs: BTreeMap<u32, String> = folders
        .map(|folder| (folder.id, folder.dir.to_string()))
        .collect();
    let line = |problem: &Problem| {
        let dir = dirs.get(&problem.folder).map_or("", String::as_str);
        format!("{dir}/{}: {}", problem.path, problem.reason)
    };
    let mut lines: Vec<String> = problems.iter().map(line).collect();
    if more > 0 {
        let more = words::count(more, "item more", "items more");
        lines.push(format!("… and {more}"));
    }
    Ok(lines)
}

fn tell(Waited { outcome, reason }: Waited) -> Result<Exit, Trouble> {
    let trouble = match outcome {
        WaitOutcome::Synced => {
            output::line("Everything is synced.")?;
            return Ok(Exit::Done);
        }
        WaitOutcome::TimedOut => Trouble::failed("Not everything was synced in time.")
            .next("See `hythe status`, or wait longer."),
        WaitOutcome::Unreachable => Trouble::failed("The server was not reached in time.")
            .next("Check that it runs and that this device is online."),
        WaitOutcome::Attention => {
            Trouble::attention("Something needs you before it can be synced.")
                .next("See `hythe status`.")
        }
    };
    Err(match reason {
        Some(reason) => trouble.cause(reason),
        None => trouble,
    })
}
