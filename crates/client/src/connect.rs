//! What this device and its account are called: kept here for messages, relied on by nothing.

use crate::home::LockedHome;
use crate::state::{State, StateError, Tx};

pub(crate) const DEVICE_NAME: &str = "device name";
pub(crate) const ACCOUNT_NAME: &str = "account name";

/// Keeps the names a device was enrolled under.
///
/// # Errors
/// The database's.
pub async fn remember_names(
    home: &LockedHome,
    login: &str,
    device_name: &str,
) -> Result<(), StateError> {
    let (state, _) = State::open(&home.state_path())?;
    let names = [
        (ACCOUNT_NAME, login.to_owned()),
        (DEVICE_NAME, device_name.to_owned()),
    ];
    let write = move |tx: &Tx<'_>| {
        names
            .iter()
            .try_for_each(|(key, name)| tx.set_setting(key, name.as_bytes()))
    };
    state.write(write).await
}
