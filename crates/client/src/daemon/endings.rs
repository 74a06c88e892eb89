//! Spaces that ended: their sync folders become ordinary ones, with all that is in them.

use std::path::{Path, PathBuf};

use hythe_control::{EndedFolder, EndingSpace, Octets};
use minicbor::{Decode, Encode};
use tokio::sync::oneshot;

use super::event::{Ask, Event};
use super::jobs::Teller;
use super::shared::{Shared, Space, now_ms};
use super::{devices, folders};
use crate::state::{FolderNumber, FolderRow, Rows, StateError, Tx};

/// The setting that holds the folders of spaces that ended.
const KEY: &str = "ended-folders";

/// How many are remembered, the latest.
const REMEMBERED: usize = 20;

/// A folder of a space that ended.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct Kept {
    #[cbor(n(0), with = "minicbor::bytes")]
    path: Vec<u8>,
    #[n(1)]
    space: String,
    #[n(2)]
    ended_ms: i64,
}

/// Lets go of the spaces that ended: nothing on the disk changes.
///
/// # Errors
/// The state's. What was not let go of is at the next look.
pub async fn let_go(shared: &Shared, events: &Teller) -> Result<(), StateError> {
    let mut any = false;
    for space in shared.spaces() {
        if space.has_ended() {
            any = true;
            let_go_of(shared, events, &space).await?;
        }
    }
    if any {
        devices::tell_folders(shared).await;
    }
    Ok(())
}

async fn let_go_of(shared: &Shared, events: &Teller, space: &Space) -> Result<(), StateError> {
    let rows = shared.state.read(|rows| rows.numbered_folders())?;
    let name = space.name();
    for (number, row) in rows {
        if row.space == space.number && released(events, number).await {
            unlink(shared, number, row, name.clone()).await?;
        }
    }
    shared.forget_space(space.number).await
}

/// Whether nothing runs on a folder any more; not where the loop has ended.
async fn released(events: &Teller, number: FolderNumber) -> bool {
    let (reply, done) = oneshot::channel();
    let asked = events.send(Event::Ask(Ask::Release(number, reply)));
    asked.is_ok() && done.await.is_ok()
}

async fn unlink(
    shared: &Shared,
    number: FolderNumber,
    row: FolderRow,
    space: String,
) -> Result<(), StateError> {
    tracing::info!(folder = %row.path.display(), "its space ended: an ordinary folder now");
    let kept = Kept {
        path: Octets::from(row.path.as_path()).0,
        space,
        ended_ms: now_ms(),
    };
    let write = move |tx: &Tx<'_>| {
        tx.remove_folder(number)?;
        let mut all = read(tx)?;
        all.retain(|other| other.path != kept.path);
        all.insert(0, kept);
        all.truncate(REMEMBERED);
        put(tx, all)
    };
    shared.state.write(write).await?;
    folders::take_marker(row).await;
    Ok(())
}

/// Spaces that an owner wants to end.
pub fn coming(shared: &Shared) -> Vec<EndingSpace> {
    let ending = |space: &std::sync::Arc<Space>| {
        Some(EndingSpace {
            space: space.name(),
            ends_ms: space.replica.standing()?.ends_ms?,
        })
    };
    shared.living_spaces().iter().filter_map(ending).collect()
}

/// Folders of spaces that ended.
pub fn past(shared: &Shared) -> Vec<EndedFolder> {
    let kept = shared.state.read(read).unwrap_or_default();
    let shown = |kept: Kept| EndedFolder {
        dir: Octets(kept.path),
        space: kept.space,
        ended_ms: kept.ended_ms,
    };
    kept.into_iter().map(shown).collect()
}

/// Speaks of a folder no more; false where it is none of a space that ended.
///
/// # Errors
/// The state's.
pub async fn acknowledge(shared: &Shared, dir: &Path) -> Result<bool, StateError> {
    let dir = Octets::from(PathBuf::from(dir).as_path()).0;
    let write = move |tx: &Tx<'_>| {
        let mut all = read(tx)?;
        let before = all.len();
        all.retain(|kept| kept.path != dir);
        let known = all.len() < before;
        if known {
            put(tx, all)?;
        }
        Ok(known)
    };
    shared.state.write(write).await
}

fn read(rows: &Rows<'_>) -> Result<Vec<Kept>, StateError> {
    let kept = rows.setting(KEY)?;
    // Only shown: what cannot be read is not.
    Ok(kept
        .and_then(|bytes| minicbor::decode(&bytes).ok())
        .unwrap_or_default())
}

fn put(tx: &Tx<'_>, all: Vec<Kept>) -> Result<(), StateError> {
    let bytes = minicbor::to_vec(all).map_err(std::io::Error::other)?;
    tx.set_setting(KEY, &bytes)
}
