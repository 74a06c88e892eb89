//! `hythe account`: how its owner gets in.

mod apart;
mod factors;

use std::collections::BTreeMap;

use hythe_client::enrol::{self, Asking, By, Credentials, Deed, Founder, Held, Past, Proof, Slot};
use hythe_client::home::LockedHome;
use hythe_client::keys::{DeviceKeys, KeyStore};
use hythe_client::net::Api;
use hythe_control::{Octets, Reply, Request};
use hythe_model::DeviceId;
use hythe_wire::approval::{ApprovalCode, ApprovalCodeError};
use hythe_wire::invite::{InviteUrl, server_url};
use hythe_wire::opaque::Password;
use hythe_wire::profile::{Profile, ProfilePatch};
use hythe_wire::recovery::{RecoveryCode, RecoveryError};
use serde::Serialize;

use crate::args::{Account, AccountCommand, Edit, Enter, PasswordArgs, RecoveryArgs};
use crate::commands::connect::{self, Chosen, connect_trouble, keys_trouble, now_ms};
use crate::door::{self, Use, Work};
use crate::error::{Exit, Trouble};
use crate::output::words;
use crate::{output, prompt, recovery};

/// Fewest characters of a password: what NIST SP 800-63B asks for at least.
const FEWEST: usize = 8;

/// Most characters: enough for any sentence, and bounded.
const MOST: usize = 256;

#[derive(Serialize)]
struct Printed {
    login: String,
    name: String,
    email: String,
    id: String,
    device: String,
    server: String,
    password: bool,
    recovery: bool,
    recovery_confirmed: bool,
    second_factor: bool,
    passkeys: u32,
    removal_ms: Option<i64>,
}

pub async fn run(args: Account) -> Result<Exit, Trouble> {
    match args.command {
        None => show(args.output.json).await,
        Some(AccountCommand::Register(enter)) => register(enter).await,
        Some(AccountCommand::Login(enter)) => login(enter).await,
        Some(AccountCommand::Recover(enter)) => recover(enter).await,
        Some(AccountCommand::Edit(args)) => edit(args).await,
        Some(AccountCommand::AppPassword(command)) => apart::app_passwords(command).await,
        Some(AccountCommand::Delete(args)) => apart::delete(args).await,
        Some(AccountCommand::Totp(args)) => factors::totp(args).await,
        Some(AccountCommand::Passkeys(args)) => factors::passkeys(args).await,
        Some(AccountCommand::History(output)) => history(output.json).await,
        Some(AccountCommand::Password(args)) => password(args).await,
        Some(AccountCommand::Recovery(args)) => recovery_code(args).await,
    }
}

async fn show(json: bool) -> Result<Exit, Trouble> {
    let own = Own::open()?;
    let held = own.held().await?;
    let profile = own.profile().await?;
    let account = match door::ask(Work::Answer, Request::Status).await? {
        Reply::Status(status) => status.account,
        other => return Err(door::unexpected(&other)),
    };
    let unconfirmed = own.store.unconfirmed_recovery().map_err(keys_trouble)?;
    let printed = Printed {
        login: profile.login,
        name: profile.name,
        email: profile.email,
        id: account.id.to_string(),
        device: account.device_name,
        server: own.keys.server.url.clone(),
        password: held.password,
        recovery: held.recovery,
        recovery_confirmed: held.recovery && unconfirmed.is_none(),
        second_factor: profile.second_factor,
        passkeys: profile.passkeys,
        removal_ms: profile.removal_ms,
    };
    if json {
        output::json(&printed)?;
    } else {
        output::lines(lines(&printed))?;
    }
    Ok(Exit::Done)
}

fn lines(account: &Printed) -> Vec<String> {
    let password = match account.password {
        true => "There is a password.",
        false => "There is no password: set one with `hythe account password`.",
    };
    let recovery = match (account.recovery, account.recovery_confirmed) {
        (true, true) => "There is a recovery code.",
        (true, false) => {
            "There is a recovery code that nobody has confirmed: see `hythe account recovery`."
        }
        (false, _) => "There is no recovery code: draw one with `hythe account recovery --renew`.",
    };
    let mut lines = vec![
        format!("{} on {}", account.login, account.server),
        format!("account {}", account.id),
    ];
    let said = [&account.name, &account.email];
    lines.extend(said.into_iter().filter(|text| !text.is_empty()).cloned());
    lines.push(format!("this device is \"{}\"", account.device));
    lines.push(password.into());
    let besides = match (account.second_factor, account.passkeys > 0) {
        (true, true) => Some("A login takes the code of an authenticator, or a passkey, besides."),
        (true, false) => Some("A login takes the code of an authenticator besides."),
        (false, true) => Some("A login takes a passkey besides."),
        (false, false) => None,
    };
    lines.extend(besides.map(Into::into));
    lines.push(recovery.into());
    lines.extend(account.removal_ms.map(|at| {
        let at = words::moment(at);
        format!("It is deleted on {at}: `hythe account delete --cancel` keeps it.")
    }));
    lines
}

#[derive(Serialize)]
struct PrintedHistory {
    entries: Vec<PrintedPast>,
}

#[derive(Serialize)]
struct PrintedPast {
    time_ms: i64,
    what: String,
    by: String,
}

/// Shows what happened to the account, as its log proves it.
async fn history(json: bool) -> Result<Exit, Trouble> {
    let own = Own::open()?;
    let past = enrol::account_past(&own.api, &own.keys).await;
    let past = past.map_err(change_trouble)?;
    let views = own.api.devices().await;
    let views = views.map_err(|error| change_trouble(enrol::EnrolError::Api(error)))?;
    let names = Names(views.into_iter().map(|view| (view.id, view.name)).collect());
    let entries: Vec<PrintedPast> = past.iter().map(|one| names.past(one)).collect();
    if json {
        output::json(&PrintedHistory { entries })?;
    } else {
        let line = |one: &PrintedPast| {
            let at = words::moment(one.time_ms);
            format!("{at}  {}, by {}", one.what, one.by)
        };
        output::lines(entries.iter().map(line))?;
    }
    Ok(Exit::Done)
}

/// What devices are called; those that were removed have only their id.
struct Names(BTreeMap<DeviceId, String>);

impl Names {
    fn of(&self, device: DeviceId) -> String {
        let id: String = device.to_string().chars().take(16).collect();
        match self.0.get(&device) {
            Some(name) => format!("\"{}\" ({id})", Octets(name.as_bytes().to_vec())),
            None => format!("device {id}"),
        }
    }

    fn past(&self, past: &Past) -> PrintedPast {
        let slot = |slot| match slot {
            Slot::Password => "the password",
            Slot::Recovery => "the recovery code",
        };
        PrintedPast {
            time_ms: past.time_ms,
            what: match past.deed {
                Deed::Made(device) => format!("account made with {}", self.of(device)),
                Deed::Added(device) => format!("{} came", self.of(device)),
                Deed::Removed(device) => format!("{} was cut off", self.of(device)),
                Deed::Set(which) => format!("{} was set", slot(which)),
                Deed::Cleared(which) => format!("{} was removed", slot(which)),
                Deed::Offered => "a URL for one more device was given out".into(),
            },
            by: match past.by {
                By::Device(device) => self.of(device),
                By::Keyholder(which) => slot(which).into(),
                By::Offer => "a URL".into(),
            },
        }
    }
}

/// Changes what the account is called.
async fn edit(args: Edit) -> Result<Exit, Trouble> {
    let own = Own::open()?;
    let patch = ProfilePatch {
        login: args.login,
        name: args.name,
        email: args.email,
    };
    let edited = own.api.edit_account(&patch).await;
    edited.map_err(|error| change_trouble(enrol::EnrolError::Api(error)))?;
    output::line("Changed.")?;
    Ok(Exit::Done)
}

/// Makes an account with a password.
async fn register(args: Enter) -> Result<Exit, Trouble> {
    let url = connect::url(args.url)?;
    let invite: InviteUrl = url
        .parse()
        .map_err(|error| connect_trouble(enrol::EnrolError::Url(error)))?;
    let home = own_home().await?;
    let file = args.names.recovery_file.clone();
    let names = Chosen::of(args.names);
    let store = KeyStore::open(home.keys_path()).map_err(keys_trouble)?;
    let founder = Founder {
        login: names.login.clone(),
        password: Some(new_password("Password: ")?),
        device: names.info(),
    };
    let registered = enrol::register(&store, &invite, founder, now_ms()).await;
    let keys = registered.map_err(connect_trouble)?;
    entered(&home, &keys, &names).await?;
    connect::give_recovery(&store, file.as_deref())?;
    Ok(Exit::Done)
}

/// Logs in at a server's address.
pub async fn login(args: Enter) -> Result<Exit, Trouble> {
    let url = connect::url(args.url)?;
    let home = own_home().await?;
    let names = Chosen::of(args.names);
    let keys = log_in(&home, &url, &names).await?;
    entered(&home, &keys, &names).await?;
    Ok(Exit::Done)
}

/// Enrols the device of a home with a password.
async fn log_in(home: &LockedHome, url: &str, names: &Chosen) -> Result<DeviceKeys, Trouble> {
    let url = server_url(url).map_err(|error| connect_trouble(enrol::EnrolError::Url(error)))?;
    let store = KeyStore::open(home.keys_path()).map_err(keys_trouble)?;
    let mut credentials = Credentials {
        login: names.login.clone(),
        password: Password::new(&prompt::secret(&format!("Password of {}: ", names.login))?),
        code: None,
    };
    loop {
        let entering =
            enrol::connect_with_password(&store, &url, &credentials, names.info(), now_ms());
        match entering.await {
            Err(error) => match error.second_factors() {
                Some(taken) if credentials.code.is_none() => {
                    credentials.code = factors::code(taken, factors::AT_LOGIN)?;
                }
                _ => return Err(connect_trouble(error)),
            },
            Ok(keys) => return Ok(keys),
        }
    }
}

/// Enrols this device once another one has let it in.
pub async fn ask_approval(args: Enter) -> Result<Exit, Trouble> {
    let url = connect::url(args.url)?;
    let url = server_url(&url).map_err(|error| connect_trouble(enrol::EnrolError::Url(error)))?;
    let home = own_home().await?;
    let names = Chosen::of(args.names);
    let store = KeyStore::open(home.keys_path()).map_err(keys_trouble)?;
    let asking = Asking::begin(&store, &url, names.info()).await;
    let asking = asking.map_err(connect_trouble)?;
    output::line("On another device of your account: `hythe devices approve`, and this code:")?;
    output::line(asking.code().to_string())?;
    let keys = asking
        .join(&store, now_ms())
        .await
        .map_err(connect_trouble)?;
    entered(&home, &keys, &names).await?;
    Ok(Exit::Done)
}

/// Lets a device in that shows a code.
pub async fn approve() -> Result<Exit, Trouble> {
    let own = Own::open()?;
    let typed = prompt::secret("Code that the new device shows: ")?;
    let code: ApprovalCode = typed.parse().map_err(|error: ApprovalCodeError| {
        Trouble::usage("That is no code of a new device.")
            .because(error)
            .next("`hythe connect URL --approve` shows it on the new device.")
    })?;
    let nobody = |error: enrol::EnrolError| {
        Trouble::failed("No device is waiting with this code.")
            .because(error)
            .next("A code holds for ten minutes: have the new device show a new one.")
    };
    let view = enrol::look_at_device(&own.api, &code)
        .await
        .map_err(nobody)?;
    let from = view.address.as_deref().unwrap_or("an unknown address");
    // Whoever asks chose these words: nothing in them moves the cursor.
    let shown = |text: &str| Octets(text.as_bytes().to_vec());
    let (name, platform) = (shown(&view.name), shown(&view.platform));
    let asked = words::moment(view.asked_ms);
    output::line(format!(
        "\"{name}\" ({platform}) asked from {from} at {asked}."
    ))?;
    if !prompt::yes("Let it into your account, with everything in it?")? {
        return Err(Trouble::failed("It was not let in."));
    }
    let approved = enrol::approve_device(&own.api, &own.keys, &code, now_ms()).await;
    approved.map_err(change_trouble)?;
    output::line("It is let in: it appears among `hythe devices` in a moment.")?;
    Ok(Exit::Done)
}

/// Enrols this device with the recovery code.
async fn recover(args: Enter) -> Result<Exit, Trouble> {
    let url = connect::url(args.url)?;
    let url = server_url(&url).map_err(|error| connect_trouble(enrol::EnrolError::Url(error)))?;
    let home = own_home().await?;
    let names = Chosen::of(args.names);
    let store = KeyStore::open(home.keys_path()).map_err(keys_trouble)?;
    let code = typed_code("Recovery code: ")?;
    let entering = enrol::connect_with_recovery(&store, &url, &code, names.info(), now_ms());
    let keys = entering.await.map_err(connect_trouble)?;
    entered(&home, &keys, &names).await?;
    output::line(
        "Remove the devices you lost: `hythe devices`, `hythe devices remove NAME`. A new \
         password: `hythe account password --forgotten`.",
    )?;
    Ok(Exit::Done)
}

async fn entered(home: &LockedHome, keys: &DeviceKeys, names: &Chosen) -> Result<(), Trouble> {
    connect::remember(home, keys, names).await?;
    connect::say_connected(keys, names)
}

/// Sets, changes or removes the password.
async fn password(args: PasswordArgs) -> Result<Exit, Trouble> {
    let own = Own::open()?;
    let held = own.held().await?;
    let proof = match (held.password, args.forgotten) {
        (false, _) if args.remove => {
            output::line("There is no password.")?;
            return Ok(Exit::Done);
        }
        (false, _) => Proof::Nothing,
        (true, true) => Proof::Recovery(typed_code("Recovery code: ")?),
        (true, false) => own.present_password().await?,
    };
    let new = match args.remove {
        true => None,
        false => Some(new_password("New password: ")?),
    };
    let removed = new.is_none();
    let set = enrol::set_password(&own.api, &own.keys, new, &proof, now_ms()).await;
    set.map_err(change_trouble)?;
    output::line(match removed {
        true => "The password is gone.",
        false => "The password is set. The server does not know it.",
    })?;
    if held.password {
        renew_keys().await?;
    }
    Ok(Exit::Done)
}

/// Shows, confirms or replaces the recovery code.
async fn recovery_code(args: RecoveryArgs) -> Result<Exit, Trouble> {
    let own = Own::open()?;
    if args.confirm {
        return confirm(&own).await;
    }
    if args.renew {
        return renew(&own, args).await;
    }
    match own.store.unconfirmed_recovery().map_err(keys_trouble)? {
        Some(code) => recovery::give(&code, args.recovery_file.as_deref())?,
        None => output::line(
            "The recovery code is not kept on this device. A new one, which ends the old one: \
             `hythe account recovery --renew`.",
        )?,
    }
    Ok(Exit::Done)
}

async fn confirm(own: &Own) -> Result<Exit, Trouble> {
    let code = typed_code("Recovery code: ")?;
    let is_it = enrol::is_recovery(&own.api, &own.keys, &code).await;
    if !is_it.map_err(change_trouble)? {
        return Err(
            Trouble::failed("That is not the recovery code of this account.").next(
                "`hythe account recovery` shows it where it was drawn; `--renew` draws a new one.",
            ),
        );
    }
    own.store.forget_recovery().map_err(keys_trouble)?;
    output::line("Confirmed: that is the recovery code. It is not kept on this device any more.")?;
    Ok(Exit::Done)
}

async fn renew(own: &Own, args: RecoveryArgs) -> Result<Exit, Trouble> {
    let held = own.held().await?;
    let proof = match (held.password, args.forgotten) {
        (false, _) => Proof::Nothing,
        (true, true) => Proof::Recovery(typed_code("Present recovery code: ")?),
        (true, false) => own.present_password().await?,
    };
    let renewed = enrol::renew_recovery(&own.api, &own.store, &own.keys, &proof, now_ms()).await;
    let code = renewed.map_err(change_trouble)?;
    recovery::give(&code, args.recovery_file.as_deref())?;
    if held.recovery {
        renew_keys().await?;
    }
    Ok(Exit::Done)
}

/// Has the spaces' keys follow the account's.
async fn renew_keys() -> Result<(), Trouble> {
    match door::ask(Work::Answer, Request::KeysRenew).await? {
        Reply::Removed(renewed) => match renewed.keys_pending {
            None => Ok(()),
            Some(reason) => output::line(format!(
                "The keys of your spaces are not replaced yet: {reason}. A daemon of any of your \
                 devices does it as soon as it can."
            )),
        },
        other => Err(door::unexpected(&other)),
    }
}

/// This device, whether a daemon runs or not.
struct Own {
    store: KeyStore,
    keys: DeviceKeys,
    api: Api,
}

impl Own {
    fn open() -> Result<Self, Trouble> {
        let store = KeyStore::open(door::home()?.keys_path()).map_err(keys_trouble)?;
        let keys = store.device().map_err(keys_trouble)?.ok_or_else(|| {
            Trouble::failed("This device is not connected.")
                .next("Run `hythe connect URL` first; see `hythe connect --help`.")
        })?;
        let api = Api::new(&keys.server, &keys.token)
            .map_err(|error| change_trouble(enrol::EnrolError::Api(error)))?;
        Ok(Self { store, keys, api })
    }

    async fn profile(&self) -> Result<Profile, Trouble> {
        let profile = self.api.account().await;
        profile.map_err(|error| change_trouble(enrol::EnrolError::Api(error)))
    }

    async fn held(&self) -> Result<Held, Trouble> {
        enrol::held(&self.api, &self.keys)
            .await
            .map_err(change_trouble)
    }

    /// The present password, under the name that the server knows the account by.
    async fn present_password(&self) -> Result<Proof, Trouble> {
        let profile = self.profile().await?;
        let taken = factors::of(&profile);
        factors::askable(taken, factors::AT_HOME)?;
        let password = Password::new(&prompt::secret("Present password: ")?);
        let code = factors::code(taken, factors::AT_HOME)?;
        Ok(Proof::Password(Credentials {
            login: profile.login,
            password,
            code,
        }))
    }
}

/// The home, which must have no device and no daemon.
async fn own_home() -> Result<LockedHome, Trouble> {
    match door::take(door::home()?).await? {
        Use::Ours(home) => Ok(home),
        Use::Daemon(_) => Err(connect_trouble(enrol::EnrolError::Connected)),
    }
}

/// A new password, typed twice.
fn new_password(question: &str) -> Result<Password, Trouble> {
    let password = Password::new(&prompt::secret(question)?);
    let length = password.chars();
    if !(FEWEST..=MOST).contains(&length) {
        return Err(
            Trouble::usage(format!("A password has {FEWEST} to {MOST} characters."))
                .next("Several words in a row are easier to keep in mind than signs."),
        );
    }
    let again = Password::new(&prompt::secret("Again: ")?);
    if password != again {
        return Err(Trouble::usage("The two passwords differ.").next("Try again."));
    }
    Ok(password)
}

fn typed_code(question: &str) -> Result<RecoveryCode, Trouble> {
    let typed = prompt::secret(question)?;
    typed.parse().map_err(|error: RecoveryError| {
        Trouble::usage("That is no recovery code.")
            .because(error)
            .next("It has eight groups of four characters, and two more.")
    })
}

fn change_trouble(error: enrol::EnrolError) -> Trouble {
    if error.is_wrong_password() {
        return Trouble::failed("The password is wrong.")
            .next("With the recovery code instead: `--forgotten`.");
    }
    Trouble::failed("The account was not changed.")
        .because(error)
        .next("Look whether the server runs and can be reached, and try again.")
}
