//! `hythe spaces`.

use std::path::Path;

use serde::Serialize;

use hythe_control::{Octets, Reply, Request, SpaceInfo, SpaceRole, SpacesRequest};

use crate::args::{Spaces, SpacesCommand};
use crate::door::{self, Work};
use crate::error::{Exit, Trouble};
use crate::output::{self, words};
use crate::resolve;

#[derive(Serialize)]
struct Printed {
    spaces: Vec<SpaceInfo>,
}

pub async fn run(args: Spaces) -> Result<Exit, Trouble> {
    let Some(command) = args.command else {
        return list(args.output.json).await;
    };
    let (request, done) = match command {
        SpacesCommand::Create { name, sealed } => {
            return create(name, sealed).await;
        }
        SpacesCommand::Rename { space, name } => {
            let done = format!("{space} is called {name} now, for all members.");
            (SpacesRequest::Rename { space, name }, done)
        }
        SpacesCommand::Accept { space } if space.contains("://") => {
            return join(space).await;
        }
        SpacesCommand::Delete { space, after } => {
            return end(SpacesRequest::Delete { space, days: after }).await;
        }
        SpacesCommand::Confirm { space } => {
            let done = format!("{space} goes on; what the server lacks is brought back.");
            (SpacesRequest::Confirm { space }, done)
        }
        SpacesCommand::Restore { space } => {
            return end(SpacesRequest::Restore { space }).await;
        }
        SpacesCommand::Accept { space } => {
            let done =
                format!("You take part in {space}. `hythe sync DIR --space {space}` syncs it.");
            (SpacesRequest::Accept { space }, done)
        }
        SpacesCommand::Decline { space } => {
            let done = format!("You do not take part in {space}.");
            (SpacesRequest::Decline { space }, done)
        }
        SpacesCommand::Attach { space, path } => {
            let place = resolve::anywhere(&path)?;
            let done = format!("{space} is shown at {}.", Octets::from(Path::new(&path)));
            (SpacesRequest::Attach { space, place }, done)
        }
        SpacesCommand::Detach { path } => {
            let place = resolve::anywhere(&path)?;
            let done = format!(
                "Nothing is shown at {} any more; the space stays as it is.",
                Octets::from(Path::new(&path))
            );
            (SpacesRequest::Detach { place }, done)
        }
        SpacesCommand::Leave { space } => {
            let done = format!("You left {space}; the files in your sync folders stay.");
            (SpacesRequest::Leave { space }, done)
        }
    };
    match door::ask(Work::Answer, Request::Spaces(request)).await? {
        Reply::Space(space) if space.role == SpaceRole::Drop => {
            output::line(dropping(&space.name))?
        }
        Reply::Done | Reply::Space(_) | Reply::Entry(_) => output::line(done)?,
        other => return Err(door::unexpected(&other)),
    }
    Ok(Exit::Done)
}

/// What whoever may only put files can do.
fn dropping(name: &str) -> String {
    format!(
        "You may put files into {name}: `hythe put FILE {}:/`. You see nothing of what is there.",
        quoted(name)
    )
}

async fn join(url: String) -> Result<Exit, Trouble> {
    let space = space(SpacesRequest::Join { url }).await?;
    let name = &space.name;
    output::line(match space.role {
        SpaceRole::Drop => dropping(name),
        other => format!(
            "You take part in {name} as {}. `hythe sync DIR --space {}` syncs it.",
            role(other),
            quoted(name)
        ),
    })?;
    Ok(Exit::Done)
}

async fn end(request: SpacesRequest) -> Result<Exit, Trouble> {
    let space = space(request).await?;
    let name = &space.name;
    output::line(match space.ends_ms {
        Some(at) => format!(
            "{name} is deleted on {}, with its history and for all members; they see it. Files in \
             sync folders stay. Until then `hythe spaces restore {}` keeps it.",
            words::moment(at),
            quoted(name)
        ),
        None => format!("{name} stays."),
    })?;
    Ok(Exit::Done)
}

async fn space(request: SpacesRequest) -> Result<SpaceInfo, Trouble> {
    match door::ask(Work::Answer, Request::Spaces(request)).await? {
        Reply::Space(space) => Ok(space),
        other => Err(door::unexpected(&other)),
    }
}

async fn create(name: String, sealed: bool) -> Result<Exit, Trouble> {
    let space = space(SpacesRequest::Create { name, sealed }).await?;
    let name = &space.name;
    output::line(match space.sealed {
        true => format!(
            "{name} is sealed: only its members' devices can read it, and who loses all of them \
             loses what is in it."
        ),
        false => format!("{name} is made."),
    })?;
    output::line(format!(
        "`hythe sync DIR --space {}` syncs it.",
        quoted(name)
    ))?;
    Ok(Exit::Done)
}

/// A name as it is typed in a shell.
fn quoted(name: &str) -> String {
    words::argument(&hythe_control::Octets::from(name)).to_string()
}

async fn list(json: bool) -> Result<Exit, Trouble> {
    let spaces = match door::ask(Work::Answer, Request::Spaces(SpacesRequest::List)).await? {
        Reply::Spaces(spaces) => spaces,
        other => return Err(door::unexpected(&other)),
    };
    let is_stopped = spaces.iter().any(|space| space.contradicted.is_some());
    let exit = if is_stopped {
        Exit::Attention
    } else {
        Exit::Done
    };
    if json {
        output::json(&Printed { spaces })?;
        return Ok(exit);
    }
    let (offered, own): (Vec<_>, Vec<_>) =
        spaces.iter().partition(|space| space.invitation.is_some());
    output::lines(own.iter().map(|space| line(space)))?;
    if !offered.is_empty() {
        output::line("\nInvitations (`hythe spaces accept NAME` or `decline NAME`):")?;
        output::lines(offered.iter().map(|space| line(space)))?;
    }
    Ok(exit)
}

fn line(space: &SpaceInfo) -> String {
    let sealed = if space.sealed { "  sealed" } else { "" };
    let asked = space.invitation.as_ref().map(|asked| {
        let since = words::moment(asked.since_ms);
        format!(
            "  invited by {} on {since}\n    safety number with them: {}",
            asked.by, asked.safety_number
        )
    });
    let ends = space
        .ends_ms
        .map(|at| format!("  deleted on {}", words::moment(at)));
    let id: String = space.id.to_string().chars().take(16).collect();
    let hint = match space.role == SpaceRole::Drop && asked.is_none() {
        true => format!(
            "  `hythe put FILE {}:/` puts files there",
            quoted(&space.name)
        ),
        false => String::new(),
    };
    format!(
        "{}  {}  {id}{sealed}{hint}{}{}{}",
        space.name,
        role(space.role),
        ends.unwrap_or_default(),
        asked.unwrap_or_default(),
        seen(space)
    )
}

/// What other devices have seen of a space. That nobody has said so is worth a line only where the
/// server is all that there is between the members.
fn seen(space: &SpaceInfo) -> String {
    if let Some(what) = &space.contradicted {
        let name = quoted(&space.name);
        return format!(
            "\n    stopped: {what}\n    `hythe spaces confirm {name}` goes on with what the server shows"
        );
    }
    match &space.confirmed {
        Some(last) => {
            let device: String = last.device.to_string().chars().take(8).collect();
            format!(
                "\n    last confirmed by device {device} of {} on {}",
                last.owner,
                words::moment(last.at_ms)
            )
        }
        None if space.sealed && space.invitation.is_none() => {
            "\n    not confirmed by another device yet".to_owned()
        }
        None => String::new(),
    }
}

/// A role as people read it.
pub fn role(role: SpaceRole) -> &'static str {
    match role {
        SpaceRole::Owner => "owner",
        SpaceRole::Editor => "editor",
        SpaceRole::Viewer => "viewer",
        SpaceRole::Drop => "drop",
    }
}
