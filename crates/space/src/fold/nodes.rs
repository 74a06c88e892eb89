//! Operations on nodes: what they expect of the state, and the records they leave.

use hythe_model::{HeaderHash, KeyEpoch, NodeId, NodeKind, VersionId};

use super::FoldError;
use super::moving::{self, check_stays};
use super::overlay::Overlay;
use crate::changeset::{ChangeSet, Part, Parts};
use crate::hash::Hash32;
use crate::limits::MAX_DEPTH;
use crate::operation::{BodyWrite, Create, Delete, Operation, Place, Restore, Update};
use crate::record::{BodyRecord, FieldRecord, NodeRecord};
use crate::refusal::{Denied, Field, Refusal};
use crate::view::View;

/// Applies operations on nodes in order.
pub(super) fn apply<V: View + ?Sized>(
    overlay: &mut Overlay<'_, V>,
    change_set: &ChangeSet,
) -> Result<(), FoldError<V::Error>> {
    let by = change_set.hash();
    let stamp = Stamp {
        by,
        epoch: change_set.header().key_epoch,
    };
    // Without a key there is nothing to seal names under.
    if stamp.epoch == KeyEpoch(0) {
        return Err(Refusal::WrongEpoch {
            current: stamp.epoch,
        }
        .into());
    }
    for write in change_set.writes() {
        match write.operation {
            Operation::Create(operation) => create(overlay, stamp, operation, write.parts)?,
            Operation::Update(operation) => update(overlay, stamp, operation, write.parts)?,
            Operation::Delete(operation) => delete(overlay, stamp, operation)?,
            Operation::Restore(operation) => restore(overlay, stamp, operation, write.parts)?,
            Operation::MoveOut(operation) => moving::begin(overlay, operation)?,
            Operation::MovedOut(operation) => moving::end(overlay, stamp, operation)?,
            Operation::StayHere(operation) => moving::call_off(overlay, operation.node)?,
            _ => return Err(Refusal::NotAllowed(Denied::WrongLog).into()),
        }
    }
    Ok(())
}

/// What every field of one change set has in common.
#[derive(Clone, Copy)]
pub(super) struct Stamp {
    pub(super) by: HeaderHash,
    epoch: KeyEpoch,
}

impl Stamp {
    fn field(self, version: VersionId, part: Option<Part<'_>>) -> FieldRecord {
        // The structure check made sure that every written field has a part.
        let sealed = part.map_or(Hash32([0; 32]), |part| part.hash);
        FieldRecord {
            version,
            by: self.by,
            epoch: self.epoch,
            sealed,
        }
    }

    fn body(self, write: &BodyWrite, part: Option<Part<'_>>) -> BodyRecord {
        BodyRecord {
            field: self.field(write.version, part),
            size: write.size,
            tree: write.tree,
        }
    }
}

fn create<V: View + ?Sized>(
    overlay: &mut Overlay<'_, V>,
    stamp: Stamp,
    create: &Create,
    parts: Parts<'_>,
) -> Result<(), FoldError<V::Error>> {
    if let Some(there) = overlay.node(create.node)? {
        return Err(mismatch(
            create.node,
            Field::Place,
            Some(there.place.version),
        ));
    }
    check_parent(overlay, create.place.parent)?;
    check_name(overlay, create.node, create.place)?;
    let record = NodeRecord {
        node: create.node,
        kind: create.kind,
        parent: create.place.parent,
        tag: create.place.tag,
        deleted: None,
        place: stamp.field(create.place_version, parts.name),
        attributes: stamp.field(create.attributes_version, parts.attributes),
        body: create
            .body
            .as_ref()
            .map(|body| stamp.body(body, parts.body)),
        leaving: None,
    };
    overlay.put_node(None, record);
    Ok(())
}

fn update<V: View + ?Sized>(
    overlay: &mut Overlay<'_, V>,
    stamp: Stamp,
    update: &Update,
    parts: Parts<'_>,
) -> Result<(), FoldError<V::Error>> {
    let before = living(overlay, update.node)?;
    check_stays(overlay, update.node)?;
    let mut after = before.clone();
    if let Some(write) = &update.place {
        expect(&before, Field::Place, Some(write.expected))?;
        check_parent(overlay, write.place.parent)?;
        if before.kind == NodeKind::Directory && before.parent != write.place.parent {
            check_no_cycle(overlay, update.node, write.place.parent)?;
        }
        check_name(overlay, update.node, write.place)?;
        after.parent = write.place.parent;
        after.tag = write.place.tag;
        after.place = stamp.field(write.version, parts.name);
    }
    if let Some(write) = &update.attributes {
        expect(&before, Field::Attributes, Some(write.expected))?;
        after.attributes = stamp.field(write.version, parts.attributes);
    }
    if let Some(body) = &update.body {
        expect(&before, Field::Body, Some(body.expected))?;
        // What an attachment shows is what it is: another space is another attachment.
        if before.kind == NodeKind::Attachment {
            return Err(Refusal::Absent { node: update.node }.into());
        }
        after.body = Some(stamp.body(&body.write, parts.body));
    }
    overlay.put_node(Some(before), after);
    Ok(())
}

fn delete<V: View + ?Sized>(
    overlay: &mut Overlay<'_, V>,
    stamp: Stamp,
    delete: &Delete,
) -> Result<(), FoldError<V::Error>> {
    let before = living(overlay, delete.node)?;
    check_stays(overlay, delete.node)?;
    expect(&before, Field::Place, Some(delete.place))?;
    // What an attachment shows never changes, so nobody has to have seen it.
    if before.kind != NodeKind::Attachment {
        expect(&before, Field::Body, delete.body)?;
    }
    if before.kind == NodeKind::Directory && overlay.has_live_children(delete.node)? {
        return Err(Refusal::NotEmpty { node: delete.node }.into());
    }
    let after = NodeRecord {
        deleted: Some(stamp.by),
        ..before.clone()
    };
    overlay.put_node(Some(before), after);
    Ok(())
}

fn restore<V: View + ?Sized>(
    overlay: &mut Overlay<'_, V>,
    stamp: Stamp,
    restore: &Restore,
    parts: Parts<'_>,
) -> Result<(), FoldError<V::Error>> {
    let node = restore.node;
    let before = overlay.node(node)?.ok_or(Refusal::Absent { node })?;
    if before.is_alive() {
        return Err(mismatch(node, Field::Place, Some(before.place.version)));
    }
    expect(&before, Field::Place, Some(restore.expected))?;
    if before.leaving.is_some() {
        return Err(Refusal::Absent { node }.into());
    }
    // A deleted directory has no living children, so nothing can close a cycle here.
    check_parent(overlay, restore.place.parent)?;
    check_name(overlay, node, restore.place)?;
    let after = NodeRecord {
        parent: restore.place.parent,
        tag: restore.place.tag,
        deleted: None,
        place: stamp.field(restore.version, parts.name),
        ..before.clone()
    };
    overlay.put_node(Some(before), after);
    Ok(())
}

pub(super) fn living<V: View + ?Sized>(
    overlay: &Overlay<'_, V>,
    node: NodeId,
) -> Result<NodeRecord, FoldError<V::Error>> {
    let record = overlay.node(node)?.filter(NodeRecord::is_alive);
    Ok(record.ok_or(Refusal::Absent { node })?)
}

fn version_of(record: &NodeRecord, field: Field) -> Option<VersionId> {
    match field {
        Field::Place => Some(record.place.version),
        Field::Attributes => Some(record.attributes.version),
        Field::Body => record.body.map(|body| body.field.version),
    }
}

pub(super) fn expect(
    record: &NodeRecord,
    field: Field,
    expected: Option<VersionId>,
) -> Result<(), Refusal> {
    let there = version_of(record, field);
    if there == expected {
        Ok(())
    } else {
        Err(Refusal::Mismatch {
            node: record.node,
            field,
            there,
        })
    }
}

fn mismatch<E>(node: NodeId, field: Field, there: Option<VersionId>) -> FoldError<E> {
    Refusal::Mismatch { node, field, there }.into()
}

/// Of a parent only this is expected: it lives, is a directory and moves into no other space.
fn check_parent<V: View + ?Sized>(
    overlay: &mut Overlay<'_, V>,
    parent: NodeId,
) -> Result<(), FoldError<V::Error>> {
    if parent == NodeId::ROOT || living(overlay, parent)?.kind == NodeKind::Directory {
        check_stays(overlay, parent)
    } else {
        Err(Refusal::Absent { node: parent }.into())
    }
}

fn check_name<V: View + ?Sized>(
    overlay: &Overlay<'_, V>,
    node: NodeId,
    Place { parent, tag }: Place,
) -> Result<(), FoldError<V::Error>> {
    match overlay.child(parent, tag)? {
        Some(by) if by != node => Err(Refusal::NameTaken { parent, tag, by }.into()),
        _ => Ok(()),
    }
}

/// Walks from the new parent up to the root; `node` must not be on the way.
fn check_no_cycle<V: View + ?Sized>(
    overlay: &Overlay<'_, V>,
    node: NodeId,
    parent: NodeId,
) -> Result<(), FoldError<V::Error>> {
    let mut above = parent;
    for _ in 0..MAX_DEPTH {
        if above == NodeId::ROOT {
            return Ok(());
        }
        if above == node {
            break;
        }
        above = living(overlay, above)?.parent;
    }
    Err(Refusal::Cycle { node }.into())
}
