//! One secret file: read whole, replaced whole, never open to others.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use minicbor::{Decode, Encode};
use zeroize::Zeroizing;

/// Why a file of keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The content is not what this version writes.
    #[error("{path} is damaged or was written by another version of hythe")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

/// A file that holds secrets.
#[derive(Debug, Clone)]
pub(super) struct SecretFile {
    path: PathBuf,
}

impl SecretFile {
    pub(super) fn new(directory: &Path, name: &str) -> Self {
        Self {
            path: directory.join(name),
        }
    }

    /// Reads it; none when it is not there.
    pub(super) fn load<T: for<'b> Decode<'b, ()>>(
        &self,
        format: u8,
        max_bytes: u64,
    ) -> Result<Option<T>, KeyFileError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.io(error)),
        };
        self.close_to_others(&file)?;
        let mut bytes = Zeroizing::new(Vec::new());
        file.take(max_bytes + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| self.io(error))?;
        let damaged = || KeyFileError::Damaged {
            path: self.path.clone(),
        };
        let (first, body) = bytes.split_first().ok_or_else(damaged)?;
        if *first != format || bytes.len() as u64 > max_bytes {
            return Err(damaged());
        }
        let mut decoder = minicbor::Decoder::new(body);
        let value = decoder.decode().map_err(|_| damaged())?;
        if decoder.position() != body.len() {
            return Err(damaged());
        }
        Ok(Some(value))
    }

    /// Replaces it: after this returns, a power cut finds the new content; before, old or new.
    pub(super) fn store<T: Encode<()>>(&self, format: u8, value: &T) -> Result<(), KeyFileError> {
        // Room enough that growing does not leave copies of secrets behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(64 << 10));
        bytes.push(format);
        minicbor::encode(value, &mut *bytes)
            .map_err(|_| self.io(io::Error::other("the keys cannot be encoded")))?;
        let new = self.path.with_extension("new");
        self.write_and_rename(&new, &bytes)
            .map_err(|error| self.io(error))
    }

    fn write_and_rename(&self, new: &Path, bytes: &[u8]) -> io::Result<()> {
        // What an earlier crash left; the home is locked, so nobody else writes here.
        ignore_missing(fs::remove_file(new))?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(new, &self.path)?;
        self.sync_directory()
    }

    /// Removes it, durably; it may be missing.
    pub(super) fn remove(&self) -> Result<(), KeyFileError> {
        ignore_missing(fs::remove_file(&self.path))
            .and_then(|()| self.sync_directory())
            .map_err(|error| self.io(error))
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.path
            .parent()
            .map_or(Ok(()), |directory| File::open(directory)?.sync_all())
    }

    /// A copy made by hand may have lost the mode; the content is ours all the same.
    fn close_to_others(&self, file: &File) -> Result<(), KeyFileError> {
        let mode = file
            .metadata()
            .map_err(|error| self.io(error))?
            .permissions()
            .mode();
        if mode & 0o077 == 0 {
            return Ok(());
        }
        tracing::warn!(path = %self.path.display(), "a file of keys was open to others; closing it");
        file.set_permissions(Permissions::from_mode(0o600))
            .map_err(|error| self.io(error))
    }

    fn io(&self, source: io::Error) -> KeyFileError {
        KeyFileError::Io {
            path: self.path.clone(),
            source,
        }
    }
}

/// Makes a directory that only its owner can enter, or closes the one that is there.
pub(super) fn make_private(directory: &Path) -> Result<(), KeyFileError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .and_then(|()| fs::set_permissions(directory, Permissions::from_mode(0o700)))
        .map_err(|source| KeyFileError::Io {
            path: directory.to_owned(),
            source,
        })
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
