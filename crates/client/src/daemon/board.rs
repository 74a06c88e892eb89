//! What is being sent and fetched now, for `status` and progress bars.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hythe_control::{Direction, Octets, Transfer};
use hythe_model::TreePath;

use crate::state::FolderNumber;
use crate::transfer::Progress;

/// At most so many are shown; more say nothing to a person.
const SHOWN: usize = 64;

/// The transfers under way. Written by those who transfer, read by whoever asks.
#[derive(Debug, Default)]
pub struct Board {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    running: BTreeMap<u64, Row>,
}

#[derive(Debug)]
struct Row {
    folder: FolderNumber,
    path: TreePath,
    direction: Direction,
    total_bytes: u64,
    progress: Arc<Progress>,
}

/// A transfer on the board, for as long as this lives.
#[derive(Debug)]
pub struct Shown {
    /// Its counters.
    pub progress: Arc<Progress>,
    board: Arc<Board>,
    number: u64,
}

impl Board {
    /// Puts a transfer on the board.
    pub fn begin(
        self: &Arc<Self>,
        folder: FolderNumber,
        path: &TreePath,
        direction: Direction,
        total_bytes: u64,
    ) -> Shown {
        let progress = Arc::new(Progress::default());
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        let row = Row {
            folder,
            path: path.clone(),
            direction,
            total_bytes,
            progress: Arc::clone(&progress),
        };
        state.running.insert(number, row);
        Shown {
            progress,
            board: Arc::clone(self),
            number,
        }
    }

    /// The transfers, the longest running first.
    pub fn transfers(&self) -> Vec<Transfer> {
        let row = |row: &Row| Transfer {
            folder: u32::try_from(row.folder.0).unwrap_or_default(),
            path: Octets(row.path.to_bytes()),
            direction: row.direction,
            done_bytes: row.progress.done_bytes(),
            total_bytes: row.total_bytes,
        };
        self.lock().running.values().take(SHOWN).map(row).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.board.lock().running.remove(&self.number);
    }
}
