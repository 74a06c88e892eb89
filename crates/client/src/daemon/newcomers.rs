//! Devices that came to the account since its owner last looked at the list of them: each is shown on
//! all others, so that none comes in unseen.

use std::collections::BTreeSet;

use hythe_model::DeviceId;

use super::shared::Shared;
use crate::replica::ReplicaError;
use crate::state::{StateError, Tx};

/// The setting that holds the ids of the devices that were looked at, one after the other.
const SEEN: &str = "devices seen";

/// The setting that holds how many there are beside them, when the account's log was last read.
const NEW: &str = "devices new";

/// How many devices nobody has looked at, as far as the account's log was read.
pub fn count(shared: &Shared) -> u64 {
    let kept = shared.state.read(|rows| rows.setting(NEW));
    let bytes = kept.ok().flatten().and_then(|bytes| bytes.try_into().ok());
    bytes.map_or(0, u64::from_be_bytes)
}

/// Reads which devices there are, and counts those that are new.
pub async fn learn(shared: &Shared) -> Result<(), ReplicaError> {
    let accounts = &shared.common.accounts;
    accounts.refresh(shared.device.account).await?;
    Ok(tell(shared).await?)
}

/// Counts the devices that nobody has looked at. Those that are there when this one comes are known.
pub async fn tell(shared: &Shared) -> Result<(), StateError> {
    let Some(seen) = seen(shared)? else {
        return acknowledge(shared).await;
    };
    let new = active(shared).difference(&seen).count() as u64;
    if new != count(shared) {
        let write = move |tx: &Tx<'_>| tx.set_setting(NEW, &new.to_be_bytes());
        shared.state.write(write).await?;
    }
    Ok(())
}

/// Takes all devices for looked at.
pub async fn acknowledge(shared: &Shared) -> Result<(), StateError> {
    let devices = active(shared);
    if devices.is_empty() {
        return Ok(());
    }
    let ids: Vec<u8> = devices.iter().flat_map(|device| device.0).collect();
    let write = move |tx: &Tx<'_>| {
        tx.set_setting(NEW, &0u64.to_be_bytes())?;
        tx.set_setting(SEEN, &ids)
    };
    shared.state.write(write).await
}

/// The account's devices, as far as its log was read.
fn active(shared: &Shared) -> BTreeSet<DeviceId> {
    let accounts = shared.common.accounts.all();
    let own = accounts.get(shared.device.account);
    let devices = own.into_iter().flat_map(|account| account.devices());
    devices
        .filter(|(_, record)| record.removed.is_none())
        .map(|(device, _)| device)
        .collect()
}

fn seen(shared: &Shared) -> Result<Option<BTreeSet<DeviceId>>, StateError> {
    let kept = shared.state.read(|rows| rows.setting(SEEN))?;
    let ids = |bytes: Vec<u8>| {
        let (ids, _) = bytes.as_chunks::<32>();
        ids.iter().copied().map(DeviceId).collect()
    };
    Ok(kept.map(ids))
}
