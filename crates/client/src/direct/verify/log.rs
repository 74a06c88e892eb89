//! Every change set, read from the server anew and folded from the first on: signatures, authors,
//! chain and rules hold, and what this device keeps is what comes out.

use std::sync::Arc;

use hythe_control::Failure;
use hythe_model::{Cursor, Head};
use hythe_space::{ChangeSet, Denied, FoldError, MapView, Moment, Record, Refusal};
use hythe_wire::log::LogEntry;

use super::{Report, item};
use crate::daemon::{Door, Space, unreachable};
use crate::state::{Rows, SpaceNumber, StateError};

const ANEW: &str =
    "Keep this device's files, and ask whoever runs the server whether it was changed.";
const OWN: &str =
    "Stop the daemon, move `state.db` away and start it: everything is read and compared anew.";

/// Reads and folds the log of a space.
pub(super) async fn verify(
    door: &Door,
    space: &Arc<Space>,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    let accounts = &door.shared.common.accounts;
    accounts.meet_members(space.number).await?;
    let (head, digest) = space.replica.digest().await;
    let mut folding = Folding {
        door,
        space,
        view: MapView::default(),
        report,
    };
    while folding.view.head().cursor < head.cursor {
        if !folding.page(head.cursor).await? {
            return Ok(());
        }
    }
    folding.compare(head, digest).await
}

struct Folding<'f, 'e> {
    door: &'f Door,
    space: &'f Arc<Space>,
    view: MapView,
    report: &'f mut Report<'e>,
}

impl Folding<'_, '_> {
    /// Folds one answer of the server, up to a position. False when the log does not verify.
    async fn page(&mut self, to: Cursor) -> Result<bool, Failure> {
        let from = self.view.head().cursor;
        let reading = self.door.shared.api.changes(self.space.id, from).await;
        let mut reader = reading.map_err(|error| unreachable(&error))?;
        while let Some(page) = reader
            .next_page()
            .await
            .map_err(|error| unreachable(&error))?
        {
            for entry in page.entries {
                if self.view.head().cursor >= to {
                    return Ok(true);
                }
                if !self.entry(&entry).await? {
                    return Ok(false);
                }
            }
        }
        if self.view.head().cursor == from {
            self.finding(
                from,
                "the server gives no change set after this one".to_owned(),
            )
            .await;
            return Ok(false);
        }
        Ok(true)
    }

    async fn entry(&mut self, entry: &LogEntry) -> Result<bool, Failure> {
        let at = entry.head.cursor;
        let change_set = match ChangeSet::decode(&entry.change_set) {
            Ok(change_set) => change_set,
            Err(error) => {
                self.finding(at, format!("the change set is damaged: {error}"))
                    .await;
                return Ok(false);
            }
        };
        if let Err(refusal) = self.append(&change_set).await? {
            self.finding(at, format!("the change set may not stand there: {refusal}"))
                .await;
            return Ok(false);
        }
        let number = self.space.number;
        let known = self
            .door
            .shared
            .state
            .read(|rows| rows.chain_at(number, at))?;
        let reached = self.view.head();
        if reached != entry.head || known.is_some_and(|chain| chain != reached.chain) {
            self.finding(
                at,
                "the history is another one than this device has read".to_owned(),
            )
            .await;
            return Ok(false);
        }
        self.report.verified.change_sets += 1;
        self.report.verified.bytes += entry.change_set.len() as u64;
        self.report.progress("checking the log", at.0, None);
        Ok(true)
    }

    /// Folds one change set; where more of an account's log is needed, that is read first.
    async fn append(&mut self, change_set: &ChangeSet) -> Result<Result<(), Refusal>, Failure> {
        loop {
            let accounts = self.door.shared.common.accounts.all();
            let refusal = match self
                .view
                .append(accounts.as_ref(), Moment::Replaying, change_set)
            {
                Ok(_) => return Ok(Ok(())),
                Err(FoldError::Refused(refusal)) => refusal,
                Err(FoldError::View(never)) => match never {},
            };
            let behind = match &refusal {
                Refusal::NotAllowed(Denied::AccountBehind { account, .. }) => *account,
                _ => return Ok(Err(refusal)),
            };
            if !self.door.shared.common.accounts.refresh(behind).await? {
                return Ok(Err(refusal));
            }
        }
    }

    /// Compares what came out with what this device keeps.
    async fn compare(&mut self, head: Head, digest: [u8; 32]) -> Result<(), Failure> {
        let reached = self.view.head();
        if reached != head {
            self.finding(
                head.cursor,
                "the log ends in another history than this device's".to_owned(),
            )
            .await;
            return Ok(());
        }
        if *self.view.digest().digest().as_bytes() != digest {
            let problem = "the log adds up to another state than this device's".to_owned();
            self.report
                .found("log", item(self.space, None), problem, OWN)
                .await;
        }
        let (view, number) = (&self.view, self.space.number);
        let different = self
            .door
            .shared
            .state
            .read(|rows| different(rows, number, view))?;
        for (node, path) in different {
            let problem = format!("what this device keeps of node {node} is not what the log says");
            self.report
                .found("log", item(self.space, path.as_ref()), problem, OWN)
                .await;
        }
        Ok(())
    }

    async fn finding(&mut self, at: Cursor, problem: String) {
        let place = format!("{}, position {at}", self.space.name()).into_bytes();
        self.report.found("log", place, problem, ANEW).await;
    }
}

type Different = Vec<(hythe_model::NodeId, Option<hythe_model::TreePath>)>;

/// Nodes whose stored record is not the one the log leads to.
fn different(rows: &Rows<'_>, space: SpaceNumber, view: &MapView) -> Result<Different, StateError> {
    let mut found = Vec::new();
    for record in view.records() {
        let Record::Node(node) = record else { continue };
        if rows.node_record(space, node.node)?.as_deref() != Some(record.encode().as_slice()) {
            found.push((node.node, rows.remote_path(space, node.node)?));
        }
    }
    rows.each_remote(space, |node| {
        if view.node_record(node.id).is_none() {
            found.push((node.id, None));
        }
        Ok(())
    })?;
    Ok(found)
}
