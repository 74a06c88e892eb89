//! What was: the entries of a node's history, opened and proven.

use std::sync::Arc;

use hythe_content::{Field, SpaceKeys, open_field};
use hythe_control::{Failure, FailureKind};
use hythe_model::{Attributes, Cursor, EntryName, Head, KeyEpoch, NodeId};
use hythe_space::{ChangeSet, Operation, Write, chain_next};
use hythe_wire::history::{FieldState, HistoryEntry};

use super::words::refused;
use crate::daemon::{Door, Space, unreachable};

/// Fewer digits of an id name no version.
const FEWEST_DIGITS: usize = 8;

/// Everything that was done to a node, newest first, checked against the log this device has
/// verified.
pub(super) async fn entries(
    door: &Door,
    space: &Space,
    node: NodeId,
) -> Result<Vec<HistoryEntry>, Failure> {
    let told = door.shared.api.history(space.id, node).await;
    let entries = told.map_err(|error| unreachable(&error))?;
    for entry in &entries {
        check(door, space, entry.head)?;
    }
    Ok(entries)
}

/// The position must be one of the history that this device has verified, as far as it has it.
fn check(door: &Door, space: &Space, head: Head) -> Result<(), Failure> {
    let known = door
        .shared
        .state
        .read(|rows| rows.chain_at(space.number, head.cursor))?;
    if known.is_some_and(|chain| chain != head.chain) {
        return Err(Failure::new(
            FailureKind::Attention,
            "The server shows another history than before",
        )
        .because(format!("position {} is not what it was", head.cursor))
        .next("`hythe verify` compares the whole log."));
    }
    Ok(())
}

/// The keys of an epoch.
pub(super) async fn keys(space: &Space, epoch: KeyEpoch) -> Option<Arc<SpaceKeys>> {
    space.replica.position.lock().await.keyring.epoch(epoch)
}

/// One sealed field of a history's entry, opened; none where it was purged or does not open.
pub(super) fn open(
    keys: Option<&SpaceKeys>,
    node: NodeId,
    field: Field,
    state: Option<&FieldState>,
) -> Option<Vec<u8>> {
    let state = state?;
    open_field(keys?, node, field, state.version, state.sealed.as_ref()?).ok()
}

/// The name an entry wrote.
pub(super) fn name(
    keys: Option<&SpaceKeys>,
    node: NodeId,
    entry: &HistoryEntry,
) -> Option<EntryName> {
    EntryName::new(open(keys, node, Field::Name, entry.place.as_ref())?).ok()
}

/// An older state of a file.
pub(super) struct Older {
    /// The body field.
    pub field: Vec<u8>,
    /// The attributes it had then, where they are known.
    pub attributes: Option<Attributes>,
}

/// Finds a version by its id, or by enough of its first digits.
pub(super) async fn version(
    door: &Door,
    space: &Space,
    node: NodeId,
    named: &str,
) -> Result<Older, Failure> {
    let entries = entries(door, space, node).await?;
    let named = named.to_lowercase();
    let is_it = |entry: &HistoryEntry| {
        let version = entry.body.as_ref().map(|body| body.version.to_string());
        version.is_some_and(|version| named.len() >= FEWEST_DIGITS && version.starts_with(&named))
    };
    let mut found = entries.iter().enumerate().filter(|(_, entry)| is_it(entry));
    let (at, entry) = match (found.next(), found.next()) {
        (Some(one), None) => one,
        (None, _) => {
            return Err(Failure::new(
                FailureKind::NotFound,
                format!("There is no version {named}"),
            )
            .next("`hythe history` lists the versions."));
        }
        _ => {
            return Err(Failure::new(
                FailureKind::Usage,
                format!("Several versions begin with {named}"),
            ));
        }
    };
    prove(door, space, node, entry).await?;
    let opened = keys(space, entry.key_epoch).await;
    let field = open(opened.as_deref(), node, Field::Body, entry.body.as_ref());
    let field =
        field.ok_or_else(|| refused("That version is not kept any more, or cannot be opened"))?;
    Ok(Older {
        field,
        attributes: attributes_at(space, node, &entries, at).await,
    })
}

/// Shows that a body is the one that was signed: its change set is read, and must be the one that
/// the chain this device has verified leads to. What lies before the snapshot a device began with
/// has only its seal to show.
async fn prove(
    door: &Door,
    space: &Space,
    node: NodeId,
    entry: &HistoryEntry,
) -> Result<(), Failure> {
    let (at, number) = (entry.head.cursor, space.number);
    let before = Cursor(at.0.saturating_sub(1));
    let known = |at| door.shared.state.read(|rows| rows.chain_at(number, at));
    let (Some(from), Some(to)) = (known(before)?, known(at)?) else {
        return Ok(());
    };
    let change_set = change_set_after(door, space, before).await?;
    let proven = change_set.is_some_and(|set| {
        chain_next(from, set.hash()) == to && set.writes().any(|write| wrote(&write, node, entry))
    });
    if proven {
        return Ok(());
    }
    Err(Failure::new(
        FailureKind::Attention,
        "The server shows a version that nobody signed",
    )
    .next("`hythe verify` compares the whole log."))
}

/// Whether an operation wrote exactly the body that an entry shows.
fn wrote(write: &Write<'_>, node: NodeId, entry: &HistoryEntry) -> bool {
    let written = match write.operation {
        Operation::Create(create) if create.node == node => {
            create.body.as_ref().map(|body| body.version)
        }
        Operation::Update(update) if update.node == node => {
            update.body.as_ref().map(|body| body.write.version)
        }
        _ => None,
    };
    let bytes = write.parts.body.as_ref().and_then(|part| part.bytes);
    entry.body.as_ref().is_some_and(|shown| {
        written == Some(shown.version)
            && bytes == shown.sealed.as_ref().map(|sealed| sealed.as_slice())
    })
}

/// The attributes a node had at an entry: those written last by then.
async fn attributes_at(
    space: &Space,
    node: NodeId,
    entries: &[HistoryEntry],
    at: usize,
) -> Option<Attributes> {
    let entry = entries
        .iter()
        .skip(at)
        .find(|entry| entry.attributes.is_some())?;
    let keys = keys(space, entry.key_epoch).await;
    let plain = open(
        keys.as_deref(),
        node,
        Field::Attributes,
        entry.attributes.as_ref(),
    )?;
    let attributes: Attributes = minicbor::decode(&plain).ok()?;
    (attributes.modified.nanos < 1_000_000_000).then_some(attributes)
}

/// The change set that follows a position, as the server gives it; none where there is no sound one.
pub(super) async fn change_set_after(
    door: &Door,
    space: &Space,
    before: Cursor,
) -> Result<Option<ChangeSet>, Failure> {
    let reading = async {
        door.shared
            .api
            .changes(space.id, before)
            .await?
            .next_page()
            .await
    };
    let page = reading.await.map_err(|error| unreachable(&error))?;
    let first = page.and_then(|page| page.entries.into_iter().next());
    Ok(first.and_then(|first| ChangeSet::decode(&first.change_set).ok()))
}
