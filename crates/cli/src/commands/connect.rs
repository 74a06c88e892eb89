//! `hythe connect`.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use hythe_client::enrol::{self, EnrolError};
use hythe_client::home::LockedHome;
use hythe_client::keys::{DeviceKeys, KeyFileError, KeyStore};
use hythe_client::net::{Api, ApiError};
use hythe_wire::account::DeviceInfo;

use crate::args::{Connect, Enter, Names};
use crate::commands::account;
use crate::door::{self, Use};
use crate::error::{Exit, Trouble};
use crate::{identity, output, prompt, recovery};

pub async fn run(args: Connect) -> Result<Exit, Trouble> {
    let url = url(args.url)?;
    // Without a fragment it is a server's address: whoever has no URL has a password.
    if !url.contains('#') {
        let names = args.names;
        if args.approve {
            return account::ask_approval(Enter { url, names }).await;
        }
        return account::login(Enter { url, names }).await;
    }
    let home = match door::take(door::home()?).await? {
        Use::Ours(home) => home,
        Use::Daemon(_) => return Err(connect_trouble(EnrolError::Connected)),
    };
    let file = args.names.recovery_file.clone();
    let names = Chosen::of(args.names);
    let keys = enrol(&home, &url, &names).await?;
    say_connected(&keys, &names)?;
    let store = KeyStore::open(home.keys_path()).map_err(keys_trouble)?;
    give_recovery(&store, file.as_deref())?;
    Ok(Exit::Done)
}

/// A URL that was given, or is read from standard input.
pub fn url(given: String) -> Result<String, Trouble> {
    match given.as_str() {
        "-" => prompt::line(),
        _ => Ok(given),
    }
}

/// Says who this device is now, and what comes next.
pub fn say_connected(keys: &DeviceKeys, names: &Chosen) -> Result<(), Trouble> {
    output::line(format!(
        "This device is \"{}\" now, on {}.",
        names.device, keys.server.url
    ))?;
    output::line("Next: `hythe sync DIR`, then `hythe daemon start`.")
}

/// Gives the recovery code of an account that was made just now.
pub fn give_recovery(store: &KeyStore, file: Option<&Path>) -> Result<(), Trouble> {
    match store.unconfirmed_recovery().map_err(keys_trouble)? {
        Some(code) => recovery::give(&code, file),
        None => Ok(()),
    }
}

/// Names as they will be used.
pub struct Chosen {
    /// The login name.
    pub login: String,
    /// The name of this device.
    pub device: String,
}

impl Chosen {
    /// Fills in what was not given.
    pub fn of(names: Names) -> Self {
        Self {
            login: names.login.unwrap_or_else(identity::login),
            device: names.device_name.unwrap_or_else(identity::device_name),
        }
    }

    /// What this device tells about itself.
    pub fn info(&self) -> DeviceInfo {
        DeviceInfo {
            name: self.device.clone(),
            platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// Enrols the device of a home.
pub async fn enrol(home: &LockedHome, url: &str, names: &Chosen) -> Result<DeviceKeys, Trouble> {
    let store = KeyStore::open(home.keys_path()).map_err(keys_trouble)?;
    let enrolled = enrol::connect(&store, url, names.info(), &names.login, now_ms()).await;
    let keys = enrolled.map_err(connect_trouble)?;
    remember(home, &keys, names).await?;
    Ok(keys)
}

/// Keeps the names under which a device was enrolled: the account's as the server says it, for a URL
/// or a recovery code does not tell it.
pub async fn remember(home: &LockedHome, keys: &DeviceKeys, names: &Chosen) -> Result<(), Trouble> {
    let told = match Api::new(&keys.server, &keys.token) {
        Ok(api) => api.account().await.ok(),
        Err(_) => None,
    };
    let login = told.map_or_else(|| names.login.clone(), |profile| profile.login);
    hythe_client::connect::remember_names(home, &login, &names.device)
        .await
        .map_err(|error| Trouble::failed("Hythe's state could not be written.").because(error))
}

/// This machine's clock, in milliseconds since 1970.
pub fn now_ms() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

/// Keys that cannot be kept.
pub fn keys_trouble(error: KeyFileError) -> Trouble {
    Trouble::failed("This device's keys cannot be read or kept.")
        .because(error)
        .next("See to it that Hythe's home can be written.")
}

/// An enrolment that did not work.
pub fn connect_trouble(error: EnrolError) -> Trouble {
    if error.is_wrong_password() {
        return Trouble::failed("The name or the password is wrong.").next(
            "Or this is another server than the one where it was set. `hythe account recover URL` \
             takes the recovery code instead.",
        );
    }
    let next = match &error {
        EnrolError::Connected => {
            return Trouble::failed("This device is connected already.")
                .next("Set HYTHE_HOME to another directory to have another device here.");
        }
        EnrolError::Url(_) => {
            return Trouble::usage("That is no URL to connect with.").because(error).next(
                "Get one with `hythe devices add` on another device, or `hythe admin invite` on \
                 the server, and quote it.",
            );
        }
        EnrolError::Api(ApiError::Offline(_)) => {
            "Check the address, and that the server runs; then try again with the same URL."
        }
        EnrolError::Api(ApiError::WrongServer(_)) => {
            "Do not trust this address. Ask whoever gave you the URL for a new one."
        }
        EnrolError::Api(ApiError::Unauthorised(_)) => {
            "A URL works once and not for long: ask for a new one."
        }
        EnrolError::Keys(_) => "See to it that Hythe's home can be written.",
        _ => "Try again with the same URL; if that does not help, ask for a new one.",
    };
    Trouble::failed("This device could not be enrolled.")
        .because(error)
        .next(next)
}
