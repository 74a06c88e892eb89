//! Opening the database file, whatever state it was left in (SC-089).

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::error::StateError;
use super::roster::Roster;
use super::rows::Tx;
use super::{connect, schema};

/// How the database was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// As it was left.
    Clean,
    /// As a process left it that was killed; the database was checked and is whole.
    Checked,
    /// There was none. If this device had folders, they are known again from the list beside it.
    New,
    /// It was damaged. The file was kept under another name, and an empty one made.
    Damaged {
        /// Where the damaged file is.
        kept: PathBuf,
    },
}

/// Set while the database is open; found set at the next start, the process was killed.
const OPEN: &str = "open";

/// Knows how to say, at the end, that the end was clean.
pub(super) struct Closing {
    path: PathBuf,
    /// Goes when all is closed.
    #[cfg(test)]
    pub(super) alive: std::sync::Arc<()>,
}

pub(super) fn open(path: &Path) -> Result<(Connection, Condition, Closing), StateError> {
    let existed = path.exists();
    let (mut connection, condition) = match try_open(path) {
        Ok((connection, _)) if !existed => (connection, Condition::New),
        Ok((connection, true)) => (connection, Condition::Checked),
        Ok((connection, false)) => (connection, Condition::Clean),
        Err(StateError::Damaged(_)) => {
            let kept = set_aside(path)?;
            let (connection, _) = try_open(path)?;
            (connection, Condition::Damaged { kept })
        }
        Err(other) => return Err(other),
    };
    let transaction = connection.transaction()?;
    let tx = Tx::new(&transaction);
    if matches!(condition, Condition::New | Condition::Damaged { .. }) {
        Roster::read(path)?.restore(&tx)?;
    }
    tx.set_setting(OPEN, &[1])?;
    transaction.commit()?;
    restrict(path)?;
    Ok((
        connection,
        condition,
        Closing {
            path: path.to_owned(),
            #[cfg(test)]
            alive: std::sync::Arc::default(),
        },
    ))
}

/// Opens and checks the file. Says whether the process before was killed.
fn try_open(path: &Path) -> Result<(Connection, bool), StateError> {
    let mut connection = connect::writer(path)?;
    schema::migrate(&mut connection)?;
    let killed = Tx::new(&connection).setting(OPEN)?.is_some();
    if killed {
        check(&connection)?;
    }
    Ok((connection, killed))
}

/// Looks through every page. Seconds for a million files, so only after a process was killed.
fn check(connection: &Connection) -> Result<(), StateError> {
    let answer: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if answer == "ok" {
        return Ok(());
    }
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    Err(rusqlite::Error::SqliteFailure(code, Some(answer)).into())
}

/// Moves the database and what belongs to it out of the way, under a name that is free.
fn set_aside(path: &Path) -> Result<PathBuf, StateError> {
    let free = (1..)
        .map(|n| with_suffix(path, &format!(".damaged-{n}")))
        .find(|name| !name.exists());
    let kept = free.ok_or(StateError::Closed)?;
    for part in ["-wal", "-shm"] {
        match std::fs::rename(with_suffix(path, part), with_suffix(&kept, part)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    std::fs::rename(path, &kept)?;
    Ok(kept)
}

/// Names and hashes of a user's files are nobody else's business.
fn restrict(path: &Path) -> Result<(), StateError> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::set_permissions(
        path,
        std::fs::Permissions::from_mode(0o600),
    )?)
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

impl Drop for Closing {
    /// Says that the end was clean. If that fails, the next start checks, which is all it costs.
    fn drop(&mut self) {
        if let Ok(connection) = connect::writer(&self.path) {
            let _ = Tx::new(&connection).remove_setting(OPEN);
        }
    }
}
