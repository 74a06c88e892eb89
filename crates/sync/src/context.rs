//! What a plan depends on besides the trees. All of it is given, none is looked up.

use std::collections::BTreeSet;

use hythe_model::{NodeId, VersionId};

/// What the caller knows and the trees do not say.
#[derive(Debug, Clone, Default)]
pub struct PlanContext {
    /// This device's name, as conflict copies show it.
    pub device: String,
    /// Today's date as `YYYY-MM-DD`, as conflict copies show it. Decides nothing (C7).
    pub date: String,
    /// Nodes that just failed and shall be left alone until their retry time (C3). What depends
    /// on them waits with them, all else goes on.
    pub blocked: BTreeSet<NodeId>,
    /// Whether this account may not write in the space. Nothing is sent then: what is on disk and
    /// not in the log stays there, and is a problem ([`Problem::NotSent`](crate::Problem)).
    pub read_only: bool,
    /// About how many nodes are looked at; none for all. What is left over stays dirty, so a plan,
    /// and the memory it takes, does not grow with the tree (C4). Dirty nodes that were agreed on
    /// before are looked at in any case, first, and so is what others depend on.
    pub limit: Option<usize>,
}

impl PlanContext {
    /// Whether a plan over so many nodes takes no more.
    pub(crate) fn is_full(&self, nodes: usize) -> bool {
        self.limit.is_some_and(|limit| nodes >= limit)
    }
}

/// Where fresh ids come from. The client draws random ones; tests count.
pub trait IdSource {
    /// An id no node ever had.
    fn node(&mut self) -> NodeId;

    /// An id no version ever had.
    fn version(&mut self) -> VersionId;
}
