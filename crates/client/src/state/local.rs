//! The Local tree: entries as the last look at the disk saw them.

use hythe_model::{ContentHash, EntryName, NodeId, NodeKind};
use hythe_sync::{DiskStamp, LocalNode, Place};
use rusqlite::Row;

use super::columns::{StampBytes, get, get_some, kind, kind_number, signed};
use super::folders::FolderNumber;
use super::rows::{Result, Rows, Tx};

/// An entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalRow {
    /// What the planner sees of it.
    pub node: LocalNode,
    /// Whether its stamp is so young that it proves nothing: read it again at the next look
    /// (SC-164).
    pub racy: bool,
}

impl From<LocalNode> for LocalRow {
    fn from(node: LocalNode) -> Self {
        Self { node, racy: false }
    }
}

const COLUMNS: &str = "parent, name, node, kind, executable, racy, stamp, hash";

fn read(row: &Row<'_>) -> Result<LocalRow> {
    let node = LocalNode {
        id: get(row, 2)?,
        place: Place {
            parent: get(row, 0)?,
            name: get(row, 1)?,
        },
        kind: kind(row, 3)?,
        executable: row.get(4)?,
        stamp: get(row, 6)?,
        hash: get_some(row, 7)?,
    };
    Ok(LocalRow {
        node,
        racy: row.get(5)?,
    })
}

/// A row as a scan compares it, borrowed from the database's page.
pub(crate) struct LocalSeen<'r> {
    pub name: &'r [u8],
    pub node: &'r [u8],
    pub kind: i64,
    pub executable: bool,
    pub racy: bool,
    pub stamp: &'r [u8],
}

impl<'r> LocalSeen<'r> {
    /// Reads a row of [`Rows::local_listing`].
    pub(crate) fn read(row: &'r Row<'_>) -> Result<Self> {
        let blob = |at: usize| {
            row.get_ref(at)?
                .as_blob()
                .map_err(|_| super::StateError::Invalid("local row"))
        };
        Ok(Self {
            name: blob(0)?,
            node: blob(1)?,
            kind: row.get(2)?,
            executable: row.get(3)?,
            racy: row.get(4)?,
            stamp: blob(5)?,
        })
    }
}

impl Rows<'_> {
    /// An entry.
    ///
    /// # Errors
    /// The database's.
    pub fn local(&self, folder: FolderNumber, node: NodeId) -> Result<Option<LocalRow>> {
        let sql = format!("SELECT {COLUMNS} FROM local WHERE folder = ?1 AND node = ?2");
        self.one(&sql, (folder.0, node.as_bytes()), read)
    }

    /// The entry at a place.
    ///
    /// # Errors
    /// The database's.
    pub fn local_at(
        &self,
        folder: FolderNumber,
        parent: NodeId,
        name: &EntryName,
    ) -> Result<Option<LocalRow>> {
        let sql =
            format!("SELECT {COLUMNS} FROM local WHERE folder = ?1 AND parent = ?2 AND name = ?3");
        self.one(&sql, (folder.0, parent.as_bytes(), name.as_bytes()), read)
    }

    /// The id of the entry at a place.
    ///
    /// # Errors
    /// The database's.
    pub fn local_child(&self, folder: FolderNumber, place: &Place) -> Result<Option<NodeId>> {
        let sql = "SELECT node FROM local WHERE folder = ?1 AND parent = ?2 AND name = ?3";
        let params = (folder.0, place.parent.as_bytes(), place.name.as_bytes());
        self.one(sql, params, |row| get(row, 0))
    }

    /// The ids of all entries of a directory, in order of their names.
    ///
    /// # Errors
    /// The database's.
    pub fn local_children(&self, folder: FolderNumber, parent: NodeId) -> Result<Vec<NodeId>> {
        let sql = "SELECT node FROM local WHERE folder = ?1 AND parent = ?2 ORDER BY name";
        self.all(sql, (folder.0, parent.as_bytes()), |row| get(row, 0))
    }

    /// Nodes that entries say they are in and that are no entries themselves: the folder's root, and
    /// directories that went while what was in them stayed. Looks at every row.
    ///
    /// # Errors
    /// The database's.
    pub fn local_strays(&self, folder: FolderNumber) -> Result<Vec<NodeId>> {
        let sql = "SELECT DISTINCT l.parent FROM local l WHERE l.folder = ?1 AND NOT EXISTS
            (SELECT 1 FROM local d WHERE d.folder = ?1 AND d.node = l.parent)";
        self.all(sql, [folder.0], |row| get(row, 0))
    }

    /// All entries of a directory, in order of their names.
    ///
    /// # Errors
    /// The database's.
    pub fn local_list(&self, folder: FolderNumber, parent: NodeId) -> Result<Vec<LocalRow>> {
        let sql =
            format!("SELECT {COLUMNS} FROM local WHERE folder = ?1 AND parent = ?2 ORDER BY name");
        self.all(&sql, (folder.0, parent.as_bytes()), read)
    }

    /// All entries with an inode: more than one if it was used again, or has several names.
    ///
    /// # Errors
    /// The database's.
    pub fn local_by_inode(&self, folder: FolderNumber, inode: u64) -> Result<Vec<LocalRow>> {
        // Left to itself SQLite takes the primary key's first column and looks at every entry.
        let sql = format!(
            "SELECT {COLUMNS} FROM local INDEXED BY local_inode WHERE folder = ?1 AND inode = ?2"
        );
        self.all(&sql, (folder.0, signed(inode)), read)
    }

    /// Whether a folder has any entry.
    ///
    /// # Errors
    /// The database's.
    pub(crate) fn has_local(&self, folder: FolderNumber) -> Result<bool> {
        let sql = "SELECT 1 FROM local WHERE folder = ?1 LIMIT 1";
        Ok(self.one(sql, [folder.0], |_| Ok(()))?.is_some())
    }

    /// How many entries a folder has.
    ///
    /// # Errors
    /// The database's.
    pub fn local_count(&self, folder: FolderNumber) -> Result<u64> {
        let sql = "SELECT count(*) FROM local WHERE folder = ?1";
        let count = self.one(sql, [folder.0], |row| super::columns::number(row, 0))?;
        Ok(count.unwrap_or(0))
    }

    /// The path of an entry below the folder's root; none when it is not known.
    ///
    /// # Errors
    /// The database's.
    pub fn local_path(
        &self,
        folder: FolderNumber,
        root: NodeId,
        node: NodeId,
    ) -> Result<Option<hythe_model::TreePath>> {
        let sql = "SELECT parent, name FROM local WHERE folder = ?1 AND node = ?2";
        let mut names = Vec::new();
        let mut at = node;
        // Bounded by the number of rows: a damaged tree may not keep this going for ever.
        while at != root {
            let above = self.one(sql, (folder.0, at.as_bytes()), |row| {
                Ok((get::<NodeId>(row, 0)?, get::<EntryName>(row, 1)?))
            })?;
            let Some((parent, name)) = above else {
                return Ok(None);
            };
            names.push(name);
            at = parent;
            if names.len() > MAX_DEPTH {
                return Err(super::StateError::Invalid("depth of the local tree"));
            }
        }
        names.reverse();
        Ok(Some(hythe_model::TreePath::new(names)))
    }

    /// What an entry is.
    ///
    /// # Errors
    /// The database's.
    pub fn local_kind(&self, folder: FolderNumber, node: NodeId) -> Result<Option<NodeKind>> {
        let sql = "SELECT kind FROM local WHERE folder = ?1 AND node = ?2";
        self.one(sql, (folder.0, node.as_bytes()), |row| kind(row, 0))
    }

    /// The statement a scan walks a directory with; read its rows with [`LocalSeen::read`].
    pub(crate) fn local_listing(&self) -> Result<rusqlite::CachedStatement<'_>> {
        self.statement(
            "SELECT name, node, kind, executable, racy, stamp FROM local
             WHERE folder = ?1 AND parent = ?2 ORDER BY name",
        )
    }
}

/// Deeper than any file system lets a path be reached.
const MAX_DEPTH: usize = 1 << 20;

impl Tx<'_> {
    /// Keeps an entry, in place of what was known of the node and of the place. Returns the node
    /// that was known at the place, if it was another.
    ///
    /// # Errors
    /// The database's.
    pub fn put_local(&self, folder: FolderNumber, row: &LocalRow) -> Result<Option<NodeId>> {
        let node = &row.node;
        let before = self.local_child(folder, &node.place)?;
        if before != Some(node.id) {
            self.remove_local(folder, node.id)?;
        }
        let sql = "INSERT INTO local (folder, parent, name, node, kind, executable, racy, inode, stamp, hash)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            ON CONFLICT (folder, parent, name) DO UPDATE SET node = excluded.node,
                kind = excluded.kind, executable = excluded.executable, racy = excluded.racy,
                inode = excluded.inode, stamp = excluded.stamp, hash = excluded.hash";
        let stamp = StampBytes::new(&node.stamp);
        let params = (
            folder.0,
            node.place.parent.as_bytes(),
            node.place.name.as_bytes(),
            node.id.as_bytes(),
            kind_number(node.kind),
            node.executable,
            row.racy,
            signed(node.stamp.inode),
            stamp.as_slice(),
            node.hash.as_ref().map(|hash| hash.as_bytes()),
        );
        self.run(sql, params)?;
        Ok(before.filter(|before| *before != node.id))
    }

    /// Sets the hash of an entry's content, if the entry still has the stamp under which it was
    /// read. Says whether it has.
    ///
    /// # Errors
    /// The database's.
    pub fn set_local_hash(
        &self,
        folder: FolderNumber,
        node: NodeId,
        stamp: &DiskStamp,
        hash: ContentHash,
    ) -> Result<bool> {
        let sql = "UPDATE local SET hash = ?4, racy = 0
            WHERE folder = ?1 AND node = ?2 AND stamp = ?3";
        let stamp = StampBytes::new(stamp);
        let params = (folder.0, node.as_bytes(), stamp.as_slice(), hash.as_bytes());
        Ok(self.run(sql, params)? > 0)
    }

    /// Gives an entry another id: `node` from now on; its children follow.
    ///
    /// # Errors
    /// The database's.
    pub fn rename_local(&self, folder: FolderNumber, local: NodeId, node: NodeId) -> Result<()> {
        if local == node {
            return Ok(());
        }
        self.remove_local(folder, node)?;
        let params = (folder.0, local.as_bytes(), node.as_bytes());
        self.run(
            "UPDATE local SET node = ?3 WHERE folder = ?1 AND node = ?2",
            params,
        )?;
        let params = (folder.0, local.as_bytes(), node.as_bytes());
        self.run(
            "UPDATE local SET parent = ?3 WHERE folder = ?1 AND parent = ?2",
            params,
        )?;
        Ok(())
    }

    /// Forgets an entry; the entries below it are the caller's.
    ///
    /// # Errors
    /// The database's.
    pub fn remove_local(&self, folder: FolderNumber, node: NodeId) -> Result<()> {
        let sql = "DELETE FROM local WHERE folder = ?1 AND node = ?2";
        self.run(sql, (folder.0, node.as_bytes())).map(drop)
    }
}
