//! What can go wrong with the state database.

use std::sync::Arc;

use rusqlite::ErrorCode;

/// A failure of the state database. Cheap to clone, because one failed commit fails every change
/// that was in it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StateError {
    /// No space left: nothing may be done that could not be recorded (SC-096).
    #[error("the disk that holds Hythe's state is full")]
    Full(#[source] Arc<rusqlite::Error>),
    /// The file is damaged; it is set aside and rebuilt at the next start (SC-089).
    #[error("Hythe's state is damaged")]
    Damaged(#[source] Arc<rusqlite::Error>),
    /// A row holds what no version of this program writes.
    #[error("Hythe's state holds an invalid {0}")]
    Invalid(&'static str),
    /// A newer program wrote it. Nothing is touched (SC-092).
    #[error(
        "Hythe's state has format {found}, and this program knows formats up to {known}: use a newer Hythe"
    )]
    Newer {
        /// Format of the file.
        found: u32,
        /// Newest format this program knows.
        known: u32,
    },
    /// Any other answer of the database.
    #[error("Hythe's state cannot be used")]
    Database(#[source] Arc<rusqlite::Error>),
    /// The files around the database cannot be used.
    #[error("cannot use the files of Hythe's state")]
    Files(#[source] Arc<std::io::Error>),
    /// A change failed by a mistake of this program; it was undone.
    #[error("a change of Hythe's state broke off and was undone")]
    BrokeOff,
    /// The database was closed.
    #[error("Hythe's state is closed")]
    Closed,
}

impl From<rusqlite::Error> for StateError {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error_code();
        let error = Arc::new(error);
        match code {
            Some(ErrorCode::DiskFull) => Self::Full(error),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(error),
            _ => Self::Database(error),
        }
    }
}

impl From<std::io::Error> for StateError {
    fn from(error: std::io::Error) -> Self {
        Self::Files(Arc::new(error))
    }
}
