//! `hythe get`.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hythe_control::{Entry, EntryKind, Event, Modified, Octets, Place, Reply, Request};
use hythe_model::TreePath;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::args::Get;
use crate::door::{self, Door};
use crate::error::{Exit, Trouble};
use crate::output::{self, words};
use crate::progress::Bar;
use crate::{resolve, visit};

pub async fn run(args: Get) -> Result<Exit, Trouble> {
    let (mut door, place) = visit::open(&args.source).await?;
    if door.is_view() {
        return Err(Trouble::failed("This link is for looking only.")
            .next("`hythe ls` and `hythe cat` show what it holds."));
    }
    let got = fetch(&mut door, place, args).await;
    door.close().await;
    let (files, bytes) = got?;
    let files = words::count(files, "file", "files");
    output::line(format!("Got {files}, {}.", words::size(bytes)))?;
    Ok(Exit::Done)
}

async fn fetch(door: &mut Door, place: Place, args: Get) -> Result<(u64, u64), Trouble> {
    let entry = look(door, &place).await?;
    let target = target(args.target.as_deref(), &entry)?;
    let mut copy = Copy {
        door,
        force: args.force,
        files: 0,
        bytes: 0,
        bar: Bar::new(false),
    };
    match entry.kind {
        EntryKind::Directory | EntryKind::Attachment if args.version.is_some() => {
            return Err(Trouble::usage("A directory has no versions: name a file."));
        }
        EntryKind::Directory | EntryKind::Attachment => copy.tree(&place, &target).await?,
        _ => copy.node(&place, args.version, &entry, &target).await?,
    }
    let (files, bytes) = (copy.files, copy.bytes);
    copy.bar.end();
    Ok((files, bytes))
}

/// What is at a place.
pub async fn look(door: &mut Door, place: &Place) -> Result<Entry, Trouble> {
    match door
        .ask(Request::Look {
            place: place.clone(),
        })
        .await?
    {
        Reply::Entry(entry) => Ok(entry),
        other => Err(door::unexpected(&other)),
    }
}

/// Where to: a directory that is there receives the node under its own name.
fn target(given: Option<&Path>, entry: &Entry) -> Result<PathBuf, Trouble> {
    let given = given.unwrap_or(Path::new("."));
    if !given.is_dir() {
        return Ok(given.to_owned());
    }
    if entry.path.as_bytes().is_empty() {
        return Ok(given.to_owned());
    }
    below(given, &entry.path)
}

/// A path below a directory. The names come from elsewhere, so they are checked again here.
fn below(directory: &Path, path: &Octets) -> Result<PathBuf, Trouble> {
    TreePath::parse(path.as_bytes()).map_err(|error| {
        Trouble::failed(format!("{path} cannot be placed on this disk.")).because(error)
    })?;
    Ok(directory.join(path.to_path()))
}

struct Copy<'a> {
    door: &'a mut Door,
    force: bool,
    files: u64,
    bytes: u64,
    bar: Bar,
}

impl Copy<'_> {
    /// A directory and everything below it.
    async fn tree(&mut self, place: &Place, target: &Path) -> Result<(), Trouble> {
        let mut entries = Vec::new();
        let request = Request::List {
            place: place.clone(),
            recursive: true,
        };
        let listed = self.door.follow(request, None, |event| {
            if let Event::Entries(more) = event {
                entries.extend(more);
            }
        });
        listed.await?;
        directory(target)?;
        for entry in entries.iter().filter(|entry| entry.quarantine.is_none()) {
            let path = below(target, &entry.path)?;
            match entry.kind {
                EntryKind::Directory | EntryKind::Attachment => directory(&path)?,
                _ => {
                    let from = resolve::below(place, entry.path.as_bytes());
                    self.node(&from, None, entry, &path).await?;
                }
            }
        }
        Ok(())
    }

    /// A file or symlink, which appears whole under its name or not at all.
    async fn node(
        &mut self,
        place: &Place,
        version: Option<String>,
        entry: &Entry,
        target: &Path,
    ) -> Result<(), Trouble> {
        let failed = |error| unwritten(target, error);
        let part = part_name(target);
        if let (EntryKind::Symlink, Some(text)) = (entry.kind, &entry.target) {
            std::os::unix::fs::symlink(text.to_path(), &part).map_err(failed)?;
        } else {
            let done = self.content(place, version, &part).await;
            if let Err(trouble) = done {
                // What is left of it is of no use to anybody.
                let _ = fs::remove_file(&part);
                return Err(trouble);
            }
        }
        let flags = if self.force {
            RenameFlags::empty()
        } else {
            RenameFlags::NOREPLACE
        };
        if let Err(error) = renameat_with(CWD, &part, CWD, target, flags) {
            let _ = fs::remove_file(&part);
            return Err(unwritten(target, error.into()));
        }
        self.files += 1;
        Ok(())
    }

    async fn content(
        &mut self,
        place: &Place,
        version: Option<String>,
        part: &Path,
    ) -> Result<(), Trouble> {
        let failed = |error| unwritten(part, error);
        let mut options = File::options();
        let file = options
            .write(true)
            .create_new(true)
            .mode(0o666)
            .open(part)
            .map_err(failed)?;
        let request = Request::Read {
            place: place.clone(),
            version,
        };
        let bar = &self.bar;
        let follow = |event: Event| _ = bar.follow(&event);
        let entry = match self
            .door
            .follow(request, Some(file.as_fd()), follow)
            .await?
        {
            Reply::Entry(entry) => entry,
            other => return Err(door::unexpected(&other)),
        };
        finish(&file, &entry).map_err(failed)?;
        self.bytes += file.metadata().map_err(failed)?.len();
        Ok(())
    }
}

/// Mode and time of a file whose content is there.
fn finish(file: &File, entry: &Entry) -> io::Result<()> {
    if entry.executable {
        let mut permissions = file.metadata()?.permissions();
        // Whoever may read it may run it.
        permissions.set_mode(permissions.mode() | ((permissions.mode() & 0o444) >> 2));
        file.set_permissions(permissions)?;
    }
    match entry.modified.and_then(system_time) {
        Some(time) => file.set_modified(time),
        None => Ok(()),
    }
}

fn system_time(time: Modified) -> Option<SystemTime> {
    let nanos = Duration::from_nanos(u64::from(time.nanos));
    let seconds = Duration::from_secs(time.seconds.unsigned_abs());
    let whole = if time.seconds < 0 {
        UNIX_EPOCH.checked_sub(seconds)
    } else {
        UNIX_EPOCH.checked_add(seconds)
    };
    whole?.checked_add(nanos)
}

/// Makes a directory, or finds that a real one is there: a symlink would lead elsewhere.
fn directory(path: &Path) -> Result<(), Trouble> {
    match fs::create_dir(path) {
        Ok(()) => Ok(()),
        Err(error) => match fs::symlink_metadata(path) {
            Ok(found) if found.is_dir() => Ok(()),
            _ => Err(unwritten(path, error)),
        },
    }
}

/// A name beside the target that nobody else uses.
fn part_name(target: &Path) -> PathBuf {
    let pid = std::process::id();
    target.with_file_name(format!(".hythe-get-{pid}"))
}

fn unwritten(path: &Path, error: io::Error) -> Trouble {
    let there = error.kind() == io::ErrorKind::AlreadyExists;
    let trouble = Trouble::failed(format!("{} could not be written.", Octets::from(path)));
    let trouble = trouble.because(error);
    if there {
        trouble.next("Use --force to replace it, or name another target.")
    } else {
        trouble
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sc048_names_from_elsewhere_do_not_leave_the_target() {
        for path in ["../x", "a/../../x", ".hythe/x", "a/\0"] {
            assert!(
                below(Path::new("/t"), &Octets::from(path)).is_err(),
                "{path}"
            );
        }
        assert_eq!(
            below(Path::new("/t"), &Octets::from("a/b")).unwrap(),
            Path::new("/t/a/b")
        );
    }

    #[test]
    fn a_symlink_is_no_directory_to_write_into() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/", &link).unwrap();
        assert!(directory(&link).is_err());
        let real = folder.path().join("real");
        directory(&real).unwrap();
        directory(&real).unwrap();
    }

    #[test]
    fn times_before_1970_count_nanoseconds_forwards() {
        let time = system_time(Modified {
            seconds: -1,
            nanos: 500_000_000,
        })
        .unwrap();
        assert_eq!(
            UNIX_EPOCH.duration_since(time).unwrap(),
            Duration::from_millis(500)
        );
        // Far past what any file system stores, and no panic.
        system_time(Modified {
            seconds: i64::MIN,
            nanos: 0,
        });
        assert_eq!(
            system_time(Modified {
                seconds: i64::MAX,
                nanos: u32::MAX
            }),
            None
        );
    }
}
