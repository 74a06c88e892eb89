//! What a device remembers: three trees, heads and folders, in SQLite.
//!
//! Only observations are kept here, never a list of things to do (D3): whatever is lost between
//! two commits is found again by looking. [`State::write`] changes, in the order of the calls and
//! durably; [`State::read`] looks, as of one moment, and never waits for a writer.
//!
//! The format is `docs/format/client-state.md`.

mod borders;
mod chunks;
mod columns;
mod connect;
mod different;
mod error;
mod folders;
mod local;
mod open;
mod pending;
mod period;
mod problems;
mod readers;
mod remote;
mod restored;
mod roster;
mod rows;
mod schema;
mod settings;
mod settled;
mod sightings;
mod spaces;
mod synced;
mod trees;
mod writer;

use std::path::Path;
use std::sync::Arc;

pub use borders::{AttachmentRow, MovedOut};
pub use chunks::ChunkPlace;
pub(crate) use columns::{StampBytes, kind_number};
pub use error::StateError;
pub use folders::{FolderNumber, FolderRow, Within};
pub use local::LocalRow;
pub(crate) use local::LocalSeen;
pub use open::Condition;
pub use pending::PendingRow;
pub use period::PeriodError;
pub use problems::{ProblemRow, ProblemSource, Subject};
pub use readers::Snapshot;
pub use remote::RemoteRow;
pub use rows::{Rows, Tx};
pub use sightings::SightingRow;
pub use spaces::{OwnRow, SpaceNumber, SpaceRow};
pub use trees::FolderTrees;
pub use writer::Written;

use readers::Readers;
use writer::{Kept, Writer};

/// The state of one device. A handle: clones are the same state. It is closed when the last one is
/// dropped, which first does everything that is queued.
#[derive(Clone)]
pub struct State {
    shared: Arc<Shared>,
}

struct Shared {
    // Dropped first: the writer ends before the mark of a clean end is made.
    writer: Writer,
    readers: Readers,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "does its work when it is dropped")
    )]
    closing: open::Closing,
}

impl State {
    /// Opens the state in `path`, or makes it. A damaged file is set aside and replaced by an
    /// empty one that still knows the folders, see [`Condition`].
    ///
    /// # Errors
    /// When the file was written by a newer program, or cannot be used at all.
    pub fn open(path: &Path) -> Result<(Self, Condition), StateError> {
        let (connection, condition, closing) = open::open(path)?;
        let writer = Writer::start(connection, path.to_owned())?;
        let readers = Readers::new(path.to_owned());
        let shared = Shared {
            writer,
            readers,
            closing,
        };
        Ok((
            Self {
                shared: Arc::new(shared),
            },
            condition,
        ))
    }

    /// What is there until every file of the state is closed.
    #[cfg(test)]
    pub(crate) fn alive(&self) -> std::sync::Weak<()> {
        Arc::downgrade(&self.shared.closing.alive)
    }

    /// Queues a change, which is kept whole or not at all. The result comes when it is on the
    /// disk, and changes are done in the order of these calls.
    pub fn write<T, E>(
        &self,
        change: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Written<T, E>
    where
        T: Send + 'static,
        E: From<StateError> + Send + 'static,
    {
        self.shared.writer.submit(Kept::OnDisk, change)
    }

    /// Queues an observation: as [`Self::write`], but it is acknowledged before it is on the disk.
    /// It outlives the process; a power cut may undo the newest observations, never one that an
    /// acknowledged [`Self::write`] came after. For what is found again by looking.
    pub fn observe<T, E>(
        &self,
        change: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Written<T, E>
    where
        T: Send + 'static,
        E: From<StateError> + Send + 'static,
    {
        self.shared.writer.submit(Kept::ByTheSystem, change)
    }

    /// Makes a change and waits until it is on the disk. Not for async code.
    ///
    /// # Errors
    /// The change's own, and the database's; then nothing of it was kept.
    pub fn write_blocking<T, E>(
        &self,
        change: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StateError> + Send + 'static,
    {
        self.write(change).wait()
    }

    /// Looks at the tables as of now.
    ///
    /// # Errors
    /// Those of `look`, and the database's.
    pub fn read<T, E: From<StateError>>(
        &self,
        look: impl FnOnce(&Rows<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let snapshot = self.snapshot()?;
        look(&snapshot.rows()?)
    }

    /// Frees the pages that are kept in memory in case they are asked for again. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub fn forget_pages(&self) -> Result<(), StateError> {
        self.shared.readers.close_idle();
        self.observe(|tx| tx.forget_pages()).wait()
    }

    /// Writes the log of changes into the tables and empties it, if it has become long. For who
    /// changes much and looks at no [`Snapshot`] now: while anybody does, the log only grows.
    /// Blocks, but not for long; what cannot be done now is done another time.
    pub fn shorten_log(&self) {
        self.shared.writer.shorten_log();
    }

    /// A view of this moment that may be kept for a while.
    ///
    /// # Errors
    /// The database's.
    pub fn snapshot(&self) -> Result<Snapshot, StateError> {
        self.shared.readers.snapshot()
    }

    /// The three trees of a folder, as of now, for the planner.
    ///
    /// # Errors
    /// The database's, and when there is no such folder.
    pub fn folder_trees(&self, folder: FolderNumber) -> Result<FolderTrees, StateError> {
        FolderTrees::new(self.snapshot()?, folder)
    }
}
