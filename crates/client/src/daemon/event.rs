//! Everything that can happen to the daemon: a closed list, one arm each in the loop.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use hythe_control::{Decision, Failure, FolderStatus, HeldChange, Problem, Status, Waited};
use hythe_model::{Cursor, NodeId, TreePath};
use tokio::sync::oneshot;

use super::open::{OpenFailure, OpenFolder};
use super::work::{Order, Scope};
use crate::disk::Moved;
use crate::execute::Setting;
use crate::pass::{Pass, PassError, PassReport};
use crate::state::{FolderNumber, SpaceNumber};

/// Something happened.
pub enum Event {
    /// Somebody asks.
    Ask(Ask),
    /// A folder was opened, or could not be.
    Opened(FolderNumber, Box<Result<OpenFolder, OpenFailure>>),
    /// A folder that is not at its place was looked for.
    Sought(FolderNumber, Option<Moved>),
    /// The system told of changes on a folder's disk; last, of files that are still being written.
    Disk(FolderNumber, Scope, BTreeSet<TreePath>),
    /// Large files of a folder were transferred, or may be now.
    Transferred(FolderNumber, BTreeSet<NodeId>),
    /// Change sets were folded: the log changed these nodes and stands here now.
    Folded(SpaceNumber, BTreeSet<NodeId>, Cursor),
    /// The log is another one than it was: everything is to be compared.
    Rebased(SpaceNumber),
    /// Why keys are not renewed that should be since a device was removed; none when all are.
    Keys(Option<String>),
    /// The server is there, or why it is not.
    Server(Result<(), Trouble>),
    /// Where the server's logs stand, for the fence with this number.
    Heads(u64, Result<BTreeMap<SpaceNumber, Cursor>, String>),
    /// A pass ended.
    Passed(FolderNumber, Box<Passing>),
}

/// Why the server is away before it was asked anything.
pub const NOT_YET: &str = "not connected yet";

/// What is wrong with the server, as far as the loop acts on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It cannot be reached now. It is tried again.
    Away(String),
    /// It does not accept this device any more, or is another server: a person has to act.
    Refused(String),
}

/// A pass that ended.
pub struct Passing {
    /// Its number among the folder's passes.
    pub number: u64,
    /// What it was to do.
    pub order: Order,
    /// What it came to.
    pub result: Result<PassReport, PassError>,
    /// Where the folder's open handle leads, if the folder is not at its place.
    pub led: Option<PathBuf>,
}

/// A question, and where its answer goes.
pub enum Ask {
    /// How everything stands.
    Status(oneshot::Sender<(Status, Vec<Problem>)>),
    /// Set a fence.
    Wait(Option<std::time::Duration>, oneshot::Sender<Waited>),
    /// Stop syncing, or go on.
    Pause(bool, oneshot::Sender<Result<(), Failure>>),
    /// What is held.
    Held(oneshot::Sender<Vec<HeldChange>>),
    /// Decide what is held.
    Decide(Option<u64>, Decision, oneshot::Sender<Result<(), Failure>>),
    /// A folder was put into the state database: open it.
    Added(FolderNumber, oneshot::Sender<Option<FolderStatus>>),
    /// Let a folder go, wherever its work stands; answered when nothing runs on it any more.
    Release(FolderNumber, oneshot::Sender<()>),
    /// What a pass over each folder would need, to look at it without doing anything.
    Passes(oneshot::Sender<Vec<(PathBuf, Pass)>>),
    /// What work on one folder needs.
    Folder(FolderNumber, oneshot::Sender<Option<Setting>>),
}
