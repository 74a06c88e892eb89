//! The list of folders in a file of its own, so that a lost database does not lose them.

use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use hythe_model::{NodeId, SpaceId};
use minicbor::{Decode, Encode};

use super::error::StateError;
use super::folders::FolderRow;
use super::open::with_suffix;
use super::rows::{Result, Tx};
use crate::disk::FolderId;

/// First bytes of the file, format version included.
const MAGIC: &[u8; 8] = b"HYTHEFL1";

/// All folders of this device.
#[derive(Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(super) struct Roster {
    #[n(0)]
    folders: Vec<Listed>,
}

#[derive(Debug, PartialEq, Eq, Encode, Decode)]
struct Listed {
    #[n(0)]
    id: FolderId,
    #[n(1)]
    space: SpaceId,
    #[n(2)]
    root: NodeId,
    #[cbor(n(3), with = "minicbor::bytes")]
    path: Vec<u8>,
    #[n(4)]
    paused: bool,
}

impl Roster {
    /// Reads the list beside the database at `path`; empty when there is none that is whole.
    pub(super) fn read(path: &Path) -> Result<Self> {
        match std::fs::read(file(path)) {
            Ok(bytes) => Ok(bytes
                .strip_prefix(MAGIC)
                .and_then(|body| minicbor::decode(body).ok())
                .unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// The list as the database has it.
    pub(super) fn of(tx: &Tx<'_>) -> Result<Self> {
        let mut folders = Vec::new();
        // A folder in another one comes back with its attachment.
        let own = tx.folders()?.into_iter();
        for row in own.filter(|row| row.within.is_none()) {
            let space = tx
                .space(row.space)?
                .ok_or(StateError::Invalid("space of a folder"))?;
            folders.push(Listed {
                id: row.id,
                space: space.id,
                root: row.root,
                path: row.path.as_os_str().as_bytes().to_vec(),
                paused: row.paused,
            });
        }
        Ok(Self { folders })
    }

    /// Puts the list in place of the one before.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let body = minicbor::to_vec(self).map_err(std::io::Error::other)?;
        let next = with_suffix(&file(path), ".next");
        let mut out = std::fs::File::create(&next)?;
        out.write_all(MAGIC)?;
        out.write_all(&body)?;
        out.sync_all()?;
        std::fs::rename(&next, file(path))?;
        Ok(())
    }

    /// Enters the listed folders into an empty database. Nothing of what they hold is known, so
    /// their first pass merges and deletes nothing.
    pub(super) fn restore(self, tx: &Tx<'_>) -> Result<()> {
        for listed in self.folders {
            let space = tx.space_number(listed.space)?;
            tx.add_folder(&FolderRow {
                id: listed.id,
                space,
                root: listed.root,
                path: PathBuf::from(std::ffi::OsString::from_vec(listed.path)),
                paused: listed.paused,
                generation: None,
                next_generation: None,
                within: None,
            })?;
        }
        Ok(())
    }
}

fn file(path: &Path) -> PathBuf {
    with_suffix(path, ".folders")
}
