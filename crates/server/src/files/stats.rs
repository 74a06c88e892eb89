//! Numbers about the server, for whoever runs it.

use hythe_model::ServerEpoch;
use serde::{Deserialize, Serialize};

use super::{Files, FilesError};
use crate::metadata::logs::{self, LogKind};
use crate::metadata::{DbError, Tx, accounts, chunks, nodes, packs, server};

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// The present life of the server's data.
    #[serde(with = "as_text")]
    pub epoch: ServerEpoch,
    /// How often a server was started on it.
    pub starts: u64,
    /// Accounts, the server's own not counted.
    pub accounts: u64,
    /// Spaces.
    pub spaces: u64,
    /// Change sets in all logs.
    pub change_sets: u64,
    /// Nodes that live.
    pub nodes: u64,
    /// Nodes that were deleted and can be brought back.
    pub deleted_nodes: u64,
    /// Sealed bytes of all chunks.
    pub stored_bytes: u64,
    /// Packs.
    pub packs: u64,
    /// Bytes of all packs.
    pub pack_bytes: u64,
    /// Small chunks in the database that wait for a pack.
    pub waiting_chunks: u64,
    /// Chunks that were found damaged and not replaced yet.
    pub bad_chunks: u64,
}

/// Ids in JSON, as their text.
pub(super) mod as_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::files) fn serialize<T: Display, S: Serializer>(
        id: &T,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(id)
    }

    pub(in crate::files) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Files {
    /// Counts everything.
    ///
    /// # Errors
    /// The database's.
    pub async fn stats(&self) -> Result<Stats, FilesError> {
        Ok(self.inner.database.read_long(count).await?)
    }
}

fn count(tx: &mut dyn Tx) -> Result<Stats, DbError> {
    let row = server::get(tx)?.ok_or(DbError::Shape("the server's row"))?;
    let spaces = logs::ids(tx, LogKind::Space)?;
    let (packs, pack_bytes) = packs::count(tx)?;
    let mut stats = Stats {
        epoch: row.epoch,
        starts: row.starts,
        accounts: accounts::all(tx)?.len() as u64,
        spaces: spaces.len() as u64,
        change_sets: logs::revision(tx)?,
        nodes: 0,
        deleted_nodes: 0,
        stored_bytes: 0,
        packs,
        pack_bytes,
        waiting_chunks: chunks::count_waiting(tx)?.0,
        bad_chunks: chunks::count_bad(tx)?,
    };
    for id in spaces {
        let Some(log) = logs::get(tx, &id)? else {
            continue;
        };
        let (alive, deleted) = nodes::count(tx, log.no)?;
        stats.nodes += alive;
        stats.deleted_nodes += deleted;
        stats.stored_bytes += log.stored_bytes;
    }
    Ok(stats)
}
