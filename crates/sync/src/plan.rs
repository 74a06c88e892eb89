//! What shall be done, as a value: it can be shown, compared and refused.
//!
//! Steps are complete: they carry ids, versions and what must still be true when they run. Running
//! them in order is valid; a step whose expectation no longer holds is not done, and the planner
//! is asked again. Each variant says what becomes of the trees when it is done: *Remote* follows
//! from folding the own change set, *Local* is written by the executor as said here, *Synced* is
//! what [`crate::record::synced_after`] returns.
//!
//! Remote steps refer only to what the disk already holds and local steps only to what the log
//! already says, so the two halves do not wait for each other. Where both name one node, the
//! remote step runs first.

use std::collections::BTreeSet;

use hythe_model::{Attributes, ContentHash, EntryName, NodeId, NodeKind, VersionId};

use crate::tree::{DiskStamp, Place, Quarantine, SyncedNode, Versions};

/// A write of attributes to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributesWrite {
    /// The version that must still be there.
    pub expected: VersionId,
    /// The version this write makes.
    pub new: VersionId,
    /// All attributes of the node from then on.
    pub attributes: Attributes,
    /// Whether the disk already shows exactly these, so that both sides then agree.
    pub settles: bool,
}

/// A write of content to the log: the file's content, read under `stamp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyWrite {
    /// The version that must still be there.
    pub expected: Option<VersionId>,
    /// The version this write makes.
    pub new: VersionId,
    /// What the disk must show before and after reading (S7).
    pub stamp: DiskStamp,
    /// When the content read has this hash, only the stamp changed: nothing is sent of the whole
    /// step, the hash goes into Local, and that is no failure.
    pub unless: Option<ContentHash>,
}

/// What stands where a download goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replaces {
    /// Nothing: the place must be free.
    Nothing,
    /// The node's own former content, which must show this stamp when it is exchanged out.
    Same(DiskStamp),
    /// Content that the log does not have. It is exchanged out, whatever it is by then, and moved
    /// to `name` in the same directory, which must be free: a conflict copy. Local: the entry
    /// known as `occupant` is from then on the node `becomes`, at the new name.
    Copy {
        /// The local id of what stands there.
        occupant: NodeId,
        /// Its id from then on: a fresh one, or its own when it had no node in the log.
        becomes: NodeId,
        /// The conflict name.
        name: EntryName,
        /// What the disk showed when this was planned.
        stamp: DiskStamp,
    },
}

/// Why an entry is moved on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MoveReason {
    /// It was moved in the log.
    Follow,
    /// It was moved on both sides; the log's order wins. Worth telling the user.
    Overruled,
    /// It was moved here, but a move in the log makes that a circle. Worth telling the user.
    Undone,
    /// Another node has its name. Worth telling the user.
    Conflict,
    /// It stands in the way of another step of this plan and moves on or goes later in it.
    Aside,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The entry known as `local` is the node `node`. Local: it and its children's parent are
    /// renamed so; content and place stay. Synced stays.
    Adopt {
        /// The id the scanner gave.
        local: NodeId,
        /// The id it has from now on.
        node: NodeId,
    },
    /// Both sides agree: this is the Synced row from now on.
    Record(Box<SyncedNode>),
    /// The node is on neither side of this folder: its Synced row goes.
    Forget {
        /// The node.
        node: NodeId,
    },
    /// Nothing can be decided before the content is known: read it and set its hash in Local.
    NeedHash {
        /// The local id.
        node: NodeId,
        /// What the disk must show before and after.
        stamp: DiskStamp,
    },

    /// Creates a node in the log, with its content.
    RemoteCreate {
        /// The node.
        node: NodeId,
        /// Where.
        to: Place,
        /// What it is.
        kind: NodeKind,
        /// Its attributes.
        attributes: Attributes,
        /// The versions this makes.
        new: Versions,
        /// What the disk must show before and after reading; of directories, the identity.
        stamp: DiskStamp,
    },
    /// Brings a deleted node back, with the content and attributes it had in the log.
    RemoteRestore {
        /// The node.
        node: NodeId,
        /// Where.
        to: Place,
        /// The place version of the deleted node that must still be there.
        expected: VersionId,
        /// The place version this makes.
        new: VersionId,
    },
    /// Moves or renames a node in the log, with all it holds.
    RemoteMove {
        /// The node.
        node: NodeId,
        /// Where to.
        to: Place,
        /// The place version that must still be there.
        expected: VersionId,
        /// The place version this makes.
        new: VersionId,
    },
    /// Writes attributes, content or both.
    RemoteUpdate {
        /// The node.
        node: NodeId,
        /// New attributes.
        attributes: Option<AttributesWrite>,
        /// New content.
        body: Option<BodyWrite>,
    },
    /// Deletes a node in the log; it goes to the trash. A directory is empty by then.
    RemoteDelete {
        /// The node.
        node: NodeId,
        /// What must still be there.
        expected: Versions,
    },

    /// Makes a directory on disk; the place must be free.
    LocalCreateDirectory {
        /// The node.
        node: NodeId,
        /// Where.
        to: Place,
        /// The versions the log has.
        versions: Versions,
    },
    /// Puts a version of a file or symlink on disk, complete at once (S6).
    Download {
        /// The node.
        node: NodeId,
        /// Where.
        to: Place,
        /// File or symlink.
        kind: NodeKind,
        /// The versions the log has; the body's is the one to fetch.
        versions: Versions,
        /// The attributes to set.
        attributes: Attributes,
        /// Length of the content in bytes.
        size: u64,
        /// Hash of the content, where known.
        hash: Option<ContentHash>,
        /// What stands at the place now.
        replaces: Replaces,
    },
    /// Sets the attributes of an entry.
    LocalAttributes {
        /// The node.
        node: NodeId,
        /// The attributes to set.
        attributes: Attributes,
        /// The attributes version the log has.
        version: VersionId,
        /// What the disk must show.
        stamp: DiskStamp,
    },
    /// Moves or renames an entry on disk, with all it holds; the target must be free.
    LocalMove {
        /// The node.
        node: NodeId,
        /// Where it is.
        from: Place,
        /// Where to.
        to: Place,
        /// The entry that must be at `from`: its identity counts, not its content.
        stamp: DiskStamp,
        /// The place version by which the log says `to`; none where the log does not say it.
        version: Option<VersionId>,
        /// Why.
        reason: MoveReason,
    },
    /// Removes an entry from disk, whose content the log has. A directory is empty by then; one
    /// that is not (something new came in) stays.
    LocalDelete {
        /// The node.
        node: NodeId,
        /// Where it is.
        from: Place,
        /// What it is.
        kind: NodeKind,
        /// What the disk must show; of directories, the identity.
        stamp: DiskStamp,
    },
}

/// On which side of the folder a step acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Half {
    /// The three trees only.
    Books,
    /// The log.
    Remote,
    /// The disk.
    Local,
}

impl Step {
    /// The node the step is about.
    pub fn node(&self) -> NodeId {
        match self {
            Self::Record(row) => row.id,
            Self::Adopt { node, .. }
            | Self::Forget { node }
            | Self::NeedHash { node, .. }
            | Self::RemoteCreate { node, .. }
            | Self::RemoteRestore { node, .. }
            | Self::RemoteMove { node, .. }
            | Self::RemoteUpdate { node, .. }
            | Self::RemoteDelete { node, .. }
            | Self::LocalCreateDirectory { node, .. }
            | Self::Download { node, .. }
            | Self::LocalAttributes { node, .. }
            | Self::LocalMove { node, .. }
            | Self::LocalDelete { node, .. } => *node,
        }
    }

    /// Where the step acts.
    pub fn half(&self) -> Half {
        match self {
            Self::Adopt { .. } | Self::Record(_) | Self::Forget { .. } | Self::NeedHash { .. } => {
                Half::Books
            }
            Self::RemoteCreate { .. }
            | Self::RemoteRestore { .. }
            | Self::RemoteMove { .. }
            | Self::RemoteUpdate { .. }
            | Self::RemoteDelete { .. } => Half::Remote,
            Self::LocalCreateDirectory { .. }
            | Self::Download { .. }
            | Self::LocalAttributes { .. }
            | Self::LocalMove { .. }
            | Self::LocalDelete { .. } => Half::Local,
        }
    }
}

/// Something that no step can mend: to be listed with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// A live node whose name cannot be used here. It stays in the log.
    Quarantined {
        /// The node.
        node: NodeId,
        /// Why.
        why: Quarantine,
    },
    /// A node of a kind that this version does not place in sync folders.
    NotPlaced {
        /// The node.
        node: NodeId,
        /// Its kind.
        kind: NodeKind,
    },
    /// A change on disk that this account may not send ([`PlanContext::read_only`](crate::PlanContext)).
    /// It stays on disk.
    NotSent {
        /// The node.
        node: NodeId,
    },
    /// The directory of the space that the folder stands for is gone: nothing is done at all.
    RootGone,
}

/// All that shall be done now, in order: books, then remote steps, then local ones.
///
/// Remote steps are parents-first and each is valid after those before it, so the list may be cut
/// into change sets anywhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// What to do.
    pub steps: Vec<Step>,
    /// What cannot be done.
    pub problems: Vec<Problem>,
    /// The nodes that the three trees do not agree on yet: the dirty set to plan again once the
    /// steps are done, joined with what changed meanwhile. A plan without steps is the end, unless
    /// something is left for later.
    pub open: BTreeSet<NodeId>,
    /// The nodes that were not looked at, because the plan is full
    /// ([`PlanContext::limit`](crate::PlanContext)): dirty as before. `open` does not name them.
    pub later: BTreeSet<NodeId>,
}

impl Plan {
    /// Leaves the remote half out and says so, node by node. The local half stands without it: its
    /// steps refer only to what the log says already.
    pub(crate) fn keep_here(&mut self) {
        let unsent: BTreeSet<NodeId> = self.half(Half::Remote).map(Step::node).collect();
        self.steps.retain(|step| step.half() != Half::Remote);
        let not_sent = unsent.into_iter().map(|node| Problem::NotSent { node });
        self.problems.extend(not_sent);
    }

    /// The steps of one half, in order.
    pub fn half(&self, half: Half) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(move |step| step.half() == half)
    }
}
