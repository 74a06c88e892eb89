//! The embedded database: one writer thread with group commit, readers beside it.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{CachedStatement, Connection, OpenFlags, ToSql};
use tokio::sync::{Semaphore, oneshot};

use super::error::DbError;
use super::tx::{Dialect, Tx};
use super::value::{Row, V};
use crate::notify::{Notice, Notifier};

/// Readers at a time. Reads are short or paged; more of them would only queue at the same disk.
const READERS: usize = 4;

/// Transactions that share one commit at most, so that the first of them does not wait for ever.
const GROUP: usize = 64;

/// Transactions that may wait for the writer before callers are made to wait themselves.
const QUEUE: usize = 1024;

/// Changed rows after which the write-ahead log is copied back, beside the writer.
const CHECKPOINT_ROWS: u64 = 2000;

/// Statements each connection keeps prepared: more than there are in `metadata/`.
const STATEMENTS: usize = 256;

/// The database file, shared by every task of the process.
pub struct Sqlite {
    path: PathBuf,
    jobs: Mutex<Option<mpsc::SyncSender<Box<dyn Job>>>>,
    writer: Mutex<Option<std::thread::JoinHandle<()>>>,
    idle: Mutex<Vec<Connection>>,
    places: Semaphore,
}

impl Sqlite {
    /// Opens the file, making it if needed, and starts its writer.
    ///
    /// # Errors
    /// When the file or a thread cannot be made.
    pub fn open(path: &Path, notifier: Arc<dyn Notifier>) -> Result<Self, DbError> {
        make_private_file(path)?;
        let connection = connect(path)?;
        let (jobs, queue) = mpsc::sync_channel(QUEUE);
        let checkpoints = spawn_checkpointer(path.to_owned())?;
        let writer = std::thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || write_loop(connection, &queue, &checkpoints, notifier.as_ref()))
            .map_err(|error| DbError::Engine(Box::new(error)))?;
        Ok(Self {
            path: path.to_owned(),
            jobs: Mutex::new(Some(jobs)),
            writer: Mutex::new(Some(writer)),
            idle: Mutex::new(Vec::new()),
            places: Semaphore::new(READERS),
        })
    }

    /// Queues a transaction and waits until it is committed (or has failed).
    ///
    /// # Errors
    /// The function's own; or the engine's, when the commit failed.
    pub async fn write<T, E, F>(self: &Arc<Self>, function: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnMut(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.queue(Box::new(Typed {
            function,
            result: None,
            reply,
        }))
        .await?;
        answer.await.unwrap_or_else(|_| Err(DbError::Closed.into()))
    }

    async fn queue(self: &Arc<Self>, job: Box<dyn Job>) -> Result<(), DbError> {
        let sender = lock(&self.jobs).clone().ok_or(DbError::Closed)?;
        let job = match sender.try_send(job) {
            Ok(()) => return Ok(()),
            Err(mpsc::TrySendError::Disconnected(_)) => return Err(DbError::Closed),
            Err(mpsc::TrySendError::Full(job)) => job,
        };
        tokio::task::spawn_blocking(move || sender.send(job))
            .await
            .map_err(|_| DbError::Closed)?
            .map_err(|_| DbError::Closed)
    }

    /// Runs a function that only reads, on one snapshot of the database.
    ///
    /// # Errors
    /// The function's own or the engine's.
    pub async fn read<T, E, F>(self: &Arc<Self>, function: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    {
        let this = Arc::clone(self);
        let place = self.places.acquire().await.map_err(|_| DbError::Closed)?;
        let task = tokio::task::spawn_blocking(move || {
            let connection = this.reader()?;
            let result = read_once(&connection, function);
            lock(&this.idle).push(connection);
            result
        });
        let result = task.await;
        drop(place);
        result.unwrap_or_else(|_| Err(DbError::Closed.into()))
    }

    /// As [`Sqlite::read`], on a connection of its own: for reads that last, such as a snapshot.
    ///
    /// # Errors
    /// The function's own or the engine's.
    pub async fn read_long<T, E, F>(self: &Arc<Self>, function: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    {
        let path = self.path.clone();
        tokio::task::spawn_blocking(move || read_once(&connect_reader(&path)?, function))
            .await
            .unwrap_or_else(|_| Err(DbError::Closed.into()))
    }

    fn reader(&self) -> Result<Connection, DbError> {
        let idle = lock(&self.idle).pop();
        idle.map_or_else(|| connect_reader(&self.path), Ok)
    }

    /// Ends the writer after what is queued, and waits for it.
    pub fn close(&self) {
        drop(lock(&self.jobs).take());
        let writer = lock(&self.writer).take();
        if let Some(writer) = writer
            && writer.join().is_err()
        {
            tracing::error!("the database's writer thread panicked");
        }
        self.places.close();
        lock(&self.idle).clear();
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.close();
    }
}

/// A mutex whose holder panicked still guards plain data: take it.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the file, if it is not there, for its owner only; SQLite's own files beside it follow.
fn make_private_file(path: &Path) -> Result<(), DbError> {
    let mut options = OpenOptions::new();
    let opened = options.append(true).create(true).mode(0o600).open(path);
    opened
        .map(drop)
        .map_err(|error| DbError::Engine(Box::new(error)))
}

fn connect(path: &Path) -> Result<Connection, DbError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    // FULL: an acknowledged commit survives a power cut. The automatic checkpoint is only the
    // backstop of the one beside the writer.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
         PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768;
         PRAGMA wal_autocheckpoint = 16384; PRAGMA journal_size_limit = 67108864;",
    )?;
    keep_statements(&connection)?;
    Ok(connection)
}

fn connect_reader(path: &Path) -> Result<Connection, DbError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.execute_batch(
        "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192;",
    )?;
    keep_statements(&connection)?;
    Ok(connection)
}

/// Statements are prepared once: without the guarantee of stable plans SQLite plans some anew for
/// each value that is bound to them.
fn keep_statements(connection: &Connection) -> Result<(), DbError> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn read_once<T, E: From<DbError>>(
    connection: &Connection,
    function: impl FnOnce(&mut dyn Tx) -> Result<T, E>,
) -> Result<T, E> {
    execute(connection, "BEGIN")?;
    let mut tx = SqliteTx {
        connection,
        notices: Vec::new(),
    };
    let result = catch_unwind(AssertUnwindSafe(|| function(&mut tx)));
    execute(connection, "ROLLBACK")?;
    result.unwrap_or_else(|_| Err(DbError::Closed.into()))
}

/// Copies the write-ahead log back into the file whenever told, so that no commit has to.
fn spawn_checkpointer(path: PathBuf) -> Result<mpsc::SyncSender<()>, DbError> {
    let (wake, woken) = mpsc::sync_channel::<()>(1);
    std::thread::Builder::new()
        .name("sqlite-checkpoint".into())
        .spawn(move || {
            let mut connection = None;
            while woken.recv().is_ok() {
                if let Err(error) = checkpoint(&path, &mut connection) {
                    tracing::warn!(%error, "the write-ahead log was not copied back");
                    connection = None;
                }
            }
        })
        .map_err(|error| DbError::Engine(Box::new(error)))?;
    Ok(wake)
}

fn checkpoint(path: &Path, kept: &mut Option<Connection>) -> Result<(), DbError> {
    let connection = match kept.take() {
        Some(connection) => connection,
        None => connect(path)?,
    };
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
    *kept = Some(connection);
    Ok(())
}

/// A queued transaction with its types erased.
trait Job: Send {
    /// Runs the function; true when its effects shall stay.
    fn run(&mut self, tx: &mut SqliteTx<'_>) -> bool;
    /// Answers the caller, after the commit of the group.
    fn answer(self: Box<Self>, committed: Result<(), DbError>);
}

struct Typed<T, E, F> {
    function: F,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Job for Typed<T, E, F>
where
    T: Send,
    E: From<DbError> + Send,
    F: FnMut(&mut dyn Tx) -> Result<T, E> + Send,
{
    fn run(&mut self, tx: &mut SqliteTx<'_>) -> bool {
        // A panic in a rule costs its own request, never the writer (R31).
        let result = catch_unwind(AssertUnwindSafe(|| (self.function)(tx)))
            .unwrap_or_else(|_| Err(DbError::Closed.into()));
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn answer(self: Box<Self>, committed: Result<(), DbError>) {
        let result = match (committed, self.result) {
            // Its own error says more than the failure of the group that it may have caused.
            (_, Some(Err(error))) => Err(error),
            (Ok(()), Some(Ok(value))) => Ok(value),
            (Ok(()), None) => Err(DbError::Closed.into()),
            (Err(error), _) => Err(error.into()),
        };
        // The caller may have gone away; what was committed stays committed.
        let _gone = self.reply.send(result);
    }
}

fn write_loop(
    connection: Connection,
    queue: &mpsc::Receiver<Box<dyn Job>>,
    checkpoints: &mpsc::SyncSender<()>,
    notifier: &dyn Notifier,
) {
    let mut copied = 0;
    while let Ok(first) = queue.recv() {
        write_group(&connection, first, queue, notifier);
        let changed = connection.total_changes();
        if changed.saturating_sub(copied) >= CHECKPOINT_ROWS {
            copied = changed;
            // Full means that one is already due.
            let _due = checkpoints.try_send(());
        }
    }
}

/// Runs the first transaction and those that queued up meanwhile under one commit, then answers
/// them. Each is a savepoint: one that fails leaves no trace in the group.
fn write_group(
    connection: &Connection,
    first: Box<dyn Job>,
    queue: &mpsc::Receiver<Box<dyn Job>>,
    notifier: &dyn Notifier,
) {
    if let Err(error) = execute(connection, "BEGIN IMMEDIATE") {
        return first.answer(Err(error));
    }
    let mut tx = SqliteTx {
        connection,
        notices: Vec::new(),
    };
    let mut group = Vec::new();
    let mut broken = None;
    let mut next = Some(first);
    while let Some(mut job) = next.take() {
        let result = run_savepoint(&mut tx, job.as_mut());
        group.push(job);
        if let Err(error) = result {
            broken = Some(error);
            break;
        }
        if group.len() < GROUP {
            next = queue.try_recv().ok();
        }
    }
    let notices = std::mem::take(&mut tx.notices);
    let committed = broken.map_or_else(|| execute(connection, "COMMIT"), Err);
    finish_group(connection, group, committed, notices, notifier);
}

fn finish_group(
    connection: &Connection,
    group: Vec<Box<dyn Job>>,
    committed: Result<(), DbError>,
    notices: Vec<Notice>,
    notifier: &dyn Notifier,
) {
    match committed {
        Ok(()) => {
            // Callers first: their answer is what somebody waits for.
            group.into_iter().for_each(|job| job.answer(Ok(())));
            notifier.publish(notices);
        }
        Err(error) => {
            if !connection.is_autocommit()
                && let Err(error) = execute(connection, "ROLLBACK")
            {
                tracing::error!(%error, "a failed transaction could not be rolled back");
            }
            let full = matches!(error, DbError::Full);
            tracing::error!(%error, "a commit failed");
            for job in group {
                let shared = "the commit that this transaction shared failed";
                let told = if full {
                    DbError::Full
                } else {
                    DbError::Engine(shared.into())
                };
                job.answer(Err(told));
            }
        }
    }
}

/// Runs one job of a group; an error means that the group as a whole cannot be kept.
fn run_savepoint(tx: &mut SqliteTx<'_>, job: &mut dyn Job) -> Result<(), DbError> {
    execute(tx.connection, "SAVEPOINT job")?;
    let before = tx.notices.len();
    if !job.run(tx) {
        tx.notices.truncate(before);
        if tx.connection.is_autocommit() {
            return Err(DbError::Engine(
                "a full or failing disk ended the transaction".into(),
            ));
        }
        execute(tx.connection, "ROLLBACK TO job")?;
    }
    execute(tx.connection, "RELEASE job")
}

fn execute(connection: &Connection, sql: &'static str) -> Result<(), DbError> {
    connection.prepare_cached(sql)?.raw_execute()?;
    Ok(())
}

struct SqliteTx<'c> {
    connection: &'c Connection,
    notices: Vec<Notice>,
}

impl SqliteTx<'_> {
    fn prepare(&self, sql: &'static str) -> Result<CachedStatement<'_>, DbError> {
        let statement = self.connection.prepare_cached(sql)?;
        // SQLite numbers named parameters by first occurrence; PostgreSQL by their number.
        debug_assert!(
            (1..=statement.parameter_count())
                .all(|at| statement.parameter_name(at) == Some(&format!("${at}"))),
            "parameters first occur out of order: {sql}"
        );
        Ok(statement)
    }
}

impl Tx for SqliteTx<'_> {
    fn exec(&mut self, sql: &'static str, params: &[V<'_>]) -> Result<u64, DbError> {
        let mut statement = self.prepare(sql)?;
        bind(&mut statement, params)?;
        Ok(statement.raw_execute()? as u64)
    }

    fn many(&mut self, sql: &'static str, rows: &[Vec<V<'_>>]) -> Result<u64, DbError> {
        let mut statement = self.prepare(sql)?;
        rows.iter().try_fold(0, |sum, params| {
            bind(&mut statement, params)?;
            Ok(sum + statement.raw_execute()? as u64)
        })
    }

    fn query(&mut self, sql: &'static str, params: &[V<'_>]) -> Result<Vec<Row>, DbError> {
        let mut statement = self.prepare(sql)?;
        bind(&mut statement, params)?;
        collect(&mut statement)
    }

    fn lookup(&mut self, sql: &'static str, keys: &[Vec<V<'_>>]) -> Result<Vec<Vec<Row>>, DbError> {
        let mut statement = self.prepare(sql)?;
        keys.iter()
            .map(|params| {
                bind(&mut statement, params)?;
                collect(&mut statement)
            })
            .collect()
    }

    fn batch(&mut self, sql: &str) -> Result<(), DbError> {
        Ok(self.connection.execute_batch(sql)?)
    }

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn notify(&mut self, notice: Notice) {
        self.notices.push(notice);
    }
}

fn bind(statement: &mut CachedStatement<'_>, params: &[V<'_>]) -> Result<(), DbError> {
    for (at, value) in params.iter().enumerate() {
        statement.raw_bind_parameter(at + 1, value)?;
    }
    Ok(())
}

fn collect(statement: &mut CachedStatement<'_>) -> Result<Vec<Row>, DbError> {
    let columns = statement.column_count();
    let mut rows = statement.raw_query();
    let mut collected = Vec::new();
    while let Some(row) = rows.next()? {
        let values = (0..columns).map(|at| column(row.get_ref(at)?));
        collected.push(Row(values.collect::<Result<_, DbError>>()?));
    }
    Ok(collected)
}

fn column(value: ValueRef<'_>) -> Result<V<'static>, DbError> {
    match Value::try_from(value).map_err(|_| DbError::Shape("UTF-8"))? {
        Value::Null => Ok(V::Null),
        Value::Integer(value) => Ok(V::Int(value)),
        Value::Blob(value) => Ok(V::Bytes(value.into())),
        Value::Text(value) => Ok(V::Text(value.into())),
        Value::Real(_) => Err(DbError::Shape("no floating point")),
    }
}

impl ToSql for V<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Bytes(value) => ValueRef::Blob(value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
        }))
    }
}
