//! Whether everything that a stored layout tree refers to is there.
//!
//! Shown once per layout node, from the leaves upwards, and remembered: a commit that names the
//! root of a huge tree then looks at one row.

use std::collections::HashSet;

use hythe_model::ChunkId;

use crate::metadata::chunks::{self, ChunkKind, ChunkRow};
use crate::metadata::logs::LogNo;
use crate::metadata::{Database, DbError, Tx};

/// Layout nodes looked at in one transaction, so that none holds up the others for long.
const NODES_AT_ONCE: usize = 64;

/// Missing chunks that are named at once.
const MAX_NAMED: usize = 4096;

/// A walk that may go on in another transaction.
#[derive(Debug, Clone, Default)]
pub(super) struct Walk {
    /// Layout nodes to be shown complete; the last one first.
    stack: Vec<ChunkId>,
    /// Nodes whose children were put on the stack: each is looked at twice, whoever refers to whom.
    entered: HashSet<ChunkId>,
    /// What was found missing.
    missing: Vec<ChunkId>,
}

impl Walk {
    /// A walk over the trees below these nodes.
    pub(super) fn new(roots: impl IntoIterator<Item = ChunkId>) -> Self {
        Self {
            stack: roots.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Whether there is nothing left to look at.
    pub(super) fn is_over(&self) -> bool {
        self.stack.is_empty()
    }

    /// What was found missing so far.
    pub(super) fn missing(&self) -> &[ChunkId] {
        &self.missing
    }

    /// Looks at a few nodes, marking those that are complete.
    ///
    /// # Errors
    /// The database's.
    pub(super) fn go_on(&mut self, tx: &mut dyn Tx, log: LogNo) -> Result<(), DbError> {
        for _ in 0..NODES_AT_ONCE {
            let Some(node) = self.stack.last().copied() else {
                return Ok(());
            };
            self.look_at(tx, log, node)?;
            if self.missing.len() >= MAX_NAMED {
                self.stack.clear();
            }
        }
        Ok(())
    }

    fn look_at(&mut self, tx: &mut dyn Tx, log: LogNo, node: ChunkId) -> Result<(), DbError> {
        match stored(tx, log, &[node])?.first() {
            Some(Some(ChunkKind::Layout)) => {}
            Some(Some(_)) => {
                self.stack.pop();
                return Ok(());
            }
            _ => {
                self.stack.pop();
                self.missing.push(node);
                return Ok(());
            }
        }
        let refs = chunks::refs(tx, log, node)?.ok_or(DbError::Shape("a list of chunks"))?;
        let kinds = stored(tx, log, &refs)?;
        if self.entered.insert(node) {
            self.enter(&refs, &kinds);
        }
        // On the second look everything below was looked at. What is still open then refers to
        // something missing, or to itself, and stays open.
        if self.stack.last() == Some(&node) {
            let is_open = |kind: &Option<ChunkKind>| matches!(kind, None | Some(ChunkKind::Layout));
            if !kinds.iter().any(is_open) {
                chunks::set_complete(tx, log, node)?;
            }
            self.stack.pop();
        }
        Ok(())
    }

    fn enter(&mut self, refs: &[ChunkId], kinds: &[Option<ChunkKind>]) {
        for (id, kind) in refs.iter().zip(kinds) {
            match kind {
                None => self.missing.push(*id),
                Some(ChunkKind::Layout) if !self.entered.contains(id) => self.stack.push(*id),
                Some(_) => {}
            }
        }
    }
}

/// What is stored under these ids, damaged copies not counted.
pub(super) fn stored(
    tx: &mut dyn Tx,
    log: LogNo,
    ids: &[ChunkId],
) -> Result<Vec<Option<ChunkKind>>, DbError> {
    let found = chunks::find(tx, log, ids)?;
    let best = |forms: &Vec<ChunkRow>| forms.iter().find(|row| !row.bad).map(|row| row.kind);
    Ok(found.iter().map(best).collect())
}

/// Shows trees complete before a commit names them, a few nodes per transaction. What cannot be
/// shown stays open: the commit itself may bring what is missing.
///
/// # Errors
/// The database's.
pub(super) async fn settle(
    database: &Database,
    log: LogNo,
    roots: Vec<ChunkId>,
) -> Result<(), DbError> {
    let open: Vec<ChunkId> = database
        .read(move |tx| {
            let kinds = stored(tx, log, &roots)?;
            let open = roots.iter().zip(kinds);
            let open = open.filter(|(_, kind)| *kind == Some(ChunkKind::Layout));
            Ok::<_, DbError>(open.map(|(id, _)| *id).collect())
        })
        .await?;
    let mut walk = Walk::new(open);
    while !walk.is_over() {
        walk = database
            .write(move |tx| {
                let mut walk = walk.clone();
                walk.go_on(tx, log)?;
                Ok::<_, DbError>(walk)
            })
            .await?;
    }
    Ok(())
}
