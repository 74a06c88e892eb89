//! Opening a sync folder: is it there, is it the one it was, and from when is what we remember.

use std::sync::Arc;

use hythe_model::DeviceId;

use crate::disk::{Absence, DiskError, OpenError, Opened, Owner, Root};
use crate::execute::Bulk;
use crate::scan::Entering;
use crate::state::{FolderNumber, FolderRow, PeriodError, State, StateError};
use crate::watch::Watcher;

/// A folder that was opened.
pub struct OpenFolder {
    /// The folder on disk.
    pub root: Arc<Root>,
    /// Hears of changes, of those directories that scans have shown it.
    pub watcher: Arc<Watcher>,
    /// Its large files under way.
    pub bulk: Arc<Bulk>,
    /// Whether all its trees were equal when it was last closed.
    pub settled: bool,
}

impl OpenFolder {
    /// Whom a scan shows the directories it lists.
    pub fn entering(&self) -> &dyn Entering {
        self.watcher.as_ref()
    }
}

/// At most so many directories are watched: what the daemon's memory allows (design §6).
const MAX_WATCHES: usize = 500_000;

/// Why a folder cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenFailure {
    /// It is not there, or is not the one it was (S4).
    #[error("{}", .0.reason())]
    Away(Absence),
    /// It cannot be used as a folder.
    #[error(transparent)]
    Unusable(#[from] OpenError),
    /// Its disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The state database failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// No period of use could be begun.
    #[error(transparent)]
    Period(#[from] PeriodError),
}

impl OpenFailure {
    /// Whether the folder may be somewhere else.
    pub fn may_be_elsewhere(&self) -> bool {
        matches!(self, Self::Away(absence) if absence.may_be_elsewhere())
    }

    /// Whether it may pass by itself.
    pub fn may_pass(&self) -> bool {
        !matches!(self, Self::Unusable(OpenError::Unsupported))
    }
}

/// Opens a folder and begins a period of use. Blocks.
///
/// # Errors
/// See [`OpenFailure`].
pub fn open(
    state: &Arc<State>,
    device: DeviceId,
    number: FolderNumber,
    row: &FolderRow,
    bulk: Bulk,
) -> Result<OpenFolder, OpenFailure> {
    let owner = owner(device, row);
    let root = match Root::open(&row.path, &owner)? {
        Opened::Ready(root) => root,
        Opened::Reconcile(root, mismatch) => {
            tracing::warn!(folder = %row.path.display(), ?mismatch, "merging without deletes");
            state.write(move |tx| tx.forget_agreement(number)).wait()?;
            root
        }
        Opened::Away(absence) => return Err(OpenFailure::Away(absence)),
    };
    let settled = state.begin_period(number, &root)?;
    let watcher = Arc::new(Watcher::start(MAX_WATCHES));
    Ok(OpenFolder {
        root: Arc::new(root),
        watcher,
        bulk: Arc::new(bulk),
        settled,
    })
}

/// Whose folder a row speaks of.
pub fn owner(device: DeviceId, row: &FolderRow) -> Owner {
    Owner {
        device,
        folder: row.id,
        generations: row.generations(),
    }
}
