//! What running a plan came to, for the loop and for `status`.

use std::collections::{BTreeMap, BTreeSet};

use hythe_model::{NodeId, TreePath};

use crate::disk::{DiskError, Trouble};

/// Why one node could not be done, in words for its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Where it is or should be, as far as known.
    pub path: Option<TreePath>,
    /// Why, as one sentence.
    pub reason: String,
    /// The one thing to do about it, as one sentence.
    pub action: &'static str,
}

/// The outcome of running a plan's steps.
#[derive(Debug, Default)]
pub struct Report {
    /// Nodes whose expectation no longer held: plan them again.
    pub again: BTreeSet<NodeId>,
    /// Places to look at before that.
    pub look: BTreeSet<TreePath>,
    /// Nodes that are being written to: plan them again once the stability window is over (S7).
    pub unstable: BTreeSet<NodeId>,
    /// Nodes whose content is being transferred beside the passes.
    pub waiting: BTreeSet<NodeId>,
    /// Nodes that failed, and why.
    pub failed: BTreeMap<NodeId, Failure>,
    /// Nodes that change sets of others changed, which were read before ours could be sent.
    pub folded: BTreeSet<NodeId>,
    /// How many steps were done.
    pub done: usize,
}

impl Report {
    /// The disk was not as a step expected: look again at the directory around it, plan again.
    pub fn changed(&mut self, node: NodeId, path: Option<&TreePath>) {
        self.again.insert(node);
        self.look.extend(path.and_then(TreePath::parent));
    }

    /// The disk would not do it.
    pub fn disk(&mut self, node: NodeId, path: Option<&TreePath>, error: &DiskError) {
        let action = match error.trouble() {
            Trouble::Full => "Free some space on this disk; Hythe tries again by itself.",
            Trouble::ReadOnly => "Make the file system writable; Hythe tries again by itself.",
            Trouble::Denied => {
                "Give your user the right to this item; Hythe tries again by itself."
            }
            Trouble::Other => "Look at the disk; Hythe tries again by itself.",
        };
        let failure = Failure {
            path: path.cloned(),
            reason: error.to_string(),
            action,
        };
        self.failed.insert(node, failure);
    }

    /// Anything else stopped this one node.
    pub fn fail(
        &mut self,
        node: NodeId,
        path: Option<TreePath>,
        reason: String,
        action: &'static str,
    ) {
        self.failed.insert(
            node,
            Failure {
                path,
                reason,
                action,
            },
        );
    }

    /// Whether a node will not be as the plan says when the plan has run.
    pub fn is_off(&self, node: NodeId) -> bool {
        self.again.contains(&node)
            || self.unstable.contains(&node)
            || self.waiting.contains(&node)
            || self.failed.contains_key(&node)
    }
}
