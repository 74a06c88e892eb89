//! All that is kept in SQL, and nothing but SQL: one text of every statement for SQLite and for
//! PostgreSQL, under a small transaction layer of our own.
//!
//! A transaction is one synchronous function over `&mut dyn Tx`. It may run more than once (on
//! PostgreSQL, when it met another one), so it changes nothing but the database.
//!
//! One file per group of tables; each function there is one or a few statements. What the rows
//! mean, and who may ask for them, is decided in `files/`.

pub mod accounts;
pub mod app_passwords;
pub mod approvals;
pub mod audit;
pub mod checkpoints;
pub mod chunks;
pub mod credentials;
pub mod devices;
pub mod endings;
pub mod expected;
pub mod inbox_cards;
pub mod invitations;
pub mod invites;
pub mod link_capsules;
pub mod links;
pub mod logs;
pub mod nodes;
pub mod operations;
pub mod packs;
pub mod parcels;
pub mod passkeys;
pub mod profiles;
pub mod quotas;
pub mod records;
pub mod server;
pub mod settings;
pub mod sightings;
pub mod standing;
pub mod tokens;
pub mod web_sessions;
pub mod web_uploads;

mod cluster;
mod error;
mod migrate;
mod postgres;
mod sqlite;
mod tx;
mod value;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

pub use cluster::Unfit;
pub use error::DbError;
pub use tx::Tx;
pub use value::{Row, V};

use crate::notify::{Listener, Local, Notice, Notifier, Revocations};
use postgres::Postgres;
use sqlite::Sqlite;
use tokio::sync::{Semaphore, broadcast};
use tokio_util::sync::CancellationToken;

/// Long reads at a time: half of a replica's connections to PostgreSQL.
const LONG_READS: usize = 4;

/// The database of a server: SQLite or PostgreSQL, with the same tables and the same statements.
#[derive(Clone)]
pub struct Database {
    engine: Engine,
    long: Arc<Semaphore>,
    notices: Arc<Local>,
    _listener: Option<Arc<Listener>>,
}

#[derive(Clone)]
enum Engine {
    Sqlite(Arc<Sqlite>),
    Postgres(Arc<Postgres>),
}

impl Database {
    /// Opens (or makes) an SQLite database and brings its tables up to date.
    ///
    /// # Errors
    /// [`DbError::TooNew`], or the engine's.
    pub async fn sqlite(path: &Path) -> Result<Self, DbError> {
        let notices = Arc::new(Local::default());
        let engine = Engine::Sqlite(Arc::new(Sqlite::open(path, notices.clone())?));
        let database = Self {
            engine,
            long: Arc::new(Semaphore::new(LONG_READS)),
            notices,
            _listener: None,
        };
        database.write(migrate::migrate).await?;
        Ok(database)
    }

    /// Opens a PostgreSQL database, brings its tables up to date and listens to other replicas.
    ///
    /// # Errors
    /// [`DbError::TooNew`], or the engine's.
    pub async fn postgres(url: &str) -> Result<Self, DbError> {
        let notices = Arc::new(Local::default());
        let engine = Engine::Postgres(Arc::new(Postgres::open(url)?));
        let mut database = Self {
            engine,
            long: Arc::new(Semaphore::new(LONG_READS)),
            notices,
            _listener: None,
        };
        database.write(migrate::migrate).await?;
        let config = postgres::configuration(url)?;
        let listener = Listener::start(config, database.notices.clone()).await;
        database._listener = Some(Arc::new(listener));
        Ok(database)
    }

    /// Runs a transaction. When this returns a value, its effects survive `kill -9` and a power
    /// cut; when it returns an error, it had none (except [`DbError::Lost`]: unknown).
    ///
    /// # Errors
    /// The function's own or the engine's.
    pub async fn write<T, E, F>(&self, function: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnMut(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    {
        match &self.engine {
            Engine::Sqlite(engine) => engine.write(function).await,
            Engine::Postgres(engine) => engine.write(function).await,
        }
    }

    /// Runs a function that only reads; all its statements see the same state.
    ///
    /// # Errors
    /// The function's own or the engine's.
    pub async fn read<T, E, F>(&self, function: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    {
        match &self.engine {
            Engine::Sqlite(engine) => engine.read(function).await,
            Engine::Postgres(engine) => engine.read(function).await,
        }
    }

    /// As [`Database::read`], for a read that lasts. Few of them run at a time: each keeps the
    /// database's old state, and on PostgreSQL a connection.
    ///
    /// # Errors
    /// The function's own or the engine's.
    pub async fn read_long<T, E, F>(&self, function: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    {
        let _place = self.long.acquire().await.map_err(|_| DbError::Closed)?;
        match &self.engine {
            Engine::Sqlite(engine) => engine.read_long(function).await,
            Engine::Postgres(engine) => engine.read(function).await,
        }
    }

    /// Ends when the database is not the one any more that was opened: PostgreSQL failed over.
    pub fn failed_over(&self) -> CancellationToken {
        match &self.engine {
            Engine::Sqlite(_) => CancellationToken::new(),
            Engine::Postgres(engine) => engine.failed_over(),
        }
    }

    /// Listens to what transactions announce, those of other replicas included.
    pub fn subscribe(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    /// Counts removals, those by other replicas included.
    pub fn revocations(&self) -> &Revocations {
        self.notices.revocations()
    }

    /// Ends what is under way and closes the database. On a thread that may block.
    pub fn close(&self) {
        match &self.engine {
            Engine::Sqlite(engine) => engine.close(),
            Engine::Postgres(engine) => engine.close(),
        }
    }
}
