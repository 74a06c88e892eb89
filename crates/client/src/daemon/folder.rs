//! One sync folder as the loop knows it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hythe_control::{Direction, HeldChange, Octets, Proven};
use hythe_model::{Cursor, NodeId, TreePath};
use hythe_sync::Counts;

use super::fence::Standing;
use super::open::OpenFolder;
use super::seek::Seek;
use super::work::{FolderWork, Order, Passed, Scope};
use crate::disk::Moved;
use crate::execute::Failure;
use crate::pass::{HeldPlan, PassError, PassReport};
use crate::state::{FolderNumber, FolderRow};

/// S5 does not count nodes this device created within this time, and counts what it took away
/// within it.
const WINDOW: Duration = Duration::from_secs(3600);

/// Why a change on disk stays where it is.
const NOT_SENT: &str = "you may only read in this space, so this stays here and is not sent";
/// What can be done about it.
const ASK_FOR_RIGHT: &str =
    "Ask an owner to make you an editor, or move it to a folder of your own.";

/// How often it is looked whether a folder that went away is back.
pub const REOPEN: Duration = Duration::from_secs(3);

/// A folder.
pub struct Folder {
    pub number: FolderNumber,
    pub row: FolderRow,
    pub work: FolderWork,
    pub open: Option<Arc<OpenFolder>>,
    pub opening: bool,
    /// Why it is not open.
    pub away: Option<Away>,
    pub held: Option<Waiting>,
    pub approved: bool,
    /// Why changes on disk are not told, where they are not.
    pub blind: Option<String>,
    pub passes: u64,
    pub cursor: Cursor,
    pub proven: Option<Proven>,
    pub failures: BTreeMap<NodeId, Failed>,
    pub problems: Vec<(Option<TreePath>, hythe_sync::Problem)>,
    /// Why the last pass as a whole failed.
    pub trouble: Option<String>,
    created: Vec<(Instant, BTreeSet<NodeId>)>,
    sent: Vec<(Instant, Counts)>,
}

/// Why a folder is not open.
pub struct Away {
    /// As one sentence.
    pub reason: String,
    /// When to look again whether it is.
    pub again: Option<Instant>,
    /// The search for it, where it may be somewhere else.
    pub seek: Option<Seek>,
}

/// A node that failed.
pub struct Failed {
    pub failure: Failure,
    pub since_ms: i64,
}

/// A mass change that waits for a yes.
pub struct Waiting {
    pub id: u64,
    pub plan: HeldPlan,
    pub since_ms: i64,
}

impl Folder {
    pub fn new(number: FolderNumber, row: FolderRow, seed: u64) -> Self {
        Self {
            number,
            row,
            work: FolderWork::new(seed),
            open: None,
            opening: false,
            away: None,
            held: None,
            approved: false,
            blind: None,
            passes: 0,
            cursor: Cursor::START,
            proven: None,
            failures: BTreeMap::new(),
            problems: Vec::new(),
            trouble: None,
            created: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// How the folder stands for a fence. `paused` is everything being paused, `server` what is
    /// wrong with the server.
    pub fn standing(&self, paused: bool, server: Option<&str>) -> Standing {
        if let Some(away) = &self.away {
            return Standing::Stopped(away.reason.clone());
        }
        if paused || self.row.paused {
            return Standing::Stopped("syncing is paused".to_owned());
        }
        if let Some(held) = &self.held {
            return Standing::Stopped(format!("a mass change is held: {}", held.plan.held));
        }
        if self.open.is_none() || !self.work.is_settled() || self.is_transferring() {
            return Standing::Busy;
        }
        if self.work.is_idle() && self.first_problem().is_none() {
            return Standing::Settled(self.cursor);
        }
        match self.first_problem() {
            Some(reason) if server.is_none() => Standing::Stuck {
                at: self.cursor,
                reason,
            },
            _ => Standing::Busy,
        }
    }

    /// Whether nothing is due, under way, held or in trouble: disk, agreement and log are equal as
    /// far as was looked.
    pub fn is_equal(&self) -> bool {
        let idle = self.open.is_some() && self.work.is_idle() && !self.is_transferring();
        idle && self.held.is_none() && self.first_problem().is_none()
    }

    /// Whether large files are under way beside the passes.
    pub fn is_transferring(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.bulk.is_busy())
    }

    /// The first thing that is the matter with the folder, as one sentence.
    pub fn first_problem(&self) -> Option<String> {
        let failed = self
            .failures
            .values()
            .next()
            .map(|failed| failed.failure.reason.clone());
        let planned = || {
            self.problems
                .first()
                .map(|(_, problem)| super::status::sentence(problem))
        };
        failed.or_else(planned).or_else(|| self.trouble.clone())
    }

    /// Nodes created here lately, and what was sent lately of what S5 counts.
    pub fn lately(&mut self, now: Instant) -> (BTreeSet<NodeId>, Counts) {
        self.created
            .retain(|(at, _)| now.duration_since(*at) < WINDOW);
        self.sent.retain(|(at, _)| now.duration_since(*at) < WINDOW);
        let created = self
            .created
            .iter()
            .flat_map(|(_, nodes)| nodes.iter().copied())
            .collect();
        let mut sent = Counts::default();
        for (_, counts) in &self.sent {
            sent.deleted += counts.deleted;
            sent.replaced += counts.replaced;
        }
        (created, sent)
    }

    /// Takes note of a pass that was done.
    pub fn passed(&mut self, now: Instant, now_ms: i64, order: &Order, mut report: PassReport) {
        if !report.created.is_empty() {
            self.created
                .push((now, std::mem::take(&mut report.created)));
        }
        if report.sent != Counts::default() {
            self.sent.push((now, report.sent));
        }
        self.trouble = None;
        self.note_blindness();
        self.cursor = report.cursor.unwrap_or(self.cursor);
        self.note_held(report.held.take(), now_ms);
        self.problems = if order.all_nodes || !report.problems.is_empty() {
            report.problems
        } else {
            std::mem::take(&mut self.problems)
        };
        let tried: BTreeSet<NodeId> = order
            .nodes
            .iter()
            .chain(&report.scanned.dirty)
            .copied()
            .collect();
        self.failures
            .retain(|node, _| !order.all_nodes && !tried.contains(node));
        let failed: BTreeSet<NodeId> = report
            .run
            .failed
            .keys()
            .chain(&report.run.unstable)
            .copied()
            .collect();
        for (node, failure) in std::mem::take(&mut report.run.failed) {
            self.failures.entry(node).or_insert(Failed {
                failure,
                since_ms: now_ms,
            });
        }
        for (node, path) in std::mem::take(&mut report.unsent) {
            self.failures.entry(node).or_insert(Failed {
                failure: Failure {
                    path,
                    reason: NOT_SENT.to_owned(),
                    action: ASK_FOR_RIGHT,
                },
                since_ms: now_ms,
            });
        }
        let mut again = report.open;
        if self.held.is_some() || report.waits {
            // What waits for a yes, or for a right, is planned again when there is one.
            again.clear();
        }
        again.append(&mut report.later);
        again.retain(|node| !failed.contains(node) && !report.run.waiting.contains(node));
        let passed = Passed {
            again,
            progress: report.run.done > 0,
            failed,
            look: report.look,
            underway: self.is_transferring(),
            ..Passed::default()
        };
        self.work.end(now, order.scope == Scope::Whole, passed);
        if self.is_equal() {
            self.proven = Some(Proven {
                cursor: self.cursor.0,
                at_ms: now_ms,
            });
        }
    }

    /// Whether changes are told is known once a scan has shown the watcher its directories.
    fn note_blindness(&mut self) {
        let unwatched = self.open.as_ref().and_then(|open| open.watcher.unwatched());
        let blind = unwatched.map(|unwatched| unwatched.to_string());
        if let Some(reason) = blind.as_ref().filter(|_| self.blind.is_none()) {
            tracing::warn!(folder = %self.row.path.display(), "{reason}");
        }
        self.work.set_watched(blind.is_none());
        self.blind = blind;
    }

    fn note_held(&mut self, plan: Option<HeldPlan>, now_ms: i64) {
        let id = u64::try_from(self.number.0).unwrap_or_default();
        self.held = match (plan, self.held.take()) {
            (Some(plan), Some(before)) => Some(Waiting { plan, ..before }),
            (Some(plan), None) => Some(Waiting {
                id,
                plan,
                since_ms: now_ms,
            }),
            (None, _) => None,
        };
        if self.held.is_none() {
            self.approved = false;
        }
    }

    /// Takes note of a pass that could not be done. `led` is where an open handle leads, when the
    /// folder is not at its place.
    pub fn failed(&mut self, now: Instant, order: Order, error: &PassError, led: Option<PathBuf>) {
        if let PassError::Away(absence) = error {
            let seek = absence.may_be_elsewhere().then(|| Seek::new(led));
            self.close(absence.reason().to_owned(), Some(now + REOPEN), seek);
        } else {
            tracing::warn!(folder = %self.row.path.display(), "{error}");
            self.trouble = Some(error.to_string());
        }
        // What the scan of the failed pass found is in the local tree by now and will not be found
        // again by looking at the disk: the trees have to be compared.
        let whole = order.scope == Scope::Whole;
        let undone = Order {
            all_nodes: true,
            ..order
        };
        self.work.end(
            now,
            whole,
            Passed {
                undone: Some(undone),
                ..Passed::default()
            },
        );
    }

    /// The folder is not there (any more). A search for it that is under way goes on.
    pub fn close(&mut self, reason: String, again: Option<Instant>, seek: Option<Seek>) {
        self.open = None;
        self.proven = None;
        let before = self.away.take().and_then(|away| away.seek);
        self.away = Some(Away {
            reason,
            again,
            seek: seek.map(|fresh| before.unwrap_or(fresh)),
        });
    }

    /// The search for the folder, where there is one.
    pub fn seek(&mut self) -> Option<&mut Seek> {
        self.away.as_mut()?.seek.as_mut()
    }

    /// Where the folder was found while it is not at its place.
    pub fn found(&self) -> Option<&Moved> {
        self.away.as_ref()?.seek.as_ref()?.found()
    }

    /// What is held, as it is shown.
    pub fn held_change(&self) -> Option<HeldChange> {
        let held = self.held.as_ref()?;
        let counts = held.plan.held.counts;
        Some(HeldChange {
            id: held.id,
            dir: Octets::from(self.row.path.as_path()),
            direction: Direction::Up,
            reason: held.plan.held.to_string(),
            deletes: counts.deleted,
            replaces: counts.replaced,
            examples: held
                .plan
                .examples
                .iter()
                .map(|path| Octets(path.to_bytes()))
                .collect(),
            since_ms: held.since_ms,
        })
    }
}
