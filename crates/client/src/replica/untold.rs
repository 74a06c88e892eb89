//! What changed in the state and was told to nobody yet.
//!
//! Reading a log on may fail or be given up halfway: what was folded until then is in the state, and
//! the next reading begins behind it. Were the changed nodes known to that one call only, nobody
//! would ever plan them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use hythe_model::{Head, NodeId};

use super::Applied;

/// The nodes that changed since somebody was told last. Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub(crate) struct Untold(Arc<Mutex<Changed>>);

#[derive(Default)]
struct Changed {
    nodes: BTreeSet<NodeId>,
    anew: bool,
    read: bool,
}

impl Untold {
    /// Notes nodes that are about to change. To be called before the change is committed: a node too
    /// many costs a look, one too few is never looked at.
    pub(super) fn note(&self, nodes: BTreeSet<NodeId>) {
        self.with(|changed| {
            changed.nodes.extend(nodes);
            changed.read = true;
        });
    }

    /// Notes that the log is read from the start.
    pub(super) fn note_anew(&self) {
        self.with(|changed| changed.anew = true);
    }

    /// Everything that was noted, for whoever plans; from here on it is theirs. `head` is how far the
    /// log is folded.
    pub(crate) fn tell(&self, head: Head) -> Applied {
        let Changed { nodes, anew, read } = self.with(std::mem::take);
        Applied {
            head: (read || anew).then_some(head),
            changed: nodes,
            anew,
        }
    }

    /// Takes back what was told to somebody who did not need it.
    pub(crate) fn take_back(&self, applied: Applied) {
        if applied.anew {
            self.note_anew();
        }
        self.note(applied.changed);
    }

    /// Whether everything was told.
    pub(crate) fn is_empty(&self) -> bool {
        self.with(|changed| !changed.read && !changed.anew)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Changed) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
