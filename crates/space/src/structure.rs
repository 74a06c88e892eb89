//! The rules that a change set keeps by itself, whatever the state of its log.

use hythe_model::{NodeId, NodeKind, Role};

use crate::error::StructureError;
use crate::header::{Header, NO_PREVIOUS};
use crate::limits::{MAX_OPERATIONS, MAX_REFERENCES};
use crate::operation::{BodyWrite, Create, Operation, Update};

/// What the operations of a change set are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    SpaceGenesis,
    AccountGenesis,
    Space,
    Join,
    Nodes,
    Account,
}

impl Class {
    pub(crate) fn of(operation: &Operation) -> Self {
        match operation {
            Operation::SpaceGenesis(_) => Self::SpaceGenesis,
            Operation::AccountGenesis(_) => Self::AccountGenesis,
            Operation::Member(_)
            | Operation::NewEpoch(_)
            | Operation::Restored(_)
            | Operation::NameSpace(_)
            | Operation::CameFrom(_)
            | Operation::OfferJoin(_)
            | Operation::WithdrawJoin(_)
            | Operation::EndSpace(_) => Self::Space,
            Operation::Join(_) => Self::Join,
            Operation::Create(_)
            | Operation::Update(_)
            | Operation::Delete(_)
            | Operation::Restore(_)
            | Operation::MoveOut(_)
            | Operation::MovedOut(_)
            | Operation::StayHere(_) => Self::Nodes,
            Operation::AddDevice(_)
            | Operation::RemoveDevice(_)
            | Operation::KemGeneration(_)
            | Operation::AuthoriseOneTime(_)
            | Operation::SetKeyholder(_) => Self::Account,
        }
    }

    fn is_genesis(self) -> bool {
        matches!(self, Self::SpaceGenesis | Self::AccountGenesis)
    }
}

/// Checks header and operations against each other; says what they are about.
pub(crate) fn check(header: &Header, operations: &[Operation]) -> Result<Class, StructureError> {
    let class = check_operations(operations)?;
    if class.is_genesis() != header.is_genesis() || class.is_genesis() && !starts_log(header) {
        return Err(StructureError::Genesis);
    }
    let parts: usize = operations.iter().map(part_count).sum();
    if parts != header.sealed.len() {
        return Err(StructureError::Parts);
    }
    Ok(class)
}

/// Checks operations among themselves.
fn check_operations(operations: &[Operation]) -> Result<Class, StructureError> {
    let first = operations.first().ok_or(StructureError::Count)?;
    if operations.len() > MAX_OPERATIONS {
        return Err(StructureError::Count);
    }
    let class = Class::of(first);
    if class.is_genesis() && operations.len() > 1 {
        return Err(StructureError::Genesis);
    }
    if class == Class::Join && operations.len() > 1 {
        return Err(StructureError::Mixed);
    }
    if operations
        .iter()
        .any(|operation| Class::of(operation) != class)
    {
        return Err(StructureError::Mixed);
    }
    operations.iter().try_for_each(check_operation)?;
    Ok(class)
}

fn starts_log(header: &Header) -> bool {
    header.counter == 1
        && header.previous == NO_PREVIOUS
        && header.seen == hythe_model::Head::START
        && header.key_epoch.0 == 0
        && header.behalf.is_none()
}

/// Which of name, attributes and body an operation has sealed.
pub(crate) fn sealed_fields(operation: &Operation) -> [bool; 3] {
    match operation {
        Operation::Create(create) => [true, true, create.body.is_some()],
        Operation::Update(update) => {
            let (place, attributes) = (&update.place, &update.attributes);
            [place.is_some(), attributes.is_some(), update.body.is_some()]
        }
        Operation::Restore(_) => [true, false, false],
        _ => [false; 3],
    }
}

fn part_count(operation: &Operation) -> usize {
    sealed_fields(operation)
        .into_iter()
        .filter(|sealed| *sealed)
        .count()
}

fn check_operation(operation: &Operation) -> Result<(), StructureError> {
    match operation {
        Operation::Create(create) => check_create(create),
        Operation::Update(update) => check_update(update),
        Operation::Delete(delete) => not_root(delete.node),
        Operation::Restore(restore) => not_root(restore.node),
        Operation::MoveOut(moving) => not_root(moving.node),
        // Who leaves gets no key.
        Operation::Member(member) if member.role.is_none() && member.wrap.is_some() => {
            Err(StructureError::Order)
        }
        // A link may be passed on: it never makes an owner.
        Operation::OfferJoin(offer) if offer.role == Role::Owner => Err(StructureError::Order),
        Operation::NewEpoch(epoch) => ascending(epoch.wraps.iter().map(|wrap| wrap.account)),
        Operation::KemGeneration(kem) => ascending(kem.wraps.iter().map(|wrap| wrap.device)),
        _ => Ok(()),
    }
}

fn check_create(create: &Create) -> Result<(), StructureError> {
    not_root(create.node)?;
    let fits = match create.kind {
        NodeKind::Directory => create.body.is_none(),
        NodeKind::File | NodeKind::Symlink => create.body.is_some(),
        // The sealed body names the space; there is nothing else to hold.
        NodeKind::Attachment => create.body.as_ref().is_some_and(holds_nothing),
    };
    if !fits {
        return Err(StructureError::Body);
    }
    create.body.as_ref().map_or(Ok(()), check_body)
}

fn check_update(update: &Update) -> Result<(), StructureError> {
    not_root(update.node)?;
    if update.place.is_none() && update.attributes.is_none() && update.body.is_none() {
        return Err(StructureError::Order);
    }
    update
        .body
        .as_ref()
        .map_or(Ok(()), |body| check_body(&body.write))
}

fn holds_nothing(body: &BodyWrite) -> bool {
    body.refs.is_empty() && !body.tree && body.size == 0
}

fn check_body(body: &BodyWrite) -> Result<(), StructureError> {
    let fits = if body.tree {
        body.refs.len() == 1
    } else {
        body.refs.len() <= MAX_REFERENCES
    };
    if fits {
        Ok(())
    } else {
        Err(StructureError::References)
    }
}

fn not_root(node: NodeId) -> Result<(), StructureError> {
    if node == NodeId::ROOT {
        Err(StructureError::Root)
    } else {
        Ok(())
    }
}

/// Strictly ascending: sorted and without doubles, so that a list has one encoding.
fn ascending<T: Ord>(ids: impl Iterator<Item = T>) -> Result<(), StructureError> {
    if ids.is_sorted_by(|a, b| a < b) {
        Ok(())
    } else {
        Err(StructureError::Order)
    }
}
