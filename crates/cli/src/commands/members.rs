//! `hythe members` and `hythe share`.

use serde::Serialize;

use hythe_control::{MemberInfo, MemberKind, Reply, Request, ShareOutcome, SpacesRequest};

use super::spaces::role;
use crate::args::{Members, Share};
use crate::door::{self, Work};
use crate::error::{Exit, Trouble};
use crate::output::{self, words};

#[derive(Serialize)]
struct Printed {
    members: Vec<MemberInfo>,
}

pub async fn run(args: Members) -> Result<Exit, Trouble> {
    match args.remove {
        Some(account) => remove(args.space, account).await,
        None => list(args.space, args.output.json).await,
    }
}

async fn list(space: String, json: bool) -> Result<Exit, Trouble> {
    let request = SpacesRequest::Members { space };
    let members = match door::ask(Work::Answer, Request::Spaces(request)).await? {
        Reply::Members(members) => members,
        other => return Err(door::unexpected(&other)),
    };
    if json {
        output::json(&Printed { members })?;
    } else {
        output::lines(members.iter().map(line))?;
    }
    Ok(Exit::Done)
}

fn line(member: &MemberInfo) -> String {
    let name = match (&member.login, member.kind) {
        (_, MemberKind::Server) => "the server".to_owned(),
        (Some(login), MemberKind::This) => format!("{login} (you)"),
        (Some(login), _) => login.clone(),
        (None, _) => member.account.to_string(),
    };
    let since = member
        .since_ms
        .map(|at| format!("  since {}", words::moment(at)));
    let answer = match member.kind {
        MemberKind::Invited => "  invited, has not answered",
        MemberKind::Declined => "  declined",
        _ => "",
    };
    let number = member
        .safety_number
        .as_ref()
        .map(|number| format!("\n    safety number with you: {number}"));
    let renamed = if member.renamed {
        "\n    the server calls this account by another name than it did before"
    } else {
        ""
    };
    format!(
        "{name}  {}{}{answer}{}{renamed}",
        role(member.role),
        since.unwrap_or_default(),
        number.unwrap_or_default()
    )
}

async fn remove(space: String, account: String) -> Result<Exit, Trouble> {
    let done = format!(
        "{account} is no member of {space} any more. What they have already read stays with them; \
         what is written from now on they cannot read."
    );
    let request = SpacesRequest::RemoveMember { space, account };
    match door::ask(Work::Answer, Request::Spaces(request)).await? {
        Reply::Done => output::line(done)?,
        other => return Err(door::unexpected(&other)),
    }
    Ok(Exit::Done)
}

pub async fn share(args: Share) -> Result<Exit, Trouble> {
    let Share {
        space,
        account,
        role: wanted,
        number,
    } = args;
    let request = SpacesRequest::Share {
        space: space.clone(),
        account: account.clone(),
        role: wanted.into(),
        number: number.clone(),
    };
    let shared = match door::ask(Work::Answer, Request::Spaces(request)).await? {
        Reply::Shared(shared) => shared,
        other => return Err(door::unexpected(&other)),
    };
    let role = role(wanted.into());
    output::line(match shared.outcome {
        ShareOutcome::Invited => format!("{account} is invited to {space} as {role}."),
        ShareOutcome::Changed => format!("{account} is {role} of {space} now."),
        ShareOutcome::Already => format!("{account} is {role} of {space} already."),
    })?;
    if shared.first_met && number.is_none() {
        output::line(format!(
            "You meet {account} for the first time. To be sure that it is them, compare this number \
             with what `hythe spaces` or `hythe members` shows them:\n  {}",
            shared.safety_number
        ))?;
    }
    Ok(Exit::Done)
}
