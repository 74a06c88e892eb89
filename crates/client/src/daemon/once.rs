//! A space is shown once in the tree of another, whoever attaches it there how often: else one member
//! could fill the disks of all others with copies of a large space.
//!
//! No rule of the log can say so, for which space an attachment shows is sealed: server and fold cannot
//! know. So whoever attaches refuses a second time (`direct/attach.rs`), and of several attachments
//! that came at once, or from a client that does not ask, each device fills one: what it fills already,
//! else the first in the order of ids. The others are named in the status.

use std::collections::{BTreeMap, BTreeSet};

use hythe_model::{NodeId, SpaceId, TreePath};

use super::shared::now_ms;
use crate::state::{FolderNumber, ProblemRow, ProblemSource, Rows, StateError, Subject, Tx};

/// An attachment that is on the disk of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnDisk {
    /// Its node.
    pub node: NodeId,
    /// The space.
    pub target: SpaceId,
    /// Its place below the folder.
    pub path: TreePath,
    /// Whether a folder fills it.
    pub filled: bool,
}

/// The attachments that are not filled because their space is shown at another place of the folder.
pub fn repeated(mut attachments: Vec<OnDisk>) -> Vec<OnDisk> {
    attachments.sort_by_key(|one| (!one.filled, one.node));
    let mut shown = BTreeSet::new();
    attachments.retain(|one| !shown.insert(one.target) && !one.filled);
    attachments
}

/// What is to be changed in the list of problems of a folder.
pub struct Told {
    come: Vec<ProblemRow>,
    gone: Vec<Subject>,
}

impl Told {
    /// Compares with what is told already.
    ///
    /// # Errors
    /// The state's.
    pub fn of(
        rows: &Rows<'_>,
        folder: FolderNumber,
        repeated: &[OnDisk],
        name: impl Fn(SpaceId) -> String,
    ) -> Result<Self, StateError> {
        let known = rows.problems(folder)?.into_iter();
        let known = known.filter(|row| row.source == ProblemSource::Plan);
        let mut known: BTreeMap<Subject, Vec<u8>> =
            known.map(|row| (row.subject, row.path)).collect();
        let mut come = Vec::new();
        for one in repeated {
            let (subject, path) = (Subject::Node(one.node), one.path.to_bytes());
            if known.remove(&subject).as_ref() != Some(&path) {
                come.push(problem(subject, path, &name(one.target)));
            }
        }
        Ok(Self {
            come,
            gone: known.into_keys().collect(),
        })
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.come.is_empty() && self.gone.is_empty()
    }

    /// Changes the list.
    ///
    /// # Errors
    /// The state's.
    pub fn write(&self, tx: &Tx<'_>, folder: FolderNumber) -> Result<(), StateError> {
        for subject in &self.gone {
            tx.remove_problem(folder, ProblemSource::Plan, subject)?;
        }
        self.come
            .iter()
            .try_for_each(|problem| tx.put_problem(folder, problem))
    }
}

fn problem(subject: Subject, path: Vec<u8>, name: &str) -> ProblemRow {
    ProblemRow {
        source: ProblemSource::Plan,
        subject,
        path,
        reason: format!("{name} is shown at another place of this folder, so it is not shown here"),
        action: "Detach it here with `hythe spaces detach`, or there.".to_owned(),
        since_ms: now_ms(),
        retry_ms: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(node: u8, target: u8, filled: bool) -> OnDisk {
        OnDisk {
            node: NodeId([node; 16]),
            target: SpaceId([target; 32]),
            path: TreePath::ROOT,
            filled,
        }
    }

    fn left_out(attachments: Vec<OnDisk>) -> Vec<u8> {
        let mut left: Vec<u8> = repeated(attachments)
            .iter()
            .map(|one| one.node.0[0])
            .collect();
        left.sort_unstable();
        left
    }

    #[test]
    fn of_several_attachments_of_a_space_one_is_filled() {
        assert_eq!(
            left_out(vec![at(3, 1, false), at(2, 1, false), at(4, 2, false)]),
            [3]
        );
        // What is filled stays, whatever comes with a smaller id.
        assert_eq!(
            left_out(vec![at(1, 1, false), at(2, 1, true), at(3, 1, false)]),
            [1, 3]
        );
        // Two that were filled before this was asked both stay: nothing is removed for it.
        assert!(left_out(vec![at(1, 1, true), at(2, 1, true)]).is_empty());
    }
}
