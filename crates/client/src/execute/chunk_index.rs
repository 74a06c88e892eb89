//! Chunks that are on this disk already, in other files or in the former version of the same one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use hythe_model::{ChunkRef, NodeId};

use super::Context;
use crate::disk::{Outcome, Reading, Root};
use crate::state::{ChunkPlace, FolderNumber, State};
use crate::transfer::LocalChunks;

/// Finds chunks in the files of one folder by the places noted when those were synced. A note is
/// a hint: whoever uses the bytes compares them with the chunk's id.
pub struct ChunkIndex {
    state: Arc<State>,
    root: Arc<Root>,
    folder: FolderNumber,
    open: Mutex<HashMap<NodeId, Option<Arc<Reading>>>>,
}

impl ChunkIndex {
    pub fn new(cx: &Context) -> Self {
        let (state, root) = (Arc::clone(&cx.state), Arc::clone(&cx.root));
        Self {
            state,
            root,
            folder: cx.folder,
            open: Mutex::default(),
        }
    }

    fn file(&self, place: &ChunkPlace) -> Option<Arc<Reading>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.entry(place.node)
            .or_insert_with(|| self.open_file(place.node))
            .clone()
    }

    fn open_file(&self, node: NodeId) -> Option<Arc<Reading>> {
        let trees = self.state.folder_trees(self.folder).ok()?;
        let root = hythe_sync::Trees::root(&trees);
        let path = trees
            .rows()
            .ok()?
            .local_path(self.folder, root, node)
            .ok()??;
        match self.root.read(&path, None) {
            Ok(Outcome::Done(reading)) => Some(Arc::new(reading)),
            _ => None,
        }
    }
}

impl LocalChunks for ChunkIndex {
    fn read_chunk(&self, chunk: &ChunkRef, buffer: &mut Vec<u8>) -> bool {
        let Ok(places) = self.state.read(|rows| rows.chunk_places(&chunk.id)) else {
            return false;
        };
        let Ok(length) = usize::try_from(chunk.length) else {
            return false;
        };
        buffer.resize(length, 0);
        places
            .iter()
            .filter(|place| place.folder == self.folder)
            .any(|place| {
                let file = self.file(place);
                file.is_some_and(
                    |file| matches!(file.read_at(buffer, place.offset), Ok(n) if n == length),
                )
            })
    }
}
