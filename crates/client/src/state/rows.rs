//! Access to the rows: [`Rows`] reads, [`Tx`] also writes.

use std::cell::Cell;
use std::ops::Deref;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row};

use super::error::StateError;

/// Result of everything here.
pub type Result<T> = std::result::Result<T, StateError>;

/// The tables as of one moment, read-only.
pub struct Rows<'c> {
    connection: &'c Connection,
}

/// The tables inside a transaction. Changes are kept only if the whole closure succeeds.
pub struct Tx<'c> {
    rows: Rows<'c>,
    roster: Cell<bool>,
}

impl<'c> Rows<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self { connection }
    }

    /// A statement, prepared once per connection.
    pub(crate) fn statement(&self, sql: &str) -> Result<CachedStatement<'c>> {
        Ok(self.connection.prepare_cached(sql)?)
    }

    /// The first row, read by `read`.
    pub(super) fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut statement = self.statement(sql)?;
        statement
            .query_row(params, |row| Ok(read(row)))
            .optional()?
            .transpose()
    }

    /// All rows, read by `read`.
    pub(super) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self.statement(sql)?;
        let mut rows = statement.query(params)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(row)?);
        }
        Ok(found)
    }
}

impl<'c> Tx<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self {
            rows: Rows::new(connection),
            roster: Cell::new(false),
        }
    }

    /// Says that the list of folders changed, which is also kept in a file.
    pub(super) fn roster_changed(&self) {
        self.roster.set(true);
    }

    pub(super) fn has_new_roster(&self) -> bool {
        self.roster.get()
    }

    /// Frees what the connection keeps of the file in memory.
    pub(super) fn forget_pages(&self) -> Result<()> {
        Ok(self.rows.connection.execute_batch("PRAGMA shrink_memory")?)
    }

    /// Runs a statement and says how many rows it changed.
    pub(super) fn run(&self, sql: &str, params: impl Params) -> Result<usize> {
        Ok(self.statement(sql)?.execute(params)?)
    }
}

impl<'c> Deref for Tx<'c> {
    type Target = Rows<'c>;

    fn deref(&self) -> &Rows<'c> {
        &self.rows
    }
}
