//! The planner: from trees and dirty nodes to a plan.
//!
//! 1. `shape` settles which nodes live and where, around the dirty ones.
//! 2. `draft` looks at each node once: what must move, come and go on each side, and what becomes
//!    of its content and attributes (`merge`).
//! 3. `order` puts the moving, coming and going of each side in a valid order, and
//!    `remote_half` and `local_half` write the steps.
//!
//! The cost is that of the dirty nodes and the paths above them; a directory is listed only when
//! it comes or goes as a whole.

use std::collections::BTreeSet;

use hythe_model::{NodeId, NodeKind};

use crate::context::{IdSource, PlanContext};
use crate::draft::Draft;
use crate::fate::Fate;
use crate::plan::{Plan, Problem, Step};
use crate::shape::shape;
use crate::tree::{TreeError, Trees};
use crate::{local_half, remote_half};

/// Plans what to do about the dirty nodes.
///
/// `dirty` holds every node that a scan or the log changed since the last plan, joined with that
/// plan's [`Plan::open`]. It may be given in parts, in any order: what a node depends on is found
/// (C4). Nodes in agreement cost a look and yield nothing.
///
/// # Errors
/// When the trees cannot be read; never because of what they hold.
pub fn plan(
    trees: &dyn Trees,
    dirty: &BTreeSet<NodeId>,
    context: &PlanContext,
    ids: &mut dyn IdSource,
) -> Result<Plan, TreeError> {
    if root_gone(trees)? {
        let problems = vec![Problem::RootGone];
        return Ok(Plan {
            steps: Vec::new(),
            problems,
            open: dirty.clone(),
            later: BTreeSet::new(),
        });
    }
    let mut draft = Draft::new(shape(trees, dirty, context, ids)?);
    let work: Vec<(NodeId, Fate)> = draft.shape.work.iter().map(|(id, f)| (*id, *f)).collect();
    for (id, fate) in work {
        let item = draft.shape.view.item(id)?.clone();
        draft.look_at(&item, fate, ids)?;
    }
    draft.settle_conflicts(ids)?;
    let mut steps = std::mem::take(&mut draft.books);
    steps.sort_by_key(books_order);
    steps.extend(remote_half::steps(&mut draft, ids)?);
    steps.extend(local_half::steps(&mut draft)?);
    let mut later = draft.shape.later;
    later.retain(|id| !draft.shape.work.contains_key(id));
    let mut plan = Plan {
        steps,
        problems: draft.problems,
        open: draft.open,
        later,
    };
    if context.read_only {
        plan.keep_here();
        // What is never sent stays dirty. Where that alone fills a plan, nothing else would have a turn.
        if plan.steps.is_empty() && !plan.later.is_empty() && plan.later.len() >= dirty.len() {
            let context = PlanContext {
                limit: None,
                ..context.clone()
            };
            return self::plan(trees, dirty, &context, ids);
        }
    }
    Ok(plan)
}

/// Whether the log has no directory any more that the folder could stand for.
fn root_gone(trees: &dyn Trees) -> Result<bool, TreeError> {
    let root = trees.root();
    if root == NodeId::ROOT {
        return Ok(false);
    }
    let node = trees.remote(root)?;
    Ok(node.is_none_or(|node| node.deleted || node.kind != NodeKind::Directory))
}

/// Entries get their ids before anything else speaks of them.
fn books_order(step: &Step) -> u8 {
    match step {
        Step::Adopt { .. } => 0,
        Step::Record(_) | Step::Forget { .. } => 1,
        _ => 2,
    }
}
