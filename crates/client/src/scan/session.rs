//! One scan under way: what was found, and what is still open.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hythe_model::{EntryName, NodeId, Timestamp, TreePath};
use hythe_sync::Place;

use super::names::Names;
use super::replaced::Replaced;
use super::trouble::Trouble;
use super::{Scan, ScanError, ScanReport};
use crate::os::Listing;
use crate::state::{
    FolderNumber, LocalRow, ProblemRow, ProblemSource, Snapshot, StateError, Subject, Tx,
};

/// So many observations are written in one transaction.
const BATCH: usize = 8192;

/// A scan under way.
pub(super) struct Session<'a> {
    pub(super) scan: &'a Scan<'a>,
    /// The Local tree as of the last write.
    pub(super) snapshot: Rc<Snapshot>,
    /// The directory of the space that the folder shows.
    pub(super) root: NodeId,
    /// Attachments: what is below them belongs to folders of their own, where there are any.
    pub(super) borders: HashMap<NodeId, bool>,
    /// Whether any entry is known at all: without, every entry is new.
    pub(super) knows_any: bool,
    /// Whether anything is on the list of problems that a scan put there.
    has_problems: bool,
    /// The file system's clock when the scan began, and the time within which stamps are equal.
    began: Timestamp,
    tick: Duration,
    now_ms: i64,
    pub(super) listing: Listing,
    pub(super) names: Names,
    /// Nodes found at another place than their row said, and where. Rows that say otherwise are
    /// out of date.
    pub(super) claimed: HashMap<NodeId, Place>,
    /// Rows whose entry was not there: gone, unless they turn up elsewhere.
    pub(super) missing: Vec<Missing>,
    /// Entries that took the name of a known node while its own inode was nowhere to be seen yet.
    pub(super) replaced: Vec<Replaced>,
    /// Directories that were not where they were to be looked at, with the names wanted in them: they
    /// may have moved in this very moment.
    pub(super) unlooked: Vec<(NodeId, BTreeSet<EntryName>)>,
    /// Directories that could not be entered because they were not there any more.
    pub(super) unentered: Vec<NodeId>,
    /// Nodes whose place was given to another node.
    pub(super) displaced: Vec<NodeId>,
    /// Directories that were looked through whole.
    pub(super) covered: Vec<Vec<u8>>,
    pub(super) report: ScanReport,
    changes: Vec<Change>,
}

/// A row whose entry was not there.
#[derive(Debug, Clone)]
pub(super) struct Missing {
    pub(super) row: LocalRow,
    /// Path of the directory it was in.
    pub(super) directory: Vec<u8>,
}

/// An observation to be written.
enum Change {
    Row(LocalRow),
    Problem(ProblemRow),
    NoProblemIn(Vec<u8>),
    NoProblemAt(Vec<u8>),
    NoProblems,
}

impl<'a> Session<'a> {
    pub(super) fn new(scan: &'a Scan<'a>) -> Result<Self, ScanError> {
        let snapshot = Rc::new(scan.state.snapshot()?);
        let (root, borders, knows_any, has_problems) = {
            let rows = snapshot.rows()?;
            let folder = rows
                .folder(scan.folder)?
                .ok_or(StateError::Invalid("folder number"))?;
            let has_problems = rows.has_problems(scan.folder, ProblemSource::Scan)?;
            let borders = rows.borders(scan.folder, folder.space)?;
            let borders = borders.into_iter().collect();
            let knows_any = rows.has_local(scan.folder)?;
            (folder.root, borders, knows_any, has_problems)
        };
        let tick = scan.root.grain().tick();
        // Asking for the time writes a file; where stamps are exact nothing needs it.
        let began = if tick.is_zero() {
            Timestamp::default()
        } else {
            scan.root.now()?
        };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Ok(Self {
            scan,
            snapshot,
            root,
            borders,
            knows_any,
            has_problems,
            began,
            tick,
            now_ms: i64::try_from(now.as_millis()).unwrap_or(i64::MAX),
            listing: Listing::default(),
            names: Names::default(),
            claimed: HashMap::new(),
            missing: Vec::new(),
            replaced: Vec::new(),
            unlooked: Vec::new(),
            unentered: Vec::new(),
            displaced: Vec::new(),
            covered: Vec::new(),
            report: ScanReport::default(),
            changes: Vec::new(),
        })
    }

    pub(super) fn folder(&self) -> FolderNumber {
        self.scan.folder
    }

    /// Whether a stamp is so young that a later change may carry it too (SC-164).
    pub(super) fn is_racy(&self, row: &LocalRow) -> bool {
        use hythe_model::NodeKind::Directory;
        !self.tick.is_zero()
            && row.node.kind != Directory
            && crate::disk::is_young(&row.node.stamp, self.began, self.tick)
    }

    /// Notes that an entry is new or changed.
    pub(super) fn observe(&mut self, mut row: LocalRow) {
        row.racy = self.is_racy(&row);
        self.report.dirty.insert(row.node.id);
        self.changes.push(Change::Row(row));
    }

    /// Notes that the entry of a row was not there.
    pub(super) fn miss(&mut self, at: &[u8], row: LocalRow) {
        if self.claimed.get(&row.node.id) == Some(&row.node.place) {
            self.claimed.remove(&row.node.id);
        }
        self.missing.push(Missing {
            row,
            directory: at.to_vec(),
        });
    }

    /// Notes that an entry cannot be synced or read.
    pub(super) fn trouble(&mut self, directory: &[u8], name: &[u8], trouble: Trouble) {
        let path = join(directory, name);
        self.report.problems += 1;
        self.changes.push(Change::Problem(ProblemRow {
            source: ProblemSource::Scan,
            subject: Subject::Path(path.clone()),
            path,
            reason: trouble.reason,
            action: trouble.action.to_owned(),
            since_ms: self.now_ms,
            retry_ms: None,
        }));
    }

    /// What was wrong right in a directory is found again if it still is.
    pub(super) fn forget_problems_in(&mut self, directory: &[u8]) {
        if self.has_problems {
            self.changes.push(Change::NoProblemIn(directory.to_vec()));
        }
    }

    pub(super) fn forget_problem_at(&mut self, directory: &[u8], name: &[u8]) {
        if self.has_problems {
            self.changes
                .push(Change::NoProblemAt(join(directory, name)));
        }
    }

    pub(super) fn forget_all_problems(&mut self) {
        if self.has_problems {
            self.changes.push(Change::NoProblems);
        }
    }

    /// Notes that a place changed while it was looked at.
    pub(super) fn look_again(&mut self, directory: &[u8], name: &[u8]) {
        if let Ok(path) = TreePath::parse(&join(directory, name)) {
            self.report.again.insert(path);
        }
    }

    /// Writes what was observed so far, if it is much.
    pub(super) fn flush_some(&mut self) -> Result<(), ScanError> {
        if self.changes.len() >= BATCH {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Writes what was observed so far.
    pub(super) fn flush(&mut self) -> Result<(), ScanError> {
        if self.replaced.len() >= BATCH {
            self.settle_replaced()?;
        }
        if self.changes.is_empty() {
            return Ok(());
        }
        let (changes, folder) = (std::mem::take(&mut self.changes), self.folder());
        let state = self.scan.state;
        let displaced = self.snapshot.renew_after(|| {
            let written = state.observe(move |tx| write(tx, folder, &changes)).wait();
            state.shorten_log();
            written
        })?;
        self.displaced.extend(displaced);
        Ok(())
    }

    /// Ends the scan: what took a known name gets its id, what is missing is gone.
    pub(super) fn finish(mut self) -> Result<ScanReport, ScanError> {
        self.settle_replaced()?;
        self.flush()?;
        self.follow_moves()?;
        self.settle_missing()?;
        Ok(self.report)
    }
}

/// Writes observations. Returns the nodes whose place was given to another one.
fn write(tx: &Tx<'_>, folder: FolderNumber, changes: &[Change]) -> Result<Vec<NodeId>, StateError> {
    const FINDER: ProblemSource = ProblemSource::Scan;
    let mut displaced = Vec::new();
    for change in changes {
        match change {
            Change::Row(row) => displaced.extend(tx.put_local(folder, row)?),
            Change::Problem(problem) => tx.put_problem(folder, problem)?,
            Change::NoProblemIn(directory) => tx.remove_problems_in(folder, FINDER, directory)?,
            Change::NoProblemAt(path) => {
                tx.remove_problem(folder, FINDER, &Subject::Path(path.clone()))?;
            }
            Change::NoProblems => tx.remove_problems_below(folder, FINDER, &TreePath::ROOT)?,
        }
    }
    Ok(displaced)
}

/// An id that no node ever had.
pub(super) fn fresh_id() -> Result<NodeId, ScanError> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| ScanError::Random(std::io::Error::other(error)))?;
    Ok(NodeId(id))
}

/// The path of a name in a directory.
pub(super) fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    if directory.is_empty() {
        name.to_vec()
    } else {
        [directory, b"/", name].concat()
    }
}
