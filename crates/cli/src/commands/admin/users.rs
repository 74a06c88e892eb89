//! `hythe admin users` and `hythe admin policy`.

use std::iter;

use serde::Serialize;

use hythe_server::admin::{AdminReply, AdminRequest, UserChange};
use hythe_server::files::AccountView;
use hythe_wire::server::RegistrationPolicy;

use super::{ask, roster, unexpected};
use crate::args::{Admin, InviteRole, OneUser, Policy, Registration, UserAction, Users};
use crate::error::{Exit, Trouble};
use crate::output::{self, words};

const DAY_SECONDS: u64 = 24 * 60 * 60;

#[derive(Serialize)]
struct Accounts {
    accounts: Vec<AccountView>,
}

#[derive(Serialize)]
struct Who {
    registration: RegistrationPolicy,
}

pub async fn run(args: Users) -> Result<Exit, Trouble> {
    let (user, change) = match (args.action, args.store) {
        (None, Some(store)) => {
            let output = args.output;
            return list(&Admin { store, output }, None).await;
        }
        (None, None) => {
            return Err(Trouble::usage("It is not said where the server's data is.")
                .next("Name the folder with --data."));
        }
        (Some(UserAction::Import(args)), _) => return roster::import(args).await,
        (Some(UserAction::Export(args)), _) => return roster::export(args).await,
        (Some(UserAction::Suspend(user)), _) => (user, UserChange::Suspend),
        (Some(UserAction::Resume(user)), _) => (user, UserChange::Resume),
        (Some(UserAction::Remove(remove)), _) => {
            let wait_s = u64::from(remove.after) * DAY_SECONDS;
            (remove.user, UserChange::Remove { wait_s })
        }
        (Some(UserAction::Role(role)), _) => {
            let admin = role.role == InviteRole::Admin;
            (role.user, UserChange::Role { admin })
        }
    };
    let OneUser { name, admin } = user;
    let request = AdminRequest::User {
        name: name.clone(),
        change,
    };
    let AdminReply::Done = ask(&admin, request).await? else {
        return Err(unexpected());
    };
    list(&admin, Some(&name)).await
}

/// Prints the accounts, or one of them.
async fn list(admin: &Admin, only: Option<&str>) -> Result<Exit, Trouble> {
    let AdminReply::Accounts { mut accounts } = ask(admin, AdminRequest::Accounts).await? else {
        return Err(unexpected());
    };
    if let Some(name) = only {
        accounts.retain(|view| view.login == name || view.account.to_string() == name);
    }
    if admin.output.json {
        output::json(&Accounts { accounts })?;
    } else if accounts.is_empty() {
        output::line(match only {
            Some(name) => format!("{name} was removed."),
            None => "There are no accounts: make one with `hythe admin invite`.".to_owned(),
        })?;
    } else {
        let lines = accounts.iter().flat_map(|account| {
            let to_enrol = account.to_enrol.iter().map(roster::to_enrol);
            iter::once(line(account)).chain(to_enrol)
        });
        output::lines(lines)?;
    }
    Ok(Exit::Done)
}

fn line(account: &AccountView) -> String {
    let role = if account.admin { ", admin" } else { "" };
    let used = words::size(account.used_bytes);
    let used = match account.limit_bytes {
        Some(limit) => format!("{used} of {}", words::size(limit)),
        None => used,
    };
    let standing = match (account.removal_ms, account.suspended_ms) {
        (Some(at), _) => format!(", suspended, will be removed on {}", words::moment(at)),
        (None, Some(since)) => format!(", suspended since {}", words::moment(since)),
        (None, None) => String::new(),
    };
    format!(
        "{}{role}, {}, {used}, since {}{standing}",
        account.login,
        words::count(account.devices, "device", "devices"),
        words::moment(account.created_ms),
    )
}

pub async fn policy(args: Policy) -> Result<Exit, Trouble> {
    let set = args.policy.map(|policy| match policy {
        Registration::Open => RegistrationPolicy::Open,
        Registration::Invite => RegistrationPolicy::Invite,
        Registration::Closed => RegistrationPolicy::Closed,
    });
    let reply = ask(&args.admin, AdminRequest::Policy { set }).await?;
    let AdminReply::Policy { policy } = reply else {
        return Err(unexpected());
    };
    if args.admin.output.json {
        output::json(&Who {
            registration: policy,
        })?;
    } else {
        output::line(match policy {
            RegistrationPolicy::Open => "open: everybody may create an account",
            RegistrationPolicy::Invite => "invite: whoever has an invite may create an account",
            RegistrationPolicy::Closed => "closed: nobody may create an account",
        })?;
    }
    Ok(Exit::Done)
}
