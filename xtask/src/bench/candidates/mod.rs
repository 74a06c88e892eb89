//! Hythe and its peers, each behind the same few questions.

pub mod hythe;
mod rsync;
mod syncthing;
mod unison;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::works::Work;

/// Something that brings what is in one folder to another.
pub trait Candidate {
    fn name(&self) -> &str;
    /// The folder in which things are done.
    fn first(&self) -> &Path;
    /// The folder in which they must appear.
    fn second(&self) -> &Path;
    /// Returns when the second folder has all that is in the first.
    fn settle(&mut self) -> Result<()>;
    /// Whether it brings changes by itself, as they happen.
    fn watches(&self) -> bool {
        false
    }
    /// Bytes sent and received so far, where it can tell.
    fn wire_bytes(&self) -> Option<u64> {
        None
    }
    fn stop(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Who takes part in a work. Programs that run once cannot be asked how soon they notice a save.
pub fn names_for(work: &Work) -> &'static [&'static str] {
    if work.batch {
        &["hythe", "rsync", "rsync --fsync", "unison", "syncthing"]
    } else {
        &["hythe", "syncthing"]
    }
}

pub fn start(name: &str, place: &Path) -> Result<Box<dyn Candidate>> {
    Ok(match name {
        "hythe" => Box::new(hythe::Hythe::start(place)?),
        "rsync" => Box::new(rsync::Rsync::new(place, false)?),
        "rsync --fsync" => Box::new(rsync::Rsync::new(place, true)?),
        "unison" => Box::new(unison::Unison::new(place)?),
        _ => Box::new(syncthing::Syncthing::start(place)?),
    })
}

/// Folders of two devices and of the hub between them.
pub struct Folders {
    pub first: PathBuf,
    pub hub: PathBuf,
    pub second: PathBuf,
}

impl Folders {
    pub fn make(place: &Path) -> Result<Self> {
        let folder = |name: &str| {
            let path = place.join(name);
            fs::create_dir_all(&path).map(|()| path)
        };
        Ok(Self {
            first: folder("a")?,
            hub: folder("hub")?,
            second: folder("b")?,
        })
    }
}

/// A child process that is ended, and waited for, with its owner.
pub struct Process(Child);

impl Process {
    pub fn start(command: &mut Command) -> Result<Self> {
        let text = format!("{command:?}");
        Ok(Self(command.stdin(Stdio::null()).spawn().context(text)?))
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }

    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Asks the process to end and waits until it has.
    pub fn end(&mut self) -> Result<()> {
        if self.0.try_wait()?.is_none() {
            run(Command::new("kill").arg(self.0.id().to_string()))?;
            self.0.wait()?;
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Runs a command to its end and fails when it fails.
pub fn run(command: &mut Command) -> Result<()> {
    let done = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{command:?}"))?;
    ensure!(
        done.status.success(),
        "{command:?}: {}\n{}",
        done.status,
        String::from_utf8_lossy(&done.stderr)
    );
    Ok(())
}

/// Waits until two folders hold the same names with the same sizes.
pub fn wait_same_shape(a: &Path, b: &Path, longest: Duration) -> Result<()> {
    let begin = Instant::now();
    loop {
        if shape(a).ok() == shape(b).ok() {
            return Ok(());
        }
        ensure!(
            begin.elapsed() < longest,
            "{} did not follow {}",
            b.display(),
            a.display()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn shape(root: &Path) -> Result<BTreeMap<PathBuf, u64>> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            let name = entry.file_name();
            // Temporary files of Syncthing stand among the user's.
            let own = name.to_string_lossy().starts_with(".syncthing.");
            if own || name == ".hythe" || name == ".stfolder" {
                continue;
            }
            let path = entry.path();
            let kind = entry.metadata()?;
            let size = if kind.is_dir() { 0 } else { kind.len() };
            found.insert(path.strip_prefix(root)?.to_owned(), size);
            if kind.is_dir() {
                open.push(path);
            }
        }
    }
    Ok(found)
}
