//! What is gone: the last thing a scan decides, and only with evidence (S4).

use hythe_model::{NodeId, NodeKind};
use hythe_sync::Place;

use super::ScanError;
use super::session::{Missing, Session, join};
use crate::disk::{is_elsewhere, stamp_of};
use crate::os::{self, Want};
use crate::state::{FolderNumber, LocalRow, StateError, Tx};

/// So many rows are removed in one transaction.
const BATCH: usize = 8192;
/// Up to so many missing entries are each looked for once more before they are gone.
const ONCE_MORE: usize = 4096;

impl Session<'_> {
    /// Takes note of directories that have no row and are named by rows: their places were given to
    /// others, and the scan that saw it did not come to its end.
    pub(super) fn find_strays(&mut self) -> Result<(), ScanError> {
        let strays = self.snapshot.rows()?.local_strays(self.folder())?;
        self.displaced
            .extend(strays.into_iter().filter(|id| *id != self.root));
        Ok(())
    }

    /// Removes the rows of entries that were not there, with everything below them, except what
    /// was found elsewhere.
    pub(super) fn settle_missing(&mut self) -> Result<(), ScanError> {
        let mut open: Vec<Gone> = std::mem::take(&mut self.displaced)
            .into_iter()
            .map(Gone::displaced)
            .collect();
        let mut missing = std::mem::take(&mut self.missing);
        if open.is_empty() && missing.is_empty() {
            return Ok(());
        }
        tracing::trace!(
            count = missing.len(),
            "looking once more for what is missing"
        );
        self.scan.root.still_there().map_err(ScanError::Away)?;
        missing.retain(|missing| !self.claimed.contains_key(&missing.row.node.id));
        if missing.len() <= ONCE_MORE {
            missing.retain(|missing| self.is_still_missing(missing));
        }
        open.extend(missing.into_iter().map(Gone::missing));
        while !open.is_empty() {
            let folder = self.folder();
            let (rest, gone) = self
                .scan
                .state
                .observe(move |tx| -> Result<(Vec<Gone>, Vec<NodeId>), StateError> {
                    let mut gone = Vec::new();
                    remove(tx, folder, &mut open, &mut gone)?;
                    Ok((open, gone))
                })
                .wait()?;
            self.report.dirty.extend(gone);
            open = rest;
        }
        Ok(())
    }

    /// Looks once more at the place of a missing entry: it may have come back, or its name may
    /// have been on its way from one directory to another.
    fn is_still_missing(&mut self, missing: &Missing) -> bool {
        let root = self.scan.root;
        let directory = os::open_below(root.directory(), &missing.directory, Want::Directory);
        let node = &missing.row.node;
        let there = directory.and_then(|handle| os::info_at(handle, node.place.name.as_bytes()));
        match there {
            // Something else may have the name by now; it was looked at.
            Ok(info) if !stamp_of(&info).same_entry(&node.stamp) => true,
            Err(error) if is_elsewhere(&error) => true,
            // Back again, or not to be told.
            Ok(_) | Err(_) => {
                self.look_again(b"", &join(&missing.directory, node.place.name.as_bytes()));
                false
            }
        }
    }
}

/// An entry that is gone, or is to be looked for among the rows.
struct Gone {
    node: NodeId,
    why: Why,
    /// Whether what is below was put on the list already.
    entered: bool,
}

/// Why an entry is on the list.
enum Why {
    /// It was not at this place.
    Missing(Place),
    /// Its place was given to another node.
    Displaced,
    /// It was below one that is gone.
    Below,
}

impl Gone {
    fn missing(missing: Missing) -> Self {
        let node = missing.row.node;
        Self {
            node: node.id,
            why: Why::Missing(node.place),
            entered: false,
        }
    }

    fn displaced(node: NodeId) -> Self {
        Self {
            node,
            why: Why::Displaced,
            entered: false,
        }
    }

    /// Whether the entry has a row that says it is somewhere after all.
    fn is_elsewhere(&self, row: Option<&LocalRow>) -> bool {
        match &self.why {
            Why::Missing(place) => row.is_some_and(|row| row.node.place != *place),
            Why::Displaced => row.is_some(),
            Why::Below => false,
        }
    }
}

/// Removes rows from the end of the list, what is below an entry before the entry itself: if this
/// breaks off, the next scan finds the rest missing again.
fn remove(
    tx: &Tx<'_>,
    folder: FolderNumber,
    open: &mut Vec<Gone>,
    gone: &mut Vec<NodeId>,
) -> Result<(), StateError> {
    while gone.len() < BATCH {
        let Some(last) = open.last_mut() else { break };
        let row = tx.local(folder, last.node)?;
        if last.is_elsewhere(row.as_ref()) {
            open.pop();
            continue;
        }
        // The row of what was displaced is gone already; it may have been a directory.
        let is_directory = row.is_none_or(|row| row.node.kind == NodeKind::Directory);
        let node = last.node;
        if is_directory && !last.entered {
            last.entered = true;
            let below = tx.local_children(folder, node)?.into_iter();
            open.extend(below.map(|node| Gone {
                node,
                why: Why::Below,
                entered: false,
            }));
            continue;
        }
        open.pop();
        tx.remove_local(folder, node)?;
        gone.push(node);
    }
    Ok(())
}
