//! Where a device works, and what is known of its work afterwards.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use hythe_testkit::power_cut::{Change, Cut, Held, Log, Node, Trace};
use tempfile::TempDir;

use super::super::simulation::grounds::{Entry, Tree, tree};
use super::super::simulation::world::new_place;

/// The devices: who changes things elsewhere, whose power is cut, who looks at it in the end.
pub const EDITOR: usize = 0;
pub const SUBJECT: usize = 1;
pub const WITNESS: usize = 2;

/// The places of a stage, the same in both processes.
#[derive(Debug, Clone)]
pub struct Plan(PathBuf);

impl Plan {
    pub fn new(place: PathBuf) -> Self {
        Self(place)
    }

    pub fn place(&self) -> &Path {
        &self.0
    }

    /// The server's data.
    pub fn host(&self) -> PathBuf {
        self.0.join("host")
    }

    /// The server's data at some moment.
    pub fn snapshot(&self, number: usize) -> PathBuf {
        self.0.join(format!("snapshots/{number}"))
    }

    /// Directories made here are marks in the trace.
    pub fn marks(&self) -> PathBuf {
        self.0.join("marks")
    }

    pub fn home(&self, device: usize) -> PathBuf {
        self.0.join(format!("home{device}"))
    }

    pub fn folder(&self, device: usize) -> PathBuf {
        self.0.join(format!("folder{device}"))
    }

    /// What the witness has before it ever looked.
    pub fn pristine(&self) -> PathBuf {
        self.0.join("pristine")
    }

    /// The file that says what a phase came to.
    pub fn expected(&self, phase: &str) -> PathBuf {
        self.0.join(format!("expected/{phase}"))
    }

    /// The file that lists the hashes of everything that users wrote.
    pub fn values(&self) -> PathBuf {
        self.0.join("values")
    }

    /// The file systems whose power is cut.
    pub fn volumes(&self) -> [PathBuf; 2] {
        [self.home(SUBJECT), self.folder(SUBJECT)]
    }
}

/// The number of the file system with the folder.
pub const FOLDER_VOLUME: usize = 1;

/// What a device did.
pub struct Stage {
    _place: TempDir,
    pub plan: Plan,
    pub log: Log,
    /// The contents that users wrote.
    pub values: BTreeSet<String>,
}

impl Stage {
    /// Runs a test of this program under `strace`; none where there is no `strace`.
    pub fn record(test: &str) -> Option<Self> {
        let place = new_place();
        let plan = Plan::new(place.path().to_owned());
        let out = place.path().join("trace");
        let status = Trace::command(&out)
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(super::PLACE, place.path())
            .stdout(Stdio::null())
            .status();
        match status {
            Ok(status) => assert!(status.success(), "the traced process failed"),
            Err(error) => {
                eprintln!("SKIPPED: strace, which is needed here, cannot be run: {error}");
                return None;
            }
        }
        let trace = Trace::read(&out).unwrap();
        fs::remove_file(out).unwrap();
        let log = Log::read(&trace, &plan.volumes(), &plan.marks());
        let values = fs::read_to_string(plan.values()).unwrap();
        Some(Self {
            _place: place,
            log,
            values: values.lines().map(str::to_owned).collect(),
            plan,
        })
    }

    /// Whether a line of [`words`] is of a file that a user wrote.
    pub fn knows(&self, line: &str) -> bool {
        self.values.iter().any(|value| line.contains(value))
    }

    /// Whether the log speaks of everything that happened: all of it together is what is on the disk.
    #[track_caller]
    pub fn is_what_the_log_says(&self) {
        let mut cut = Cut::new(&self.log);
        while cut.step().is_some() {}
        let whole = cut.whole();
        for (volume, root) in self.plan.volumes().iter().enumerate() {
            let items = whole.items.iter().filter(|item| item.volume == volume);
            let mut said: Vec<String> = items
                .map(|item| {
                    let path = item.path.join(&b'/').escape_ascii().to_string();
                    match &item.held {
                        Held::Directory => format!("{path}/"),
                        Held::File(bytes) => format!("{path} {}", blake3::hash(bytes)),
                        Held::Link(text) => format!("{path} -> {}", text.escape_ascii()),
                    }
                })
                .collect();
            said.sort();
            let mut there = Vec::new();
            list(root, root, &mut there);
            there.sort();
            assert_eq!(said, there);
        }
    }

    /// The log of a device that does not sync, while it works, what `left_out` says.
    pub fn without_syncs(&self, left_out: impl Fn(&Node) -> bool) -> Log {
        let mut at_work = false;
        let mut dropped = BTreeSet::new();
        for (at, change) in self.log.changes.iter().enumerate() {
            match change {
                Change::Mark(mark) if mark.contains(":begin ") => at_work = true,
                Change::Mark(mark) if mark.contains(":end ") => at_work = false,
                Change::Sync { inode, .. } if at_work && left_out(&self.log.nodes[inode.0].0) => {
                    dropped.insert(at);
                }
                Change::SyncAll { .. } if at_work && left_out(&Node::File) => {
                    dropped.insert(at);
                }
                _ => {}
            }
        }
        self.log.clone().without(|_, at| dropped.contains(&at))
    }
}

fn list(root: &Path, directory: &Path, found: &mut Vec<String>) {
    use std::os::unix::ffi::OsStrExt;
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().as_os_str();
        let name = name.as_bytes().escape_ascii().to_string();
        let about = fs::symlink_metadata(&path).unwrap();
        if name.ends_with("-shm") {
            continue;
        }
        if about.is_dir() {
            found.push(format!("{name}/"));
            list(root, &path, found);
        } else if about.is_symlink() {
            let text = fs::read_link(&path).unwrap();
            found.push(format!(
                "{name} -> {}",
                text.as_os_str().as_bytes().escape_ascii()
            ));
        } else {
            found.push(format!(
                "{name} {}",
                blake3::hash(&fs::read(&path).unwrap())
            ));
        }
    }
}

/// A folder in words, the same for every conflict copy of a file.
pub fn words(folder: &Path) -> String {
    let tree: Tree = tree(folder);
    let mut lines: Vec<String> = tree
        .into_iter()
        .map(|(path, entry)| {
            let path = path.escape_ascii().to_string();
            let path = match (path.find(" (conflict d"), path.rfind(')')) {
                (Some(start), Some(end)) => {
                    format!("{} (conflict{}", &path[..start], &path[end..])
                }
                _ => path,
            };
            match entry {
                Entry::Directory => format!("{path}/"),
                Entry::Link(text) => format!("{path} -> {}", text.display()),
                Entry::File {
                    hash,
                    executable,
                    modified,
                } => {
                    let hash = blake3::Hash::from_bytes(hash);
                    format!("{path} {hash} {executable} {modified:?}")
                }
            }
        })
        .collect();
    lines.sort();
    lines.join("\n")
}
