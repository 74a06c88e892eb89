//! Directories that move into spaces of their own.

use hythe_model::{NodeId, NodeKind};

use super::FoldError;
use super::nodes::{Stamp, expect, living};
use super::overlay::Overlay;
use crate::limits::MAX_DEPTH;
use crate::moving::{MoveOut, MovedOut};
use crate::record::NodeRecord;
use crate::refusal::{Field, Refusal};
use crate::view::View;

/// Freezes a directory.
pub(super) fn begin<V: View + ?Sized>(
    overlay: &mut Overlay<'_, V>,
    moving: &MoveOut,
) -> Result<(), FoldError<V::Error>> {
    let before = living(overlay, moving.node)?;
    expect(&before, Field::Place, Some(moving.expected))?;
    if before.kind != NodeKind::Directory {
        return Err(Refusal::Absent { node: moving.node }.into());
    }
    check_stays(overlay, moving.node)?;
    let after = NodeRecord {
        leaving: Some(moving.to),
        ..before.clone()
    };
    overlay.put_node(Some(before), after);
    overlay.count_leaving(1);
    Ok(())
}

/// Gives a frozen directory up, with all it holds.
pub(super) fn end<V: View + ?Sized>(
    overlay: &mut Overlay<'_, V>,
    stamp: Stamp,
    moved: &MovedOut,
) -> Result<(), FoldError<V::Error>> {
    let before = frozen(overlay, moved.node)?;
    if before.leaving != Some(moved.to) {
        return Err(Refusal::Absent { node: moved.node }.into());
    }
    let after = NodeRecord {
        deleted: Some(stamp.by),
        ..before.clone()
    };
    overlay.put_node(Some(before), after);
    Ok(())
}

/// Thaws a directory.
pub(super) fn call_off<V: View + ?Sized>(
    overlay: &mut Overlay<'_, V>,
    node: NodeId,
) -> Result<(), FoldError<V::Error>> {
    let before = frozen(overlay, node)?;
    let after = NodeRecord {
        leaving: None,
        ..before.clone()
    };
    overlay.put_node(Some(before), after);
    overlay.count_leaving(-1);
    Ok(())
}

fn frozen<V: View + ?Sized>(
    overlay: &Overlay<'_, V>,
    node: NodeId,
) -> Result<NodeRecord, FoldError<V::Error>> {
    let record = living(overlay, node)?;
    if record.leaving.is_some() {
        Ok(record)
    } else {
        Err(Refusal::Absent { node }.into())
    }
}

/// Refuses what lies in a directory that is moving or has moved, or is one.
pub(super) fn check_stays<V: View + ?Sized>(
    overlay: &mut Overlay<'_, V>,
    node: NodeId,
) -> Result<(), FoldError<V::Error>> {
    if overlay.space().leaving.is_none() {
        return Ok(());
    }
    let mut passed = Vec::new();
    let mut above = node;
    while above != NodeId::ROOT && !overlay.is_known_to_stay(above) {
        let record = overlay
            .node(above)?
            .ok_or(Refusal::Absent { node: above })?;
        if record.leaving.is_some() {
            return Err(Refusal::Absent { node: above }.into());
        }
        if passed.len() == MAX_DEPTH {
            return Err(Refusal::Cycle { node }.into());
        }
        passed.push(above);
        above = record.parent;
    }
    overlay.note_stays(passed);
    Ok(())
}
