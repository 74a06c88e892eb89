//! `hythe daemon`.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hythe_client::daemon::{self, Daemon, Options};
use hythe_client::home::Home;
use hythe_control::{CallError, Caller, Octets, Reply, Request};

use crate::args::DaemonCommand;
use crate::door;
use crate::error::{Exit, Trouble};
use crate::output;
use crate::signals::Ending;

/// How long a daemon may take to answer for the first time, and to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// The log of a daemon in the background, in the home.
const LOG: &str = "daemon.log";

/// A log longer than this is begun anew at the next start; the old one is kept once.
const LOG_BYTES: u64 = 8 << 20;

pub async fn run(command: DaemonCommand) -> Result<Exit, Trouble> {
    match command {
        DaemonCommand::Run => foreground().await,
        DaemonCommand::Start => start().await,
        DaemonCommand::Stop => stop().await,
    }
}

async fn foreground() -> Result<Exit, Trouble> {
    let mut ending = Ending::listen()?;
    let Some(daemon) = ending.unless(begin()).await.transpose()? else {
        return Ok(Exit::Done);
    };
    tokio::select! {
        () = ending.asked() => (),
        () = daemon.ended() => (),
    }
    daemon.stop().await;
    Ok(Exit::Done)
}

async fn begin() -> Result<Daemon, Trouble> {
    let home = door::take_for_daemon(door::home()?).await?;
    let options = Options {
        door: true,
        folders: true,
        ..Options::default()
    };
    daemon::start(home, options)
        .await
        .map_err(door::start_trouble)
}

async fn start() -> Result<Exit, Trouble> {
    let home = door::home()?;
    if answers(&home).await? {
        output::line("The daemon runs already.")?;
        return Ok(Exit::Done);
    }
    let mut child = spawn(&home)?;
    let begin = Instant::now();
    loop {
        if answers(&home).await? {
            output::line(format!("The daemon runs: process {}.", child.id()))?;
            return Ok(Exit::Done);
        }
        let ended = child.try_wait().ok().flatten();
        if ended.is_some() || begin.elapsed() > PATIENCE {
            return Err(Trouble::failed("The daemon did not start.")
                .cause(last_words(&home))
                .next("See its log, `daemon.log` in Hythe's home, or `hythe daemon run`."));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether a daemon answers.
async fn answers(home: &Home) -> Result<bool, Trouble> {
    match Caller::connect(home.directory()) {
        Ok(mut caller) => Ok(caller.call(&Request::Status, None, |_| ()).await.is_ok()),
        Err(CallError::NotRunning) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Starts this program once more as a daemon that outlives the terminal.
fn spawn(home: &Home) -> Result<Child, Trouble> {
    let failed = |error| Trouble::failed("The daemon could not be started.").because(error);
    let program = std::env::current_exe().map_err(failed)?;
    let log = open_log(home).map_err(failed)?;
    let mut command = Command::new(program);
    command
        .args(["daemon", "run"])
        .current_dir("/")
        .process_group(0);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    // The home is named absolutely: the daemon runs in another directory.
    let place = std::path::absolute(home.directory()).map_err(failed)?;
    command.env("HYTHE_HOME", place).spawn().map_err(failed)
}

fn open_log(home: &Home) -> std::io::Result<File> {
    let path = home.directory().join(LOG);
    if path.metadata().is_ok_and(|found| found.len() > LOG_BYTES) {
        std::fs::rename(&path, path.with_extension("log.old"))?;
    }
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

/// The end of the log, for a daemon that did not start.
fn last_words(home: &Home) -> String {
    let bytes = std::fs::read(home.directory().join(LOG)).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let last: Vec<&str> = text.lines().rev().take(3).collect();
    let lines: Vec<String> = last
        .iter()
        .rev()
        .map(|line| Octets::from(*line).to_string())
        .collect();
    lines.join(" / ")
}

async fn stop() -> Result<Exit, Trouble> {
    let home = door::home()?;
    let mut caller = match Caller::connect(home.directory()) {
        Ok(caller) => caller,
        Err(CallError::NotRunning) => {
            output::line("No daemon is running.")?;
            return Ok(Exit::Done);
        }
        Err(error) => return Err(error.into()),
    };
    match caller.call(&Request::Stop, None, |_| ()).await? {
        Reply::Done => (),
        other => return Err(door::unexpected(&other)),
    }
    let begin = Instant::now();
    while home.clone().lock().is_err() {
        if begin.elapsed() > PATIENCE {
            return Err(
                Trouble::failed("The daemon was asked to stop and has not yet.")
                    .next("Ask again, or see its log."),
            );
        }
        tokio::time::sleep(PAUSE).await;
    }
    output::line("The daemon has stopped.")?;
    Ok(Exit::Done)
}
