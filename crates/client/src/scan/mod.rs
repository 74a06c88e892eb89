//! Looking at the disk: what is there, compared with what was there at the last look.
//!
//! A scan writes observations into the Local tree and says which nodes differ. It decides two
//! things, and both carefully:
//!
//! * **Which node an entry is.** Same place and same inode: the same node. An inode that is known
//!   from elsewhere: that node, moved. Another inode under a known name, while the old inode is
//!   nowhere to be seen: the same node, saved by a program that replaces files (SC-063, SC-064).
//!   Anything else is new. Ids follow inodes where the inodes are still there (SC-019, SC-020).
//! * **What is gone.** Only what a complete listing of its directory does not have, in a folder
//!   that is certainly the folder (S4). What could not be read stays as it was.
//!
//! One scan or pass per folder at a time.

mod ahead;
mod directory;
mod entry;
mod gone;
mod identify;
mod names;
mod places;
mod replaced;
mod session;
mod trouble;
mod walk;

use std::collections::BTreeSet;
use std::os::fd::BorrowedFd;

use hythe_model::{NodeId, TreePath};

use crate::disk::{Absence, DiskError, Root};
use crate::state::{FolderNumber, State, StateError};

use session::Session;

/// How much to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Whole,
    /// Everything, and rows that an earlier scan may have left below no directory when it broke
    /// off. Costs a look at every row.
    WholeAfterBreak,
    /// These entries; of those that are directories also the entries right in them, and
    /// everything below directories that are new.
    Places(BTreeSet<TreePath>),
}

/// Told of every directory right before it is listed. A watcher that begins here misses nothing:
/// what happens later is an event, what happened before is in the listing.
pub trait Entering: Send + Sync {
    /// The scan is about to list an open directory at a path below the folder. Says whether the
    /// directory is new to the listener, so that nothing is known about what is below it.
    fn entering(&self, directory: BorrowedFd<'_>, path: &[u8]) -> bool;
}

/// What a scan works on.
pub struct Scan<'a> {
    /// The folder on the disk.
    pub root: &'a Root,
    /// The state database.
    pub state: &'a State,
    /// The folder in it.
    pub folder: FolderNumber,
    /// Who wants to know of directories.
    pub entering: Option<&'a dyn Entering>,
}

/// What a scan found. The Local tree has it already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScanReport {
    /// Nodes that are new, changed, moved or gone.
    pub dirty: BTreeSet<NodeId>,
    /// How many entries were looked at.
    pub entries: u64,
    /// Places that changed while they were looked at: look again.
    pub again: BTreeSet<TreePath>,
    /// How many entries cannot be synced or could not be read; they are among the problems.
    pub problems: u64,
}

/// Why a scan ended early. What it had written stays and is true.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The folder is not there, or not the one it was. Nothing was concluded from that.
    #[error("{}", .0.reason())]
    Away(Absence),
    /// The disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The state database.
    #[error(transparent)]
    State(#[from] StateError),
    /// The system has no random numbers for new ids.
    #[error("the system gives no random numbers")]
    Random(#[source] std::io::Error),
}

impl Scan<'_> {
    /// Looks at the disk. Blocks: for a thread that may wait.
    ///
    /// # Errors
    /// See [`ScanError`].
    pub fn run(&self, scope: &Scope) -> Result<ScanReport, ScanError> {
        self.root.still_there().map_err(ScanError::Away)?;
        let mut session = Session::new(self)?;
        match scope {
            Scope::Whole => session.everything()?,
            Scope::WholeAfterBreak => {
                session.find_strays()?;
                session.everything()?;
            }
            Scope::Places(places) => session.places(places)?,
        }
        session.finish()
    }
}
