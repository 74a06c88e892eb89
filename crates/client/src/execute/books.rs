//! What is written into the local and synced trees when steps are done.
//!
//! Entries are gathered while steps run and written in one transaction once what they speak of is
//! durable: on the disk for local steps, on the server for remote ones.

use hythe_model::{ContentHash, Layout, LayoutEntry, NodeId};
use hythe_sync::record::{Done, synced_after};
use hythe_sync::{DiskStamp, LocalNode, Step, SyncedNode, TreeError, Trees};

use crate::state::{ChunkPlace, FolderNumber, LocalRow, StateError, Tx};

/// Files below this are fetched again rather than looked for chunk by chunk.
const REUSED_FROM: u64 = 1 << 20;

/// One change of a row.
#[derive(Clone)]
pub enum Entry {
    /// A local row, new or changed.
    Local(LocalNode),
    /// An entry that is no longer on disk.
    LocalGone(NodeId),
    /// A local entry has another id from now on, also as the parent of what it holds.
    LocalIs {
        /// The id it had.
        was: NodeId,
        /// The id it has.
        is: NodeId,
    },
    /// The content that the disk showed under `stamp` has this hash.
    Hash {
        /// The node.
        node: NodeId,
        /// The stamp; the hash means nothing under another.
        stamp: DiskStamp,
        /// The hash.
        hash: ContentHash,
    },
    /// A synced row, new or changed.
    Synced(SyncedNode),
    /// A synced row that goes.
    Forgotten(NodeId),
    /// The file on disk is cut like this: its chunks can be reused.
    Cut(NodeId, Layout),
}

/// Entries gathered, in order.
#[derive(Default)]
pub struct Books {
    entries: Vec<Entry>,
    synced: std::collections::HashMap<NodeId, Option<SyncedNode>>,
}

impl Books {
    /// Adds an entry.
    pub fn add(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Adds what the synced row of a step's node becomes, now that the step is done.
    ///
    /// # Errors
    /// When the trees cannot be read.
    pub fn done(&mut self, trees: &dyn Trees, step: &Step, done: &Done) -> Result<(), TreeError> {
        let node = step.node();
        let before = match self.synced.get(&node) {
            Some(row) => row.clone(),
            None => trees.synced(node)?,
        };
        let after = synced_after(step, before.as_ref(), done);
        if after != before {
            self.entries.push(match &after {
                Some(row) => Entry::Synced(row.clone()),
                None => Entry::Forgotten(node),
            });
        }
        self.synced.insert(node, after);
        Ok(())
    }

    /// What is gathered, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Takes the entries, in order.
    pub fn take(&mut self) -> Vec<Entry> {
        self.synced.clear();
        std::mem::take(&mut self.entries)
    }
}

/// Whether what was agreed on while steps ran still holds when it is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreed {
    /// It does.
    Holds,
    /// The server began a new life of its data meanwhile. What the disk shows is true all the same,
    /// and to forget an agreement is never wrong.
    Lapsed,
}

/// Writes entries, in order.
pub fn write(
    tx: &Tx<'_>,
    folder: FolderNumber,
    entries: &[Entry],
    agreed: Agreed,
) -> Result<(), StateError> {
    for entry in entries {
        match entry {
            Entry::Local(node) => {
                tx.put_local(
                    folder,
                    &LocalRow {
                        node: node.clone(),
                        racy: false,
                    },
                )?;
            }
            Entry::LocalGone(node) => tx.remove_local(folder, *node)?,
            Entry::LocalIs { was, is } => tx.rename_local(folder, *was, *is)?,
            Entry::Hash { node, stamp, hash } => {
                tx.set_local_hash(folder, *node, stamp, *hash)?;
            }
            Entry::Synced(row) if agreed == Agreed::Holds => tx.put_synced(folder, row)?,
            Entry::Synced(_) => {}
            Entry::Forgotten(node) => tx.remove_synced(folder, *node)?,
            Entry::Cut(node, layout) => write_cuts(tx, folder, *node, layout)?,
        }
    }
    Ok(())
}

fn write_cuts(
    tx: &Tx<'_>,
    folder: FolderNumber,
    node: NodeId,
    layout: &Layout,
) -> Result<(), StateError> {
    if layout.size < REUSED_FROM {
        return Ok(());
    }
    let mut offset = 0;
    for entry in layout.entries.iter() {
        if let LayoutEntry::Chunk(chunk) = entry {
            tx.put_chunk(
                &chunk.id,
                &ChunkPlace {
                    folder,
                    node,
                    offset,
                },
            )?;
        }
        offset += entry.length();
    }
    Ok(())
}
