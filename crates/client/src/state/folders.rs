//! Sync folders.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use hythe_model::NodeId;
use rusqlite::Row;

use super::columns::{generation_bytes, get, get_some};
use super::rows::{Result, Rows, Tx};
use super::spaces::SpaceNumber;
use crate::disk::{FolderId, Generation};

/// Number of a folder in this database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FolderNumber(pub i64);

/// Where a folder lies that fills an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Within {
    /// The folder that holds it.
    pub folder: FolderNumber,
    /// The attachment, a node of that folder's space.
    pub attachment: NodeId,
}

/// A sync folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderRow {
    /// The folder, as its marker says.
    pub id: FolderId,
    /// The space it shows.
    pub space: SpaceNumber,
    /// The directory of the space it shows.
    pub root: NodeId,
    /// Where it is.
    pub path: PathBuf,
    /// Whether the user paused it.
    pub paused: bool,
    /// The newest period of use that its marker is known to carry; none before the first, or
    /// when the database was lost: then nothing that was agreed on is known.
    pub generation: Option<Generation>,
    /// The period that is about to be written into the marker.
    pub next_generation: Option<Generation>,
    /// Set where it is a part of another folder: then it comes and goes with the attachment, and
    /// its path follows.
    pub within: Option<Within>,
}

impl FolderRow {
    /// The periods that the marker may carry if it belongs to this database.
    pub fn generations(&self) -> Vec<Generation> {
        self.generation
            .iter()
            .chain(&self.next_generation)
            .copied()
            .collect()
    }
}

const COLUMNS: &str =
    "no, id, space, root, path, paused, generation, next_generation, within, attachment";

fn read(row: &Row<'_>) -> Result<(FolderNumber, FolderRow)> {
    let path: Vec<u8> = get(row, 4)?;
    let folder = FolderRow {
        id: get(row, 1)?,
        space: SpaceNumber(row.get(2)?),
        root: get(row, 3)?,
        path: PathBuf::from(OsString::from_vec(path)),
        paused: row.get(5)?,
        generation: get_some(row, 6)?,
        next_generation: get_some(row, 7)?,
        within: match (row.get::<_, Option<i64>>(8)?, get_some(row, 9)?) {
            (Some(folder), Some(attachment)) => Some(Within {
                folder: FolderNumber(folder),
                attachment,
            }),
            _ => None,
        },
    };
    Ok((FolderNumber(row.get(0)?), folder))
}

impl Rows<'_> {
    /// All folders, with their numbers.
    ///
    /// # Errors
    /// The database's.
    pub fn numbered_folders(&self) -> Result<Vec<(FolderNumber, FolderRow)>> {
        self.all(
            &format!("SELECT {COLUMNS} FROM folders ORDER BY no"),
            [],
            read,
        )
    }

    /// All folders.
    ///
    /// # Errors
    /// The database's.
    pub fn folders(&self) -> Result<Vec<FolderRow>> {
        Ok(self
            .numbered_folders()?
            .into_iter()
            .map(|(_, row)| row)
            .collect())
    }

    /// A folder.
    ///
    /// # Errors
    /// The database's.
    pub fn folder(&self, folder: FolderNumber) -> Result<Option<FolderRow>> {
        let sql = format!("SELECT {COLUMNS} FROM folders WHERE no = ?1");
        Ok(self.one(&sql, [folder.0], read)?.map(|(_, row)| row))
    }

    /// The folder at a path.
    ///
    /// # Errors
    /// The database's.
    pub fn folder_at(&self, path: &Path) -> Result<Option<(FolderNumber, FolderRow)>> {
        let sql = format!("SELECT {COLUMNS} FROM folders WHERE path = ?1");
        self.one(&sql, [path.as_os_str().as_bytes()], read)
    }
}

impl Tx<'_> {
    /// Adds a folder.
    ///
    /// # Errors
    /// The database's; there may be one folder per path and id.
    pub fn add_folder(&self, row: &FolderRow) -> Result<FolderNumber> {
        let sql = "INSERT INTO folders (id, space, root, path, paused, generation, next_generation,
                within, attachment)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING no";
        let path = row.path.as_os_str().as_bytes();
        let (generation, next) = generations(row);
        let params = (
            row.id.0,
            row.space.0,
            row.root.as_bytes(),
            path,
            row.paused,
            generation,
            next,
            row.within.map(|within| within.folder.0),
            row.within.map(|within| within.attachment.0),
        );
        let number = self.one(sql, params, |row| Ok(row.get(0)?))?;
        self.roster_changed();
        number
            .map(FolderNumber)
            .ok_or(super::StateError::Invalid("folder number"))
    }

    /// Replaces what is known of a folder itself, not of what it holds.
    ///
    /// # Errors
    /// The database's.
    pub fn update_folder(&self, folder: FolderNumber, row: &FolderRow) -> Result<()> {
        let sql = "UPDATE folders SET id = ?2, space = ?3, root = ?4, path = ?5, paused = ?6,
            generation = ?7, next_generation = ?8, within = ?9, attachment = ?10 WHERE no = ?1";
        let path = row.path.as_os_str().as_bytes();
        let (generation, next) = generations(row);
        let params = (
            folder.0,
            row.id.0,
            row.space.0,
            row.root.as_bytes(),
            path,
            row.paused,
            generation,
            next,
            row.within.map(|within| within.folder.0),
            row.within.map(|within| within.attachment.0),
        );
        self.run(sql, params)?;
        self.roster_changed();
        Ok(())
    }

    /// Sets the period of use that the folder's marker carries, and the one it is about to.
    pub(super) fn set_generations(
        &self,
        folder: FolderNumber,
        now: Generation,
        next: Option<Generation>,
    ) -> Result<()> {
        let sql = "UPDATE folders SET generation = ?2, next_generation = ?3 WHERE no = ?1";
        let params = (
            folder.0,
            generation_bytes(&now),
            next.as_ref().map(generation_bytes),
        );
        self.run(sql, params).map(drop)
    }

    /// Forgets what disk and log last agreed on, and what the disk held: the next pass takes every
    /// entry for new, merges, and deletes nothing (C5, SC-089, SC-138).
    ///
    /// # Errors
    /// The database's.
    pub fn forget_agreement(&self, folder: FolderNumber) -> Result<()> {
        for table in ["local", "synced", "pending", "chunks", "problems"] {
            self.run(
                &format!("DELETE FROM {table} WHERE folder = ?1"),
                [folder.0],
            )?;
        }
        self.take_settled(folder).map(drop)
    }

    /// Removes a folder with everything known of it. The files on the disk stay.
    ///
    /// # Errors
    /// The database's.
    pub fn remove_folder(&self, folder: FolderNumber) -> Result<()> {
        self.forget_agreement(folder)?;
        self.run("DELETE FROM folders WHERE no = ?1", [folder.0])?;
        self.roster_changed();
        Ok(())
    }
}

fn generations(row: &FolderRow) -> (Option<[u8; 24]>, Option<[u8; 24]>) {
    let bytes = |generation: &Option<Generation>| generation.as_ref().map(generation_bytes);
    (bytes(&row.generation), bytes(&row.next_generation))
}
