//! The Synced tree: what disk and log last agreed on.

use hythe_model::{Attributes, NodeId};
use hythe_sync::{Place, SyncedNode, Versions};
use rusqlite::Row;

use super::columns::{StampBytes, get, get_some, kind, kind_number, number, signed, time_bytes};
use super::folders::FolderNumber;
use super::rows::{Result, Rows, Tx};

const COLUMNS: &str = "node, parent, name, kind, place_version, attributes_version, body_version,
    executable, executable_on_disk, modified, stamp, size, hash";

fn read(row: &Row<'_>) -> Result<SyncedNode> {
    Ok(SyncedNode {
        id: get(row, 0)?,
        place: Place {
            parent: get(row, 1)?,
            name: get(row, 2)?,
        },
        kind: kind(row, 3)?,
        versions: Versions {
            place: get(row, 4)?,
            attributes: get(row, 5)?,
            body: get_some(row, 6)?,
        },
        attributes: Attributes {
            executable: row.get(7)?,
            modified: get(row, 9)?,
        },
        executable_on_disk: row.get(8)?,
        stamp: get(row, 10)?,
        size: number(row, 11)?,
        hash: get_some(row, 12)?,
    })
}

impl Rows<'_> {
    /// What was last agreed on for a node.
    ///
    /// # Errors
    /// The database's.
    pub fn synced(&self, folder: FolderNumber, node: NodeId) -> Result<Option<SyncedNode>> {
        let sql = format!("SELECT {COLUMNS} FROM synced WHERE folder = ?1 AND node = ?2");
        self.one(&sql, (folder.0, node.as_bytes()), read)
    }

    /// Calls `each` with everything that was agreed on, in no order.
    ///
    /// # Errors
    /// The database's, and those of `each`.
    pub fn each_synced(
        &self,
        folder: FolderNumber,
        mut each: impl FnMut(SyncedNode) -> Result<()>,
    ) -> Result<()> {
        let mut statement =
            self.statement(&format!("SELECT {COLUMNS} FROM synced WHERE folder = ?1"))?;
        let mut rows = statement.query([folder.0])?;
        while let Some(row) = rows.next()? {
            each(read(row)?)?;
        }
        Ok(())
    }

    /// For how many nodes something is agreed on.
    ///
    /// # Errors
    /// The database's.
    pub fn synced_count(&self, folder: FolderNumber) -> Result<u64> {
        let sql = "SELECT count(*) FROM synced WHERE folder = ?1";
        Ok(self
            .one(sql, [folder.0], |row| number(row, 0))?
            .unwrap_or(0))
    }
}

impl Tx<'_> {
    /// Keeps what is agreed on for a node.
    ///
    /// # Errors
    /// The database's.
    pub fn put_synced(&self, folder: FolderNumber, node: &SyncedNode) -> Result<()> {
        let sql = "INSERT INTO synced (folder, node, parent, name, kind, place_version,
                attributes_version, body_version, executable, executable_on_disk, modified, stamp,
                size, hash)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
            ON CONFLICT (folder, node) DO UPDATE SET parent = excluded.parent,
                name = excluded.name, kind = excluded.kind, place_version = excluded.place_version,
                attributes_version = excluded.attributes_version,
                body_version = excluded.body_version, executable = excluded.executable,
                executable_on_disk = excluded.executable_on_disk, modified = excluded.modified,
                stamp = excluded.stamp, size = excluded.size, hash = excluded.hash";
        let stamp = StampBytes::new(&node.stamp);
        let params = (
            folder.0,
            node.id.as_bytes(),
            node.place.parent.as_bytes(),
            node.place.name.as_bytes(),
            kind_number(node.kind),
            node.versions.place.as_bytes(),
            node.versions.attributes.as_bytes(),
            node.versions.body.as_ref().map(|id| id.as_bytes()),
            node.attributes.executable,
            node.executable_on_disk,
            time_bytes(node.attributes.modified),
            stamp.as_slice(),
            signed(node.size),
            node.hash.as_ref().map(|hash| hash.as_bytes()),
        );
        self.run(sql, params).map(drop)
    }

    /// Forgets what was agreed on for a node.
    ///
    /// # Errors
    /// The database's.
    pub fn remove_synced(&self, folder: FolderNumber, node: NodeId) -> Result<()> {
        let sql = "DELETE FROM synced WHERE folder = ?1 AND node = ?2";
        self.run(sql, (folder.0, node.as_bytes())).map(drop)
    }
}
