//! Reading and writing small files of keys.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use super::TlsError;

/// Reads a whole file, wiped from memory after use.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    fs::read(path)
        .map(Zeroizing::new)
        .map_err(|source| at(path, source))
}

/// Makes a folder that only its owner can enter, unless it is there.
pub(super) fn private_folder(path: &Path) -> Result<(), TlsError> {
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path);
    made.map_err(|source| at(path, source))
}

/// Writes a file that only its owner can read: whole or not at all, also after a crash.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), TlsError> {
    let staged = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        let _ = fs::remove_file(&staged);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&staged)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&staged, path)?;
        match path.parent() {
            Some(folder) => fs::File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    };
    write().map_err(|source| at(path, source))
}

fn at(path: &Path, source: std::io::Error) -> TlsError {
    TlsError::File {
        path: path.to_owned(),
        source,
    }
}
