//! Beginning a period of use of a folder: database and marker step forward together.

use super::State;
use super::error::StateError;
use super::folders::FolderNumber;
use crate::disk::{DiskError, Root};

/// Why a period could not begin.
#[derive(Debug, thiserror::Error)]
pub enum PeriodError {
    /// The database.
    #[error(transparent)]
    State(#[from] StateError),
    /// The folder's marker.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The system has no random numbers.
    #[error("the system gives no random numbers")]
    Random(#[source] std::io::Error),
}

impl State {
    /// Begins a period of use of an open folder, so that an older copy of the database, or of the
    /// folder, can be told from the newest (SC-089, SC-142). To be called when a folder was
    /// opened and when it is closed.
    ///
    /// Three steps, each durable before the next: the database announces the period, the marker
    /// takes it, the database confirms it. A crash in between leaves a marker with one of the two
    /// periods the database knows.
    ///
    /// Says whether the period before ended with all trees equal.
    ///
    /// # Errors
    /// See [`PeriodError`]; then the period before goes on.
    pub fn begin_period(&self, folder: FolderNumber, root: &Root) -> Result<bool, PeriodError> {
        let now = root.marker().generation;
        let next = now.next().map_err(PeriodError::Random)?;
        // `now` is what the marker carries: after a crash that may be a period only announced.
        let settled = self.write_blocking(move |tx| {
            tx.set_generations(folder, now, Some(next))?;
            tx.take_settled(folder)
        })?;
        root.set_generation(next)?;
        self.write_blocking(move |tx| tx.set_generations(folder, next, None))?;
        Ok(settled)
    }
}
