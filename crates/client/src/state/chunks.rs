//! Where bytes of known chunks lie on this disk. A hint: readers check what they find, and take
//! out what was wrong.

use hythe_model::{ChunkId, NodeId};

use super::columns::{get, number, signed};
use super::folders::FolderNumber;
use super::rows::{Result, Rows, Tx};

/// A place where a chunk's bytes may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChunkPlace {
    /// The folder.
    pub folder: FolderNumber,
    /// The file.
    pub node: NodeId,
    /// Where in the file they begin.
    pub offset: u64,
}

/// So much of an id is kept: enough to tell chunks apart, and what is found is checked anyway.
const KEPT: usize = 16;

fn key(chunk: &ChunkId) -> &[u8] {
    chunk.as_bytes().get(..KEPT).unwrap_or_default()
}

impl Rows<'_> {
    /// Up to four places where a chunk's bytes may be.
    ///
    /// # Errors
    /// The database's.
    pub fn chunk_places(&self, chunk: &ChunkId) -> Result<Vec<ChunkPlace>> {
        let sql = "SELECT folder, node, offset FROM chunks WHERE chunk = ?1 LIMIT 4";
        self.all(sql, [key(chunk)], |row| {
            Ok(ChunkPlace {
                folder: FolderNumber(row.get(0)?),
                node: get(row, 1)?,
                offset: number(row, 2)?,
            })
        })
    }
}

impl Tx<'_> {
    /// Notes where a chunk's bytes are.
    ///
    /// # Errors
    /// The database's.
    pub fn put_chunk(&self, chunk: &ChunkId, place: &ChunkPlace) -> Result<()> {
        let sql = "INSERT OR IGNORE INTO chunks (chunk, folder, node, offset)
            VALUES (?1, ?2, ?3, ?4)";
        let params = (
            key(chunk),
            place.folder.0,
            place.node.as_bytes(),
            signed(place.offset),
        );
        self.run(sql, params).map(drop)
    }

    /// Takes out a place that turned out wrong.
    ///
    /// # Errors
    /// The database's.
    pub fn remove_chunk(&self, chunk: &ChunkId, place: &ChunkPlace) -> Result<()> {
        let sql = "DELETE FROM chunks WHERE chunk = ?1 AND folder = ?2 AND node = ?3
            AND offset = ?4";
        let params = (
            key(chunk),
            place.folder.0,
            place.node.as_bytes(),
            signed(place.offset),
        );
        self.run(sql, params).map(drop)
    }
}
