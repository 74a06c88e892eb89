//! A stage for end-to-end tests: a real server, real devices, one process each.

// Each test file compiles this module for itself and uses a part of it.
#![allow(dead_code)]

pub mod chance;
pub mod relay;

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long anything may take before a test gives up. Bounds a hang; no test depends on it.
pub const PATIENCE: Duration = Duration::from_secs(120);

pub struct Stage {
    pub place: tempfile::TempDir,
    pub server: Option<Child>,
    pub listen: String,
    pub devices: Vec<Device>,
}

pub struct Device {
    pub name: String,
    pub home: PathBuf,
    pub folder: PathBuf,
    pub daemon: Option<Child>,
}

pub fn hythe() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hythe"));
    command
        .stdin(Stdio::null())
        .env_remove("HYTHE_HOME")
        .env("HYTHE_LOG", "warn");
    command
}

impl Stage {
    /// Two devices that share sixty files: more than may be deleted at once without a question.
    pub fn with_sixty_files() -> Self {
        let mut stage = Self::with_devices(&["a", "b"]);
        for n in 0..60 {
            stage
                .device("a")
                .write(&format!("d/f{n:02}"), format!("{n}"));
        }
        stage.settle_same();
        stage
    }

    /// A server and the named devices, enrolled, each with an empty sync folder and its daemon
    /// running.
    pub fn with_devices(names: &[&str]) -> Self {
        let mut stage = Self::server_only();
        for name in names {
            stage.enrol(name);
        }
        for device in &mut stage.devices {
            fs::create_dir_all(&device.folder).unwrap();
            device.ok(&["sync", device.folder.clone().to_str().unwrap()]);
            device.start();
        }
        stage
    }

    pub fn server_only() -> Self {
        let place = tempfile::Builder::new()
            .prefix("hythe-e2e")
            .tempdir()
            .unwrap();
        let listen = "127.0.0.1:0".to_owned();
        let mut stage = Self {
            place,
            server: None,
            listen,
            devices: Vec::new(),
        };
        stage.start_server();
        stage
    }

    /// A device of an account of its own, enrolled with an invite.
    pub fn person(&self, login: &str) -> Device {
        let device = Device::at(self.place.path(), login);
        let mut admin = self.server_command();
        let invite = admin.args(["admin", "invite", "--data"]).arg(self.data());
        let url = url_in(&success(invite));
        device.ok(&["connect", &url, "--login", login, "--device-name", login]);
        device
    }

    pub fn data(&self) -> PathBuf {
        self.place.path().join("data")
    }

    /// A command on the server's data. Its starts are counted outside the data, but not in the
    /// home of whoever runs the tests.
    pub fn server_command(&self) -> Command {
        let mut command = hythe();
        command.env("XDG_STATE_HOME", self.place.path().join("state"));
        command
    }

    /// Starts the server; from the second time on at the address it had before.
    pub fn start_server(&mut self) {
        let url = self.serve(&[]);
        self.listen = url
            .trim_start_matches("https://")
            .trim_end_matches('/')
            .to_owned();
    }

    /// Starts the server again at its address, with settings of its own; the URL that it says.
    pub fn serve(&mut self, settings: &[&str]) -> String {
        let mut command = self.server_command();
        command
            .args(["serve", "--listen", &self.listen, "--data"])
            .arg(self.data())
            .args(settings);
        self.run_server(&mut command)
    }

    /// Starts the server with a whole command; the URL that it says.
    pub fn run_server(&mut self, command: &mut Command) -> String {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        self.server = Some(child);
        line.trim()
            .strip_prefix("ready ")
            .unwrap_or_else(|| panic!("server said {line:?}"))
            .to_owned()
    }

    /// kill -9.
    pub fn kill_server(&mut self) {
        let mut child = self.server.take().expect("a running server");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGTERM, and waits for the end.
    pub fn stop_server(&mut self) {
        terminate(&mut self.server.take().expect("a running server"));
    }

    /// Enrols one more device: the first by an invite, the others by a device that is there.
    pub fn enrol(&mut self, name: &str) {
        self.enrol_at(name, None);
    }

    /// As [`Self::enrol`]; the device knows the server by this address.
    pub fn enrol_by_way_of(&mut self, name: &str, addr: std::net::SocketAddr) {
        self.enrol_at(name, Some(addr));
    }

    fn enrol_at(&mut self, name: &str, addr: Option<std::net::SocketAddr>) {
        let home = self.place.path().join(format!("home-{name}"));
        let folder = self.place.path().join(format!("folder-{name}"));
        let device = Device {
            name: name.into(),
            home,
            folder,
            daemon: None,
        };
        let url = match self.devices.first() {
            None => {
                let mut admin = self.server_command();
                url_in(&success(
                    admin.args(["admin", "invite", "--data"]).arg(self.data()),
                ))
            }
            Some(first) => url_in(&first.ok(&["devices", "add"])),
        };
        let url = match addr {
            Some(addr) => url.replacen(&self.listen, &addr.to_string(), 1),
            None => url,
        };
        device.ok(&["connect", &url, "--device-name", name]);
        self.devices.push(device);
    }

    pub fn device(&mut self, name: &str) -> &mut Device {
        self.devices
            .iter_mut()
            .find(|device| device.name == name)
            .expect("a device of that name")
    }

    /// Two devices that share `files`, names with contents; both are offline when this returns.
    pub fn offline_with(files: &[(&str, &str)]) -> Self {
        let mut stage = Self::with_devices(&["a", "b"]);
        for (name, content) in files {
            stage.device("a").write(name, content);
        }
        stage.settle_same();
        stage.device("a").stop();
        stage.device("b").stop();
        stage
    }

    /// Brings `a` online first, so that its changes are committed first, then `b`.
    pub fn online(&mut self) {
        self.device("a").start();
        self.device("a").ok(&["wait", "--timeout", "100"]);
        self.device("b").start();
        self.settle_same();
    }

    /// What the server holds, as `admin stats` says it.
    pub fn stats(&self) -> serde_json::Value {
        let mut admin = self.server_command();
        let said = success(
            admin
                .args(["admin", "stats", "--json", "--data"])
                .arg(self.data()),
        );
        serde_json::from_str(&said).unwrap()
    }

    /// Returns when each device has what all others have. Two rounds: what the last one adds in
    /// the first must reach the first one too.
    pub fn settle(&self) {
        for device in self.devices.iter().chain(&self.devices) {
            device.ok(&["wait", "--timeout", "100"]);
        }
    }

    /// Settles and asserts that all folders hold the same.
    pub fn settle_same(&self) {
        self.settle();
        for pair in self.devices.windows(2) {
            assert_same_trees(&pair[0].folder, &pair[1].folder);
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let daemons = self
            .devices
            .iter_mut()
            .filter_map(|device| device.daemon.take());
        for mut child in daemons.chain(self.server.take()) {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

impl Device {
    /// A device with a home and a place for its folder; nothing is there yet.
    pub fn at(place: &Path, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            home: place.join(format!("home-{name}")),
            folder: place.join(format!("folder-{name}")),
            daemon: None,
        }
    }

    pub fn command<I: AsRef<OsStr>>(&self, arguments: &[I]) -> Command {
        let mut command = hythe();
        command.env("HYTHE_HOME", &self.home).args(arguments);
        command
    }

    pub fn run<I: AsRef<OsStr>>(&self, arguments: &[I]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed and returns what it printed.
    pub fn ok<I: AsRef<OsStr>>(&self, arguments: &[I]) -> String {
        success(&mut self.command(arguments))
    }

    pub fn start(&mut self) {
        let child = self
            .command(&["daemon", "run"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let pid = u64::from(child.id());
        self.daemon = Some(child);
        let begin = Instant::now();
        // Asking is the wait. Before the daemon is there, a command answers in its place: only an
        // answer of the daemon's own counts.
        while self.answering_pid() != Some(pid) {
            assert!(
                begin.elapsed() < PATIENCE,
                "the daemon of {} does not answer",
                self.name
            );
            std::thread::yield_now();
        }
    }

    fn answering_pid(&self) -> Option<u64> {
        let done = self.run(&["status", "--json"]);
        let status: serde_json::Value = serde_json::from_slice(&done.stdout).ok()?;
        status["pid"].as_u64()
    }

    pub fn kill(&mut self) {
        let mut child = self.daemon.take().expect("a running daemon");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub fn stop(&mut self) {
        terminate(&mut self.daemon.take().expect("a running daemon"));
    }

    pub fn status(&self) -> serde_json::Value {
        let done = self.run(&["status", "--json"]);
        serde_json::from_slice(&done.stdout).unwrap()
    }

    /// Waits, by asking, until the status is as wanted.
    pub fn until(&self, wanted: impl Fn(&serde_json::Value) -> bool) {
        let begin = Instant::now();
        loop {
            let now = self.status();
            if wanted(&now) {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "never as wanted: {now}");
            std::thread::yield_now();
        }
    }

    /// Waits until the first folder is in the given state.
    pub fn until_state(&self, wanted: &str) {
        self.until(|now| now["folders"][0]["state"] == wanted);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name} on {}: {e}", self.name))
    }

    /// Contents of all files of the folder, sorted: for "no value was lost, wherever it went".
    pub fn values(&self) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        for path in files_below(&self.folder) {
            found.push(fs::read(path).unwrap());
        }
        found.sort();
        found
    }

    /// Names of all entries below the folder, sorted.
    pub fn names(&self) -> Vec<String> {
        let strip = |path: PathBuf| {
            path.strip_prefix(&self.folder)
                .unwrap()
                .to_string_lossy()
                .into_owned()
        };
        let mut names: Vec<String> = entries_below(&self.folder).into_iter().map(strip).collect();
        names.sort();
        names
    }
}

fn terminate(child: &mut Child) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").arg(pid).status().unwrap().success());
    let status = child.wait().unwrap();
    assert!(status.success(), "ended with {status} when asked to stop");
}

/// Runs a command that must succeed and returns its standard output.
pub fn success(command: &mut Command) -> String {
    let done = command.output().unwrap();
    assert!(
        done.status.success(),
        "{command:?}: {}\nstdout: {}\nstderr: {}",
        done.status,
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).unwrap()
}

/// Bytes that do not compress, the same for the same seed; an even one is taken for the next odd one.
pub fn noise(seed: u64, length: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut bytes = Vec::with_capacity(length as usize + 8);
    while bytes.len() < length as usize {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
    }
    bytes.truncate(length as usize);
    bytes
}

/// Waits, by asking, until something is so.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "{what}");
        std::thread::yield_now();
    }
}

pub fn url_in(text: &str) -> String {
    let url = text
        .split_whitespace()
        .find(|word| word.starts_with("https://"));
    url.unwrap_or_else(|| panic!("no URL in {text:?}"))
        .to_owned()
}

fn entries_below(root: &Path) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![root.to_owned()]);
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name() == ".hythe" {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    found
}

pub fn files_below(root: &Path) -> Vec<PathBuf> {
    let is_file = |path: &PathBuf| fs::symlink_metadata(path).unwrap().is_file();
    entries_below(root).into_iter().filter(is_file).collect()
}

/// `diff -r --no-dereference`, the judge that the README names too.
pub fn assert_same_trees(a: &Path, b: &Path) {
    let mut diff = Command::new("diff");
    diff.args(["-r", "--no-dereference", "--exclude=.hythe"])
        .arg(a)
        .arg(b);
    let done = diff.output().unwrap();
    assert!(
        done.status.success(),
        "trees differ:\n{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}
