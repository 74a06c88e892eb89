//! Uploads that were prepared and not committed yet: after a restart they need no second reading.

use hythe_model::NodeId;
use hythe_sync::DiskStamp;

use super::columns::{StampBytes, get};
use super::folders::FolderNumber;
use super::rows::{Result, Rows, Tx};

/// A prepared upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRow {
    /// The state of the file that was read.
    pub stamp: DiskStamp,
    /// The body that was made of it.
    pub body: Vec<u8>,
}

impl Rows<'_> {
    /// The prepared upload of a node.
    ///
    /// # Errors
    /// The database's.
    pub fn pending(&self, folder: FolderNumber, node: NodeId) -> Result<Option<PendingRow>> {
        let sql = "SELECT stamp, body FROM pending WHERE folder = ?1 AND node = ?2";
        self.one(sql, (folder.0, node.as_bytes()), |row| {
            Ok(PendingRow {
                stamp: get(row, 0)?,
                body: get(row, 1)?,
            })
        })
    }
}

impl Tx<'_> {
    /// Keeps the prepared upload of a node.
    ///
    /// # Errors
    /// The database's.
    pub fn put_pending(&self, folder: FolderNumber, node: NodeId, row: &PendingRow) -> Result<()> {
        let sql = "INSERT INTO pending (folder, node, stamp, body) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (folder, node) DO UPDATE SET stamp = excluded.stamp, body = excluded.body";
        let stamp = StampBytes::new(&row.stamp);
        self.run(
            sql,
            (folder.0, node.as_bytes(), stamp.as_slice(), &row.body),
        )
        .map(drop)
    }

    /// Forgets the prepared upload of a node.
    ///
    /// # Errors
    /// The database's.
    pub fn remove_pending(&self, folder: FolderNumber, node: NodeId) -> Result<()> {
        let sql = "DELETE FROM pending WHERE folder = ?1 AND node = ?2";
        self.run(sql, (folder.0, node.as_bytes())).map(drop)
    }
}
