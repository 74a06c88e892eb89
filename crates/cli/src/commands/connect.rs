//! `hythe connect`.

use std::time::{SystemTime, UNIX_EPOCH};

use hythe_client::enrol::{self, EnrolError};
use hythe_client::home::LockedHome;
use hythe_client::keys::{DeviceKeys, KeyFileError, KeyStore};
use hythe_client::net::ApiError;
use hythe_wire::account::DeviceInfo;

use crate::args::{Connect, Names};
use crate::door::{self, Use};
use crate::error::{Exit, Trouble};
use crate::{identity, output, prompt};

pub async fn run(args: Connect) -> Result<Exit, Trouble> {
    let url = if args.url == "-" {
        prompt::line()?
    } else {
        args.url
    };
    let home = match door::take(door::home()?).await? {
        Use::Ours(home) => home,
        Use::Daemon(_) => return Err(connect_trouble(EnrolError::Connected)),
    };
    let names = Chosen::of(args.names);
    let keys = enrol(&home, &url, &names).await?;
    output::line(format!(
        "This device is \"{}\" now, on {}.",
        names.device, keys.server.url
    ))?;
    output::line("Next: `hythe sync DIR`, then `hythe daemon start`.")?;
    Ok(Exit::Done)
}

/// Names as they will be used.
pub struct Chosen {
    login: String,
    device: String,
}

impl Chosen {
    /// Fills in what was not given.
    pub fn of(names: Names) -> Self {
        Self {
            login: names.login.unwrap_or_else(identity::login),
            device: names.device_name.unwrap_or_else(identity::device_name),
        }
    }
}

/// Enrols the device of a home.
pub async fn enrol(home: &LockedHome, url: &str, names: &Chosen) -> Result<DeviceKeys, Trouble> {
    let store = KeyStore::open(home.keys_path()).map_err(keys_trouble)?;
    let device = DeviceInfo {
        name: names.device.clone(),
        platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let enrolled = enrol::connect(&store, url, device, &names.login, now_ms()).await;
    let keys = enrolled.map_err(connect_trouble)?;
    hythe_client::connect::remember_names(home, &names.login, &names.device)
        .await
        .map_err(|error| Trouble::failed("Hythe's state could not be written.").because(error))?;
    Ok(keys)
}

fn now_ms() -> i64 {
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

fn connect_trouble(error: EnrolError) -> Trouble {
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
