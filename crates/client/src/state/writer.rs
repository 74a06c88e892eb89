//! The writer: one thread, one connection, and many changes to one commit.
//!
//! A commit waits for the disk once, whatever it holds. So while one commit waits, changes gather,
//! and the next commit takes them all. Each change runs in a savepoint of its own: one that fails
//! is undone alone. A commit that holds nothing but observations does not wait for the disk at
//! all: what a power cut takes of it, a look finds again.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::connect;
use super::error::StateError;
use super::roster::Roster;
use super::rows::Tx;

/// Changes that may wait for the writer; more make the sender wait.
const QUEUE: usize = 1024;
/// From this size on the write-ahead log is emptied when somebody asks: a few seconds of the
/// heaviest work. SQLite by itself empties it when nobody reads, which under such work is never.
const LONG_LOG: u64 = 64 << 20;
/// How long the writer waits for readers to let an old moment go.
const SHORTEN_PATIENCE: Duration = Duration::from_millis(200);
/// So many changes at most go into one commit, so that none waits for too many others.
const TOGETHER: usize = 256;

/// What a change leaves to be said when the outcome of the commit is known.
type Answer = Box<dyn FnOnce(Result<(), StateError>) + Send>;
/// A change. Says whether it is to be kept, and to whom to answer.
type Change = Box<dyn FnOnce(&Tx<'_>) -> (bool, Answer) + Send>;

/// When a change is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// When it is on the disk.
    OnDisk,
    /// When it survives the end of the process.
    ByTheSystem,
}

/// What is queued.
enum Job {
    Change(Queued),
    /// [`Writer::shorten_log`], and whom to tell that it was tried.
    Shorten(oneshot::Sender<()>),
}

/// A queued change.
struct Queued {
    kept: Kept,
    change: Change,
}

/// The writer's thread.
pub(super) struct Writer {
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

/// The result of a change, once it is on the disk. Await it, or [`wait`](Self::wait) for it.
#[must_use = "a change is only known to be kept when its result was seen"]
pub struct Written<T, E = StateError>(oneshot::Receiver<Result<T, E>>);

impl<T, E: From<StateError>> Written<T, E> {
    /// Blocks until the change is on the disk, or has failed. Not for async code.
    ///
    /// # Errors
    /// The change's own error, or the database's; then nothing of the change was kept.
    pub fn wait(self) -> Result<T, E> {
        self.0
            .blocking_recv()
            .unwrap_or_else(|_| Err(StateError::Closed.into()))
    }
}

impl<T, E: From<StateError>> Future for Written<T, E> {
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0)
            .poll(context)
            .map(|answer| answer.unwrap_or_else(|_| Err(StateError::Closed.into())))
    }
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(connection: Connection, path: PathBuf) -> Result<Self, StateError> {
        let (sender, jobs) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("state".to_owned())
            .spawn(move || run(connection, &path, &jobs))?;
        Ok(Self {
            jobs: Some(sender),
            thread: Some(thread),
        })
    }

    /// Queues a change.
    pub(super) fn submit<T, E>(
        &self,
        kept: Kept,
        change: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Written<T, E>
    where
        T: Send + 'static,
        E: From<StateError> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let run: Change = Box::new(move |tx| {
            let result = catch_unwind(AssertUnwindSafe(|| change(tx)))
                .unwrap_or_else(|_| Err(StateError::BrokeOff.into()));
            let succeeded = result.is_ok();
            let answer: Answer = Box::new(move |committed| {
                let result = match committed {
                    Ok(()) => result,
                    Err(error) => result.and(Err(error.into())),
                };
                // Nobody waiting for the answer is no error.
                let _ = sender.send(result);
            });
            (succeeded, answer)
        });
        if let Some(jobs) = &self.jobs {
            // A closed queue drops the job, and with it the sender: the answer is `Closed`.
            let _ = jobs.send(Job::Change(Queued { kept, change: run }));
        }
        Written(receiver)
    }

    /// Empties the write-ahead log, if it is long and nobody looks at an old moment. Blocks.
    pub(super) fn shorten_log(&self) {
        let (sender, receiver) = oneshot::channel();
        if let Some(jobs) = &self.jobs
            && jobs.send(Job::Shorten(sender)).is_ok()
        {
            let _ = receiver.blocking_recv();
        }
    }
}

impl Drop for Writer {
    /// Everything queued is still done.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(mut connection: Connection, path: &Path, jobs: &Receiver<Job>) {
    let mut synchronous = Kept::OnDisk;
    while let Ok(first) = jobs.recv() {
        let (mut together, mut shorten) = (Vec::new(), Vec::new());
        for job in std::iter::once(first).chain(jobs.try_iter()).take(TOGETHER) {
            match job {
                Job::Change(change) => together.push(change),
                Job::Shorten(asked) => shorten.push(asked),
            }
        }
        if !together.is_empty() {
            change(&mut connection, path, &mut synchronous, together);
        }
        if !shorten.is_empty() && is_long(path) {
            let emptied = empty_log(&connection);
            tracing::debug!(?emptied, "the log of changes was long");
        }
        // Dropping the senders tells that it was tried.
    }
}

/// Makes changes in one commit, and answers.
fn change(connection: &mut Connection, path: &Path, synchronous: &mut Kept, together: Vec<Queued>) {
    let mut answers = Vec::with_capacity(together.len());
    let committed = set_kept(connection, synchronous, &together)
        .and_then(|()| commit(connection, together, &mut answers))
        .and_then(|roster| roster.map_or(Ok(()), |roster| roster.write(path)));
    for answer in answers {
        answer(committed.clone());
    }
}

fn is_long(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|log| log.len() >= LONG_LOG)
}

/// Writes the log into the tables and empties it; false when somebody looks at an old moment.
fn empty_log(connection: &Connection) -> rusqlite::Result<bool> {
    connection.busy_timeout(SHORTEN_PATIENCE)?;
    let is_busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
    connection.busy_timeout(connect::PATIENCE)?;
    Ok(!is_busy?)
}

/// Makes the next commit wait for the disk, if any of its changes asks for it. That covers the
/// commits before it too: they are earlier in the same log.
fn set_kept(
    connection: &Connection,
    current: &mut Kept,
    together: &[Queued],
) -> Result<(), StateError> {
    let wanted = match together.iter().any(|job| job.kept == Kept::OnDisk) {
        true => Kept::OnDisk,
        false => Kept::ByTheSystem,
    };
    if wanted != *current {
        let value = if wanted == Kept::OnDisk {
            "full"
        } else {
            "normal"
        };
        connection.pragma_update(None, "synchronous", value)?;
        *current = wanted;
    }
    Ok(())
}

/// Runs changes in order and commits. Returns the list of folders if it changed.
fn commit(
    connection: &Connection,
    together: Vec<Queued>,
    answers: &mut Vec<Answer>,
) -> Result<Option<Roster>, StateError> {
    step(connection, "BEGIN IMMEDIATE")?;
    let done = run_all(connection, together, answers);
    let done = done.and_then(|roster| step(connection, "COMMIT").map(|()| roster));
    if done.is_err() && !connection.is_autocommit() {
        step(connection, "ROLLBACK")?;
    }
    done
}

/// Runs each change in a savepoint of its own.
fn run_all(
    connection: &Connection,
    together: Vec<Queued>,
    answers: &mut Vec<Answer>,
) -> Result<Option<Roster>, StateError> {
    let mut roster = None;
    for job in together {
        step(connection, "SAVEPOINT one_change")?;
        let tx = Tx::new(connection);
        let (succeeded, answer) = (job.change)(&tx);
        answers.push(answer);
        match succeeded {
            true if tx.has_new_roster() => roster = Some(Roster::of(&tx)?),
            true => {}
            false => step(connection, "ROLLBACK TO one_change")?,
        }
        step(connection, "RELEASE one_change")?;
    }
    Ok(roster)
}

/// What begins or ends something: prepared once, since every change needs it.
fn step(connection: &Connection, sql: &str) -> Result<(), StateError> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}
