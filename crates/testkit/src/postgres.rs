//! A private PostgreSQL cluster for one test process.
//!
//! It lives in a temporary folder and listens on a unix socket there and nowhere else. PostgreSQL
//! refuses to run as root, so as root its programs run as an unprivileged user. The only process
//! that is ever ended is the one started here.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Users that may exist for daemons without rights, best first.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// Where Debian keeps the server's programs, one folder per version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// How long the cluster may take to answer, on a machine that is busy building.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running PostgreSQL server; it ends, and its files go, when this is dropped.
pub struct PostgresCluster {
    server: Child,
    folder: TempDir,
    programs: PathBuf,
    owner: Option<Owner>,
}

/// The user that the programs run as instead of root.
#[derive(Debug, Clone, Copy)]
struct Owner {
    user: u32,
    group: u32,
}

impl PostgresCluster {
    /// Makes a cluster and waits until it answers.
    ///
    /// # Errors
    /// When PostgreSQL is not installed (Debian's package `postgresql`), or does not start; the
    /// message holds the end of its log.
    pub fn start() -> io::Result<Self> {
        Self::start_with(&[])
    }

    /// As [`PostgresCluster::start`], with settings such as `fsync=off`.
    ///
    /// # Errors
    /// As there.
    pub fn start_with(settings: &[&str]) -> io::Result<Self> {
        let programs = find_programs()?;
        let owner = unprivileged_owner()?;
        let folder = make_folder(owner)?;
        initialise(&programs, folder.path(), owner)?;
        Self::run(programs, folder, owner, settings)
    }

    /// A second cluster that follows this one as an asynchronous standby, with all that was
    /// committed until now.
    ///
    /// # Errors
    /// When it cannot be copied or does not start.
    pub fn standby(&self) -> io::Result<Self> {
        let folder = make_folder(self.owner)?;
        let mut command = program(&self.programs, "pg_basebackup", self.owner);
        command.arg("-h").arg(self.folder.path());
        command.args(["-U", "hythe", "--checkpoint=fast", "--no-sync"]);
        command.args(["-R", "-D"]).arg(folder.path().join("data"));
        run(command, "pg_basebackup")?;
        Self::run(self.programs.clone(), folder, self.owner, &[])
    }

    fn run(
        programs: PathBuf,
        folder: TempDir,
        owner: Option<Owner>,
        settings: &[&str],
    ) -> io::Result<Self> {
        let server = spawn(&programs, folder.path(), owner, settings)?;
        let mut cluster = Self {
            server,
            folder,
            programs,
            owner,
        };
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    /// Runs one SQL statement in the database `postgres`, and returns what it answers.
    ///
    /// # Errors
    /// When it fails.
    pub fn sql(&self, statement: &str) -> io::Result<String> {
        let mut command = program(&self.programs, "psql", self.owner);
        command.arg("-h").arg(self.folder.path());
        command.args(["-U", "hythe", "-XAtq", "-d", "postgres", "-c", statement]);
        run(command, "psql")
    }

    /// Makes an empty database and returns its URL.
    ///
    /// # Errors
    /// When the name is taken, or the server does not answer.
    pub fn database(&self, name: &str) -> io::Result<String> {
        let mut command = program(&self.programs, "createdb", self.owner);
        command
            .arg("-h")
            .arg(self.folder.path())
            .args(["-U", "hythe", name]);
        run(command, "createdb")?;
        Ok(self.url(name))
    }

    /// The URL of a database of this cluster: the socket's folder stands where a host would.
    pub fn url(&self, name: &str) -> String {
        format!("postgres://hythe@{}/{name}", self.host())
    }

    /// The URL of a database of whichever of two clusters takes writes.
    pub fn url_with(&self, other: &Self, name: &str) -> String {
        let (host, other) = (self.host(), other.host());
        format!("postgres://hythe@{host},{other}/{name}?target_session_attrs=read-write")
    }

    fn host(&self) -> String {
        self.folder.path().to_string_lossy().replace('/', "%2F")
    }

    fn wait_until_ready(&mut self) -> io::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut command = program(&self.programs, "pg_isready", self.owner);
            command
                .arg("-q")
                .arg("-h")
                .arg(self.folder.path())
                .args(["-U", "hythe"]);
            if command.status()?.success() {
                return Ok(());
            }
            let ended = self.server.try_wait()?.is_some();
            if ended || Instant::now() > deadline {
                return Err(io::Error::other(format!(
                    "PostgreSQL did not start: {}",
                    self.log()
                )));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn log(&self) -> String {
        let text = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let from = text.char_indices().rev().nth(2000).map_or(0, |(at, _)| at);
        text[from..].to_owned()
    }
}

impl Drop for PostgresCluster {
    fn drop(&mut self) {
        // SIGQUIT is PostgreSQL's immediate shutdown: it ends its own processes and saves nothing.
        let pid = i32::try_from(self.server.id()).ok().and_then(Pid::from_raw);
        let told = pid.is_some_and(|pid| kill_process(pid, Signal::QUIT).is_ok());
        let deadline = Instant::now() + Duration::from_secs(5);
        while told && Instant::now() < deadline {
            if matches!(self.server.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ended = self.server.kill();
        let _reaped = self.server.wait();
    }
}

/// A folder that only the programs' user can enter.
fn make_folder(owner: Option<Owner>) -> io::Result<TempDir> {
    let folder = tempfile::Builder::new()
        .prefix("hythe-pg-")
        .tempdir_in("/tmp")?;
    fs::set_permissions(folder.path(), Permissions::from_mode(0o700))?;
    if let Some(owner) = owner {
        chown(folder.path(), Some(owner.user), Some(owner.group))?;
    }
    Ok(folder)
}

fn find_programs() -> io::Result<PathBuf> {
    let mut versions: Vec<PathBuf> = fs::read_dir(DEBIAN)
        .map(|entries| {
            entries
                .flatten()
                .map(|entry| entry.path().join("bin"))
                .collect()
        })
        .unwrap_or_default();
    versions.sort_by_key(|path| version_of(path));
    let path = std::env::var_os("PATH").unwrap_or_default();
    versions
        .into_iter()
        .rev()
        .chain(std::env::split_paths(&path))
        .find(|folder| {
            ["initdb", "postgres", "createdb"]
                .iter()
                .all(|p| folder.join(p).exists())
        })
        .ok_or_else(|| {
            let text = "PostgreSQL's server programs are missing: apt-get install postgresql";
            io::Error::new(io::ErrorKind::NotFound, text)
        })
}

fn version_of(bin: &Path) -> Option<u32> {
    bin.parent()?.file_name()?.to_str()?.parse().ok()
}

/// The user to run as; none when this process is not root.
fn unprivileged_owner() -> io::Result<Option<Owner>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    UNPRIVILEGED
        .iter()
        .find_map(|name| find_user(&users, name))
        .map(Some)
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                "no unprivileged user to run PostgreSQL as",
            )
        })
}

fn find_user(users: &str, name: &str) -> Option<Owner> {
    let line = users
        .lines()
        .find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    let user = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    Some(Owner { user, group })
}

fn initialise(programs: &Path, folder: &Path, owner: Option<Owner>) -> io::Result<()> {
    let mut command = program(programs, "initdb", owner);
    command.arg("-D").arg(folder.join("data"));
    command.args([
        "-U",
        "hythe",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
    ]);
    command.arg("--no-instructions");
    run(command, "initdb").map(drop)
}

fn spawn(
    programs: &Path,
    folder: &Path,
    owner: Option<Owner>,
    settings: &[&str],
) -> io::Result<Child> {
    let log = File::create(folder.join("log"))?;
    let mut command = program(programs, "postgres", owner);
    command
        .arg("-D")
        .arg(folder.join("data"))
        .arg("-k")
        .arg(folder);
    command.args([
        "-c",
        "listen_addresses=",
        "-c",
        "unix_socket_permissions=0700",
    ]);
    for setting in ["autovacuum=off"].iter().chain(settings) {
        command.args(["-c", setting]);
    }
    if owner.is_some() {
        // Root connects as well; the folder around the socket is closed to everybody else.
        command.args(["-c", "unix_socket_permissions=0777"]);
    }
    command.stdout(log.try_clone()?).stderr(log).spawn()
}

fn program(programs: &Path, name: &str, owner: Option<Owner>) -> Command {
    let mut command = Command::new(programs.join(name));
    // A folder that the user can enter; no setting of the caller's environment reaches it.
    command
        .current_dir("/")
        .env_clear()
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    if let Some(owner) = owner {
        command.uid(owner.user).gid(owner.group);
    }
    command
}

fn run(mut command: Command, name: &str) -> io::Result<String> {
    let output = command.output()?;
    if output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout);
        return Ok(said.trim().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{name} failed: {}", said.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_starts_makes_databases_and_leaves_nothing_behind() {
        let cluster = PostgresCluster::start().unwrap();
        let url = cluster.database("one").unwrap();
        assert!(url.ends_with("/one"), "{url}");
        assert!(cluster.database("one").is_err(), "the name is taken");
        let folder = cluster.folder.path().to_owned();
        let pid = Pid::from_raw(i32::try_from(cluster.server.id()).unwrap()).unwrap();
        drop(cluster);
        assert!(!folder.exists());
        assert!(rustix::process::test_kill_process(pid).is_err());
    }
}
