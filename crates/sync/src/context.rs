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
}

/// Where fresh ids come from. The client draws random ones; tests count.
pub trait IdSource {
    /// An id no node ever had.
    fn node(&mut self) -> NodeId;

    /// An id no version ever had.
    fn version(&mut self) -> VersionId;
}
