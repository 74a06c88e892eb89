//! Running a plan. No opinions: each step says what to do and what must still be true; a step that
//! finds it otherwise is not done, and the planner is asked again.

mod agreed;
mod books;
mod bulk;
mod chunk_index;
mod content;
mod download;
mod hash;
mod local;
mod places;
mod remote;
mod report;
mod resume;
mod tight;

use std::sync::Arc;

use hythe_model::{Body, NodeId, ServerEpoch, VersionId};
use hythe_sync::{Half, Plan, Step, TreeError};

use crate::daemon::{Board, OpenFolder};
use crate::disk::{DiskError, Root};
use crate::net::ApiError;
use crate::replica::{Replica, ReplicaError};
use crate::state::{FolderNumber, FolderTrees, SpaceNumber, State, StateError};
use crate::transfer::{Transfer, TransferError, load_layout};

pub use books::{Books, Entry};
pub use bulk::Bulk;
pub use places::Places;
pub use report::{Failure, Report};
pub use resume::drop_unwanted_parts;

/// Where work on a folder is done.
#[derive(Clone)]
pub struct Setting {
    /// The folder in the state database.
    pub folder: FolderNumber,
    /// The space it shows, there.
    pub space: SpaceNumber,
    /// The folder on disk.
    pub root: Arc<Root>,
    /// Keeps the folder open, and its changes told.
    pub open: Arc<OpenFolder>,
    /// The state database.
    pub state: Arc<State>,
    /// The space's log on this device.
    pub replica: Arc<Replica>,
    /// Runs what is asynchronous: a plan runs on a thread that may wait.
    pub runtime: tokio::runtime::Handle,
    /// Large files under way.
    pub bulk: Arc<Bulk>,
    /// What is being transferred, for `status`.
    pub board: Arc<Board>,
}

/// A setting with the means to send and fetch.
pub struct Context {
    setting: Setting,
    /// Sending and fetching of chunks.
    pub transfer: Transfer,
    /// The life of the server's data in which this is done.
    epoch: Option<ServerEpoch>,
}

impl std::ops::Deref for Context {
    type Target = Setting;

    fn deref(&self) -> &Setting {
        &self.setting
    }
}

/// Why a run as a whole could not go on. What was done is recorded.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The server.
    #[error(transparent)]
    Server(#[from] ApiError),
    /// The log.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// The state database.
    #[error(transparent)]
    State(#[from] StateError),
    /// The trees in it.
    #[error(transparent)]
    Trees(#[from] TreeError),
    /// The disk, for the folder as a whole.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl Context {
    /// Waits until nothing carries the log on, and takes the present keys; none before the log
    /// was read so far that it has any. Blocks.
    ///
    /// # Errors
    /// Those of the state.
    pub fn new(setting: Setting) -> Result<Option<Self>, StateError> {
        // Read first: what is planned from here on is planned in this life or in a later one.
        let row = setting.state.read(|rows| rows.space(setting.space))?;
        let epoch = row.and_then(|row| row.server_epoch);
        let transfer = setting.runtime.block_on(setting.replica.transfer());
        Ok(transfer.map(|transfer| Self {
            setting,
            transfer,
            epoch,
        }))
    }

    /// Writes entries into the trees, in one durable transaction. What was agreed on with a server
    /// that began a new life since is not written: there it may be older than what is there now.
    pub(crate) fn record(&self, books: &mut Books) -> Result<(), RunError> {
        let entries = books.take();
        if entries.is_empty() {
            return Ok(());
        }
        let (folder, space, epoch) = (self.folder, self.space, self.epoch);
        let written = self.state.write(move |tx| {
            let now = tx.space(space)?.and_then(|row| row.server_epoch);
            let agreed = match now == epoch {
                true => books::Agreed::Holds,
                false => books::Agreed::Lapsed,
            };
            books::write(tx, folder, &entries, agreed)
        });
        Ok(written.wait()?)
    }

    /// The body that a node has in the log; none when it is at another version by now.
    pub(crate) fn body(
        &self,
        trees: &FolderTrees,
        node: NodeId,
        version: Option<VersionId>,
    ) -> Result<Option<Body>, BodyFailure> {
        let rows = trees.rows()?;
        let there = rows.remote_node(self.space, node)?;
        if version.is_none() || there.is_none_or(|there| there.versions.body != version) {
            return Ok(None);
        }
        let Some(field) = rows.remote_body(self.space, node)? else {
            return Ok(None);
        };
        Ok(Some(
            self.runtime.block_on(load_layout(&self.transfer, &field))?,
        ))
    }
}

/// Why the body of a version cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyFailure {
    /// The state database.
    #[error(transparent)]
    State(#[from] StateError),
    /// Its layout is long and has to be fetched.
    #[error(transparent)]
    Transfer(#[from] TransferError),
}

/// Runs the steps of a plan in order: books, remote, local.
///
/// # Errors
/// See [`RunError`]; what failed for one node alone is in the report.
pub fn run(cx: &Context, plan: &Plan, report: &mut Report) -> Result<(), RunError> {
    run_books(cx, plan, report)?;
    let remote: Vec<&Step> = plan.half(Half::Remote).collect();
    if !remote.is_empty() {
        remote::run(cx, &remote, report)?;
    }
    let local: Vec<&Step> = plan.half(Half::Local).collect();
    if !local.is_empty() {
        run_local(cx, &local, report)?;
    }
    Ok(())
}

fn run_books(cx: &Context, plan: &Plan, report: &mut Report) -> Result<(), RunError> {
    tracing::trace!(steps = plan.steps.len(), "running a plan");
    let trees = cx.state.folder_trees(cx.folder)?;
    let mut books = Books::default();
    let mut to_read = Vec::new();
    for step in plan.half(Half::Books) {
        match step {
            Step::Adopt { local, node } => books.add(Entry::LocalIs {
                was: *local,
                is: *node,
            }),
            Step::NeedHash { node, stamp } => to_read.push((*node, *stamp)),
            _ => books.done(&trees, step, &hythe_sync::record::Done::default())?,
        }
        report.done += 1;
    }
    hash::read_all(cx, &trees, &to_read, &mut books, report)?;
    agreed::record(cx, &trees, &mut books)
}

fn run_local(cx: &Context, steps: &[&Step], report: &mut Report) -> Result<(), RunError> {
    // Read anew: the remote half may have recorded what these steps build on.
    let trees = cx.state.folder_trees(cx.folder)?;
    let mut run = local::LocalRun::new(cx, &trees, report);
    let mut downloads = download::Downloads::default();
    for step in steps {
        match step {
            Step::Download { .. } => {
                downloads.push(step);
                if downloads.are_many() {
                    run.download(downloads.take())?;
                }
            }
            Step::LocalCreateDirectory { .. } => run.step(step)?,
            _ => {
                run.download(downloads.take())?;
                run.step(step)?;
            }
        }
    }
    run.download(downloads.take())?;
    tracing::trace!("making local steps durable");
    run.finish()
}
