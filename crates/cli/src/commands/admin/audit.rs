//! `hythe admin audit`.

use serde::Serialize;

use hythe_server::admin::{AdminReply, AdminRequest};
use hythe_server::files::AuditEntry;

use super::{ask, unexpected};
use crate::args::Audit;
use crate::error::{Exit, Trouble};
use crate::output::{self, words};

#[derive(Serialize)]
struct Entries {
    entries: Vec<AuditEntry>,
}

pub async fn run(args: Audit) -> Result<Exit, Trouble> {
    let request = AdminRequest::Audit { limit: args.limit };
    let AdminReply::Audit { entries } = ask(&args.admin, request).await? else {
        return Err(unexpected());
    };
    if args.admin.output.json {
        output::json(&Entries { entries })?;
    } else {
        output::lines(entries.iter().map(line))?;
    }
    Ok(Exit::Done)
}

fn line(entry: &AuditEntry) -> String {
    let detail = match entry.detail.as_str() {
        "" => String::new(),
        detail => format!(" ({detail})"),
    };
    // What somebody typed may hold anything.
    let subject = entry.subject.escape_debug();
    format!(
        "{}  {}  {} {subject}{}: {}",
        words::moment(entry.at_ms),
        entry.actor,
        entry.action,
        detail.escape_debug(),
        entry.outcome.escape_debug(),
    )
}
