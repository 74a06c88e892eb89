//! What a device does that was removed and asked to delete its local copies.
//!
//! It believes nobody but its account: the log that holds the request has to carry on the one that
//! it knows, signed like every other entry. It deletes what the spaces have, exactly as it was
//! agreed on; what was changed since stays and is named. It is best effort: a device that never
//! reaches the server again, or that somebody changed, does nothing of this.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hythe_model::DeviceId;
use hythe_space::account::{AccountRefusal, AccountState};
use hythe_space::{ChangeSet, Operation};

use super::agreed::{ClearError, Cleared, remove_agreed, take_own};
use super::borders::let_go;
use super::jobs::Teller;
use super::open::owner;
use super::shared::Shared;
use super::status::shown;
use crate::disk::{Opened, Root};
use crate::home::Home;
use crate::leave;
use crate::net::ApiError;
use crate::replica::ReplicaError;
use crate::state::{FolderNumber, FolderRow, StateError};

/// Setting: what was done, as a person is told it.
const DONE: &str = "wiped";

/// Paths that are named; more are counted.
const NAMED: usize = 20;

/// Why a request was not followed now.
#[derive(Debug, thiserror::Error)]
pub enum FarewellError {
    /// The server did not tell.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// What it tells is not the account's word.
    #[error("the request to delete local copies does not verify: {0}")]
    Forged(&'static str),
    /// The account's log does not carry on.
    #[error("the request to delete local copies does not verify: {0}")]
    Refused(#[from] AccountRefusal),
    /// What is known of the account cannot be read.
    #[error(transparent)]
    Account(#[from] ReplicaError),
    /// The state database.
    #[error(transparent)]
    State(#[from] StateError),
    /// The work broke off; the next try goes on.
    #[error("deleting broke off")]
    BrokeOff,
}

/// After the server said that this device is removed: looks whether its account wants its copies
/// deleted, and does it, once. Returns what to tell whoever looks.
///
/// # Errors
/// See [`FarewellError`]: then nothing is deleted, or what is left is deleted at the next try.
pub async fn heed(shared: &Arc<Shared>, events: &Teller) -> Result<Option<String>, FarewellError> {
    let done = shared.state.read(|rows| rows.setting(DONE))?;
    if let Some(said) = done {
        return Ok(String::from_utf8(said).ok());
    }
    let Some(told) = shared.api.farewell().await? else {
        return Ok(None);
    };
    let log: Result<Vec<ChangeSet>, _> =
        told.log.iter().map(|one| ChangeSet::decode(one)).collect();
    let log = log.map_err(|_| FarewellError::Forged("it is no log"))?;
    let known = shared.common.accounts.get(shared.device.account).await?;
    verify(&known, &log, shared.device.device)?;
    let said = delete(shared, events).await?;
    Ok(Some(said))
}

/// Has everything go that this home knows of the account, keys and state, once the daemon has ended:
/// what is not in the space lies in the folders, never here.
///
/// # Errors
/// The file system's; then it stays.
pub async fn leave(shared: &Shared, said: &str) -> std::io::Result<()> {
    let (home, said) = (Home::clone(&shared.home), said.to_owned());
    let begun = tokio::task::spawn_blocking(move || leave::begin(&home, &said));
    begun.await.map_err(std::io::Error::other)?
}

/// Whether the account, which this device knows up to some point, removed it with this request.
fn verify(known: &AccountState, log: &[ChangeSet], device: DeviceId) -> Result<(), FarewellError> {
    let told = AccountState::replay(log)?;
    let common = known.head().cursor.min(told.head().cursor);
    if told.id() != known.id() || told.chain_at(common) != known.chain_at(common) {
        return Err(FarewellError::Forged(
            "it is another log than the account's",
        ));
    }
    let asks = |operation: &Operation| match operation {
        Operation::RemoveDevice(removed) => removed.device == device && removed.wipe.is_some(),
        _ => false,
    };
    match log.iter().any(|one| one.operations().iter().any(asks)) {
        true => Ok(()),
        false => Err(FarewellError::Forged("it asks nothing of this device")),
    }
}

/// Deletes what is in the sync folders, ends them, and keeps what there is to tell. Whatever breaks
/// it off, the next try begins anew with what is left.
async fn delete(shared: &Arc<Shared>, events: &Teller) -> Result<String, FarewellError> {
    let (mut removed, mut kept, mut ended) = (0, Vec::new(), Vec::new());
    for (number, row) in let_all_go(shared, events).await? {
        match wipe(shared, number, &row).await? {
            Some(cleared) => removed += cleared.removed,
            // It may have gone with the folder around it at an earlier try.
            None if row.within.is_some() => {}
            None => {
                kept.push(format!("{} (not at its place)", shown(&row.path)));
                continue;
            }
        }
        if row.within.is_some() {
            take_own(&row.path).await;
        }
        ended.push((number, row));
    }
    let (outermost, numbers) = ends(&ended);
    let dirs = outermost.clone();
    let staying =
        tokio::task::spawn_blocking(move || dirs.iter().flat_map(|dir| files(dir)).collect());
    let staying: Vec<PathBuf> = staying.await.map_err(|_| FarewellError::BrokeOff)?;
    kept.extend(staying.iter().map(|path| shown(path)));
    let said = sentence(removed, &kept);
    let done = said.clone();
    let write = shared.state.write(move |tx| {
        for number in numbers {
            tx.remove_folder(number)?;
        }
        tx.set_setting(DONE, done.as_bytes())
    });
    write.await?;
    for dir in outermost {
        take_own(&dir).await;
    }
    Ok(said)
}

/// The folders that no other is around, and the numbers of all.
fn ends(rows: &[(FolderNumber, FolderRow)]) -> (Vec<PathBuf>, Vec<FolderNumber>) {
    let outermost = rows.iter().filter(|(_, row)| row.within.is_none());
    let dirs = outermost.map(|(_, row)| row.path.clone()).collect();
    (dirs, rows.iter().map(|(number, _)| *number).collect())
}

/// Waits until nothing runs on any folder. Returns them, those inside others before these.
async fn let_all_go(
    shared: &Shared,
    events: &Teller,
) -> Result<Vec<(FolderNumber, FolderRow)>, StateError> {
    let mut gone = BTreeSet::new();
    loop {
        let mut rows = shared.state.read(|rows| rows.numbered_folders())?;
        let next = rows.iter().find(|(number, _)| !gone.contains(number));
        let Some((number, _)) = next else {
            rows.sort_by_key(|(_, row)| Reverse(row.path.components().count()));
            return Ok(rows);
        };
        let_go(events, *number).await;
        gone.insert(*number);
    }
}

/// One folder; none where it is not at its place, or not known to be what was agreed on.
async fn wipe(
    shared: &Arc<Shared>,
    number: FolderNumber,
    row: &FolderRow,
) -> Result<Option<Cleared>, FarewellError> {
    let (state, device, row) = (Arc::clone(&shared.state), shared.device.device, row.clone());
    let work = move || -> Result<Option<Cleared>, ClearError> {
        let Opened::Ready(root) = Root::open(&row.path, &owner(device, &row))? else {
            return Ok(None);
        };
        let cleared = remove_agreed(&state, number, row.root, &root)?;
        // What was fetched in part is a copy too.
        root.known_parts()
            .into_iter()
            .for_each(|part| root.drop_part(part));
        Ok(Some(cleared))
    };
    let cleared = tokio::task::spawn_blocking(work).await;
    let cleared = cleared.map_err(|_| FarewellError::BrokeOff)?;
    Ok(cleared.unwrap_or_else(|error| {
        tracing::warn!(%error, "a sync folder was not emptied");
        None
    }))
}

/// Everything but directories below a directory; of Hythe's own, what is kept there for a writer.
fn files(dir: &Path) -> Vec<PathBuf> {
    let (mut open, mut found) = (vec![dir.to_owned()], Vec::new());
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
            match is_directory {
                true if entry.file_name() == ".hythe" => open.push(entry.path().join("out")),
                true => open.push(entry.path()),
                false => found.push(entry.path()),
            }
        }
    }
    found.sort();
    found
}

fn sentence(removed: u64, kept: &[String]) -> String {
    let files = match removed {
        1 => "1 file was",
        _ => &format!("{removed} files were"),
    };
    let text = format!("its account asked for the files here to be deleted, and {files}");
    if kept.is_empty() {
        return text;
    }
    let named: Vec<&str> = kept.iter().take(NAMED).map(String::as_str).collect();
    let more = match kept.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "{text}; not deleted, since the server does not have it like that: {}{more}",
        named.join(", ")
    )
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a test fails by panicking"
    )]

    use hythe_space::Entropy;
    use hythe_space::account::AccountKeys;
    use hythe_space::flow::{
        add_device_offer, create_account, enrol_with_offer, remove_device, wipe_device,
    };

    use super::*;

    /// An account with a second device, its log, and what removes that.
    fn scene(wipe: bool) -> (AccountState, Vec<ChangeSet>, DeviceId) {
        let mut entropy = Entropy::from_seed(&[4; 32]);
        let made = create_account(1, &mut entropy).unwrap();
        let (mut state, mut log) = (made.state, made.log);
        let moment = hythe_space::Moment::Replaying;
        let mut add = |state: &mut AccountState, one: ChangeSet| {
            state.append(moment, &one).unwrap();
            log.push(one);
        };
        let offer = add_device_offer(&state, &made.key, &made.keys, 2, &mut entropy).unwrap();
        add(&mut state, offer.change_set);
        let second = enrol_with_offer(&state, &offer.secret, 3, &mut entropy).unwrap();
        let device = second.key.device_id();
        add(&mut state, second.change_set);
        let known = state.clone();
        let keys: &AccountKeys = &made.keys;
        let removal = match wipe {
            true => wipe_device(&state, &made.key, keys, device, 4, &mut entropy),
            false => remove_device(&state, &made.key, keys, device, 4, &mut entropy),
        };
        add(&mut state, removal.unwrap());
        (known, log, device)
    }

    #[test]
    fn only_the_accounts_own_word_deletes() {
        let (known, log, device) = scene(true);
        verify(&known, &log, device).unwrap();
        // The log may have been read to its end before.
        verify(&AccountState::replay(&log).unwrap(), &log, device).unwrap();
        // Of another device, without the removal, without the request, of another account.
        assert!(verify(&known, &log, DeviceId([7; 32])).is_err());
        assert!(verify(&known, &log[..log.len() - 1], device).is_err());
        let (known, plain, device) = scene(false);
        assert!(verify(&known, &plain, device).is_err());
        let other = create_account(9, &mut Entropy::from_seed(&[5; 32])).unwrap();
        assert!(verify(&other.state, &log, device).is_err());
        // A request that somebody else signed does not carry the log on.
        let mut forged = plain;
        forged.pop();
        forged.push(log.last().unwrap().clone());
        let changed = forged.last().unwrap().encoded().to_vec();
        for at in [40, changed.len() / 2, changed.len() - 1] {
            let mut bytes = changed.clone();
            bytes[at] ^= 1;
            if let Ok(one) = ChangeSet::decode(&bytes) {
                *forged.last_mut().unwrap() = one;
                assert!(verify(&known, &forged, device).is_err(), "byte {at}");
            }
        }
    }
}
