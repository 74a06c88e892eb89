//! Sync folders that are somewhere else than they were.

use std::path::{Path, PathBuf};

use hythe_control::{Failure, FailureKind, MovedHere, Octets, Reply};

use super::devices;
use super::door::Door;
use super::event::Ask;
use super::folders::{absolute, at, opened, refuse_nested, state};
use super::status::shown;
use crate::disk::{Absence, FolderId, Inspection};
use crate::state::FolderRow;

/// The user moved a folder, or wants it moved.
pub async fn relocate(door: &Door, old: &Octets, new: &Octets) -> Result<Reply, Failure> {
    let (old, new) = (absolute(old)?, absolute(new)?);
    let (number, row) = at(door, &old)?;
    let rows = door
        .shared
        .state
        .read(|rows| rows.folders())
        .map_err(state)?;
    let others = rows
        .iter()
        .map(|row| row.path.as_path())
        .filter(|path| *path != old);
    refuse_nested(&new, others)?;
    door.ask(|reply| Ask::Release(number, reply)).await?;
    let moved = move_directory(&row, &new).await;
    if moved.is_ok() {
        // Read anew: letting the folder go may have ended a period of use.
        let path = new.clone();
        let write = door.shared.state.write(move |tx| {
            let row = tx.folder(number)?.unwrap_or(row);
            tx.update_folder(number, &FolderRow { path, ..row })
        });
        write.await.map_err(state)?;
    }
    // Whether it was moved or not: the folder is looked for where it is said to be.
    let status = opened(door, number).await?;
    devices::tell_folders(&door.shared).await;
    moved.map(|()| status)
}

/// Renames the directory, unless the user has done so already. The markers tell which it is.
async fn move_directory(row: &FolderRow, new: &Path) -> Result<(), Failure> {
    let (old, new, id) = (row.path.clone(), new.to_owned(), row.id);
    let work = move || match (marked(&old, id)?, marked(&new, id)?) {
        (Some(there), Some(here)) if there != here => Err(copied(&old, &new)),
        (_, Some(_)) => Ok(()),
        (Some(_), None) => std::fs::rename(&old, &new).map_err(|error| {
            Failure::new(FailureKind::Refused, "The directory could not be moved")
                .because(error)
                .next("Move it yourself, then give the same command again.")
        }),
        (None, None) => Err(Failure::new(
            FailureKind::NotFound,
            "The sync folder is at neither place",
        )
        .next("Look where it is now, and name that place.")),
    };
    blocking(work).await
}

/// Whether a directory that is to become a sync folder is one already, which the user moved. A copy
/// of one that is still at its place is refused: two directories cannot be one folder.
pub async fn recognise<'r>(
    dir: &Path,
    rows: impl Iterator<Item = &'r FolderRow>,
) -> Result<Option<MovedHere>, Failure> {
    let known: Vec<(FolderId, PathBuf)> = rows.map(|row| (row.id, row.path.clone())).collect();
    let dir = dir.to_owned();
    let work = move || {
        let seen = Inspection::of(&dir).ok();
        let marker = seen.as_ref().and_then(|seen| seen.marker.as_ref());
        let (Some(seen), Some(marker)) = (&seen, marker) else {
            return Ok(None);
        };
        let Some((id, old)) = known.iter().find(|(id, _)| *id == marker.folder) else {
            return Ok(None);
        };
        match marked(old, *id)? {
            None => Ok(Some(MovedHere {
                old: Octets::from(old.as_path()),
                same: (marker.file_system, marker.inode) == (seen.file_system, seen.inode),
            })),
            Some(there) if there == (seen.file_system, seen.inode) => Err(Failure::new(
                FailureKind::Refused,
                format!("{} is the sync folder {}", shown(&dir), shown(old)),
            )
            .next("Use it under that name.")),
            Some(_) => Err(copied(old, &dir)),
        }
    };
    blocking(work).await
}

/// The file system and inode of the directory at a place, if it has the marker of a folder.
fn marked(path: &Path, folder: FolderId) -> Result<Option<(u64, u64)>, Failure> {
    match Inspection::of(path) {
        Ok(seen) => {
            let is_it = seen.marker.is_some_and(|marker| marker.folder == folder);
            Ok(is_it.then_some((seen.file_system, seen.inode)))
        }
        // It may be there: nothing can be said of what is elsewhere.
        Err(Absence::Unreadable) => Err(Failure::new(
            FailureKind::Refused,
            format!("{} cannot be read", shown(path)),
        )
        .next("Make it readable, then give the same command again.")),
        Err(_) => Ok(None),
    }
}

fn copied(old: &Path, copy: &Path) -> Failure {
    let (old, copy) = (shown(old), shown(copy));
    Failure::new(
        FailureKind::Refused,
        format!("{copy} is a copy of your sync folder {old}"),
    )
    .because("both have its marker, and it is still at its place")
    .next(format!(
        "To sync the copy as a folder of its own, remove {copy}/.hythe and run `hythe sync` on it; \
         to go on with the copy instead, move {old} away first."
    ))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let broke =
        |error| Failure::new(FailureKind::Internal, "Looking at the disk broke off").because(error);
    tokio::task::spawn_blocking(work).await.map_err(broke)?
}
