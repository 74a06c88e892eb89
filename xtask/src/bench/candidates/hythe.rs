//! Hythe: a server and two devices, three processes, TLS and encryption on, as shipped.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::{Candidate, Folders, Process, run};

pub struct Hythe {
    binary: PathBuf,
    folders: Folders,
    place: PathBuf,
    server: Process,
    daemons: Vec<Process>,
}

/// The release binary beside the one that runs: `make bench` builds both.
pub fn binary() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("hythe");
    ensure!(
        path.exists(),
        "{} is missing: build it with cargo build --release",
        path.display()
    );
    Ok(path)
}

impl Hythe {
    pub fn start(place: &Path) -> Result<Self> {
        Self::start_as(&binary()?, place)
    }

    /// The same of any binary.
    pub fn start_as(binary: &Path, place: &Path) -> Result<Self> {
        let folders = Folders::make(place)?;
        let data = folders.hub.join("data");
        let (server, _) = start_server(binary, &data)?;
        let mut hythe = Self {
            binary: binary.to_owned(),
            folders,
            place: place.to_owned(),
            server,
            daemons: Vec::new(),
        };
        let invite = output(
            Command::new(binary)
                .args(["admin", "invite", "--data"])
                .arg(&data),
        )?;
        run(hythe
            .command("home-a")?
            .args(["connect", &url_in(&invite)?, "--device-name", "a"]))?;
        let offer = output(hythe.command("home-a")?.args(["devices", "add"]))?;
        run(hythe
            .command("home-b")?
            .args(["connect", &url_in(&offer)?, "--device-name", "b"]))?;
        for (home, folder) in [
            ("home-a", &hythe.folders.first),
            ("home-b", &hythe.folders.second),
        ] {
            run(hythe.command(home)?.arg("sync").arg(folder))?;
        }
        hythe.daemons = vec![hythe.daemon("home-a")?, hythe.daemon("home-b")?];
        hythe.settle()?;
        Ok(hythe)
    }

    fn command(&self, home: &str) -> Result<Command> {
        let mut command = Command::new(&self.binary);
        command
            .env("HYTHE_HOME", self.place.join(home))
            .env("HYTHE_LOG", "warn");
        Ok(command)
    }

    fn daemon(&self, home: &str) -> Result<Process> {
        let process = Process::start(
            self.command(home)?
                .args(["daemon", "run"])
                .stdout(Stdio::null()),
        )?;
        let begin = Instant::now();
        while self.answering_pid(home)? != Some(u64::from(process.id())) {
            ensure!(
                begin.elapsed() < Duration::from_secs(30),
                "the daemon does not answer"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(process)
    }

    /// Who answers: the daemon, or, before it is there, a command in its place.
    fn answering_pid(&self, home: &str) -> Result<Option<u64>> {
        let done = self.command(home)?.args(["status", "--json"]).output()?;
        let status: Option<serde_json::Value> = serde_json::from_slice(&done.stdout).ok();
        Ok(status.and_then(|status| status["pid"].as_u64()))
    }

    /// Process ids of server and daemons.
    pub fn processes(&self) -> Vec<u32> {
        let daemons = self.daemons.iter().map(Process::id);
        daemons.chain([self.server.id()]).collect()
    }

    /// Process id of the first device's daemon.
    pub fn first_daemon(&self) -> u32 {
        self.daemons[0].id()
    }

    /// Restarts the first device's daemon and returns how long it took until it had proven that
    /// nothing changed.
    pub fn restart_first(&mut self) -> Result<Duration> {
        self.daemons[0].end()?;
        let begin = Instant::now();
        self.daemons[0] = self.daemon("home-a")?;
        run(self.command("home-a")?.args(["wait", "--timeout", "3600"]))?;
        Ok(begin.elapsed())
    }
}

/// A server, and where it listens.
pub fn start_server(binary: &Path, data: &Path) -> Result<(Process, String)> {
    let mut command = Command::new(binary);
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data);
    let mut server = Process::start(command.env("HYTHE_LOG", "warn").stdout(Stdio::piped()))?;
    let stdout = server
        .child()
        .stdout
        .take()
        .context("the server's output")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    let url = line.trim().strip_prefix("ready ");
    let url = url
        .with_context(|| format!("the server said {line:?}"))?
        .to_owned();
    Ok((server, url))
}

pub fn output(command: &mut Command) -> Result<String> {
    let done = command.stdin(Stdio::null()).output()?;
    ensure!(
        done.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    Ok(String::from_utf8(done.stdout)?)
}

pub fn url_in(text: &str) -> Result<String> {
    let word = text
        .split_whitespace()
        .find(|word| word.starts_with("http"));
    Ok(word
        .with_context(|| format!("no URL in {text:?}"))?
        .to_owned())
}

impl Candidate for Hythe {
    fn name(&self) -> &str {
        "hythe"
    }

    fn first(&self) -> &Path {
        &self.folders.first
    }

    fn second(&self) -> &Path {
        &self.folders.second
    }

    fn watches(&self) -> bool {
        true
    }

    fn settle(&mut self) -> Result<()> {
        run(self.command("home-a")?.args(["wait", "--timeout", "3600"]))?;
        run(self.command("home-b")?.args(["wait", "--timeout", "3600"]))
    }

    /// What the server's process has received and sent: on loopback all of it is HTTP.
    fn wire_bytes(&self) -> Option<u64> {
        let io = std::fs::read_to_string(format!("/proc/{}/net/netstat", self.server.id())).ok()?;
        let mut lines = io.lines().filter(|line| line.starts_with("IpExt:"));
        let names = lines.next()?.split_whitespace();
        let mut pairs = names.zip(lines.next()?.split_whitespace());
        pairs
            .find(|(name, _)| *name == "InOctets")
            .and_then(|(_, value)| value.parse().ok())
    }

    fn stop(&mut self) -> Result<()> {
        self.daemons.iter_mut().try_for_each(Process::end)?;
        self.server.end()
    }
}
