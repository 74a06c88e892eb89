//! What must be true of a run in the end.

use std::collections::{BTreeMap, BTreeSet};

use hythe_content::{Field, open_field};
use hythe_model::Cursor;
use hythe_space::{ChangeSet, Operation, Write};

use super::device::Broken;
use super::grounds::{Entry, Hash, Ledger, Tree, contents};
use crate::daemon::{Shared, Space};
use crate::replica::size_and_hash;

/// The hashes of every content the log holds, those of old versions and deleted files included.
pub async fn history(shared: &Shared) -> BTreeSet<Hash> {
    let spaces = shared.spaces();
    let space = spaces.first().unwrap();
    let head = space.replica.head().await.cursor;
    let (mut kept, mut at) = (BTreeSet::new(), Cursor::START);
    while at < head {
        let mut reader = shared.api.changes(space.id, at).await.unwrap();
        while let Some(page) = reader.next_page().await.unwrap() {
            for entry in page.entries {
                let change_set = ChangeSet::decode(&entry.change_set).unwrap();
                kept.extend(written(space, &change_set).await);
                at = entry.head.cursor;
            }
        }
    }
    kept
}

async fn written(space: &Space, change_set: &ChangeSet) -> Vec<Hash> {
    let position = space.replica.position.lock().await;
    let Some(keys) = position.keyring.epoch(change_set.header().key_epoch) else {
        return Vec::new();
    };
    let hash = |write: Write<'_>| {
        let (node, version) = match write.operation {
            Operation::Create(create) => (create.node, create.body.as_ref()?.version),
            Operation::Update(update) => (update.node, update.body.as_ref()?.write.version),
            _ => return None,
        };
        let sealed = write.parts.body?.bytes?;
        let field = open_field(&keys, node, Field::Body, version, sealed).unwrap();
        Some(size_and_hash(&field)?.1?.0)
    };
    change_set.writes().filter_map(hash).collect()
}

/// Checks the trees that all devices ended with, the last one being the witness.
pub fn check(trees: &[Tree], kept: &BTreeSet<Hash>, ledger: &Ledger) -> Result<(), Broken> {
    for (number, pair) in trees.windows(2).enumerate() {
        same(&pair[0], &pair[1])
            .map_err(|why| format!("C1: devices {number} and {}: {why}", number + 1))?;
    }
    let Some(tree) = trees.first() else {
        return Ok(());
    };
    nothing_lost(tree, kept, ledger)?;
    no_copies_of_copies(tree)
}

fn same(one: &Tree, other: &Tree) -> Result<(), Broken> {
    let paths: BTreeSet<&Vec<u8>> = one.keys().chain(other.keys()).collect();
    for path in paths {
        let (here, there) = (one.get(path), other.get(path));
        // A link's own time is not synced, nor is a directory's.
        if here != there {
            let path = path.escape_ascii();
            return Err(format!("'{path}' is {here:?} and {there:?}"));
        }
    }
    Ok(())
}

/// S1: what was ever there is there still, or is kept in the history, or its user took it away
/// before anybody else had it.
fn nothing_lost(tree: &Tree, kept: &BTreeSet<Hash>, ledger: &Ledger) -> Result<(), Broken> {
    let there: BTreeSet<Hash> = contents(tree).collect();
    let has = |hash: &&Hash| {
        there.contains(*hash) || kept.contains(*hash) || ledger.excused.contains(*hash)
    };
    let lost: Vec<String> = ledger
        .written
        .keys()
        .filter(|hash| !has(hash))
        .map(name)
        .collect();
    match lost.is_empty() {
        true => Ok(()),
        false => Err(format!("S1: lost for ever: {lost:?}")),
    }
}

/// S12: no copy is a copy's copy.
fn no_copies_of_copies(tree: &Tree) -> Result<(), Broken> {
    for path in tree.keys() {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        let brackets = name.windows(11).filter(|part| part == b" (conflict ");
        // One of the users' names looks like a copy's.
        let users = name.windows(12).any(|part| part == b"(conflict x ");
        if brackets.count() > 1 + usize::from(users) {
            return Err(format!("S12: a copy of a copy: {}", path.escape_ascii()));
        }
    }
    Ok(())
}

/// S12, T2: a content that was written once is there once, wherever it was moved.
pub fn no_doubles(trees: &[Tree], ledger: &Ledger) -> Result<(), Broken> {
    let mut there: BTreeMap<Hash, Vec<&[u8]>> = BTreeMap::new();
    for (path, entry) in trees.first().into_iter().flatten() {
        if let Entry::File { hash, .. } = entry {
            there.entry(*hash).or_default().push(path);
        }
    }
    for (hash, paths) in there {
        let written = ledger.written.get(&hash).copied().unwrap_or_default();
        if paths.len() > written as usize {
            let paths: Vec<String> = paths.iter().map(|p| p.escape_ascii().to_string()).collect();
            return Err(format!(
                "S12: {} was written {written} times and is there as {paths:?}",
                name(&hash)
            ));
        }
    }
    Ok(())
}

/// A hash, short, or the number of the content it belongs to.
fn name(hash: &Hash) -> String {
    let known = (0..2000).find(|value| {
        let content = super::grounds::content(*value);
        blake3::hash(&content).as_bytes() == hash
    });
    known.map_or_else(
        || data_encoding::HEXLOWER.encode(&hash[..6]),
        |value| format!("value {value}"),
    )
}
