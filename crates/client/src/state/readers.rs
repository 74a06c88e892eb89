//! A few connections for reading, each with a view of one moment while it is used.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use super::connect;
use super::error::StateError;
use super::rows::Rows;

/// Idle connections that are kept; more are closed after use.
const KEPT: usize = 4;

/// The connections.
#[derive(Clone)]
pub(super) struct Readers {
    path: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

/// A view of the tables as of one moment, for as long as it lives. Short, please: the log of
/// changes cannot be shortened while somebody looks at an old moment.
pub struct Snapshot {
    connection: Option<Connection>,
    readers: Readers,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path: Arc::new(path),
            idle: Arc::default(),
        }
    }

    /// Closes the connections that nobody uses, with the pages and statements they keep.
    pub(super) fn close_idle(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let closing = std::mem::take(&mut *idle);
        drop(idle);
        drop(closing);
    }

    pub(super) fn snapshot(&self) -> Result<Snapshot, StateError> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect::reader(&self.path)?,
        };
        begin(&connection)?;
        Ok(Snapshot {
            connection: Some(connection),
            readers: self.clone(),
        })
    }
}

fn begin(connection: &Connection) -> Result<(), StateError> {
    connection.prepare_cached("BEGIN")?.execute([])?;
    // The moment is that of the first read, so there is one.
    let mut read = connection.prepare_cached("SELECT 1 FROM settings LIMIT 1")?;
    read.exists([])?;
    Ok(())
}

/// Prepared once, like all that is done for every look.
fn commit(connection: &Connection) -> Result<(), StateError> {
    connection.prepare_cached("COMMIT")?.execute([])?;
    Ok(())
}

impl Snapshot {
    /// The tables.
    ///
    /// # Errors
    /// Never while the snapshot lives; the type is that of what follows.
    pub fn rows(&self) -> Result<Rows<'_>, StateError> {
        self.connection
            .as_ref()
            .map(Rows::new)
            .ok_or(StateError::Closed)
    }

    /// Lets the moment go while `work` is done, and looks at the one after it. No row may be under
    /// way.
    ///
    /// # Errors
    /// The database's, and those of `work`.
    pub fn renew_after<T, E: From<StateError>>(
        &self,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let connection = self.connection.as_ref().ok_or(StateError::Closed)?;
        commit(connection)?;
        let done = work();
        begin(connection)?;
        done
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        if commit(&connection).is_err() {
            return;
        }
        let mut idle = self
            .readers
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(connection);
        }
    }
}
