//! `hythe put`.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use hythe_control::{EntryKind, Event, Modified, Octets, Place, Reply, Request};
use rustix::fs::OFlags;

use crate::args::Put;
use crate::door::{self, Door};
use crate::error::{Exit, Trouble};
use crate::output::{self, words};
use crate::progress::Bar;
use crate::{resolve, visit};

pub async fn run(args: Put) -> Result<Exit, Trouble> {
    let (mut door, target) = visit::open(&args.target).await?;
    let mut copy = Copy {
        door: &mut door,
        files: 0,
        skipped: Vec::new(),
        bar: Bar::new(false),
    };
    let sent = copy.whole(&args.source, target).await;
    let Copy {
        files,
        skipped,
        bar,
        ..
    } = copy;
    bar.end();
    door.close().await;
    sent?;
    output::line(format!("Put {}.", words::count(files, "file", "files")))?;
    if skipped.is_empty() {
        return Ok(Exit::Done);
    }
    let names: Vec<String> = skipped.iter().map(Octets::to_string).collect();
    Err(
        Trouble::attention("Some items are neither files, directories nor symlinks.")
            .cause(names.join(", "))
            .next("They stay where they are; only the others were sent."),
    )
}

struct Copy<'a> {
    door: &'a mut Door,
    files: u64,
    skipped: Vec<Octets>,
    bar: Bar,
}

impl Copy<'_> {
    async fn whole(&mut self, source: &Path, target: Place) -> Result<(), Trouble> {
        if source == Path::new("-") {
            return self
                .write(std::io::stdin().as_fd(), target, None, false)
                .await;
        }
        let target = self.landing(source, target).await?;
        let mut open = vec![(source.to_owned(), target)];
        while let Some((source, target)) = open.pop() {
            let found = fs::symlink_metadata(&source).map_err(|error| unread(&source, error))?;
            if found.is_dir() {
                self.done(Request::MakeDirectory {
                    place: target.clone(),
                    parents: true,
                })
                .await?;
                open.extend(children(&source, &target)?);
            } else if found.is_symlink() {
                let text = fs::read_link(&source).map_err(|error| unread(&source, error))?;
                let text = Octets::from(text.as_path());
                self.done(Request::Link {
                    place: target,
                    target: text,
                })
                .await?;
                self.files += 1;
            } else if found.is_file() {
                self.file(&source, target).await?;
            } else {
                self.skipped.push(Octets::from(source.as_path()));
            }
        }
        Ok(())
    }

    /// Where the source lands: in a directory that is there, or under the name that was given.
    async fn landing(&mut self, source: &Path, target: Place) -> Result<Place, Trouble> {
        let is_directory = match self
            .door
            .ask(Request::Look {
                place: target.clone(),
            })
            .await
        {
            Ok(Reply::Entry(entry)) => {
                matches!(entry.kind, EntryKind::Directory | EntryKind::Attachment)
            }
            // Nothing is there yet, or the request to come will say what is wrong.
            _ => false,
        };
        if !is_directory {
            return Ok(target);
        }
        let name = source.file_name().map(ToOwned::to_owned).or_else(|| {
            let whole = source.canonicalize().ok()?;
            whole.file_name().map(ToOwned::to_owned)
        });
        Ok(match name {
            Some(name) => resolve::below(&target, name.as_bytes()),
            None => target,
        })
    }

    async fn file(&mut self, source: &Path, target: Place) -> Result<(), Trouble> {
        let failed = |error| unread(source, error);
        // A symlink or FIFO put there since we looked is neither followed nor waited for.
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
        let flags = i32::try_from(flags).unwrap_or_default();
        let mut options = File::options();
        let file = options
            .read(true)
            .custom_flags(flags)
            .open(source)
            .map_err(failed)?;
        let found = file.metadata().map_err(failed)?;
        if !found.is_file() {
            self.skipped.push(Octets::from(source));
            return Ok(());
        }
        let executable = found.mode() & 0o100 != 0;
        self.write(file.as_fd(), target, modified(&found), executable)
            .await
    }

    async fn write(
        &mut self,
        source: BorrowedFd<'_>,
        place: Place,
        modified: Option<Modified>,
        executable: bool,
    ) -> Result<(), Trouble> {
        let request = Request::Write {
            place,
            modified,
            executable,
        };
        let bar = &self.bar;
        let follow = |event: Event| _ = bar.follow(&event);
        match self.door.follow(request, Some(source), follow).await? {
            Reply::Entry(_) => {
                self.files += 1;
                Ok(())
            }
            other => Err(door::unexpected(&other)),
        }
    }

    async fn done(&mut self, request: Request) -> Result<(), Trouble> {
        match self.door.ask(request).await? {
            Reply::Entry(_) => Ok(()),
            other => Err(door::unexpected(&other)),
        }
    }
}

fn children(source: &Path, target: &Place) -> Result<Vec<(PathBuf, Place)>, Trouble> {
    let failed = |error| unread(source, error);
    let mut found = Vec::new();
    for entry in fs::read_dir(source).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        // A sync folder's own administration is nobody's content.
        if name.as_bytes() == hythe_model::name::RESERVED_NAME {
            continue;
        }
        found.push((entry.path(), resolve::below(target, name.as_bytes())));
    }
    Ok(found)
}

fn modified(found: &Metadata) -> Option<Modified> {
    let nanos = u32::try_from(found.mtime_nsec()).ok()?;
    Some(Modified {
        seconds: found.mtime(),
        nanos,
    })
}

fn unread(path: &Path, error: io::Error) -> Trouble {
    Trouble::failed(format!("{} could not be read.", Octets::from(path))).because(error)
}
