//! One pass over a folder: look, plan, check, run, until nothing is left that can be done now.
//!
//! Runs on a thread that may wait. It decides nothing: what to look at comes with the order, what to
//! do from the planner, whether it may be done from the checker.

mod dirty;
mod late;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hythe_model::{Cursor, EntryName, NodeId, TreePath, VersionId};
use hythe_sync::brake::root_emptied;
use hythe_sync::{
    Brake, Counts, Half, Held, IdSource, Plan, PlanContext, Problem, Refused, Step, TreeError,
    check, plan,
};

use crate::daemon::{Order, Scope};
use crate::disk::{Absence, DiskError};
use crate::execute::{self, Context, Places, Report, RunError, Setting};
use crate::scan::{Scan, ScanError, ScanReport};
use crate::state::{FolderTrees, StateError};

use dirty::Dirty;
pub use dirty::PLAN_NODES;

/// A pass plans again so often before it lets others have a turn. Each round does something, so
/// what remains is due at once.
const ROUNDS: usize = 8;

/// What a pass needs besides its order.
pub struct Pass {
    /// Folder, disk, server.
    pub setting: Setting,
    /// This device's name, for conflict copies.
    pub device: String,
    /// Nodes this device created lately (S5).
    pub recent: BTreeSet<NodeId>,
    /// What this device sent lately of what S5 counts.
    pub sent: Counts,
    /// Whether the user said yes to what is held.
    pub approved: bool,
    /// About how many nodes one plan takes on.
    pub plan_nodes: usize,
    /// Whether this account may not write in the space, so that nothing is sent.
    pub read_only: bool,
    /// Directories that have become spaces of which nothing is shown here: what is on the disk of
    /// them goes. Any other one has to be handed over first.
    pub given_up: BTreeSet<NodeId>,
}

/// A pass under way.
struct Passing<'p> {
    pass: &'p Pass,
    cx: Context,
    /// What lies in directories on their way into spaces of their own.
    frozen: BTreeSet<NodeId>,
}

/// What a pass came to.
#[derive(Debug, Default)]
pub struct PassReport {
    /// What running the plans came to.
    pub run: Report,
    /// Nodes still open: plan them again.
    pub open: BTreeSet<NodeId>,
    /// Nodes that had no turn yet.
    pub later: BTreeSet<NodeId>,
    /// What the planner could not place.
    pub problems: Vec<(Option<TreePath>, Problem)>,
    /// What the scan could not read.
    pub scanned: ScanReport,
    /// Places that changed while they were looked at.
    pub look: BTreeSet<TreePath>,
    /// What waits for a yes.
    pub held: Option<HeldPlan>,
    /// Nodes created in the log by this pass.
    pub created: BTreeSet<NodeId>,
    /// What was sent of what S5 counts.
    pub sent: Counts,
    /// The position of the log that the last plan saw.
    pub cursor: Option<Cursor>,
    /// What is on disk and may not be sent, with its path.
    pub unsent: BTreeMap<NodeId, Option<TreePath>>,
    /// Whether what is still open waits for the disk, the log or a right, so that planning it again
    /// does nothing.
    pub waits: bool,
}

/// A mass change that waits, with examples.
#[derive(Debug, Clone)]
pub struct HeldPlan {
    /// How much.
    pub held: Held,
    /// Some of the items.
    pub examples: Vec<TreePath>,
    /// All nodes it is about: to undo is to forget that they were ever synced.
    pub nodes: BTreeSet<NodeId>,
}

/// Why a pass could not be done.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// The folder is not there, or not the one it was (S4).
    #[error("{}", .0.reason())]
    Away(Absence),
    /// Something else comes first.
    #[error(transparent)]
    NotYet(#[from] NotYet),
    /// Looking at the disk failed.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// Running the plan failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The plan would have destroyed something. A defect; nothing was done.
    #[error("a plan was refused: {0}")]
    Refused(#[from] Refused),
    /// The trees could not be read.
    #[error(transparent)]
    Trees(#[from] TreeError),
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The state database failed.
    #[error(transparent)]
    State(#[from] StateError),
}

/// What has to come before a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotYet {
    /// The space's log was not read on this device yet, or not since the server was restored from
    /// a copy: there are no keys, or what was agreed on speaks of another log.
    #[error("the server was not reached yet")]
    Read,
    /// A directory has become a space, and what it holds is not handed over yet.
    #[error("a folder has become a space of its own")]
    HandedOver,
}

/// Does a pass.
///
/// # Errors
/// When it could not be done as a whole. What was done until then is recorded.
pub fn run(pass: &Pass, order: &Order) -> Result<PassReport, PassError> {
    let mut report = PassReport::default();
    pass.setting.root.still_there().map_err(PassError::Away)?;
    let cx = Context::new(pass.setting.clone())?.ok_or(NotYet::Read)?;
    let frozen = frozen(&cx)?;
    let pass = &Passing { pass, cx, frozen };
    let late = late::bring_back(pass)?;
    let mut nodes = order.nodes.clone();
    nodes.extend(look(pass, order, &late, &mut report)?);
    report.look.clone_from(&report.scanned.again);
    if order.all_nodes {
        nodes.extend(different(pass)?);
    }
    let mut dirty = Dirty::new(nodes, pass.pass.plan_nodes);
    let (mut rounds, mut open) = (0, BTreeSet::new());
    while rounds < ROUNDS {
        let waiting = dirty.later.len();
        dirty.next(open);
        pass.cx.state.shorten_log();
        let planned = match plan_once(pass, &mut dirty, &mut report) {
            // The log was read on meanwhile; the next pass begins with what has to be done first.
            Err(PassError::NotYet(NotYet::HandedOver)) => {
                report.open.append(&mut dirty.now);
                break;
            }
            planned => planned?,
        };
        report.open.clone_from(&planned.open);
        report.waits = pass.pass.read_only && planned.steps.is_empty();
        if planned.steps.is_empty() {
            // Each look without anything to do must leave less to look at.
            if dirty.later.is_empty() || dirty.later.len() >= waiting {
                break;
            }
            open = planned.open;
            continue;
        }
        rounds += 1;
        tracing::debug!(
            folder = %pass.cx.root.path().display(),
            dirty = dirty.now.len(),
            later = dirty.later.len(),
            steps = planned.steps.len(),
            first = planned.steps.first().map(step_name),
            "running a plan"
        );
        let done = report.run.done;
        execute::run(&pass.cx, &planned, &mut report.run)?;
        open = next_dirty(pass, planned, &mut report)?;
        // What was found meanwhile is open too, planned in this pass or not.
        report.open.extend(&open);
        if report.run.done == done && dirty.later.is_empty() {
            break;
        }
    }
    report.later = dirty.later;
    tracing::debug!(
        done = report.run.done,
        open = report.open.len(),
        unstable = report.run.unstable.len(),
        waiting = report.run.waiting.len(),
        failed = report.run.failed.len(),
        "the pass is over"
    );
    for node in order.nodes.difference(&report.run.waiting) {
        if !report.later.contains(node) {
            pass.cx.bulk.forget(*node);
        }
    }
    execute::drop_unwanted_parts(&pass.cx)?;
    Ok(report)
}

/// A step that would be done, in words.
#[derive(Debug, Clone)]
pub struct ShownStep {
    /// What it is about, as far as it has a place.
    pub path: TreePath,
    /// Its kind, in snake case.
    pub step: &'static str,
    /// The step in words.
    pub text: String,
}

/// What would be done now, without doing it.
///
/// # Errors
/// As [`run`].
pub fn preview(pass: &Pass) -> Result<Vec<ShownStep>, PassError> {
    let mut report = PassReport::default();
    pass.setting.root.still_there().map_err(PassError::Away)?;
    let cx = Context::new(pass.setting.clone())?.ok_or(NotYet::Read)?;
    let frozen = frozen(&cx)?;
    let pass = &Passing { pass, cx, frozen };
    let everything = Order {
        scope: Scope::Whole,
        nodes: BTreeSet::new(),
        all_nodes: true,
    };
    let mut dirty = look(pass, &everything, &BTreeSet::new(), &mut report)?;
    dirty.extend(different(pass)?);
    let (trees, _) = trees(pass)?;
    let planned = plan(&trees, &dirty, &context(pass, &report), &mut RandomIds)?;
    let mut shown = Vec::with_capacity(planned.steps.len());
    for step in &planned.steps {
        let called = |node: NodeId| match any_path(&trees, node) {
            Ok(Some(path)) => path.to_string(),
            _ => node.to_string(),
        };
        shown.push(ShownStep {
            path: any_path(&trees, step.node())?.unwrap_or_default(),
            step: step_name(step),
            text: hythe_sync::text::line(step, &called),
        });
    }
    Ok(shown)
}

/// The path a node has on disk, else in the log.
fn any_path(trees: &FolderTrees, node: NodeId) -> Result<Option<TreePath>, TreeError> {
    match Places::new(trees).path_of(node)? {
        Some(path) => Ok(Some(path)),
        None => remote_path(trees, node),
    }
}

fn step_name(step: &Step) -> &'static str {
    match step {
        Step::Adopt { .. } => "adopt",
        Step::Record(_) => "record",
        Step::Forget { .. } => "forget",
        Step::NeedHash { .. } => "need_hash",
        Step::RemoteCreate { .. } => "remote_create",
        Step::RemoteRestore { .. } => "remote_restore",
        Step::RemoteMove { .. } => "remote_move",
        Step::RemoteUpdate { .. } => "remote_update",
        Step::RemoteDelete { .. } => "remote_delete",
        Step::LocalCreateDirectory { .. } => "local_create_directory",
        Step::Download { .. } => "download",
        Step::LocalAttributes { .. } => "local_attributes",
        Step::LocalMove { .. } => "local_move",
        Step::LocalDelete { .. } => "local_delete",
    }
}

impl Passing<'_> {
    fn scan(&self, scope: &crate::scan::Scope) -> Result<ScanReport, ScanError> {
        let (root, state) = (self.cx.root.as_ref(), self.cx.state.as_ref());
        let entering = Some(self.cx.open.entering());
        Scan {
            root,
            state,
            folder: self.cx.folder,
            entering,
        }
        .run(scope)
    }
}

/// What may not be written now, as the log and the disk have it.
fn frozen(cx: &Context) -> Result<BTreeSet<NodeId>, StateError> {
    let (folder, space) = (cx.folder, cx.space);
    cx.state.read(|rows| {
        let mut frozen = BTreeSet::new();
        for node in rows.leaving(space)? {
            frozen.insert(node);
            frozen.extend(rows.remote_below(space, node)?);
            frozen.extend(rows.local_below(folder, node)?);
        }
        Ok(frozen)
    })
}

fn look(
    pass: &Passing,
    order: &Order,
    more: &BTreeSet<TreePath>,
    report: &mut PassReport,
) -> Result<BTreeSet<NodeId>, PassError> {
    let places = match &order.scope {
        Scope::Whole => {
            let scope = match order.all_nodes {
                true => crate::scan::Scope::WholeAfterBreak,
                false => crate::scan::Scope::Whole,
            };
            report.scanned = pass.scan(&scope)?;
            return Ok(report.scanned.dirty.clone());
        }
        Scope::Places(places) => places | more,
        Scope::Nothing => more.clone(),
    };
    if !places.is_empty() {
        report.scanned = pass.scan(&crate::scan::Scope::Places(places))?;
    }
    Ok(report.scanned.dirty.clone())
}

/// After a round: what it left open and what changed meanwhile, without what failed.
fn next_dirty(
    pass: &Passing,
    planned: Plan,
    report: &mut PassReport,
) -> Result<BTreeSet<NodeId>, PassError> {
    let mut dirty = planned.open;
    dirty.extend(std::mem::take(&mut report.run.again));
    let places = std::mem::take(&mut report.run.look);
    if !places.is_empty() {
        let scanned = pass.scan(&crate::scan::Scope::Places(places))?;
        dirty.extend(scanned.dirty);
        report.look.extend(scanned.again);
    }
    dirty.retain(|node| !report.run.is_off(*node));
    Ok(dirty)
}

fn context(pass: &Passing, report: &PassReport) -> PlanContext {
    let mut blocked = BTreeSet::new();
    blocked.extend(report.run.failed.keys());
    blocked.extend(report.run.unstable.iter().chain(&report.run.waiting));
    blocked.extend(&pass.frozen);
    PlanContext {
        device: pass.pass.device.clone(),
        date: today(),
        blocked,
        read_only: pass.pass.read_only,
        limit: None,
    }
}

/// The trees to plan by, and the position of the log that they show.
fn trees(pass: &Passing) -> Result<(FolderTrees, Option<Cursor>), PassError> {
    let trees = pass.cx.state.folder_trees(pass.cx.folder)?;
    let space = trees.rows()?.space(pass.cx.space)?;
    match space {
        // The log may be half read, and an older content of it would look like news.
        Some(row) if row.common.is_some() => Err(NotYet::Read.into()),
        _ if has_unsettled(pass, &trees)? => Err(NotYet::HandedOver.into()),
        space => Ok((trees, space.map(|row| row.head.cursor))),
    }
}

/// Whether planning would take what has become a space for removed.
fn has_unsettled(pass: &Passing, trees: &FolderTrees) -> Result<bool, StateError> {
    let moved = trees.rows()?.moved_out(pass.cx.folder, pass.cx.space)?;
    Ok(moved
        .iter()
        .any(|moved| !pass.pass.given_up.contains(&moved.node)))
}

/// Plans some of what is dirty: what one plan takes on, or all that may take something away.
fn plan_some(
    trees: &FolderTrees,
    dirty: &mut Dirty,
    mut context: PlanContext,
) -> Result<Plan, TreeError> {
    context.limit = Some(dirty.limit());
    let mut planned = plan(trees, &dirty.now, &context, &mut RandomIds)?;
    dirty.later.append(&mut planned.later);
    if dirty.is_parted(&planned) {
        drop(planned);
        dirty.take_agreed(trees)?;
        context.limit = Some(dirty.limit());
        planned = plan(trees, &dirty.now, &context, &mut RandomIds)?;
        dirty.later.append(&mut planned.later);
    }
    Ok(planned)
}

fn plan_once(
    pass: &Passing,
    dirty: &mut Dirty,
    report: &mut PassReport,
) -> Result<Plan, PassError> {
    let (trees, cursor) = trees(pass)?;
    // What was folded and not told yet is nothing that this pass planned.
    if pass.cx.replica.has_told_all() {
        report.cursor = cursor;
    }
    let planned = plan_some(&trees, dirty, context(pass, report))?;
    let brake = Brake {
        synced_nodes: synced_nodes(pass, &planned)?,
        sent_before: pass.pass.sent,
        recent: &pass.pass.recent,
        approved: pass.pass.approved,
    };
    let taken = taken_away(&planned);
    let checked = check(planned, &trees, &brake)?;
    let (mut planned, held) = checked.into_parts();
    let held = match held {
        Some(held) => Some(held),
        None => emptied(pass, &mut planned)?,
    };
    report.held = held
        .map(|held| held_plan(&trees, held, taken))
        .transpose()?;
    note_unsent(&trees, &planned, report)?;
    report.problems = problems(&trees, &planned)?;
    for step in &planned.steps {
        match step {
            Step::RemoteCreate { node, .. } => {
                report.created.insert(*node);
            }
            // What a person approved says nothing about what comes after it.
            Step::RemoteDelete { node, .. }
                if !pass.pass.approved && !pass.pass.recent.contains(node) =>
            {
                report.sent.deleted += 1;
            }
            _ => {}
        }
    }
    Ok(planned)
}

/// A folder that lost all it held: its deletes wait for a yes, however few they are (S4).
fn emptied(pass: &Passing, planned: &mut Plan) -> Result<Option<Held>, PassError> {
    let deletes = |step: &&Step| {
        matches!(step, Step::RemoteDelete { .. }) && !pass.pass.recent.contains(&step.node())
    };
    let deleted = planned.steps.iter().filter(deletes).count() as u64;
    if pass.pass.approved || deleted == 0 {
        return Ok(None);
    }
    let folder = pass.cx.folder;
    let rest = |rows: &crate::state::Rows<'_>| {
        // Counting looks at every row; whether there is any does not.
        if rows.has_local(folder)? {
            Ok(None)
        } else {
            rows.synced_count(folder).map(Some)
        }
    };
    let Some(synced_nodes) = pass.cx.state.read(rest)? else {
        return Ok(None);
    };
    if root_emptied(synced_nodes, 0).is_none() {
        return Ok(None);
    }
    planned.steps.retain(|step| step.half() != Half::Remote);
    Ok(Some(Held {
        counts: Counts {
            deleted,
            replaced: 0,
        },
        limit: 0,
        synced_nodes,
    }))
}

/// How many nodes are synced, where that can make a difference: a plan that takes away no more than
/// is always free needs no count, and counting looks at every row.
fn synced_nodes(pass: &Passing, planned: &Plan) -> Result<u64, PassError> {
    let takes_away =
        |step: &&Step| matches!(step, Step::RemoteDelete { .. } | Step::RemoteUpdate { .. });
    let planned = planned.steps.iter().filter(takes_away).count() as u64;
    let sent = pass.pass.sent.deleted + pass.pass.sent.replaced;
    if planned + sent <= hythe_sync::brake::FREE_CHANGES {
        return Ok(0);
    }
    let folder = pass.cx.folder;
    Ok(pass.cx.state.read(|rows| rows.synced_count(folder))?)
}

/// The nodes of which a plan takes something away from the log.
fn taken_away(plan: &Plan) -> BTreeSet<NodeId> {
    let takes_away = |step: &&Step| match step {
        Step::RemoteDelete { .. } => true,
        Step::RemoteUpdate { body, .. } => body.is_some(),
        _ => false,
    };
    let steps = plan.steps.iter();
    steps.filter(takes_away).map(Step::node).collect()
}

fn held_plan(
    trees: &FolderTrees,
    held: Held,
    nodes: BTreeSet<NodeId>,
) -> Result<HeldPlan, PassError> {
    let mut examples = Vec::new();
    for node in nodes.iter().take(10) {
        examples.extend(remote_path(trees, *node)?);
    }
    Ok(HeldPlan {
        held,
        examples,
        nodes,
    })
}

/// Notes what may not be sent, where it is on this disk or was in the log.
fn note_unsent(trees: &FolderTrees, plan: &Plan, report: &mut PassReport) -> Result<(), PassError> {
    for problem in &plan.problems {
        if let Problem::NotSent { node } = problem {
            report.unsent.insert(*node, any_path(trees, *node)?);
        }
    }
    Ok(())
}

fn problems(
    trees: &FolderTrees,
    plan: &Plan,
) -> Result<Vec<(Option<TreePath>, Problem)>, PassError> {
    let mut found = Vec::new();
    for problem in &plan.problems {
        let path = match problem {
            Problem::Quarantined { node, .. } | Problem::NotPlaced { node, .. } => {
                remote_path(trees, *node)?
            }
            // Told node by node.
            Problem::NotSent { .. } => continue,
            Problem::RootGone => Some(TreePath::ROOT),
        };
        found.push((path, problem.clone()));
    }
    Ok(found)
}

/// The path of a node in the log, below the folder's root. A name that cannot be shown stands as
/// the node's id.
fn remote_path(trees: &FolderTrees, node: NodeId) -> Result<Option<TreePath>, TreeError> {
    use hythe_sync::Trees;
    let (mut names, mut at) = (Vec::new(), node);
    while at != trees.root() {
        let Some(remote) = trees.remote(at)? else {
            return Ok(None);
        };
        let Some(name) = remote
            .name
            .ok()
            .or_else(|| EntryName::new(at.to_string()).ok())
        else {
            return Ok(None);
        };
        names.push(name);
        at = remote.parent;
    }
    Ok(Some(names.into_iter().rev().collect()))
}

/// Nodes whose three trees may differ, looked for among all of them.
fn different(pass: &Passing) -> Result<BTreeSet<NodeId>, PassError> {
    Ok(pass.cx.state.read(|rows| rows.different(pass.cx.folder))?)
}

/// Today as `YYYY-MM-DD`, in UTC: only shown, never compared (C7).
fn today() -> String {
    let now = time::OffsetDateTime::now_utc();
    format!(
        "{:04}-{:02}-{:02}",
        now.year(),
        u8::from(now.month()),
        now.day()
    )
}

/// Fresh ids from the system's randomness.
struct RandomIds;

impl RandomIds {
    fn draw() -> [u8; 16] {
        let mut bytes = [0; 16];
        // Without randomness no id is safe to use; a system in that state gives none to anybody,
        // and waiting for it is all that can be done.
        while getrandom::fill(&mut bytes).is_err() {
            std::thread::sleep(Duration::from_millis(100));
        }
        bytes
    }
}

impl IdSource for RandomIds {
    fn node(&mut self) -> NodeId {
        NodeId(Self::draw())
    }

    fn version(&mut self) -> VersionId {
        VersionId(Self::draw())
    }
}
