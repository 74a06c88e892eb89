//! `hythe admin quota`, and counting anew.

use hythe_server::admin::{AdminReply, AdminRequest};
use hythe_server::files::{AccountQuota, QuotaName, QuotaReport, SpaceQuota};

use super::{ask, unexpected};
use crate::amount::Limit;
use crate::args::{Admin, Quota};
use crate::error::{Exit, Trouble};
use crate::output::{self, words};

pub async fn run(args: Quota) -> Result<Exit, Trouble> {
    let Quota {
        of,
        size,
        default,
        admin,
    } = args;
    let change = match (&of, size, default) {
        (Some(name), Some(Limit(limit)), _) => Some((QuotaName::Of(name.clone()), limit)),
        (_, _, Some(Limit(limit))) => Some((QuotaName::Default, limit)),
        _ => None,
    };
    if let Some((of, limit_bytes)) = change {
        let request = AdminRequest::SetQuota { of, limit_bytes };
        let AdminReply::Done = ask(&admin, request).await? else {
            return Err(unexpected());
        };
    }
    let AdminReply::Quotas { report } = ask(&admin, AdminRequest::Quotas { of }).await? else {
        return Err(unexpected());
    };
    if admin.output.json {
        output::json(&report)?;
    } else {
        output::lines(lines(&report))?;
    }
    Ok(Exit::Done)
}

fn lines(report: &QuotaReport) -> Vec<String> {
    let mut lines = vec![format!(
        "new accounts: {}",
        report
            .default_limit_bytes
            .map_or("no limit".to_owned(), words::size)
    )];
    for account in &report.accounts {
        lines.push(account_line(account));
        let own = |space: &&SpaceQuota| space.counts_for.as_ref() == Some(&account.login);
        lines.extend(report.spaces.iter().filter(own).map(space_line));
    }
    if report.accounts.is_empty() {
        lines.extend(report.spaces.iter().map(space_line));
    }
    lines
}

fn account_line(account: &AccountQuota) -> String {
    let used = used(
        account.used_bytes,
        account.reserved_bytes,
        account.limit_bytes,
    );
    format!("{}: {used}", account.login)
}

fn space_line(space: &SpaceQuota) -> String {
    let used = used(space.used_bytes, space.reserved_bytes, space.limit_bytes);
    let personal = if space.personal {
        "personal space"
    } else {
        "space"
    };
    format!("  {personal} {}: {used}", space.space)
}

fn used(used: u64, reserved: u64, limit: Option<u64>) -> String {
    let on_the_way = match reserved {
        0 => String::new(),
        bytes => format!(", {} on the way", words::size(bytes)),
    };
    let used = words::size(used);
    match limit {
        Some(limit) => format!("{used} of {}{on_the_way}", words::size(limit)),
        None => format!("{used}, no limit{on_the_way}"),
    }
}

/// Counts anew what every space holds.
pub async fn recount(admin: &Admin) -> Result<(), Trouble> {
    let AdminReply::Recounted { wrong } = ask(admin, AdminRequest::Recount).await? else {
        return Err(unexpected());
    };
    if !admin.output.json {
        let count = words::count(wrong, "space was", "spaces were");
        output::line(format!("{count} counted wrong and set right."))?;
    }
    Ok(())
}
