//! `hythe account app-password` and `hythe account delete`.

use std::collections::BTreeMap;

use hythe_client::enrol::{self, EnrolError, Proof};
use hythe_client::net::ApiError;
use hythe_control::{Reply, Request, SpaceInfo, SpacesRequest};
use hythe_model::SpaceId;
use hythe_wire::app_password::{AppPasswordView, CreateAppPassword};
use hythe_wire::{Code, There};
use serde::Serialize;

use super::{Own, change_trouble, typed_code};
use crate::args::{self, AppPasswords, Delete};
use crate::door::{self, Work};
use crate::error::{Exit, Trouble};
use crate::output::words;
use crate::{output, prompt};

#[derive(Serialize)]
struct Created {
    login: String,
    app_password: String,
}

#[derive(Serialize)]
struct Listed {
    app_passwords: Vec<AppPasswordView>,
}

pub async fn app_passwords(command: AppPasswords) -> Result<Exit, Trouble> {
    match command {
        AppPasswords::Create(args) => create(args).await,
        AppPasswords::List(args) => list(args.json).await,
        AppPasswords::Remove { name } => {
            let own = Own::open()?;
            let removed = own.api.remove_app_password(name.clone()).await;
            removed.map_err(|error| change_trouble(EnrolError::Api(error)))?;
            output::line(format!("{name} is refused from now on."))?;
            Ok(Exit::Done)
        }
    }
}

async fn create(args: args::CreateAppPassword) -> Result<Exit, Trouble> {
    let own = Own::open()?;
    let spaces = match args.spaces.is_empty() {
        true => Vec::new(),
        false => {
            let there = spaces().await?;
            let ids = args.spaces.iter().map(|named| find(&there, named));
            ids.collect::<Result<_, _>>()?
        }
    };
    let password = enrol::draw_app_password().map_err(change_trouble)?;
    let new = CreateAppPassword {
        name: args.name.clone(),
        hash: password.hash(),
        read_only: args.read_only,
        spaces,
    };
    let created = own.api.create_app_password(&new).await;
    created.map_err(|error| change_trouble(EnrolError::Api(error)))?;
    let login = own.profile().await?.login;
    if args.output.json {
        let app_password = password.to_string();
        output::json(&Created {
            login,
            app_password,
        })?;
    } else {
        output::line(format!(
            "{} gets in as {login} with this password, shown only now:",
            args.name
        ))?;
        output::line(&password)?;
    }
    Ok(Exit::Done)
}

async fn list(json: bool) -> Result<Exit, Trouble> {
    let own = Own::open()?;
    let listed = own.api.app_passwords().await;
    let app_passwords = listed.map_err(|error| change_trouble(EnrolError::Api(error)))?;
    if json {
        output::json(&Listed { app_passwords })?;
        return Ok(Exit::Done);
    }
    let names = match app_passwords.iter().all(|one| one.spaces.is_empty()) {
        true => BTreeMap::new(),
        false => names(spaces().await?),
    };
    if app_passwords.is_empty() {
        output::line("There are no app passwords.")?;
    }
    output::lines(app_passwords.iter().map(|one| line(one, &names)))?;
    Ok(Exit::Done)
}

fn line(one: &AppPasswordView, names: &BTreeMap<SpaceId, String>) -> String {
    let may = if one.read_only {
        "reads"
    } else {
        "reads and writes"
    };
    let what = match one.spaces.is_empty() {
        true => "all open spaces".to_owned(),
        false => list_of(&one.spaces, names),
    };
    let used = match one.used_ms {
        Some(at) => format!("last used {}", words::moment(at)),
        None => "never used".to_owned(),
    };
    let made = words::moment(one.created_ms);
    let name = one.name.escape_debug();
    format!("{name}  {may} {what}  made {made}, {used}")
}

/// Has the account deleted, or keeps it.
pub async fn delete(args: Delete) -> Result<Exit, Trouble> {
    let own = Own::open()?;
    if args.cancel {
        let kept = own.api.keep_account().await;
        kept.map_err(|error| change_trouble(EnrolError::Api(error)))?;
        output::line("The account stays.")?;
        return Ok(Exit::Done);
    }
    let login = own.profile().await?.login;
    let typed = prompt::ask(&format!(
        "This deletes the account {login} and the spaces in which nobody else is. To go on, type \
         its login name: "
    ))?;
    if typed != login {
        return Err(Trouble::usage("That is not the login name.").next("Nothing was changed."));
    }
    let held = own.held().await?;
    let proof = match (held.password, args.forgotten) {
        (false, _) => Proof::Nothing,
        (true, true) => Proof::Recovery(typed_code("Recovery code: ")?),
        (true, false) => own.present_password().await?,
    };
    match enrol::delete_account(&own.api, &own.keys, &proof).await {
        Ok(at_ms) => {
            let at = words::moment(at_ms);
            output::line(format!(
                "The account is deleted on {at}. Until then everything works, and `hythe account \
                 delete --cancel` or logging in keeps it. Files on your devices stay there."
            ))?;
            Ok(Exit::Done)
        }
        Err(error) => Err(match only_owner_of(&error) {
            Some(ids) => only_owner(&ids).await,
            None => change_trouble(error),
        }),
    }
}

fn only_owner_of(error: &EnrolError) -> Option<Vec<SpaceId>> {
    let EnrolError::Api(ApiError::Refused(problem)) = error else {
        return None;
    };
    match &problem.there {
        Some(There::Spaces { ids }) if problem.code == Code::LastOwner => Some(ids.clone()),
        _ => None,
    }
}

async fn only_owner(ids: &[SpaceId]) -> Trouble {
    // Without their names they still have ids.
    let names = spaces().await.map(names).unwrap_or_default();
    let text = list_of(ids, &names);
    Trouble::failed(format!(
        "You are the only owner of {text}, where there are others."
    ))
    .cause("Without an owner nobody could change who takes part there.")
    .next(
        "Make somebody else owner (`hythe share SPACE NAME --role owner`) or send the others \
             away (`hythe members SPACE --remove NAME`), then delete the account.",
    )
}

fn list_of(ids: &[SpaceId], names: &BTreeMap<SpaceId, String>) -> String {
    let name = |id: &SpaceId| match names.get(id) {
        Some(name) => name.escape_debug().to_string(),
        None => id.to_string().chars().take(16).collect(),
    };
    ids.iter().map(name).collect::<Vec<_>>().join(", ")
}

async fn spaces() -> Result<Vec<SpaceInfo>, Trouble> {
    match door::ask(Work::Answer, Request::Spaces(SpacesRequest::List)).await? {
        Reply::Spaces(spaces) => Ok(spaces),
        other => Err(door::unexpected(&other)),
    }
}

fn names(spaces: Vec<SpaceInfo>) -> BTreeMap<SpaceId, String> {
    spaces
        .into_iter()
        .map(|space| (space.id, space.name))
        .collect()
}

fn find(spaces: &[SpaceInfo], named: &str) -> Result<SpaceId, Trouble> {
    let fits = |space: &&SpaceInfo| space.name == named || space.id.to_string() == named;
    let mut found = spaces.iter().filter(fits);
    match (found.next(), found.next()) {
        (Some(space), None) => Ok(space.id),
        (Some(_), Some(_)) => Err(Trouble::usage(format!("There are several spaces {named}."))
            .next("Name it by its id: `hythe spaces --json`.")),
        (None, _) => {
            Err(Trouble::failed(format!("There is no space {named} here."))
                .next("See `hythe spaces`."))
        }
    }
}
