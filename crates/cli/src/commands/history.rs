//! `hythe history`.

use serde::Serialize;

use hythe_control::{Change, Event, Reply, Request, Revision, Through};

use crate::args::OnePath;
use crate::door::{self, Work};
use crate::error::{Exit, Trouble};
use crate::output::{self, words};
use crate::resolve;

#[derive(Serialize)]
struct Printed {
    versions: Vec<Revision>,
}

pub async fn run(args: OnePath) -> Result<Exit, Trouble> {
    let place = resolve::anywhere(&args.path)?;
    let mut versions = Vec::new();
    let reply = door::follow(Work::Answer, Request::History { place }, |event| {
        if let Event::Revisions(more) = event {
            versions.extend(more);
        }
    });
    match reply.await? {
        Reply::Count(_) if args.output.json => output::json(&Printed { versions })?,
        Reply::Count(_) => output::lines(versions.iter().map(line))?,
        other => return Err(door::unexpected(&other)),
    }
    Ok(Exit::Done)
}

fn line(revision: &Revision) -> String {
    let size = revision.size.map(words::size).unwrap_or_default();
    let version = revision.version.as_deref().unwrap_or("-");
    format!(
        "{}  {:<10}  {size:>9}  {version:<32}  {}  {}",
        words::moment(revision.at_ms),
        change(revision.change),
        revision.path,
        origin(revision),
    )
}

/// Who did it and where: `on desk`, `by bob on 4f1c22ab`, `by ann through a link`.
fn origin(revision: &Revision) -> String {
    let place = match revision.through {
        None => format!("on {}", revision.device),
        Some(Through::Link) => "through a link".to_owned(),
        Some(Through::Server) => "through the server".to_owned(),
        Some(Through::Inbox) => "put".to_owned(),
    };
    match &revision.account {
        Some(account) => format!("by {account} {place}"),
        None => place,
    }
}

fn change(change: Change) -> &'static str {
    match change {
        Change::Created => "created",
        Change::Edited => "edited",
        Change::Moved => "moved",
        Change::Attributes => "attributes",
        Change::Deleted => "deleted",
        Change::Restored => "restored",
    }
}
