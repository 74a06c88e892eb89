//! Which deletes belong together, so that what was removed at once comes back at once.

use std::collections::{BTreeMap, BTreeSet};

use hythe_control::Failure;
use hythe_model::{Cursor, DeviceId, HeaderHash, NodeId};
use hythe_space::Record;
use hythe_wire::history::Action;

use super::past;
use crate::commit::MAX_EDITS;
use crate::daemon::{Door, Space};
use crate::state::{Rows, SpaceNumber, StateError};

/// What was deleted together with a directory: by the same change set, and by those right before it
/// that its device had to cut off because they were full. What was deleted in it before, or by
/// others, stays in the trash.
#[derive(Default)]
pub(super) struct Together {
    /// Parents before children.
    pub nodes: Vec<NodeId>,
}

impl Together {
    /// Finds out by the records of this device and the history of a few nodes.
    pub async fn of(door: &Door, space: &Space, directory: NodeId) -> Result<Self, Failure> {
        let number = space.number;
        let gone = door
            .shared
            .state
            .read(|rows| gone_below(rows, number, directory))?;
        let own = door
            .shared
            .state
            .read(|rows| deleted_by(rows, number, directory))?;
        let mut sets: BTreeMap<HeaderHash, Vec<NodeId>> = BTreeMap::new();
        for (node, by) in &gone {
            sets.entry(*by).or_default().push(*node);
        }
        let Some((at, author)) = ended(door, space, directory).await? else {
            return Ok(Self::default());
        };
        let mut positions: BTreeMap<Cursor, HeaderHash> = BTreeMap::new();
        for (by, nodes) in sets.iter().filter(|(by, _)| Some(**by) != own) {
            let Some(one) = nodes.first() else { continue };
            if let Some((cursor, who)) = ended(door, space, *one).await?
                && who == author
            {
                positions.insert(cursor, *by);
            }
        }
        let mut run: BTreeSet<HeaderHash> = own.into_iter().collect();
        let mut before = at.0;
        while let Some(by) = before
            .checked_sub(1)
            .and_then(|at| positions.get(&Cursor(at)))
        {
            before -= 1;
            if !is_full(door, space, Cursor(before)).await? {
                break;
            }
            run.insert(*by);
        }
        let nodes = gone
            .into_iter()
            .filter(|(_, by)| run.contains(by))
            .map(|(node, _)| node);
        Ok(Self {
            nodes: nodes.collect(),
        })
    }
}

/// Whether a change set holds as many edits as one can.
async fn is_full(door: &Door, space: &Space, at: Cursor) -> Result<bool, Failure> {
    let before = Cursor(at.0.saturating_sub(1));
    let change_set = past::change_set_after(door, space, before).await?;
    Ok(change_set.is_some_and(|change_set| change_set.operations().len() >= MAX_EDITS))
}

/// Where in the log a node was deleted last, and by which device.
async fn ended(
    door: &Door,
    space: &Space,
    node: NodeId,
) -> Result<Option<(Cursor, DeviceId)>, Failure> {
    let entries = past::entries(door, space, node).await?;
    let end = entries.iter().find(|entry| entry.action == Action::Deleted);
    Ok(end.map(|entry| (entry.head.cursor, entry.author)))
}

/// The change set that deleted a node.
fn deleted_by(
    rows: &Rows<'_>,
    space: SpaceNumber,
    node: NodeId,
) -> Result<Option<HeaderHash>, StateError> {
    let Some(bytes) = rows.node_record(space, node)? else {
        return Ok(None);
    };
    match Record::decode(&bytes) {
        Ok(Record::Node(record)) => Ok(record.deleted),
        _ => Err(StateError::Invalid("record of the fold")),
    }
}

/// The deleted nodes below a deleted directory, parents before children, with the change sets that
/// deleted them. Looks at every node of the space.
fn gone_below(
    rows: &Rows<'_>,
    space: SpaceNumber,
    directory: NodeId,
) -> Result<Vec<(NodeId, HeaderHash)>, StateError> {
    let mut children: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
    rows.each_remote(space, |node| {
        if node.deleted && node.name.is_ok() {
            children.entry(node.parent).or_default().push(node.id);
        }
        Ok(())
    })?;
    let (mut open, mut found) = (vec![directory], Vec::new());
    while let Some(next) = open.pop() {
        for child in children.remove(&next).unwrap_or_default() {
            if let Some(by) = deleted_by(rows, space, child)? {
                found.push((child, by));
            }
            open.push(child);
        }
    }
    Ok(found)
}
