//! Nodes whose three trees do not agree, found by comparing whole tables.
//!
//! Costs a look at every row; done after a start and when a database or a server came back from a
//! copy. While the daemon runs, changes are told as they happen.

use std::collections::BTreeSet;

use hythe_model::NodeId;

use super::columns::get;
use super::error::StateError;
use super::folders::FolderNumber;
use super::rows::{Result, Rows};

/// On disk, and not as agreed. Of a directory the stamp says nothing.
const DISK: &str = "SELECT l.node FROM local l
    LEFT JOIN synced s ON s.folder = l.folder AND s.node = l.node
    WHERE l.folder = ?1 AND (s.node IS NULL OR s.parent <> l.parent OR s.name <> l.name
        OR s.executable_on_disk <> l.executable OR (l.kind <> 0 AND s.stamp <> l.stamp))";

/// Agreed, and no longer on disk.
const GONE: &str = "SELECT s.node FROM synced s
    LEFT JOIN local l ON l.folder = s.folder AND l.node = s.node
    WHERE s.folder = ?1 AND l.node IS NULL";

/// Agreed, and the log says something else by now.
const LOG: &str = "SELECT s.node FROM synced s
    LEFT JOIN remote r ON r.space = ?2 AND r.node = s.node
    WHERE s.folder = ?1 AND (r.node IS NULL OR r.deleted = 1 OR r.place_version <> s.place_version
        OR r.attributes_version <> s.attributes_version OR r.body_version IS NOT s.body_version)";

/// In the log, and never agreed. Those outside the folder's part of the space cost the planner a
/// look each.
const NEW: &str = "SELECT r.node FROM remote r
    LEFT JOIN synced s ON s.folder = ?1 AND s.node = r.node
    WHERE r.space = ?2 AND r.deleted = 0 AND s.node IS NULL";

impl Rows<'_> {
    /// The nodes of a folder on which the three trees differ, and possibly a few more.
    ///
    /// # Errors
    /// The database's.
    pub fn different(&self, folder: FolderNumber) -> Result<BTreeSet<NodeId>> {
        let row = self
            .folder(folder)?
            .ok_or(StateError::Invalid("folder number"))?;
        let mut found = BTreeSet::new();
        for sql in [DISK, GONE] {
            found.extend(self.all(sql, [folder.0], |row| get::<NodeId>(row, 0))?);
        }
        for sql in [LOG, NEW] {
            found.extend(self.all(sql, (folder.0, row.space.0), |row| get::<NodeId>(row, 0))?);
        }
        found.remove(&row.root);
        Ok(found)
    }
}
