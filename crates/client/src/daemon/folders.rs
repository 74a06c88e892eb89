//! Sync folders come, go and move.

use std::path::{Path, PathBuf};

use hythe_control::{Failure, FailureKind, Octets, Place, Reply};
use hythe_model::NodeId;

use super::door::Door;
use super::event::Ask;
use super::relocate;
use super::shared::Shared;
use super::{borders, devices, endings};
use crate::direct;
use crate::disk::{Absence, FolderId, Generation, Inspection, Marker, OpenError, Root};
use crate::state::{FolderNumber, FolderRow, SpaceNumber, StateError};

/// Makes a directory a sync folder.
pub async fn add(door: &Door, dir: &Octets, place: &Place) -> Result<Reply, Failure> {
    let asked = absolute(dir)?;
    let dir = asked.clone();
    let rows = door
        .shared
        .state
        .read(|rows| rows.numbered_folders())
        .map_err(state)?;
    if let Some((number, row)) = rows.iter().find(|(_, row)| row.path == dir) {
        tracing::debug!(folder = %row.path.display(), "is a sync folder already");
        return opened(door, *number).await;
    }
    if let Some(moved) = relocate::recognise(&dir, rows.iter().map(|(_, row)| row)).await? {
        return Ok(Reply::Moved(moved));
    }
    refuse_nested(&dir, rows.iter().map(|(_, row)| row.path.as_path()))?;
    let (space, node) = direct::directory(door, place).await?;
    let row = FolderRow {
        id: FolderId(random()?),
        space,
        root: node,
        path: dir.clone(),
        paused: false,
        generation: None,
        next_generation: None,
        within: None,
    };
    let row = prepare(&door.shared, row, space, node).await?;
    let added = row.clone();
    let number = door
        .shared
        .state
        .write(move |tx| tx.add_folder(&added))
        .await
        .map_err(state)?;
    devices::tell_folders(&door.shared).await;
    endings::acknowledge(&door.shared, &asked)
        .await
        .map_err(state)?;
    opened(door, number).await
}

/// Ends syncing of a folder; its files stay.
pub async fn remove(door: &Door, dir: &Octets) -> Result<Reply, Failure> {
    let dir = absolute(dir)?;
    if endings::acknowledge(&door.shared, &dir)
        .await
        .map_err(state)?
    {
        return Ok(Reply::Done);
    }
    let (number, row) = at(door, &dir)?;
    if row.within.is_some() {
        let message = format!(
            "{} is a part of the sync folder around it",
            row.path.display()
        );
        return Err(Failure::new(FailureKind::Refused, message)
            .next("`hythe spaces detach PATH` takes the space out of there."));
    }
    borders::release_within(&door.shared, &door.events, number)
        .await
        .map_err(state)?;
    door.ask(|reply| Ask::Release(number, reply)).await?;
    door.shared
        .state
        .write(move |tx| tx.remove_folder(number))
        .await
        .map_err(state)?;
    take_marker(row).await;
    devices::tell_folders(&door.shared).await;
    Ok(Reply::Done)
}

/// Takes Hythe's own marker out of a folder, if it is that folder still: anything else at its
/// place is none of ours.
pub async fn take_marker(row: FolderRow) {
    let taking = tokio::task::spawn_blocking(move || {
        let seen = Inspection::of(&row.path).ok().and_then(|seen| seen.marker);
        if seen.is_some_and(|marker| marker.folder == row.id) {
            // What was kept in `.hythe/out` for a writer stays; the rest is of no more use.
            return std::fs::remove_file(row.path.join(".hythe/marker"));
        }
        Ok(())
    });
    if let Ok(Err(error)) = taking.await {
        tracing::warn!("the marker of the folder stays: {error}");
    }
}

/// Opens a folder that was put into the state database, and says how it stands.
pub async fn opened(door: &Door, number: FolderNumber) -> Result<Reply, Failure> {
    let gone = || Failure::new(FailureKind::NotFound, "The sync folder is gone again");
    let status = door.ask(|reply| Ask::Added(number, reply)).await?;
    status.map(Reply::Folder).ok_or_else(gone)
}

/// The folder at a place.
pub fn at(door: &Door, dir: &Path) -> Result<(FolderNumber, FolderRow), Failure> {
    let found = door
        .shared
        .state
        .read(|rows| rows.folder_at(dir))
        .map_err(state)?;
    found.ok_or_else(|| {
        Failure::new(
            FailureKind::NotFound,
            format!("{} is no sync folder", dir.display()),
        )
        .next("`hythe status` lists the sync folders.")
    })
}

/// A path as it was asked for.
pub fn absolute(dir: &Octets) -> Result<PathBuf, Failure> {
    let path = dir.to_path();
    if path.is_absolute() {
        return Ok(path);
    }
    Err(Failure::new(
        FailureKind::Usage,
        "A sync folder is named by an absolute path",
    ))
}

/// SC-144: a folder inside another would sync the same file twice.
pub fn refuse_nested<'p>(
    dir: &Path,
    others: impl Iterator<Item = &'p Path>,
) -> Result<(), Failure> {
    for other in others {
        if dir.starts_with(other) || other.starts_with(dir) {
            let message = format!(
                "{} and {} lie inside each other",
                dir.display(),
                other.display()
            );
            return Err(Failure::new(FailureKind::Refused, message)
                .next("Choose a directory outside every sync folder."));
        }
    }
    Ok(())
}

/// Makes the directory and its marker, unless it is another folder's.
pub async fn prepare(
    shared: &Shared,
    row: FolderRow,
    space: SpaceNumber,
    node: NodeId,
) -> Result<FolderRow, Failure> {
    let device = shared.device.device;
    let id = shared.space(space).map(|space| space.id);
    let Some(space) = id else {
        return Err(Failure::new(
            FailureKind::NotFound,
            "The space is not known here",
        ));
    };
    let work = move || -> Result<FolderRow, Failure> {
        let failed = |error: &dyn std::fmt::Display| {
            Failure::new(
                FailureKind::Refused,
                format!("{} cannot be a sync folder", row.path.display()),
            )
            .because(error)
        };
        std::fs::create_dir_all(&row.path).map_err(|error| failed(&error))?;
        let seen = Inspection::of(&row.path).map_err(|absence| failed(&absence.reason()))?;
        let other = seen.marker.filter(|marker| marker.device != device);
        if other.is_some() {
            return Err(failed(&Absence::Foreign.reason()).next(
                "One folder belongs to one device. Remove its `.hythe` if that device is gone.",
            ));
        }
        let generation = Generation::first().map_err(|error| failed(&error))?;
        let marker = Marker {
            device,
            folder: row.id,
            space,
            node,
            file_system: 0,
            inode: 0,
            generation,
        };
        let root = Root::create(&row.path, marker).map_err(|error: OpenError| failed(&error))?;
        // Let go at once: the loop opens it again, as any folder.
        drop(root);
        Ok(FolderRow {
            generation: Some(generation),
            ..row
        })
    };
    let broke = |error| Failure::new(FailureKind::Internal, "Preparing broke off").because(error);
    tokio::task::spawn_blocking(work).await.map_err(broke)?
}

pub fn random() -> Result<[u8; 16], Failure> {
    let mut bytes = [0; 16];
    let failed = |error| {
        Failure::new(FailureKind::Internal, "The system gives no random numbers").because(error)
    };
    getrandom::fill(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// The state database failed.
pub fn state(error: StateError) -> Failure {
    Failure::new(FailureKind::Internal, "The state database failed").because(error)
}
