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

/// Makes a folder that only its owner can enter, and those above it, if they are not there. When
/// this returns, a power cut does not take it away.
///
/// # Errors
/// When it cannot be made or its name not be synced.
pub fn make_private_folder(folder: &Path) -> io::Result<()> {
    let above = folder.ancestors().filter(|above| *above != Path::new(""));
    let missing: Vec<&Path> = above.take_while(|above| !above.exists()).collect();
    make_unsynced_folder(folder)?;
    if missing.is_empty() {
        // It may be there because a start was killed before it synced the name. Whoever may not
        // read the folder above did not make this one there.
        let _made_by_others = sync_name(folder);
    }
    missing.into_iter().rev().try_for_each(sync_name)
}

/// As [`make_private_folder`], for a caller who syncs the folder above.
///
/// # Errors
/// When it cannot be made.
pub fn make_unsynced_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes the name of a file or folder durable.
///
/// # Errors
/// When the folder it is in cannot be opened or synced.
pub fn sync_name(path: &Path) -> io::Result<()> {
    match path.parent() {
        None => Ok(()),
        Some(folder) if folder == Path::new("") => sync_folder(Path::new(".")),
        Some(folder) => sync_folder(folder),
    }
}

/// Makes the names in a folder durable.
///
/// # Errors
/// When the folder cannot be opened or synced.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
