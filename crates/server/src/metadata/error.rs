//! What can go wrong between a rule and its table.

use super::cluster::Unfit;

/// Why a transaction had no effect, or (only [`DbError::Lost`]) may have had one.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The database cannot be reached or answered with an error.
    #[error("the database does not answer as it should")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There is no space left where the database lives.
    #[error("the disk under the database is full")]
    Full,
    /// Another transaction got in the way too often; the same transaction may succeed later.
    #[error("too many transactions at the same rows")]
    Contention,
    /// The connection broke while a commit was under way: its outcome is unknown.
    #[error("the connection to the database broke during a commit")]
    Lost,
    /// A row does not have the form that its reader expects.
    #[error("a stored row is damaged: expected {0}")]
    Shape(&'static str),
    /// The tables were made by a newer Hythe.
    #[error("the database has schema version {found}, this program knows {known}: run a newer one")]
    TooNew {
        /// Version of the tables.
        found: i64,
        /// Newest version that this program can use.
        known: i64,
    },
    /// The PostgreSQL that answers would not keep what is acknowledged.
    #[error(transparent)]
    Unfit(Unfit),
    /// The database was closed, or the transaction's function panicked.
    #[error("the database is closed")]
    Closed,
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                Self::Contention
            }
            _ => Self::Engine(Box::new(error)),
        }
    }
}

impl From<tokio_postgres::Error> for DbError {
    fn from(error: tokio_postgres::Error) -> Self {
        use tokio_postgres::error::SqlState;
        match error.code() {
            Some(code) if *code == SqlState::DISK_FULL => Self::Full,
            Some(code)
                if *code == SqlState::T_R_SERIALIZATION_FAILURE
                    || *code == SqlState::T_R_DEADLOCK_DETECTED
                    || *code == SqlState::LOCK_NOT_AVAILABLE =>
            {
                Self::Contention
            }
            _ => Self::Engine(Box::new(error)),
        }
    }
}
