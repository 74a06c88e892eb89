//! Large files, transferred beside the passes: a pass that meets one starts its transfer and goes
//! on; when the transfer is done, the next pass finds it here and finishes the step.
//!
//! So an edit of a small file never waits for a large one (SC-107), and a pass stays short. What is
//! kept here is bound to the state it was made for: to the stamp of a file that was read, to the
//! version of a body that was fetched. When the plan asks for another, the transfer begins anew.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hythe_model::{NodeId, VersionId};
use hythe_sync::DiskStamp;
use tokio::task::AbortHandle;

use crate::disk::Staged;
use crate::transfer::{Prepared, SealedObject, TransferError};

/// From this size on a file is transferred beside the passes: about what a pass may take before
/// somebody who saves a note would notice.
pub const BULK_FROM: u64 = 16 << 20;

/// So many at a time: two keep disk, network and cores busy, and memory bounded.
const AT_A_TIME: usize = 2;

/// How long what a file needs is believed: meanwhile the server may have got its content otherwise.
const MEASURED_HOLDS: Duration = Duration::from_secs(3600);

/// What a transfer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// The content the disk showed under this stamp.
    Upload(DiskStamp),
    /// The content of this version.
    Download(VersionId),
}

/// What a transfer came to.
pub enum Done {
    /// The content is on the server, but for what must travel with the commit.
    Sent(Prepared, Vec<SealedObject>),
    /// The content is in the staging area.
    Fetched(Staged),
    /// The file changed while it was read.
    Changed,
    /// It failed.
    Failed(TransferError),
}

/// How a transfer stands when a pass asks for it.
pub enum Asked {
    /// Done; from here on it is the pass's.
    Done(Done),
    /// Under way, or waiting for its turn.
    Waiting,
    /// To be started now.
    Start,
}

/// The large transfers of one folder.
pub struct Bulk {
    state: Mutex<State>,
    tell: Box<dyn Fn(BTreeSet<NodeId>) + Send + Sync>,
}

#[derive(Default)]
struct State {
    running: HashMap<NodeId, (For, AbortHandle)>,
    done: HashMap<NodeId, (For, Done)>,
    /// Asked for while there was no place.
    queued: BTreeSet<NodeId>,
    /// What files were found to need for which the quota had no room.
    needs: HashMap<NodeId, (For, u64, Instant)>,
}

impl Bulk {
    /// No transfers yet. `tell` hears which nodes should be planned again.
    pub fn new(tell: impl Fn(BTreeSet<NodeId>) + Send + Sync + 'static) -> Self {
        Self {
            state: Mutex::default(),
            tell: Box::new(tell),
        }
    }

    /// Whether anything is under way or waits for its turn.
    pub fn is_busy(&self) -> bool {
        let state = self.lock();
        !state.running.is_empty() || !state.done.is_empty() || !state.queued.is_empty()
    }

    /// Asks for a transfer.
    pub fn ask(&self, node: NodeId, what: For) -> Asked {
        let mut state = self.lock();
        state.queued.remove(&node);
        if let Some((made_for, done)) = state.done.remove(&node)
            && made_for == what
        {
            return Asked::Done(done);
        }
        match state.running.get(&node) {
            Some((made_for, _)) if *made_for == what => return Asked::Waiting,
            Some((_, task)) => {
                task.abort();
                state.running.remove(&node);
            }
            None => {}
        }
        if state.running.len() < AT_A_TIME {
            return Asked::Start;
        }
        state.queued.insert(node);
        Asked::Waiting
    }

    /// Starts a transfer that [`Self::ask`] said to start.
    pub fn start(
        self: &Arc<Self>,
        runtime: &tokio::runtime::Handle,
        node: NodeId,
        what: For,
        transfer: impl Future<Output = Done> + Send + 'static,
    ) {
        let bulk = Arc::downgrade(self);
        // Held until the task is in the table, so that its end cannot be noted before its start.
        let mut state = self.lock();
        let task = runtime.spawn(async move {
            let done = transfer.await;
            if let Some(bulk) = bulk.upgrade() {
                bulk.ended(node, what, done);
            }
        });
        state.running.insert(node, (what, task.abort_handle()));
    }

    fn ended(&self, node: NodeId, what: For, done: Done) {
        let mut state = self.lock();
        // Another one may have been started in its place.
        if state
            .running
            .get(&node)
            .is_none_or(|(made_for, _)| *made_for != what)
        {
            return;
        }
        state.running.remove(&node);
        state.done.insert(node, (what, done));
        let mut nodes = std::mem::take(&mut state.queued);
        nodes.insert(node);
        drop(state);
        (self.tell)(nodes);
    }

    /// Notes what a file was found to need when there was no room for it.
    pub fn note_need(&self, node: NodeId, what: For, need: Option<u64>) {
        if let Some(need) = need {
            self.lock().needs.insert(node, (what, need, Instant::now()));
        }
    }

    /// What a file was found to need lately, if it is the same still.
    pub fn need(&self, node: NodeId, what: For) -> Option<u64> {
        let mut state = self.lock();
        let (made_for, need, at) = *state.needs.get(&node)?;
        if made_for == what && at.elapsed() < MEASURED_HOLDS {
            return Some(need);
        }
        state.needs.remove(&node);
        None
    }

    /// Lets go what was made for nodes that no plan asks for any more.
    pub fn forget(&self, node: NodeId) {
        let mut state = self.lock();
        state.queued.remove(&node);
        state.done.remove(&node);
        state.needs.remove(&node);
        if let Some((_, task)) = state.running.remove(&node) {
            task.abort();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Bulk {
    /// The folder is closed: nobody asks for its transfers any more.
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.running.values().for_each(|(_, task)| task.abort());
    }
}
