//! `hythe ls`.

use std::ffi::OsStr;

use serde::Serialize;

use hythe_control::{Entry, EntryKind, Event, Reply, Request};

use crate::args::Ls;
use crate::door;
use crate::error::{Exit, Trouble};
use crate::output::{self, words};
use crate::visit;

/// What `--json` prints, for `ls` and `tree`.
#[derive(Serialize)]
pub struct Printed {
    pub entries: Vec<Entry>,
}

pub async fn run(args: Ls) -> Result<Exit, Trouble> {
    let mut entries = list(&args.path, false).await?;
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    if args.output.json {
        output::json(&Printed { entries })?;
    } else if args.long {
        output::lines(entries.iter().map(long))?;
    } else {
        output::names(entries.iter().map(|entry| (&entry.path, mark(entry))))?;
    }
    Ok(Exit::Done)
}

/// Everything a listing tells.
pub async fn list(path: &OsStr, recursive: bool) -> Result<Vec<Entry>, Trouble> {
    let mut entries = Vec::new();
    let (mut door, place) = visit::open(path).await?;
    let request = Request::List { place, recursive };
    let reply = door.follow(request, None, |event| {
        match event {
            Event::Entries(more) => entries.extend(more),
            // That the server is not reached, so that the listing may be old.
            Event::Progress(now) => eprintln!("hythe: {}.", now.doing),
            _ => {}
        }
    });
    let reply = reply.await;
    door.close().await;
    match reply? {
        Reply::Count(_) => Ok(entries),
        other => Err(door::unexpected(&other)),
    }
}

/// What shows the kind of an entry behind its name.
pub fn mark(entry: &Entry) -> &'static str {
    match entry.kind {
        EntryKind::Directory | EntryKind::Attachment => "/",
        EntryKind::File | EntryKind::Symlink => "",
    }
}

fn long(entry: &Entry) -> String {
    let kind = match entry.kind {
        EntryKind::Directory => "dir ",
        EntryKind::File if entry.executable => "exec",
        EntryKind::File => "file",
        EntryKind::Symlink => "link",
        EntryKind::Attachment => "space",
    };
    let size = entry.size.map(words::size).unwrap_or_default();
    let modified = entry
        .modified
        .map(|time| words::moment(time.seconds.saturating_mul(1000)));
    let target = entry
        .target
        .as_ref()
        .map(|target| format!(" -> {target}"))
        .unwrap_or_default();
    let shown = entry
        .quarantine
        .as_ref()
        .map(|why| format!("  (not shown on disks: {why})"));
    format!(
        "{kind}  {size:>9}  {:<23}  {}{}{target}{}",
        modified.unwrap_or_default(),
        entry.path,
        mark(entry),
        shown.unwrap_or_default(),
    )
}
