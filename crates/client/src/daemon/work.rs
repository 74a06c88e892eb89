//! What one sync folder has to do next: a pure state type, with time passed in.
//!
//! A folder's work is a sequence of *passes*: look at some of the disk, plan, run the plan. Between
//! passes this type gathers what changed, and says when the next pass is due and over what.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use hythe_model::{NodeId, TreePath};

use crate::net::Backoff;

/// More dirty places than this are cheaper to find by looking at everything.
const PLACES_BEFORE_WHOLE: usize = 4096;

/// How often a folder that cannot be watched is looked through (SC-106).
pub const POLL: Duration = Duration::from_secs(30);

/// How often a watched folder is looked through all the same: a lost event is found within this.
const FULL_SCAN: Duration = Duration::from_secs(6 * 3600);

/// How long a file that is open for writing is left alone after each word of it (S7). When it is
/// closed it is looked at then.
pub const SETTLE: Duration = Duration::from_secs(2);

/// So many passes in a row may do nothing and be followed by another at once: others write where
/// this device wants to, a few times. More of them means that nothing here can help by itself, and
/// must not keep a core busy.
const STALLS: u32 = 8;

/// How much of the disk has to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Scope {
    /// Nothing: only what the log changed is planned.
    #[default]
    Nothing,
    /// These directories' own entries, and these entries.
    Places(BTreeSet<TreePath>),
    /// Everything.
    Whole,
}

impl Scope {
    fn add(&mut self, more: Self) {
        *self = match (std::mem::take(self), more) {
            (Self::Whole, _) | (_, Self::Whole) => Self::Whole,
            (Self::Nothing, other) | (other, Self::Nothing) => other,
            (Self::Places(mut places), Self::Places(added)) => {
                places.extend(added);
                if places.len() > PLACES_BEFORE_WHOLE {
                    Self::Whole
                } else {
                    Self::Places(places)
                }
            }
        };
    }
}

/// What a pass is to look at and plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Order {
    /// The part of the disk.
    pub scope: Scope,
    /// Nodes that the log changed, or that an earlier pass left open.
    pub nodes: BTreeSet<NodeId>,
    /// Whether every node whose three trees differ is planned, whatever `nodes` says: after a
    /// start, a new epoch or a lost database.
    pub all_nodes: bool,
}

impl Order {
    /// These places have to be looked at too.
    pub fn look_at(&mut self, places: BTreeSet<TreePath>) {
        if !places.is_empty() {
            self.scope.add(Scope::Places(places));
        }
    }
}

/// How a pass ended, as far as the next one depends on it.
#[derive(Debug, Clone, Default)]
pub struct Passed {
    /// Nodes to plan again at once: something moved while the pass ran.
    pub again: BTreeSet<NodeId>,
    /// Whether the pass has done any step.
    pub progress: bool,
    /// Places that changed while they were looked at: looked at again after a while, because what
    /// is being written changes for as long as it is.
    pub look: BTreeSet<TreePath>,
    /// Nodes that failed: planned again after a while.
    pub failed: BTreeSet<NodeId>,
    /// The pass as a whole failed (no server, no disk): all of its order is due again after a while.
    pub undone: Option<Order>,
    /// How long the server asked to be left alone, if it did.
    pub wait: Option<Duration>,
    /// Whether large files are under way beside the passes: how that ends is not known yet, so it is
    /// no success after failures.
    pub underway: bool,
}

/// The state of one folder's work.
#[derive(Debug)]
pub struct FolderWork {
    due: Order,
    waiting: Order,
    /// Files that are being written, and when to look at them all the same.
    settling: Option<(Instant, BTreeSet<TreePath>)>,
    running: bool,
    backoff: Backoff,
    /// Passes in a row that did nothing and left something open.
    stalls: u32,
    next_full_scan: Option<Instant>,
    watched: bool,
}

impl FolderWork {
    /// A folder of which nothing is known yet: the disk has to be looked at.
    pub fn new(seed: u64) -> Self {
        Self {
            due: Order {
                scope: Scope::Whole,
                ..Order::default()
            },
            waiting: Order::default(),
            settling: None,
            running: false,
            backoff: Backoff::new(seed),
            stalls: 0,
            next_full_scan: None,
            watched: false,
        }
    }

    /// Something on the disk may have changed.
    pub fn saw_disk(&mut self, scope: Scope) {
        self.due.scope.add(scope);
    }

    /// Files are being written. They are looked at a while after the first word of them, however
    /// often there is another: a file that is never closed gets its versions, one in a while.
    pub fn saw_writing(&mut self, now: Instant, places: BTreeSet<TreePath>) {
        if !places.is_empty() {
            let (_, settling) = self
                .settling
                .get_or_insert_with(|| (now + SETTLE, BTreeSet::new()));
            settling.extend(places);
        }
    }

    /// The log changed these nodes.
    pub fn saw_log(&mut self, nodes: impl IntoIterator<Item = NodeId>) {
        self.due.nodes.extend(nodes);
    }

    /// Everything has to be looked at and compared again.
    pub fn start_over(&mut self) {
        self.due.scope = Scope::Whole;
        self.due.all_nodes = true;
        self.hurry();
    }

    /// Whether changes on disk are told by the system.
    pub fn set_watched(&mut self, watched: bool) {
        self.watched = watched;
    }

    /// Whether changes on disk are told by the system.
    pub fn is_watched(&self) -> bool {
        self.watched
    }

    /// What failed is tried now: the server is back, or a person asks.
    pub fn hurry(&mut self) {
        self.backoff.hurry();
        self.release();
    }

    /// Takes the next pass, if one is due and none runs.
    pub fn begin(&mut self, now: Instant) -> Option<Order> {
        if self.running {
            return None;
        }
        if self.next_full_scan.is_some_and(|at| at <= now) {
            self.due.scope = Scope::Whole;
        }
        if self.backoff.is_ready(now) {
            self.release();
        }
        if let Some((_, places)) = self.settling.take_if(|(at, _)| *at <= now) {
            self.due.scope.add(Scope::Places(places));
        }
        if self.due == Order::default() {
            return None;
        }
        self.running = true;
        Some(std::mem::take(&mut self.due))
    }

    /// Takes note of how a pass over `order` ended.
    pub fn end(&mut self, now: Instant, whole: bool, passed: Passed) {
        self.running = false;
        if whole && passed.undone.is_none() {
            self.next_full_scan = Some(now + if self.watched { FULL_SCAN } else { POLL });
        }
        let stalled = !passed.again.is_empty() && !passed.progress;
        self.stalls = if stalled { self.stalls + 1 } else { 0 };
        let stuck = self.stalls > STALLS;
        if stuck {
            self.waiting.nodes.extend(passed.again);
        } else {
            self.due.nodes.extend(passed.again);
        }
        let failed = stuck
            || !passed.failed.is_empty()
            || !passed.look.is_empty()
            || passed.undone.is_some();
        if !passed.look.is_empty() {
            self.waiting.scope.add(Scope::Places(passed.look));
        }
        self.waiting.nodes.extend(passed.failed);
        if let Some(order) = passed.undone {
            self.waiting.scope.add(order.scope);
            self.waiting.nodes.extend(order.nodes);
            self.waiting.all_nodes |= order.all_nodes;
        }
        if failed {
            self.backoff.failed(now, passed.wait);
        } else if self.waiting == Order::default() && !passed.underway {
            self.backoff.succeeded();
        }
    }

    /// When [`Self::begin`] should be asked again, if nothing else happens.
    pub fn next_wakeup(&self) -> Option<Instant> {
        let retry = if self.waiting == Order::default() {
            None
        } else {
            self.backoff.retry_at()
        };
        let settle = self.settling.as_ref().map(|(at, _)| *at);
        [retry, settle, self.next_full_scan]
            .into_iter()
            .flatten()
            .min()
    }

    /// When what failed is tried again.
    pub fn retry_at(&self) -> Option<Instant> {
        self.backoff.retry_at()
    }

    /// Whether nothing runs, nothing is due and nothing waits.
    pub fn is_idle(&self) -> bool {
        !self.running && self.due == Order::default() && self.waiting == Order::default()
    }

    /// Whether nothing runs and nothing is due; what failed may wait for its next try.
    pub fn is_settled(&self) -> bool {
        !self.running && self.due == Order::default()
    }

    /// Whether a pass runs.
    pub fn is_running(&self) -> bool {
        self.running
    }

    /// How many nodes are known to be due or waiting.
    pub fn open_nodes(&self) -> usize {
        self.due.nodes.len() + self.waiting.nodes.len()
    }

    fn release(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        self.due.scope.add(waiting.scope);
        self.due.nodes.extend(waiting.nodes);
        self.due.all_nodes |= waiting.all_nodes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &[&str]) -> Scope {
        Scope::Places(
            text.iter()
                .map(|t| TreePath::parse(t.as_bytes()).unwrap())
                .collect(),
        )
    }

    fn begun() -> (FolderWork, Instant) {
        let now = Instant::now();
        let mut work = FolderWork::new(1);
        work.set_watched(true);
        assert_eq!(work.begin(now).unwrap().scope, Scope::Whole);
        (work, now)
    }

    #[test]
    fn what_changes_during_a_pass_makes_the_next_one() {
        let (mut work, now) = begun();
        work.saw_disk(places(&["a"]));
        work.saw_log([NodeId([1; 16])]);
        assert_eq!(work.begin(now), None, "one pass at a time");
        work.end(now, true, Passed::default());
        let order = work.begin(now).unwrap();
        assert_eq!(
            (order.scope, order.nodes.len(), order.all_nodes),
            (places(&["a"]), 1, false)
        );
        work.end(now, false, Passed::default());
        assert!(work.is_idle());
        assert_eq!(work.begin(now), None);
    }

    #[test]
    fn c2_what_stays_open_whatever_is_done_waits() {
        let (mut work, now) = begun();
        let mut stall = |progress| {
            work.end(
                now,
                true,
                Passed {
                    again: BTreeSet::from([NodeId([1; 16])]),
                    progress,
                    ..Passed::default()
                },
            );
            work.begin(now)
        };
        for _ in 0..STALLS {
            assert!(stall(false).is_some());
        }
        assert!(stall(true).is_some(), "it moves");
        for _ in 0..STALLS {
            assert!(stall(false).is_some());
        }
        assert_eq!(stall(false), None);
        assert!(!work.is_idle() && work.next_wakeup().is_some_and(|at| at > now));
    }

    #[test]
    fn c3_failed_nodes_wait_while_others_go_on() {
        let (mut work, now) = begun();
        let failed = BTreeSet::from([NodeId([9; 16])]);
        work.end(
            now,
            true,
            Passed {
                failed: failed.clone(),
                ..Passed::default()
            },
        );
        assert_eq!(work.begin(now), None);
        assert!(work.is_settled() && !work.is_idle());
        work.saw_disk(places(&["b"]));
        assert!(work.begin(now).unwrap().nodes.is_empty());
        work.end(now, false, Passed::default());
        let later = work.next_wakeup().unwrap();
        assert_eq!(work.begin(later).unwrap().nodes, failed);
    }

    #[test]
    fn s7_what_changed_under_the_scan_is_looked_at_again() {
        let (mut work, now) = begun();
        let Scope::Places(look) = places(&["log"]) else {
            unreachable!()
        };
        work.end(
            now,
            true,
            Passed {
                look,
                ..Passed::default()
            },
        );
        assert!(!work.is_idle());
        let later = work.next_wakeup().unwrap();
        assert_eq!(work.begin(later).unwrap().scope, places(&["log"]));
    }

    #[test]
    fn sc068_a_file_that_is_never_closed_is_looked_at_once_in_a_while() {
        let (mut work, now) = begun();
        work.end(now, true, Passed::default());
        let log = BTreeSet::from([TreePath::parse(b"log").unwrap()]);
        work.saw_writing(now, log.clone());
        work.saw_writing(now + SETTLE / 2, log);
        assert_eq!(work.begin(now + SETTLE / 2), None);
        assert_eq!(work.next_wakeup(), Some(now + SETTLE));
        assert_eq!(work.begin(now + SETTLE).unwrap().scope, places(&["log"]));
    }

    /// Offline, a pass starts a large transfer, and the next finds that it failed.
    #[test]
    fn what_only_began_does_not_shorten_the_wait_after_failures() {
        let (mut work, mut now) = begun();
        work.end(now, true, Passed::default());
        for failures in 1..=3 {
            work.saw_log([NodeId([1; 16])]);
            let undone = work.begin(now);
            work.end(
                now,
                true,
                Passed {
                    undone,
                    ..Passed::default()
                },
            );
            assert_eq!(work.backoff.failures(), failures);
            now = work.next_wakeup().unwrap();
            work.begin(now).unwrap();
            let underway = true;
            work.end(
                now,
                true,
                Passed {
                    underway,
                    ..Passed::default()
                },
            );
        }
    }

    #[test]
    fn an_undone_pass_is_due_again_with_all_of_its_order() {
        let (mut work, now) = begun();
        let order = Order {
            scope: Scope::Whole,
            nodes: BTreeSet::new(),
            all_nodes: true,
        };
        work.end(
            now,
            true,
            Passed {
                undone: Some(order.clone()),
                ..Passed::default()
            },
        );
        assert_eq!(work.begin(now), None);
        work.hurry();
        assert_eq!(work.begin(now), Some(order));
    }

    #[test]
    fn sc106_an_unwatched_folder_is_looked_through_every_so_often() {
        let (mut work, now) = begun();
        work.set_watched(false);
        work.end(now, true, Passed::default());
        assert_eq!(work.next_wakeup(), Some(now + POLL));
        assert_eq!(work.begin(now + POLL).unwrap().scope, Scope::Whole);
    }
}
