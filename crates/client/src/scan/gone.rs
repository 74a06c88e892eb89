//! What is gone: the last thing a scan decides, and only with evidence (S4).

use hythe_model::{NodeId, NodeKind};

use super::ScanError;
use super::session::{Missing, Session, join};
use crate::disk::is_elsewhere;
use crate::os::{self, Want};
use crate::state::{FolderNumber, StateError, Tx};

/// So many rows are removed in one transaction.
const BATCH: usize = 8192;
/// Up to so many missing entries are each looked for once more before they are gone.
const ONCE_MORE: usize = 4096;

impl Session<'_> {
    /// Removes the rows of entries that were not there, with everything below them, except what
    /// was found elsewhere.
    pub(super) fn settle_missing(&mut self) -> Result<(), ScanError> {
        self.scan
            .root
            .still_there()
            .map_err(crate::scan::ScanError::Away)?;
        let mut missing = std::mem::take(&mut self.missing);
        missing.retain(|missing| !self.claimed.contains(&missing.row.node.id));
        if missing.len() <= ONCE_MORE {
            missing = missing
                .into_iter()
                .filter(|missing| self.is_still_missing(missing))
                .collect();
        }
        let mut open: Vec<Gone> = missing
            .iter()
            .map(|missing| Gone::new(&missing.row.node.id, missing))
            .collect();
        while !open.is_empty() {
            let folder = self.folder();
            let (rest, gone) = self.scan.state.write_blocking(
                move |tx| -> Result<(Vec<Gone>, Vec<NodeId>), StateError> {
                    let mut gone = Vec::new();
                    remove(tx, folder, &mut open, &mut gone)?;
                    Ok((open, gone))
                },
            )?;
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
            Ok(info) => !crate::disk::stamp_of(&info).same_entry(&node.stamp),
            Err(error) if is_elsewhere(&error) => true,
            Err(_) => {
                self.look_again(b"", &join(&missing.directory, node.place.name.as_bytes()));
                false
            }
        }
    }
}

/// An entry that is gone.
struct Gone {
    node: NodeId,
    /// For the entry that was missing itself: where its row must still be.
    parent: Option<(NodeId, hythe_model::EntryName)>,
    /// Whether what is below was put on the list already.
    entered: bool,
}

impl Gone {
    fn new(node: &NodeId, missing: &Missing) -> Self {
        let place = &missing.row.node.place;
        Self {
            node: *node,
            parent: Some((place.parent, place.name.clone())),
            entered: false,
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
        if let (Some((parent, name)), Some(row)) = (&last.parent, &row)
            && (row.node.place.parent != *parent || row.node.place.name != *name)
        {
            // It was found elsewhere after all.
            open.pop();
            continue;
        }
        let is_directory = row
            .as_ref()
            .is_none_or(|row| row.node.kind == NodeKind::Directory);
        if is_directory && !last.entered {
            last.entered = true;
            let parent = last.node;
            for node in tx.local_children(folder, parent)? {
                open.push(Gone {
                    node,
                    parent: None,
                    entered: false,
                });
            }
            continue;
        }
        let node = last.node;
        open.pop();
        tx.remove_local(folder, node)?;
        gone.push(node);
    }
    Ok(())
}
