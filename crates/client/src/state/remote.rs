//! The Remote tree: nodes as the fold of a space's log says.

use hythe_model::{Attributes, NameTag, NodeId, TreePath};
use hythe_sync::{RemoteNode, Versions};
use rusqlite::Row;

use super::columns::{
    get, get_some, kind, kind_number, name, name_columns, number, signed, time_bytes,
};
use super::rows::{Result, Rows, Tx};
use super::spaces::SpaceNumber;

/// A node of a space's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteRow {
    /// What the planner sees of it.
    pub node: RemoteNode,
    /// Tag of its name.
    pub tag: NameTag,
    /// Its record, as the fold needs it.
    pub record: Vec<u8>,
}

const COLUMNS: &str = "node, parent, tag, kind, deleted, name, quarantine, place_version,
    attributes_version, body_version, executable, modified, size, hash, record";

fn read_node(row: &Row<'_>) -> Result<RemoteNode> {
    Ok(RemoteNode {
        id: get(row, 0)?,
        parent: get(row, 1)?,
        name: name(row, 5, 6)?,
        kind: kind(row, 3)?,
        deleted: row.get(4)?,
        versions: Versions {
            place: get(row, 7)?,
            attributes: get(row, 8)?,
            body: get_some(row, 9)?,
        },
        attributes: Attributes {
            executable: row.get(10)?,
            modified: get(row, 11)?,
        },
        size: number(row, 12)?,
        hash: get_some(row, 13)?,
    })
}

impl Rows<'_> {
    /// The path of a live node below the space's root, where all names on it can be shown.
    ///
    /// # Errors
    /// The database's.
    pub fn remote_path(&self, space: SpaceNumber, node: NodeId) -> Result<Option<TreePath>> {
        let (mut names, mut at) = (Vec::new(), node);
        while at != NodeId::ROOT {
            let Some(row) = self.remote_node(space, at)?.filter(|row| !row.deleted) else {
                return Ok(None);
            };
            let Ok(name) = row.name else { return Ok(None) };
            names.push(name);
            at = row.parent;
        }
        Ok(Some(names.into_iter().rev().collect()))
    }

    /// A node with its record, deleted ones included.
    ///
    /// # Errors
    /// The database's.
    pub fn remote(&self, space: SpaceNumber, node: NodeId) -> Result<Option<RemoteRow>> {
        let sql = format!("SELECT {COLUMNS} FROM remote WHERE space = ?1 AND node = ?2");
        self.one(&sql, (space.0, node.as_bytes()), |row| {
            Ok(RemoteRow {
                node: read_node(row)?,
                tag: get(row, 2)?,
                record: get(row, 14)?,
            })
        })
    }

    /// A node without its record, deleted ones included.
    ///
    /// # Errors
    /// The database's.
    pub fn remote_node(&self, space: SpaceNumber, node: NodeId) -> Result<Option<RemoteNode>> {
        let sql = format!("SELECT {COLUMNS} FROM remote WHERE space = ?1 AND node = ?2");
        self.one(&sql, (space.0, node.as_bytes()), read_node)
    }

    /// The record of a node, deleted ones included.
    ///
    /// # Errors
    /// The database's.
    pub fn node_record(&self, space: SpaceNumber, node: NodeId) -> Result<Option<Vec<u8>>> {
        let sql = "SELECT record FROM remote WHERE space = ?1 AND node = ?2";
        self.one(sql, (space.0, node.as_bytes()), |row| get(row, 0))
    }

    /// The live node with a tag.
    ///
    /// # Errors
    /// The database's.
    pub fn remote_by_tag(
        &self,
        space: SpaceNumber,
        parent: NodeId,
        tag: NameTag,
    ) -> Result<Option<NodeId>> {
        let sql = "SELECT node FROM remote
            WHERE space = ?1 AND parent = ?2 AND tag = ?3 AND deleted = 0";
        self.one(sql, (space.0, parent.as_bytes(), tag.as_bytes()), |row| {
            get(row, 0)
        })
    }

    /// The live node with a name that is not quarantined.
    ///
    /// # Errors
    /// The database's.
    pub fn remote_by_name(
        &self,
        space: SpaceNumber,
        parent: NodeId,
        name: &[u8],
    ) -> Result<Option<NodeId>> {
        let sql = "SELECT node FROM remote
            WHERE space = ?1 AND parent = ?2 AND name = ?3 AND deleted = 0 AND quarantine = 0";
        self.one(sql, (space.0, parent.as_bytes(), name), |row| get(row, 0))
    }

    /// The live children of a directory, quarantined ones included.
    ///
    /// # Errors
    /// The database's.
    pub fn remote_children(&self, space: SpaceNumber, parent: NodeId) -> Result<Vec<NodeId>> {
        let sql = "SELECT node FROM remote WHERE space = ?1 AND parent = ?2 AND deleted = 0";
        self.all(sql, (space.0, parent.as_bytes()), |row| get(row, 0))
    }

    /// The live children of a directory in full, in order of their names.
    ///
    /// # Errors
    /// The database's.
    pub fn remote_list(&self, space: SpaceNumber, parent: NodeId) -> Result<Vec<RemoteNode>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM remote WHERE space = ?1 AND parent = ?2 AND deleted = 0
             ORDER BY name"
        );
        self.all(&sql, (space.0, parent.as_bytes()), read_node)
    }

    /// How many live children a directory has.
    ///
    /// # Errors
    /// The database's.
    pub fn remote_count(&self, space: SpaceNumber, parent: NodeId) -> Result<u64> {
        let sql = "SELECT count(*) FROM remote WHERE space = ?1 AND parent = ?2 AND deleted = 0";
        let count = self.one(sql, (space.0, parent.as_bytes()), |row| number(row, 0))?;
        Ok(count.unwrap_or(0))
    }

    /// Calls `each` with every node of a space, deleted ones included, in no order.
    ///
    /// # Errors
    /// The database's, and those of `each`.
    pub fn each_remote(
        &self,
        space: SpaceNumber,
        mut each: impl FnMut(RemoteNode) -> Result<()>,
    ) -> Result<()> {
        let mut statement =
            self.statement(&format!("SELECT {COLUMNS} FROM remote WHERE space = ?1"))?;
        let mut rows = statement.query([space.0])?;
        while let Some(row) = rows.next()? {
            each(read_node(row)?)?;
        }
        Ok(())
    }

    /// The opened body of a node, as it was kept.
    ///
    /// # Errors
    /// The database's.
    pub fn remote_body(&self, space: SpaceNumber, node: NodeId) -> Result<Option<Vec<u8>>> {
        let sql = "SELECT body FROM remote_body WHERE space = ?1 AND node = ?2";
        self.one(sql, (space.0, node.as_bytes()), |row| get(row, 0))
    }
}

impl Tx<'_> {
    /// Keeps a node of the log, in place of what was known of it. When names change hands within
    /// one change set, give them up first: [`Self::release_tag`].
    ///
    /// # Errors
    /// The database's; two live nodes of one parent cannot have one tag.
    pub fn put_remote(&self, space: SpaceNumber, row: &RemoteRow) -> Result<()> {
        let sql = "INSERT INTO remote (space, node, parent, tag, kind, deleted, name, quarantine,
                place_version, attributes_version, body_version, executable, modified, size, hash,
                record)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
            ON CONFLICT (space, node) DO UPDATE SET parent = excluded.parent, tag = excluded.tag,
                kind = excluded.kind, deleted = excluded.deleted, name = excluded.name,
                quarantine = excluded.quarantine, place_version = excluded.place_version,
                attributes_version = excluded.attributes_version,
                body_version = excluded.body_version, executable = excluded.executable,
                modified = excluded.modified, size = excluded.size, hash = excluded.hash,
                record = excluded.record";
        let node = &row.node;
        let (name, quarantine) = name_columns(&node.name);
        let versions = &node.versions;
        let params = rusqlite::params![
            space.0,
            node.id.as_bytes(),
            node.parent.as_bytes(),
            row.tag.as_bytes(),
            kind_number(node.kind),
            node.deleted,
            name,
            quarantine,
            versions.place.as_bytes(),
            versions.attributes.as_bytes(),
            versions.body.as_ref().map(|id| id.as_bytes()),
            node.attributes.executable,
            time_bytes(node.attributes.modified),
            signed(node.size),
            node.hash.as_ref().map(|hash| hash.as_bytes()),
            row.record,
        ];
        self.run(sql, params).map(drop)
    }

    /// Takes the name of a node out of its directory until it is put again.
    ///
    /// # Errors
    /// The database's.
    pub fn release_tag(&self, space: SpaceNumber, node: NodeId) -> Result<()> {
        let sql = "UPDATE remote SET deleted = 1 WHERE space = ?1 AND node = ?2";
        self.run(sql, (space.0, node.as_bytes())).map(drop)
    }

    /// Keeps the opened body of a node.
    ///
    /// # Errors
    /// The database's.
    pub fn put_remote_body(&self, space: SpaceNumber, node: NodeId, body: &[u8]) -> Result<()> {
        let sql = "INSERT INTO remote_body (space, node, body) VALUES (?1, ?2, ?3)
            ON CONFLICT (space, node) DO UPDATE SET body = excluded.body";
        self.run(sql, (space.0, node.as_bytes(), body)).map(drop)
    }

    /// Forgets the opened body of a node.
    ///
    /// # Errors
    /// The database's.
    pub fn remove_remote_body(&self, space: SpaceNumber, node: NodeId) -> Result<()> {
        let sql = "DELETE FROM remote_body WHERE space = ?1 AND node = ?2";
        self.run(sql, (space.0, node.as_bytes())).map(drop)
    }
}
