//! A transaction, as the rules see it.

use super::error::DbError;
use super::value::{Row, V};
use crate::notify::Notice;

/// An open transaction on either database.
///
/// The contract for every implementation (`tests/metadata_contract.rs` holds both to it):
/// * Statements are constants, with parameters `$1`, `$2` … that first occur in that order.
/// * A transaction sees its own writes; others see all of them after the commit, or none.
/// * After an error the transaction can only end: whoever gets one returns it.
pub trait Tx {
    /// Runs one statement; returns how many rows it changed.
    ///
    /// # Errors
    /// As every method here: see [`DbError`].
    fn exec(&mut self, sql: &'static str, params: &[V<'_>]) -> Result<u64, DbError>;

    /// Runs one statement once per set of parameters, in order; returns how many rows all of them
    /// changed. PostgreSQL gets them in one go, without a wait between them.
    ///
    /// # Errors
    /// See [`DbError`].
    fn many(&mut self, sql: &'static str, rows: &[Vec<V<'_>>]) -> Result<u64, DbError>;

    /// Runs one query and returns all its rows.
    ///
    /// # Errors
    /// See [`DbError`].
    fn query(&mut self, sql: &'static str, params: &[V<'_>]) -> Result<Vec<Row>, DbError>;

    /// Runs one query once per set of parameters; returns the rows of each, in order. Like
    /// [`Tx::many`], one wait for all.
    ///
    /// # Errors
    /// See [`DbError`].
    fn lookup(&mut self, sql: &'static str, keys: &[Vec<V<'_>>]) -> Result<Vec<Vec<Row>>, DbError>;

    /// Runs several statements without parameters: for tables and indexes.
    ///
    /// # Errors
    /// See [`DbError`].
    fn batch(&mut self, sql: &str) -> Result<(), DbError>;

    /// Which database this is, for the few statements that differ (see [`super::migrate`]).
    fn dialect(&self) -> Dialect;

    /// Announces something to every replica if, and as soon as, this transaction commits.
    fn notify(&mut self, notice: Notice);

    /// The only row of a query's answer, if there is one.
    ///
    /// # Errors
    /// See [`DbError`].
    fn query_one(&mut self, sql: &'static str, params: &[V<'_>]) -> Result<Option<Row>, DbError> {
        Ok(self.query(sql, params)?.into_iter().next())
    }
}

/// The kinds of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The embedded default.
    Sqlite,
    /// For many replicas.
    Postgres,
}
