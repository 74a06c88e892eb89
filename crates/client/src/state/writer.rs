//! The writer: one thread, one connection, and many changes to one commit.
//!
//! A commit waits for the disk once, whatever it holds. So while one commit waits, changes gather,
//! and the next commit takes them all. Each change runs in a savepoint of its own: one that fails
//! is undone alone.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::error::StateError;
use super::roster::Roster;
use super::rows::Tx;

/// Changes that may wait for the writer; more make the sender wait.
const QUEUE: usize = 1024;
/// A commit takes no further change once it has lasted so long, so that none waits for many.
const GATHERING: Duration = Duration::from_millis(20);

/// What a change leaves to be said when the outcome of the commit is known.
type Answer = Box<dyn FnOnce(Result<(), StateError>) + Send>;
/// A change. Says whether it is to be kept, and to whom to answer.
type Job = Box<dyn FnOnce(&Tx<'_>) -> (bool, Answer) + Send>;

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
        change: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Written<T, E>
    where
        T: Send + 'static,
        E: From<StateError> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |tx| {
            let result = catch_unwind(AssertUnwindSafe(|| change(tx)))
                .unwrap_or_else(|_| Err(StateError::BrokeOff.into()));
            let kept = result.is_ok();
            let answer: Answer = Box::new(move |committed| {
                let result = match committed {
                    Ok(()) => result,
                    Err(error) => result.and(Err(error.into())),
                };
                // Nobody waiting for the answer is no error.
                let _ = sender.send(result);
            });
            (kept, answer)
        });
        if let Some(jobs) = &self.jobs {
            // A closed queue drops the job, and with it the sender: the answer is `Closed`.
            let _ = jobs.send(job);
        }
        Written(receiver)
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
    while let Ok(first) = jobs.recv() {
        let mut answers = Vec::new();
        let committed = commit(&mut connection, first, jobs, &mut answers)
            .and_then(|roster| roster.map_or(Ok(()), |roster| roster.write(path)));
        for answer in answers {
            answer(committed.clone());
        }
    }
}

/// Runs a change and those that wait behind it, and commits. Returns the list of folders if it
/// changed.
fn commit(
    connection: &mut Connection,
    first: Job,
    jobs: &Receiver<Job>,
    answers: &mut Vec<Answer>,
) -> Result<Option<Roster>, StateError> {
    let began = Instant::now();
    let mut roster = None;
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut next = Some(first);
    while let Some(job) = next.take() {
        let savepoint = transaction.savepoint()?;
        let tx = Tx::new(&savepoint);
        let (kept, answer) = job(&tx);
        answers.push(answer);
        if kept && tx.has_new_roster() {
            roster = Some(Roster::of(&tx)?);
        }
        drop(tx);
        if kept {
            savepoint.commit()?;
        } else {
            savepoint.finish()?;
        }
        if began.elapsed() < GATHERING {
            next = jobs.try_recv().ok();
        }
    }
    transaction.commit()?;
    Ok(roster)
}
