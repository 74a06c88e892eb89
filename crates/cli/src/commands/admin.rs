//! `hythe admin`.

mod audit;
mod quota;
mod roster;
mod users;

use serde::Serialize;

use hythe_server::ServerConfig;
use hythe_server::admin::{self, AdminError, AdminReply, AdminRequest, Quota};
use hythe_server::files::{CheckReport, Stats};

use crate::amount::Limit;
use crate::args::{self, Admin, AdminCommand, InviteRole};
use crate::commands::serve;
use crate::error::{Exit, Trouble};
use crate::output::{self, words};

/// How long an invite holds: time to send it, not to forget it.
const INVITE_SECONDS: u64 = 24 * 60 * 60;

#[derive(Serialize)]
struct Invite {
    url: String,
    expires_ms: i64,
}

pub async fn run(command: AdminCommand) -> Result<Exit, Trouble> {
    match command {
        AdminCommand::Invite(args) => invite(args).await,
        AdminCommand::Stats(args) => stats(args).await,
        AdminCommand::Check(args) => check(args).await,
        AdminCommand::Quota(args) => quota::run(args).await,
        AdminCommand::Users(args) => users::run(args).await,
        AdminCommand::Policy(args) => users::policy(args).await,
        AdminCommand::Audit(args) => audit::run(args).await,
    }
}

async fn invite(args: args::Invite) -> Result<Exit, Trouble> {
    let json = args.admin.output.json;
    let admin = args.role == InviteRole::Admin;
    let request = AdminRequest::Invite {
        lifetime_s: INVITE_SECONDS,
        admin,
        login: args.login.clone(),
        quota: args.quota.map(|Limit(limit_bytes)| Quota { limit_bytes }),
    };
    let AdminReply::Invite { url, expires_ms } = ask(&args.admin, request).await? else {
        return Err(unexpected());
    };
    if json {
        output::json(&Invite { url, expires_ms })?;
    } else {
        let until = words::moment(expires_ms);
        let login = match &args.login {
            Some(login) => format!(" --login {}", words::argument(&login.as_str().into())),
            None => String::new(),
        };
        output::line(format!(
            "Makes one account, once, until {until}: hythe connect URL{login}"
        ))?;
        output::line(url)?;
    }
    Ok(Exit::Done)
}

async fn stats(args: Admin) -> Result<Exit, Trouble> {
    let json = args.output.json;
    let AdminReply::Stats { stats } = ask(&args, AdminRequest::Stats).await? else {
        return Err(unexpected());
    };
    if json {
        output::json(&stats)?;
    } else {
        output::lines(stats_lines(&stats))?;
    }
    Ok(Exit::Done)
}

fn stats_lines(stats: &Stats) -> Vec<String> {
    vec![
        format!(
            "{}, {}",
            words::count(stats.accounts, "account", "accounts"),
            words::count(stats.spaces, "space", "spaces")
        ),
        format!(
            "{} in {}",
            words::count(stats.nodes, "node", "nodes"),
            words::count(stats.change_sets, "change set", "change sets")
        ),
        format!(
            "{} deleted that can be brought back",
            words::count(stats.deleted_nodes, "node", "nodes")
        ),
        format!(
            "{} of sealed chunks, {} of them damaged",
            words::size(stats.stored_bytes),
            stats.bad_chunks
        ),
        format!(
            "{} with {}",
            words::count(stats.packs, "pack", "packs"),
            words::size(stats.pack_bytes)
        ),
        format!(
            "{} wait for a pack",
            words::count(stats.waiting_chunks, "small chunk", "small chunks")
        ),
        format!(
            "epoch {}, started {}",
            stats.epoch,
            words::count(stats.starts, "time", "times")
        ),
    ]
}

async fn check(args: args::Check) -> Result<Exit, Trouble> {
    let args::Check {
        recount,
        admin: args,
    } = args;
    if recount {
        quota::recount(&args).await?;
    }
    let json = args.output.json;
    let AdminReply::Check { report } = ask(&args, AdminRequest::Check).await? else {
        return Err(unexpected());
    };
    if json {
        output::json(&report)?;
    } else {
        output::lines(
            report
                .findings
                .iter()
                .map(|found| format!("{}: {}", found.log, found.what)),
        )?;
        output::line(summary(&report))?;
    }
    if report.is_clean() {
        return Ok(Exit::Done);
    }
    let count = words::count(report.found, "thing is", "things are");
    let next = match report.found == report.miscounted {
        true => "`hythe admin check --recount` sets it right.",
        false => "Devices that have a damaged chunk send it again; keep this data until they have.",
    };
    Err(Trouble::failed(format!("{count} not as they should be.")).next(next))
}

fn summary(report: &CheckReport) -> String {
    format!(
        "Looked at {}, {}, {} and {}.",
        words::count(report.logs, "log", "logs"),
        words::count(report.change_sets, "change set", "change sets"),
        words::count(report.records, "record", "records"),
        words::count(report.chunks, "chunk", "chunks"),
    )
}

/// Asks the running server, or does it here when none runs.
async fn ask(args: &Admin, request: AdminRequest) -> Result<AdminReply, Trouble> {
    let reply = admin::request(&config_of(args)?, request).await;
    reply.map_err(ask_trouble)
}

/// Where the server's data is, and how it is opened.
fn config_of(args: &Admin) -> Result<ServerConfig, Trouble> {
    // Nothing listens for an administrator's request.
    let nowhere = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let config = serve::config(args.store.clone(), nowhere)?;
    if !config.data.is_dir() {
        let data = hythe_control::Octets::from(config.data.as_path());
        return Err(Trouble::failed(format!("{data} holds no server's data."))
            .next("Name the folder that `hythe serve --data` was given."));
    }
    Ok(config)
}

fn ask_trouble(error: AdminError) -> Trouble {
    let next = match &error {
        AdminError::NoAnswer { .. } => "Wait for it, or start it again.",
        AdminError::Open(_) => "See to it that the folder is the server's data, and yours.",
        AdminError::Failed(_) => "See the server's log.",
    };
    Trouble::failed("The server's data could not be asked.")
        .because(error)
        .next(next)
}

fn unexpected() -> Trouble {
    Trouble::failed("The server answered something else than was asked.")
        .next("Start it again, so that it is of the same version as this program.")
}
