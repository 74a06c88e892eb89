//! The Synced tree after the log was read anew from a server that was restored from a copy (C5).

use hythe_model::{Head, NodeId, ServerEpoch};
use hythe_sync::{Newer, SyncedNode, Versions, after_restore};

use super::StateError;
use super::columns::{get, get_some};
use super::folders::FolderNumber;
use super::rows::{Result, Rows, Tx};
use super::spaces::{SpaceNumber, SpaceRow};

/// Of nodes that were behind the log.
const BEHIND: &str = "INSERT OR REPLACE INTO abandoned
    SELECT r.space, r.node, r.place_version, r.attributes_version, r.body_version
    FROM folders f
    JOIN synced s ON s.folder = f.no
    JOIN remote r ON r.space = f.space AND r.node = s.node
    WHERE f.space = ?1 AND (r.place_version <> s.place_version
        OR r.attributes_version <> s.attributes_version OR r.body_version IS NOT s.body_version)";

/// Agreed on, and the log that was read anew does not say so.
const OTHER: &str = "SELECT s.node FROM synced s
    LEFT JOIN remote r ON r.space = ?2 AND r.node = s.node
    WHERE s.folder = ?1 AND (r.node IS NULL OR r.place_version <> s.place_version
        OR r.attributes_version <> s.attributes_version OR r.body_version IS NOT s.body_version)";

impl Rows<'_> {
    /// The folders that show a space, or a part of it.
    ///
    /// # Errors
    /// The database's.
    pub fn folders_of(&self, space: SpaceNumber) -> Result<Vec<FolderNumber>> {
        let sql = "SELECT no FROM folders WHERE space = ?1 ORDER BY no";
        self.all(sql, [space.0], |row| Ok(FolderNumber(row.get(0)?)))
    }

    /// What an abandoned log said of a node last, if something else was agreed on.
    fn abandoned(&self, space: SpaceNumber, node: NodeId) -> Result<Option<Versions>> {
        let sql = "SELECT place_version, attributes_version, body_version FROM abandoned
            WHERE space = ?1 AND node = ?2";
        self.one(sql, (space.0, node.as_bytes()), |row| {
            Ok(Versions {
                place: get(row, 0)?,
                attributes: get(row, 1)?,
                body: get_some(row, 2)?,
            })
        })
    }
}

impl Tx<'_> {
    /// Forgets everything read from a space's log, because the server's is another one from `common`
    /// on. Until [`Self::compare_restored`], what was agreed on speaks of the forgotten one.
    ///
    /// # Errors
    /// The database's.
    pub fn abandon_log(&self, space: SpaceNumber, common: Head) -> Result<()> {
        let before = self.known_space(space)?;
        if before.common.is_none() {
            self.run(BEHIND, [space.0])?;
        }
        self.forget_log(space)?;
        // After a second restore in the middle, what was agreed on is still that of before the
        // first.
        let row = SpaceRow {
            common: before.common.or(Some(common)),
            ..self.known_space(space)?
        };
        self.update_space(space, &row)
    }

    fn known_space(&self, space: SpaceNumber) -> Result<SpaceRow> {
        self.space(space)?
            .ok_or(StateError::Invalid("space number"))
    }

    /// Makes what was agreed on fit the log that was read anew, and notes that it belongs to the
    /// life `epoch` of the server's data. `newer` says what that log has from after the common
    /// position, of the node of a row. Returns how many rows became others.
    ///
    /// # Errors
    /// The database's.
    pub fn compare_restored(
        &self,
        space: SpaceNumber,
        epoch: ServerEpoch,
        newer: impl Fn(&SyncedNode) -> Newer,
    ) -> Result<usize> {
        let mut changed = 0;
        for folder in self.folders_of(space)? {
            let nodes = self.all(OTHER, (folder.0, space.0), |row| get::<NodeId>(row, 0))?;
            for node in nodes {
                changed += usize::from(self.compare_node(space, folder, node, &newer)?);
            }
            // That was another log, whatever position it was at.
            self.take_settled(folder)?;
        }
        self.run("DELETE FROM abandoned WHERE space = ?1", [space.0])?;
        let row = SpaceRow {
            common: None,
            server_epoch: Some(epoch),
            ..self.known_space(space)?
        };
        self.update_space(space, &row)?;
        Ok(changed)
    }

    /// Whether the row became another.
    fn compare_node(
        &self,
        space: SpaceNumber,
        folder: FolderNumber,
        node: NodeId,
        newer: impl Fn(&SyncedNode) -> Newer,
    ) -> Result<bool> {
        let Some(row) = self.synced(folder, node)? else {
            return Ok(false);
        };
        let on_disk = self.local(folder, node)?.is_some();
        let remote = self.remote_node(space, node)?;
        let known = self.abandoned(space, node)?.unwrap_or(row.versions);
        let after = after_restore(&row, &known, on_disk, remote.as_ref(), newer(&row));
        match &after {
            Some(after) if *after == row => return Ok(false),
            Some(after) => self.put_synced(folder, after)?,
            None => self.remove_synced(folder, node)?,
        }
        Ok(true)
    }
}
