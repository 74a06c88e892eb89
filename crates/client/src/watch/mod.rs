//! Hearing of changes as they happen.
//!
//! A [`Watcher`] gathers the places where something happened; what happened there, a scan finds
//! out. Directories are watched by the scan that lists them ([`Entering`]): right before it lists
//! one, so that nothing falls between listing and watching, and so that a created directory, whose
//! first events are always lost, is looked through whole. When the system's limits are reached, or
//! its queue overflows, the watcher says so, and the folder is looked through instead (SC-080,
//! SC-106).

mod events;
mod pending;
mod table;

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use hythe_model::TreePath;
use tokio::sync::Notify;

use crate::os::{Waker, Watches};
use crate::scan::Entering;
use events::Pairs;
use pending::Pending;
use table::Table;

/// How long the second half of a rename may take to arrive after the first.
const PAIR: Duration = Duration::from_millis(5);

/// What changed since it was asked last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Places where something happened.
    pub places: BTreeSet<TreePath>,
    /// Those of them that were written to by a program that has them open still: their content
    /// needs the stability window (S7).
    pub open: BTreeSet<TreePath>,
    /// Whether events were lost: look at everything.
    pub lost: bool,
    /// Whether the folder itself was moved, removed or unmounted: ask whether it is still there.
    pub root: bool,
}

/// Why some or all directories are not watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unwatched {
    /// The limit of watches is reached: `fs.inotify.max_user_watches`, or this program's own.
    Watches {
        /// How many directories are watched.
        watched: usize,
    },
    /// The system gives no watching at all: `fs.inotify.max_user_instances`, or none built in.
    Instances,
    /// Something else.
    Failed(io::ErrorKind),
}

impl std::fmt::Display for Unwatched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Watches { watched } => write!(
                f,
                "only {watched} directories can be watched, so changes are found by looking every \
                 so often; raise fs.inotify.max_user_watches to see them at once"
            ),
            Self::Instances => write!(
                f,
                "the system allows no further watching, so changes are found by looking every so \
                 often; raise fs.inotify.max_user_instances to see them at once"
            ),
            Self::Failed(kind) => {
                write!(
                    f,
                    "directories cannot be watched ({kind}), so changes are found by looking every so often"
                )
            }
        }
    }
}

/// Watches the directories of one folder.
pub struct Watcher {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    watches: Option<Watches>,
    waker: Option<Waker>,
    limit: usize,
    state: Mutex<Watched>,
    /// For those who wait blocking, and those who wait async.
    arrived: Condvar,
    notify: Notify,
}

/// Everything that events and scans change.
#[derive(Default)]
struct Watched {
    table: Table,
    pending: Pending,
    pairs: Pairs,
    unwatched: Option<Unwatched>,
    ended: bool,
}

impl Watcher {
    /// Begins without any directory; a scan with this as its listener adds them. `limit` is how
    /// many directories may be watched, besides the system's own limit. Never fails: without
    /// watching, [`Self::unwatched`] says why.
    pub fn start(limit: usize) -> Self {
        let (watches, waker, unwatched) = match (Watches::new(), Waker::new()) {
            (Ok(watches), Ok(waker)) => (Some(watches), Some(waker), None),
            (Err(error), _) if error.raw_os_error() == Some(libc::EMFILE) => {
                (None, None, Some(Unwatched::Instances))
            }
            (Err(error), _) | (_, Err(error)) => {
                (None, None, Some(Unwatched::Failed(error.kind())))
            }
        };
        let state = Mutex::new(Watched {
            unwatched,
            ..Watched::default()
        });
        let (arrived, notify) = (Condvar::new(), Notify::new());
        let shared = Arc::new(Shared {
            watches,
            waker,
            limit,
            state,
            arrived,
            notify,
        });
        let thread = shared.watches.is_some().then(|| {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name("watch".to_owned())
                .spawn(move || shared.run())
        });
        let thread = match thread {
            Some(Ok(thread)) => Some(thread),
            Some(Err(error)) => {
                shared.state().unwatched = Some(Unwatched::Failed(error.kind()));
                None
            }
            None => None,
        };
        Self { shared, thread }
    }

    /// Why not everything is watched; none while everything is.
    pub fn unwatched(&self) -> Option<Unwatched> {
        self.shared.state().unwatched.clone()
    }

    /// How many directories are watched.
    pub fn watched(&self) -> usize {
        self.shared.state().table.len()
    }

    /// Waits until something changed and takes it. Dropping the future loses nothing.
    pub async fn changes(&self) -> Changes {
        loop {
            let arrived = self.shared.notify.notified();
            if let Some(changes) = self.take() {
                return changes;
            }
            arrived.await;
        }
    }

    /// Takes what changed, if anything did, without waiting.
    pub fn take(&self) -> Option<Changes> {
        self.shared.state().take()
    }

    /// Waits at most so long until something changed and takes it. Not for async code.
    pub fn wait(&self, limit: Duration) -> Option<Changes> {
        let state = self.shared.state();
        let (mut state, _) = self
            .shared
            .arrived
            .wait_timeout_while(state, limit, |state| state.pending.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        state.take()
    }
}

impl Watched {
    fn take(&mut self) -> Option<Changes> {
        (!self.pending.is_empty()).then(|| self.pending.take(&self.table))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.shared.state().ended = true;
        if let Some(waker) = &self.shared.waker {
            waker.wake();
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Entering for Watcher {
    fn entering(&self, directory: BorrowedFd<'_>, path: &[u8]) -> bool {
        let Some(watches) = &self.shared.watches else {
            return true;
        };
        let mut state = self.shared.state();
        if state.table.len() >= self.shared.limit {
            state.limit_reached();
            return true;
        }
        match watches.add(directory) {
            Ok(id) => state.table.put(id, path),
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                state.limit_reached();
                true
            }
            Err(error) => {
                state.unwatched = Some(Unwatched::Failed(error.kind()));
                true
            }
        }
    }
}

impl Watched {
    fn limit_reached(&mut self) {
        self.unwatched = Some(Unwatched::Watches {
            watched: self.table.len(),
        });
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, Watched> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The watcher's thread: hands events over until the end.
    fn run(&self) {
        let (Some(watches), Some(waker)) = (&self.watches, &self.waker) else {
            return;
        };
        let mut half = false;
        loop {
            let waited = watches.wait(waker.as_fd(), half.then_some(PAIR));
            let mut state = self.state();
            if state.ended {
                return;
            }
            if half && matches!(waited, Ok(false)) {
                state.give_up_pairs(watches);
            }
            if waited.is_err() || watches.drain(|seen| state.see(seen)).is_err() {
                // Nothing more will come: from here on the folder has to be looked through.
                state.unwatched = Some(Unwatched::Failed(io::ErrorKind::Other));
                state.pending.lose();
                state.ended = true;
            }
            half = !state.pairs.is_empty();
            if !half && !state.pending.is_empty() {
                drop(state);
                self.arrived.notify_all();
                self.notify.notify_one();
            }
        }
    }
}
