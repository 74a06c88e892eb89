//! What transfers need of local files. The disk code implements these; tests do it in memory.

use std::io;
use std::ops::Range;

use hythe_model::ChunkRef;

/// A file that is being read for an upload. Its size was taken when it was opened; whoever opened it
/// compares the file's state before and after (S7).
pub trait SourceFile: Send + Sync + 'static {
    /// Length in bytes when it was opened.
    fn size(&self) -> u64;

    /// The ranges that hold data, in order, not overlapping, within the size. The rest is holes.
    ///
    /// # Errors
    /// What the file system said.
    fn extents(&self) -> io::Result<Vec<Range<u64>>>;

    /// Fills the whole buffer from an offset.
    ///
    /// # Errors
    /// What the file system said; `UnexpectedEof` when the file became shorter.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

/// A file that is being written by a download, in pieces, in any order, from several threads.
pub trait TargetFile: Send + Sync + 'static {
    /// Writes bytes at an offset. What is never written stays a hole.
    ///
    /// # Errors
    /// What the file system said.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
}

/// Where bytes of a chunk may be found on this disk, to spare fetching them.
pub trait LocalChunks: Send + Sync + 'static {
    /// Fills `buffer` with what should be the chunk's plaintext. The caller checks it against the
    /// chunk's id, so a stale index costs a fetch and nothing else. False when nothing is known.
    fn read_chunk(&self, chunk: &ChunkRef, buffer: &mut Vec<u8>) -> bool;
}

impl SourceFile for Vec<u8> {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn extents(&self) -> io::Result<Vec<Range<u64>>> {
        let whole = 0..self.len() as u64;
        Ok(if whole.is_empty() {
            Vec::new()
        } else {
            vec![whole]
        })
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let found = start
            .checked_add(buffer.len())
            .and_then(|end| self.get(start..end));
        buffer.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}
