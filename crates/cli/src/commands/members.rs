//! `hythe members` and `hythe share`.

use std::ffi::OsStr;
use std::path::Path;

use serde::Serialize;

use hythe_control::{
    MemberInfo, MemberKind, Octets, OfferInfo, Place, Reply, Request, ShareOutcome, SpacesRequest,
};

use super::spaces::role;
use crate::args::{Members, RoleArgument, Share};
use crate::door::{self, Work};
use crate::error::{Exit, Trouble};
use crate::output::{self, words};
use crate::resolve;

#[derive(Serialize)]
struct Printed {
    members: Vec<MemberInfo>,
    links: Vec<OfferInfo>,
}

pub async fn run(args: Members) -> Result<Exit, Trouble> {
    match (args.remove, args.withdraw) {
        (Some(account), _) => remove(args.space, account).await,
        (None, Some(offer)) => withdraw(args.space, offer).await,
        (None, None) => list(args.space, args.output.json).await,
    }
}

async fn list(space: String, json: bool) -> Result<Exit, Trouble> {
    let request = SpacesRequest::Members {
        space: space.clone(),
    };
    let members = match door::ask(Work::Answer, Request::Spaces(request)).await? {
        Reply::Members(members) => members,
        other => return Err(door::unexpected(&other)),
    };
    let request = SpacesRequest::Offers { space };
    let links = match door::ask(Work::Answer, Request::Spaces(request)).await? {
        Reply::Offers(links) => links,
        other => return Err(door::unexpected(&other)),
    };
    if json {
        output::json(&Printed { members, links })?;
    } else {
        output::lines(members.iter().map(line))?;
        output::lines(links.iter().map(link))?;
    }
    Ok(Exit::Done)
}

fn link(link: &OfferInfo) -> String {
    let id: String = link.id.to_string().chars().take(16).collect();
    format!(
        "a link {id}  {}  for one person, until {}",
        role(link.role),
        words::moment(link.expires_ms)
    )
}

async fn withdraw(space: String, offer: String) -> Result<Exit, Trouble> {
    let request = SpacesRequest::Withdraw { space, offer };
    match door::ask(Work::Answer, Request::Spaces(request)).await? {
        Reply::Done => output::line("The link lets nobody in any more.")?,
        other => return Err(door::unexpected(&other)),
    }
    Ok(Exit::Done)
}

async fn share_link(space: String, wanted: RoleArgument) -> Result<Exit, Trouble> {
    let request = SpacesRequest::ShareLink {
        space: space.clone(),
        role: wanted.into(),
    };
    let invite = match door::ask(Work::Answer, Request::Spaces(request)).await? {
        Reply::Invite(invite) => invite,
        other => return Err(door::unexpected(&other)),
    };
    output::line(format!(
        "Whoever runs this first is {} of {space}; it works once, until {}:",
        role(wanted.into()),
        words::moment(invite.expires_ms)
    ))?;
    output::line(format!("  hythe spaces accept '{}'", invite.url))?;
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
        link: _,
        name,
    } = args;
    let space = match folder(&space)? {
        Some(place) => share_folder(&space, place, name).await?,
        None if name.is_some() => {
            return Err(Trouble::usage("A space has its name already.")
                .next("`hythe spaces rename` gives it another."));
        }
        None => space.to_string_lossy().into_owned(),
    };
    let Some(account) = account else {
        return share_link(space, wanted).await;
    };
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

/// What is shared as a place, and not by the name of a space.
fn folder(text: &OsStr) -> Result<Option<Place>, Trouble> {
    use std::os::unix::ffi::OsStrExt;
    if text.as_bytes().contains(&b'/') {
        resolve::anywhere(text).map(Some)
    } else {
        Ok(None)
    }
}

/// Makes a folder a space, and says what that is called.
async fn share_folder(text: &OsStr, place: Place, name: Option<String>) -> Result<String, Trouble> {
    let request = SpacesRequest::ShareFolder { place, name };
    match door::ask(Work::Answer, Request::Spaces(request)).await? {
        Reply::Space(space) => {
            output::line(format!(
                "{} is the space {}, and stays where it is.",
                Octets::from(Path::new(text)),
                space.name
            ))?;
            Ok(space.name)
        }
        other => Err(door::unexpected(&other)),
    }
}
