//! The client's home: one directory that holds everything a device knows.
//!
//! ```text
//! HYTHE_HOME/            0700
//!   lock                 held while a daemon, or a command in its place, runs; holds its pid
//!   daemon.sock          the control door
//!   state.db             trees, heads, folders
//!   keys/                secrets, 0600
//!   leaving, removed     of a device that was removed and asked to delete its copies
//!   server/              data of the server that `hythe up` runs
//! ```

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// The directory of one device's state.
#[derive(Debug, Clone)]
pub struct Home {
    directory: PathBuf,
}

/// A home that this process alone uses until this value is dropped.
#[derive(Debug)]
pub struct LockedHome {
    home: Home,
    // Closing the file gives the lock back, also when the process is killed.
    _lock: File,
}

/// Why a home cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// Neither `HYTHE_HOME`, `XDG_DATA_HOME` nor `HOME` names a place.
    #[error("no home directory is set")]
    NoPlace,
    /// Another process uses it.
    #[error("another hythe uses {directory} (process {holder})")]
    Taken {
        /// The home in question.
        directory: PathBuf,
        /// The other process's id as it wrote it, `unknown` if it wrote none.
        holder: String,
    },
    /// The file system refused.
    #[error("{directory}: {source}")]
    Io {
        /// The home in question.
        directory: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl Home {
    /// Uses a directory, which is made (0700) if it is not there.
    ///
    /// # Errors
    /// [`HomeError::Io`] when it cannot be made.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, HomeError> {
        let directory = directory.into();
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory);
        made.map_err(|source| HomeError::Io {
            directory: directory.clone(),
            source,
        })?;
        Ok(Self { directory })
    }

    /// Where the environment says: `HYTHE_HOME`, else `hythe` in `XDG_DATA_HOME`, else
    /// `~/.local/share/hythe`.
    ///
    /// # Errors
    /// [`HomeError::NoPlace`] when nothing names a place.
    pub fn place_from_environment() -> Result<PathBuf, HomeError> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        if let Some(home) = set("HYTHE_HOME") {
            return Ok(home.into());
        }
        if let Some(data) = set("XDG_DATA_HOME") {
            return Ok(PathBuf::from(data).join("hythe"));
        }
        let home = set("HOME").ok_or(HomeError::NoPlace)?;
        Ok(PathBuf::from(home).join(".local/share/hythe"))
    }

    /// The directory itself.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The state database.
    pub fn state_path(&self) -> PathBuf {
        self.directory.join("state.db")
    }

    /// Where secrets lie.
    pub fn keys_path(&self) -> PathBuf {
        self.directory.join("keys")
    }

    /// Data of the server that `hythe up` runs.
    pub fn server_path(&self) -> PathBuf {
        self.directory.join("server")
    }

    /// Name of the control door's socket inside [`Self::directory`].
    pub const SOCKET_NAME: &'static str = "daemon.sock";

    /// Takes the home for this process. What a device that was removed and wiped left there is removed
    /// first.
    ///
    /// # Errors
    /// [`HomeError::Taken`] when another process holds it; it is named.
    pub fn lock(self) -> Result<LockedHome, HomeError> {
        let failed = |source| HomeError::Io {
            directory: self.directory.clone(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.directory.join("lock"))
            .map_err(failed)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut holder = String::new();
            let read = file.take(32).read_to_string(&mut holder).map_err(failed)?;
            let holder = if read == 0 {
                "unknown".into()
            } else {
                holder.trim().to_owned()
            };
            return Err(HomeError::Taken {
                directory: self.directory,
                holder,
            });
        }
        file.set_len(0).map_err(failed)?;
        file.rewind().map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        crate::leave::finish(&self).map_err(failed)?;
        Ok(LockedHome {
            home: self,
            _lock: file,
        })
    }
}

impl std::ops::Deref for LockedHome {
    type Target = Home;

    fn deref(&self) -> &Home {
        &self.home
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sc143_a_second_process_is_told_who_holds_the_home() {
        let directory = tempfile::tempdir().unwrap();
        let held = Home::open(directory.path()).unwrap().lock().unwrap();
        let refused = Home::open(directory.path()).unwrap().lock().unwrap_err();
        assert!(
            refused
                .to_string()
                .contains(&std::process::id().to_string()),
            "{refused}"
        );
        drop(held);
        assert!(Home::open(directory.path()).unwrap().lock().is_ok());
    }
}
