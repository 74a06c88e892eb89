//! Enrolling this device: the one thing that is done before there is a daemon.

use hythe_wire::account::DeviceInfo;

use crate::daemon::now_ms;
use crate::enrol::{self, EnrolError};
use crate::home::LockedHome;
use crate::keys::KeyStore;
use crate::state::{State, StateError};

/// Settings that say what things are called; only shown, never relied on.
pub(crate) const DEVICE_NAME: &str = "device name";
pub(crate) const ACCOUNT_NAME: &str = "account name";

/// A device that was enrolled.
#[derive(Debug, Clone)]
pub struct Connected {
    /// What the account is called on this device.
    pub account: String,
    /// What the device is called.
    pub device: String,
    /// Where the server is.
    pub server: String,
}

/// Why a device was not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The server, the URL or the keys.
    #[error(transparent)]
    Enrol(#[from] EnrolError),
    /// The state database.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Enrols this device with a URL. `login` is the account's name where one is made.
///
/// # Errors
/// See [`ConnectError`]. May be repeated with the same URL until it works.
pub async fn connect(
    home: &LockedHome,
    url: &str,
    login: &str,
    device_name: &str,
) -> Result<Connected, ConnectError> {
    let store = KeyStore::open(home.keys_path()).map_err(EnrolError::from)?;
    let info = DeviceInfo {
        name: device_name.to_owned(),
        platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let keys = enrol::connect(&store, url, info, login, now_ms()).await?;
    let (state, _) = State::open(&home.state_path())?;
    let (account, device) = (login.to_owned(), device_name.to_owned());
    let names = [(ACCOUNT_NAME, account.clone()), (DEVICE_NAME, device.clone())];
    let write = move |tx: &crate::state::Tx<'_>| {
        names.iter().try_for_each(|(key, name)| tx.set_setting(key, name.as_bytes()))
    };
    state.write::<_, StateError>(write).await?;
    Ok(Connected { account, device, server: keys.server.url.clone() })
}

/// Whether a home belongs to an enrolled device.
///
/// # Errors
/// When its keys cannot be read.
pub fn is_connected(home: &crate::home::Home) -> Result<bool, EnrolError> {
    Ok(KeyStore::open(home.keys_path())?.device()?.is_some())
}
