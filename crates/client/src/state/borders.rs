//! Where one space ends and another begins: attachments, and directories that became spaces.

use hythe_content::read_attachment;
use hythe_model::{NodeId, SpaceId};

use super::columns::get;
use super::folders::{FolderNumber, FolderRow, Within};
use super::rows::{Result, Rows, Tx};
use super::spaces::SpaceNumber;

/// All nodes below a directory in one of the trees of a folder.
macro_rules! below {
    ($table:literal) => {
        concat!(
            "WITH RECURSIVE below(node) AS (SELECT node FROM ",
            $table,
            " WHERE folder = ?1 AND parent = ?2 UNION ALL SELECT t.node FROM ",
            $table,
            " t JOIN below b ON t.parent = b.node WHERE t.folder = ?1) "
        )
    };
}

/// A directory of a folder that has become a space of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedOut {
    /// The directory.
    pub node: NodeId,
    /// The space it has become.
    pub target: SpaceId,
}

/// A living attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentRow {
    /// Its node.
    pub node: NodeId,
    /// The space it shows; none where its body could not be read.
    pub target: Option<SpaceId>,
}

impl Rows<'_> {
    /// The living attachments of a space.
    ///
    /// # Errors
    /// The database's, here and below.
    pub fn attachments(&self, space: SpaceNumber) -> Result<Vec<AttachmentRow>> {
        let sql = "SELECT r.node, b.body FROM remote r INDEXED BY remote_attachment
            LEFT JOIN remote_body b ON b.space = r.space AND b.node = r.node
            WHERE r.space = ?1 AND r.kind = 3 AND r.deleted = 0";
        self.all(sql, [space.0], |row| {
            let body: Option<Vec<u8>> = row.get(1)?;
            Ok(AttachmentRow {
                node: get(row, 0)?,
                target: body.and_then(|field| read_attachment(&field).ok()),
            })
        })
    }

    /// The space that an attachment shows; none where the node is none, or cannot be read.
    pub fn attached(&self, space: SpaceNumber, node: NodeId) -> Result<Option<SpaceId>> {
        let body = self.remote_body(space, node)?;
        Ok(body.and_then(|field| read_attachment(&field).ok()))
    }

    /// The attachments of a folder, those that went and are filled still among them, and whether a
    /// folder fills each: what is below them is none of the folder's.
    pub fn borders(&self, folder: FolderNumber, space: SpaceNumber) -> Result<Vec<(NodeId, bool)>> {
        let sql = "SELECT attachment, 1 FROM folders WHERE within = ?1
            UNION ALL SELECT node, 0 FROM remote WHERE space = ?2 AND kind = 3 AND deleted = 0
                AND node NOT IN (SELECT attachment FROM folders WHERE within = ?1)";
        self.all(sql, (folder.0, space.0), |row| {
            Ok((get(row, 0)?, row.get(1)?))
        })
    }

    /// Whether a folder has, or may have, anything to settle with other spaces: attachments, folders
    /// that fill some, or directories that have become spaces of their own. One statement, since
    /// every pass asks.
    pub fn has_borders(&self, folder: FolderNumber) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM folders WHERE within = ?1)
            OR EXISTS (SELECT 1 FROM folders f JOIN remote r INDEXED BY remote_attachment
                ON r.space = f.space AND r.kind = 3 AND r.deleted = 0 WHERE f.no = ?1)
            OR EXISTS (SELECT 1 FROM folders f JOIN moved m ON m.space = f.space AND m.ended = 1
                WHERE f.no = ?1)";
        Ok(self.one(sql, [folder.0], |row| Ok(row.get(0)?))? == Some(true))
    }

    /// The folders that fill attachments of a folder.
    pub fn folders_within(&self, folder: FolderNumber) -> Result<Vec<(FolderNumber, FolderRow)>> {
        let is = |row: &FolderRow| row.within.is_some_and(|within| within.folder == folder);
        let mut folders = self.numbered_folders()?;
        folders.retain(|(_, row)| is(row));
        Ok(folders)
    }

    /// The directories of a folder that have become spaces of their own and are still on its disk,
    /// or agreed on.
    pub fn moved_out(&self, folder: FolderNumber, space: SpaceNumber) -> Result<Vec<MovedOut>> {
        let sql = "SELECT m.node, m.target FROM moved m WHERE m.space = ?2 AND m.ended = 1
            AND (EXISTS (SELECT 1 FROM local l WHERE l.folder = ?1 AND l.node = m.node)
                OR EXISTS (SELECT 1 FROM synced s WHERE s.folder = ?1 AND s.node = m.node))";
        self.all(sql, (folder.0, space.0), |row| {
            Ok(MovedOut {
                node: get(row, 0)?,
                target: get(row, 1)?,
            })
        })
    }

    /// The directories of a space that are on their way into spaces of their own: until they are
    /// there, or stay after all, nothing in them may be written.
    pub fn leaving(&self, space: SpaceNumber) -> Result<Vec<NodeId>> {
        let sql = "SELECT node FROM moved WHERE space = ?1 AND ended = 0";
        self.all(sql, [space.0], |row| get(row, 0))
    }

    /// Every node below a directory of a space that is shown, parents before children.
    pub fn remote_below(&self, space: SpaceNumber, node: NodeId) -> Result<Vec<NodeId>> {
        let sql = "WITH RECURSIVE below(node) AS (
                SELECT node FROM remote WHERE space = ?1 AND parent = ?2 AND deleted = 0
                UNION ALL SELECT r.node FROM remote r JOIN below b ON r.parent = b.node
                    WHERE r.space = ?1 AND r.deleted = 0)
            SELECT node FROM below";
        self.all(sql, (space.0, node.as_bytes()), |row| get(row, 0))
    }

    /// Every entry of a folder below a directory, as the disk was seen last.
    pub fn local_below(&self, folder: FolderNumber, node: NodeId) -> Result<Vec<NodeId>> {
        let sql = concat!(below!("local"), "SELECT node FROM below");
        self.all(sql, (folder.0, node.as_bytes()), |row| get(row, 0))
    }
}

impl Tx<'_> {
    /// Takes what is below a directory that has become another space out of what is shown of this
    /// one. Its records stay as they are. Returns the nodes.
    pub fn hide_below(
        &self,
        space: SpaceNumber,
        node: NodeId,
        target: SpaceId,
    ) -> Result<Vec<NodeId>> {
        let hidden = self.remote_below(space, node)?;
        for one in &hidden {
            self.release_tag(space, *one)?;
        }
        self.put_moved(space, node, target, true)?;
        Ok(hidden)
    }

    /// Notes that a directory is becoming a space of its own.
    pub fn put_leaving(&self, space: SpaceNumber, node: NodeId, target: SpaceId) -> Result<()> {
        self.put_moved(space, node, target, false)
    }

    fn put_moved(
        &self,
        space: SpaceNumber,
        node: NodeId,
        target: SpaceId,
        ended: bool,
    ) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO moved (space, node, target, ended)
            VALUES (?1, ?2, ?3, ?4)";
        let params = (space.0, node.as_bytes(), target.as_bytes(), ended);
        self.run(sql, params).map(drop)
    }

    /// Notes that a directory stays after all.
    pub fn remove_leaving(&self, space: SpaceNumber, node: NodeId) -> Result<()> {
        let sql = "DELETE FROM moved WHERE space = ?1 AND node = ?2 AND ended = 0";
        self.run(sql, (space.0, node.as_bytes())).map(drop)
    }

    /// Makes a directory that was an attachment an ordinary one that nobody has heard of yet.
    pub fn become_directory(&self, folder: FolderNumber, attachment: NodeId) -> Result<()> {
        let fresh = random_id()?;
        let sql = "UPDATE local SET node = ?3 WHERE folder = ?1 AND node = ?2";
        self.run(sql, (folder.0, attachment.as_bytes(), fresh))?;
        self.remove_synced(folder, attachment)
    }

    /// Hands what a folder holds below a directory over to a folder of its own, as which the same
    /// nodes are known under the same versions; and the directory itself to the attachment that took
    /// its place. What was moved out of the directory on this disk, and not yet told, stays in the
    /// folder as something new, and is missed in the other.
    pub fn hand_over(&self, from: NodeId, to: FolderNumber, within: Within) -> Result<()> {
        let folder = within.folder;
        self.rename_strays(folder, from)?;
        let below_local = concat!(below!("local"), "SELECT node FROM below");
        let below_synced = concat!(below!("synced"), "SELECT node FROM below");
        // Which nodes go is decided before any of them does.
        let on_disk: Vec<NodeId> =
            self.all(below_local, (folder.0, from.as_bytes()), |row| get(row, 0))?;
        let agreed: Vec<NodeId> =
            self.all(below_synced, (folder.0, from.as_bytes()), |row| get(row, 0))?;
        for node in &on_disk {
            for table in ["local", "pending", "chunks"] {
                let sql = format!("UPDATE {table} SET folder = ?3 WHERE folder = ?1 AND node = ?2");
                self.run(&sql, (folder.0, node.as_bytes(), to.0))?;
            }
        }
        for node in &agreed {
            let sql = "UPDATE synced SET folder = ?3 WHERE folder = ?1 AND node = ?2";
            self.run(sql, (folder.0, node.as_bytes(), to.0))?;
        }
        for table in ["local", "synced"] {
            let sql = format!("UPDATE {table} SET parent = ?3 WHERE folder = ?1 AND parent = ?2");
            self.run(&sql, (to.0, from.as_bytes(), NodeId::ROOT.as_bytes()))?;
        }
        self.become_attachment(folder, from, within.attachment)
    }

    /// Entries that were agreed on below a directory and are elsewhere on this disk by now: they
    /// stay here, under new ids, and are missing in the space that the directory has become. A move
    /// over a border is a copy and a removal.
    fn rename_strays(&self, folder: FolderNumber, from: NodeId) -> Result<()> {
        let agreed = concat!(below!("synced"), "SELECT node FROM below");
        let agreed: Vec<NodeId> =
            self.all(agreed, (folder.0, from.as_bytes()), |row| get(row, 0))?;
        let inside: std::collections::HashSet<NodeId> =
            self.local_below(folder, from)?.into_iter().collect();
        for node in agreed.into_iter().filter(|node| !inside.contains(node)) {
            if self.local(folder, node)?.is_none() {
                continue;
            }
            let ids = (folder.0, node.as_bytes(), random_id()?);
            let sql = "UPDATE local SET node = ?3 WHERE folder = ?1 AND node = ?2";
            self.run(sql, ids)?;
            let sql = "UPDATE local SET parent = ?3 WHERE folder = ?1 AND parent = ?2";
            self.run(sql, ids)?;
        }
        Ok(())
    }

    fn become_attachment(
        &self,
        folder: FolderNumber,
        from: NodeId,
        attachment: NodeId,
    ) -> Result<()> {
        let ids = (folder.0, from.as_bytes(), attachment.as_bytes());
        let sql = "UPDATE OR REPLACE local SET node = ?3 WHERE folder = ?1 AND node = ?2";
        self.run(sql, ids)?;
        // The attachment took the place, so where the directory was agreed to be, it is.
        let sql = "UPDATE OR REPLACE synced SET node = ?3, (place_version, attributes_version) =
                (SELECT r.place_version, r.attributes_version FROM remote r, folders f
                 WHERE f.no = ?1 AND r.space = f.space AND r.node = ?3)
            WHERE folder = ?1 AND node = ?2
            AND EXISTS (SELECT 1 FROM remote r, folders f
                 WHERE f.no = ?1 AND r.space = f.space AND r.node = ?3)";
        self.run(sql, ids).map(drop)
    }
}

fn random_id() -> Result<[u8; 16]> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(std::io::Error::other)?;
    Ok(id)
}
