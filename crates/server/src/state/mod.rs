//! The folder of a server: its lock, its master key, and the marks that show that an older copy
//! of it was put back.

mod keys;
mod lock;
mod marks;

pub use keys::{KeyError, MasterKey};
pub use lock::{FolderLock, LockError};
pub use marks::{Mark, Marks};

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Makes a folder that only its owner can enter, if it is not there.
///
/// # Errors
/// When it cannot be made.
pub fn make_private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes the names in a folder durable.
///
/// # Errors
/// When the folder cannot be opened or synced.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
