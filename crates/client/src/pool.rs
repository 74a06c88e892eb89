//! One bounded pool of threads for work that keeps a core busy: hashing, sealing, opening.
//!
//! Callers are asynchronous and wait for a *place* before their job is queued, so what is queued is
//! bounded, and with it the memory that jobs hold. The threads of this pool are the only ones the
//! client starts for such work.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::thread;

use futures::stream::{FuturesOrdered, StreamExt};
use hythe_content::Scratch;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Queued jobs per thread, beside the one it runs: enough that no thread waits for the next job.
const PLACES_PER_THREAD: usize = 4;

type Job = Box<dyn FnOnce(&mut Scratch) + Send>;

/// A handle on the pool. Clones share it; its threads end when the last handle is dropped.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Handle>,
    places: Arc<Semaphore>,
    threads: usize,
}

/// Why a job gave no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// The job panicked. Its thread lives on.
    #[error("a job on the worker pool failed unexpectedly")]
    Panicked,
    /// The system gave no thread.
    #[error("no worker thread could be started")]
    NoThread,
}

/// A job that is queued or running; resolves to its result. Dropping it cancels a job that has not
/// begun.
pub struct Pending<T>(oneshot::Receiver<T>);

struct Handle(Arc<Queue>);

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    filled: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Pool {
    /// Starts one thread per core, at least two, so that one long job never stops all others.
    ///
    /// # Errors
    /// [`PoolError::NoThread`].
    pub fn start() -> Result<Self, PoolError> {
        Self::with_threads(
            thread::available_parallelism()
                .map_or(2, usize::from)
                .max(2),
        )
    }

    /// Starts this many threads.
    ///
    /// # Errors
    /// [`PoolError::NoThread`].
    pub fn with_threads(threads: usize) -> Result<Self, PoolError> {
        let queue = Arc::new(Queue::default());
        let handle = Arc::new(Handle(Arc::clone(&queue)));
        for number in 0..threads {
            let queue = Arc::clone(&queue);
            thread::Builder::new()
                .name(format!("hythe-work-{number}"))
                .spawn(move || queue.work())
                .map_err(|_| PoolError::NoThread)?;
        }
        let places = Arc::new(Semaphore::new(threads * (1 + PLACES_PER_THREAD)));
        Ok(Self {
            shared: handle,
            places,
            threads,
        })
    }

    /// How many threads work.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Waits for a place and queues a job. The result is awaited apart from that.
    pub async fn submit<T, F>(&self, job: F) -> Pending<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Scratch) -> T + Send + 'static,
    {
        // The semaphore is never closed; without a permit the job would only be less bounded.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        let (sender, receiver) = oneshot::channel();
        self.shared.0.push(boxed(job, sender, place));
        Pending(receiver)
    }

    /// Runs a job and waits for its result.
    ///
    /// # Errors
    /// [`PoolError::Panicked`].
    pub async fn run<T, F>(&self, job: F) -> Result<T, PoolError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Scratch) -> T + Send + 'static,
    {
        self.submit(job).await.await
    }
}

fn boxed<T, F>(job: F, sender: oneshot::Sender<T>, place: Option<OwnedSemaphorePermit>) -> Job
where
    T: Send + 'static,
    F: FnOnce(&mut Scratch) -> T + Send + 'static,
{
    Box::new(move |scratch| {
        if !sender.is_closed() {
            // The receiver may be gone by now; then nobody wants the result.
            let _ = sender.send(job(scratch));
        }
        drop(place);
    })
}

impl<T> Future for Pending<T> {
    type Output = Result<T, PoolError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0)
            .poll(context)
            .map_err(|_| PoolError::Panicked)
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, job: Job) {
        self.lock().jobs.push_back(job);
        self.filled.notify_one();
    }

    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self
                .filled
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn work(&self) {
        let mut scratch = Scratch::new();
        while let Some(job) = self.next() {
            let ran = catch_unwind(AssertUnwindSafe(|| job(&mut scratch)));
            if ran.is_err() {
                tracing::error!("a job on the worker pool panicked");
                scratch = Scratch::new();
            }
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.filled.notify_all();
    }
}

/// Jobs whose results come out in the order in which they were put in.
pub struct Ordered<T> {
    pool: Pool,
    running: FuturesOrdered<Pending<T>>,
}

impl<T: Send + 'static> Ordered<T> {
    /// An empty sequence.
    pub fn new(pool: &Pool) -> Self {
        Self {
            pool: pool.clone(),
            running: FuturesOrdered::new(),
        }
    }

    /// Queues a job behind the others, after waiting for a place.
    pub async fn push<F>(&mut self, job: F)
    where
        F: FnOnce(&mut Scratch) -> T + Send + 'static,
    {
        let pending = self.pool.submit(job).await;
        self.running.push_back(pending);
    }

    /// How many results are still to come.
    pub fn len(&self) -> usize {
        self.running.len()
    }

    /// Whether no result is to come.
    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// The next result in order; none when no job is left.
    pub async fn next(&mut self) -> Option<Result<T, PoolError>> {
        self.running.next().await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn results_come_in_the_order_of_their_jobs() {
        let pool = Pool::with_threads(2).unwrap();
        let (release, gate) = mpsc::channel::<()>();
        let mut ordered = Ordered::new(&pool);
        ordered
            .push(move |_| {
                gate.recv().unwrap();
                0
            })
            .await;
        for number in 1..5 {
            ordered.push(move |_| number).await;
        }
        release.send(()).unwrap();
        let mut seen = Vec::new();
        while let Some(result) = ordered.next().await {
            seen.push(result.unwrap());
        }
        assert_eq!(seen, [0, 1, 2, 3, 4]);
    }

    #[tokio::test]
    async fn a_full_queue_makes_the_caller_wait() {
        let pool = Pool::with_threads(1).unwrap();
        let (release, gate) = mpsc::channel::<()>();
        let mut held = vec![pool.submit(move |_| gate.recv().is_ok()).await];
        for _ in 0..PLACES_PER_THREAD {
            held.push(pool.submit(|_| true).await);
        }
        let mut one_more = std::pin::pin!(pool.submit(|_| true));
        assert!(futures::poll!(&mut one_more).is_pending());
        release.send(()).unwrap();
        assert!(one_more.await.await.unwrap());
        for pending in held {
            assert!(pending.await.unwrap());
        }
    }

    #[tokio::test]
    async fn r31_a_panicking_job_costs_only_itself() {
        let pool = Pool::with_threads(1).unwrap();
        let failed: Result<(), _> = pool.run(|_| panic!("on purpose")).await;
        assert_eq!(failed, Err(PoolError::Panicked));
        assert_eq!(pool.run(|_| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn a_job_nobody_waits_for_is_not_begun() {
        let pool = Pool::with_threads(1).unwrap();
        let (release, gate) = mpsc::channel::<()>();
        let blocked = pool.submit(move |_| gate.recv().is_ok()).await;
        let ran = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&ran);
        drop(
            pool.submit(move |_| counter.fetch_add(1, Ordering::SeqCst))
                .await,
        );
        release.send(()).unwrap();
        assert!(blocked.await.unwrap());
        pool.run(|_| ()).await.unwrap();
        assert_eq!(ran.load(Ordering::SeqCst), 0);
    }
}
