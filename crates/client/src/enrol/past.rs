//! What happened to an account: its own log, verified from the beginning.

use hythe_model::DeviceId;
use hythe_space::account::AccountState;
use hythe_space::account::operation::Slot;
use hythe_space::{ChangeSet, Moment, Operation};

use super::{EnrolError, LogFault, read_log};
use crate::keys::DeviceKeys;
use crate::net::Api;

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A device of the account.
    Device(DeviceId),
    /// Somebody with the password or the recovery code.
    Keyholder(Slot),
    /// Somebody with the URL that a device gave out.
    Offer,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// The account was made, with this device.
    Made(DeviceId),
    /// A device came.
    Added(DeviceId),
    /// A device was cut off.
    Removed(DeviceId),
    /// A password or recovery code was set, or replaced.
    Set(Slot),
    /// A password or recovery code was removed.
    Cleared(Slot),
    /// A URL for one more device was given out.
    Offered,
}

/// One thing that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// When, by the clock of who did it, in milliseconds since 1970.
    pub time_ms: i64,
    /// Who did it.
    pub by: By,
    /// What was done.
    pub deed: Deed,
}

/// Everything that happened to this device's account, oldest first. The server cannot leave anything
/// out of the middle or add to it; what it holds back at the end shows when it is shown.
///
/// # Errors
/// See [`EnrolError`].
pub async fn account_past(api: &Api, keys: &DeviceKeys) -> Result<Vec<Past>, EnrolError> {
    let log = read_log(api, keys.account, hythe_model::Cursor::START).await?;
    past_of(keys, &log).map_err(EnrolError::Log)
}

fn past_of(keys: &DeviceKeys, log: &[ChangeSet]) -> Result<Vec<Past>, LogFault> {
    let (genesis, rest) = log.split_first().ok_or(LogFault::Other)?;
    let mut state = AccountState::start(genesis)?;
    if state.id() != keys.account {
        return Err(LogFault::Other);
    }
    let mut past = deeds(genesis, By::Device(genesis.header().author));
    for change_set in rest {
        // Whoever signed: by what the log said before.
        let by = author(&state, change_set.header().author);
        state.append(Moment::Replaying, change_set)?;
        past.extend(deeds(change_set, by));
    }
    Ok(past)
}

fn author(state: &AccountState, author: DeviceId) -> By {
    match (state.device(author), state.keyholder_of(author)) {
        (Some(_), _) => By::Device(author),
        (None, Some((slot, _))) => By::Keyholder(slot),
        (None, None) => By::Offer,
    }
}

fn deeds(change_set: &ChangeSet, by: By) -> Vec<Past> {
    let time_ms = change_set.header().time_ms;
    let deed = |operation: &Operation| match operation {
        Operation::AccountGenesis(genesis) => Some(Deed::Made(genesis.device.id())),
        Operation::AddDevice(add) => Some(Deed::Added(add.device.id())),
        Operation::RemoveDevice(remove) => Some(Deed::Removed(remove.device)),
        Operation::SetKeyholder(set) if set.holder.is_some() => Some(Deed::Set(set.slot)),
        Operation::SetKeyholder(set) => Some(Deed::Cleared(set.slot)),
        Operation::AuthoriseOneTime(_) => Some(Deed::Offered),
        _ => None,
    };
    let done = change_set.operations().iter().filter_map(deed);
    done.map(|deed| Past { time_ms, by, deed }).collect()
}
