//! What the server does by itself, one file per job.

mod drain;
mod removal;
mod seen;

use std::sync::{Arc, Weak};

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::files::{Files, Inner};

/// The running jobs; they end when this is dropped, each between two transactions.
pub(crate) struct Jobs {
    tasks: Vec<JoinHandle<()>>,
    drain: Arc<Notify>,
}

impl Jobs {
    /// Starts all jobs over a server's data. They do not keep it open.
    pub(crate) fn start(inner: &Arc<Inner>) -> Self {
        let drain = Arc::new(Notify::new());
        // Small chunks may have been left by the last run.
        drain.notify_one();
        let tasks = vec![
            tokio::spawn(drain::run(Arc::downgrade(inner), Arc::clone(&drain))),
            tokio::spawn(seen::run(Arc::downgrade(inner))),
            tokio::spawn(removal::run(Arc::downgrade(inner))),
        ];
        Self { tasks, drain }
    }

    /// Says that small chunks wait for a pack.
    pub(crate) fn wake_drain(&self) {
        self.drain.notify_one();
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// The data, unless the server has ended.
fn alive(inner: &Weak<Inner>) -> Option<Files> {
    inner.upgrade().map(Files::from_inner)
}
