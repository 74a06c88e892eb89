//! Whether all trees of a folder were equal when it was last closed.
//!
//! A daemon that is stopped while nothing is open says so; the next start then looks at the disk and
//! at what the log has since, and need not compare every row. Anything else (a crash, a database or
//! a folder that came back from a copy, a log that was read on meanwhile) leaves or finds no such
//! word, and everything is compared.

use hythe_model::Cursor;

use super::error::StateError;
use super::folders::FolderNumber;
use super::rows::{Result, Tx};

fn key(folder: FolderNumber) -> String {
    format!("settled {}", folder.0)
}

impl Tx<'_> {
    /// Notes that the folder's trees are equal, with the log folded up to `cursor`.
    ///
    /// # Errors
    /// The database's.
    pub fn note_settled(&self, folder: FolderNumber, cursor: Cursor) -> Result<()> {
        self.set_setting(&key(folder), &cursor.0.to_le_bytes())
    }

    /// Says whether the folder's trees are equal, as noted when it was closed. The note is gone then:
    /// from here on they may differ.
    ///
    /// # Errors
    /// The database's.
    pub fn take_settled(&self, folder: FolderNumber) -> Result<bool> {
        let key = key(folder);
        let Some(noted) = self.setting(&key)? else {
            return Ok(false);
        };
        self.remove_setting(&key)?;
        let row = self
            .folder(folder)?
            .ok_or(StateError::Invalid("folder number"))?;
        let space = self.space(row.space)?;
        Ok(space.is_some_and(|space| space.head.cursor.0.to_le_bytes()[..] == noted[..]))
    }
}
