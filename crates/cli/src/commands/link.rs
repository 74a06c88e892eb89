//! `hythe link`.

use serde::Serialize;

use hythe_client::link::{NewLink, NewLinkError};
use hythe_control::{
    LinkAction, LinkFor, LinkInfo, LinkMade, LinkState, LinksRequest, Octets, Reply, Request,
};
use hythe_wire::opaque::Password;

use crate::args::{CreateLink, Link, LinkCommand, ListLinks, RevokeLink};
use crate::door::{self, Work};
use crate::error::{Exit, Trouble};
use crate::output::{self, words};
use crate::{prompt, resolve};

#[derive(Serialize)]
struct Printed {
    links: Vec<LinkInfo>,
}

pub async fn run(args: Link) -> Result<Exit, Trouble> {
    match args.command {
        LinkCommand::Create(args) => create(args).await,
        LinkCommand::List(args) => list(args).await,
        LinkCommand::Revoke(args) => revoke(args).await,
    }
}

async fn create(args: CreateLink) -> Result<Exit, Trouble> {
    let place = resolve::remote(&args.path)?;
    let password = args.protect.then(chosen_password).transpose()?;
    let link = NewLink::draw(password).map_err(not_drawn)?;
    let mut terms = link.terms().map_err(not_drawn)?;
    terms.kind = match (args.view, args.upload) {
        (true, _) => LinkFor::View,
        (_, true) => LinkFor::Upload,
        _ => LinkFor::Download,
    };
    terms.days = args.days;
    terms.downloads = args.downloads;
    let request = LinksRequest::Create { place, terms };
    let made = match door::ask(Work::Answer, Request::Links(request)).await? {
        Reply::Link(made) => made,
        other => return Err(door::unexpected(&other)),
    };
    output::line(address(&link, &made)?)?;
    Ok(Exit::Done)
}

/// A password, typed twice.
fn chosen_password() -> Result<Password, Trouble> {
    let first = prompt::secret("Password of the link: ")?;
    let again = prompt::secret("Again: ")?;
    if first.is_empty() {
        return Err(Trouble::usage("The password is empty."));
    }
    if first != again {
        return Err(Trouble::usage("The two passwords differ."));
    }
    Ok(Password::new(&first))
}

fn not_drawn(error: NewLinkError) -> Trouble {
    Trouble::failed("No link can be made.").because(error)
}

/// The address, which only this process can put together.
fn address(link: &NewLink, made: &LinkMade) -> Result<String, Trouble> {
    let unusable = || Trouble::failed("The daemon told an address that is none.");
    let server = made.server.parse().map_err(|_| unusable())?;
    let identity = made.identity.parse().map_err(|_| unusable())?;
    let url = link.url(server, identity, made.maker);
    Ok(url.to_string())
}

async fn list(args: ListLinks) -> Result<Exit, Trouble> {
    let request = LinksRequest::List {
        place: resolve::remote(&args.path)?,
        uses: args.uses,
    };
    let links = match door::ask(Work::Answer, Request::Links(request)).await? {
        Reply::Links(links) => links,
        other => return Err(door::unexpected(&other)),
    };
    if args.output.json {
        output::json(&Printed { links })?;
    } else {
        output::lines(links.iter().map(line))?;
    }
    Ok(Exit::Done)
}

fn line(link: &LinkInfo) -> String {
    let state = match link.state {
        LinkState::Open => "open",
        LinkState::Expired => "expired",
        LinkState::UsedUp => "used up",
        LinkState::Revoked => "revoked",
    };
    let id = link.link.to_string();
    let mut told = vec![
        id.get(..8).unwrap_or(&id).to_owned(),
        link.place.as_ref().map_or_else(gone, Octets::to_string),
        state.to_owned(),
        match link.kind {
            LinkFor::View => "view",
            LinkFor::Download => "download",
            LinkFor::Upload => "upload",
        }
        .to_owned(),
        format!("by {}", link.by),
        opened(link),
    ];
    let ends = link
        .expires_ms
        .map(|at| format!("ends {}", words::moment(at)));
    told.extend(ends);
    let waiting = (link.waiting > 0).then(|| format!("{} waiting", link.waiting));
    let refused = (link.refused > 0).then(|| format!("{} refused", link.refused));
    told.extend(waiting.into_iter().chain(refused));
    told.extend(link.password.then(|| "with password".to_owned()));
    let uses = link.uses.iter().map(|used| {
        let file = used.file.as_ref().map(Octets::to_string);
        let file = file.unwrap_or_default();
        let what = match used.action {
            LinkAction::Looked => "looked".to_owned(),
            LinkAction::Opened => format!("opened {file}"),
            LinkAction::Put => format!("put {file}"),
        };
        format!(
            "\n    {}  {what}  from {}",
            words::moment(used.at_ms),
            used.network
        )
    });
    told.join("  ") + &uses.collect::<String>()
}

fn gone() -> String {
    "(not there any more)".to_owned()
}

fn opened(link: &LinkInfo) -> String {
    let done = match link.kind {
        LinkFor::Upload => "taken",
        LinkFor::View | LinkFor::Download => "opened",
    };
    match link.limit {
        Some(limit) => format!("{done} {} of {limit}", link.downloads),
        None => format!("{done} {}", link.downloads),
    }
}

async fn revoke(args: RevokeLink) -> Result<Exit, Trouble> {
    let request = LinksRequest::Revoke {
        place: resolve::remote(&args.path)?,
        link: args.link,
    };
    match door::ask(Work::Answer, Request::Links(request)).await? {
        Reply::Count(count) => {
            let links = words::count(count, "link", "links");
            output::line(format!("Ended {links}."))?;
            Ok(Exit::Done)
        }
        other => Err(door::unexpected(&other)),
    }
}
