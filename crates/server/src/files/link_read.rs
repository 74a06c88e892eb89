//! Chunks of a file that was opened through a link: those that its content names, and no others.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::Stream;
use hythe_model::{ChunkId, Cursor, LinkId, NodeId, OpeningId};
use hythe_space::ChangeSet;
use hythe_wire::chunk::ObjectName;
use hythe_wire::limits::MAX_READ_CHUNKS;

use super::access;
use super::commit::body_of;
use super::links::LinkPass;
use super::read::{ReadChunk, locate};
use super::{Files, FilesError};
use crate::clock::now_ms;
use crate::metadata::logs::{self, LogNo};
use crate::metadata::{DbError, Tx, chunks, links};

/// How long an opened file may be read.
const OPEN_MS: i64 = 24 * 60 * 60 * 1000;

/// Chunks that openings are remembered to reach, over all; more begin anew.
const REMEMBERED: usize = 1 << 20;

type Reached = Arc<HashSet<ChunkId>>;

/// What openings reach, so that not every read of a long file walks its layout.
#[derive(Default)]
pub(super) struct LinkReach(Mutex<HashMap<(LinkId, OpeningId), Reached>>);

impl LinkReach {
    fn recall(&self, key: (LinkId, OpeningId)) -> Option<Reached> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&key).cloned()
    }

    fn remember(&self, key: (LinkId, OpeningId), reached: &Reached) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held: usize = known.values().map(|one| one.len()).sum();
        if held + reached.len() > REMEMBERED {
            known.clear();
        }
        known.insert(key, Arc::clone(reached));
    }
}

impl Files {
    /// Sealed bytes of an opened file, in the order asked. What the file does not name is missing.
    /// Stops with an error as soon as the link ends.
    ///
    /// # Errors
    /// As [`Self::link`]; [`FilesError::NotFound`] for an opening that is none or was long ago.
    pub async fn read_link_chunks(
        &self,
        pass: LinkPass,
        opening: OpeningId,
        mut objects: Vec<ObjectName>,
    ) -> Result<impl Stream<Item = Result<ReadChunk, FilesError>> + Send + 'static, FilesError>
    {
        if objects.len() > MAX_READ_CHUNKS {
            return Err(FilesError::invalid("too many chunks are asked for at once"));
        }
        let (asker, key) = (pass.clone(), (pass.link(), opening));
        let find = move |tx: &mut dyn Tx| {
            let linked = access::link(tx, &asker, now_ms())?;
            linked.may_read()?;
            let used = links::opening(tx, key.0, key.1)?;
            let used = used.filter(|used| used.at_ms.saturating_add(OPEN_MS) > now_ms());
            let opened = used.and_then(|used| used.opened);
            let opened = opened.ok_or(FilesError::NotFound("opened file"))?;
            // It may have been moved away, or deleted.
            access::under(tx, &linked, opened.node)?;
            Ok::<_, FilesError>((linked.log.no, opened))
        };
        let (log, opened) = self.inner.database.read(find).await?;
        let reached = match self.inner.reach.recall(key) {
            Some(reached) => reached,
            None => {
                let walk = move |tx: &mut dyn Tx| reach(tx, log, opened.node, opened.written);
                let reached = Arc::new(self.inner.database.read(walk).await?);
                self.inner.reach.remember(key, &reached);
                reached
            }
        };
        // What it does not reach is answered like what is not there.
        for object in &mut objects {
            if !reached.contains(&object.id) {
                object.id = ChunkId([0; 32]);
            }
        }
        let find = move |tx: &mut dyn Tx| locate(tx, log, &objects);
        let wanted = self.inner.database.read(find).await?;
        let files = self.clone();
        let check = move || {
            let (files, pass) = (files.clone(), pass.clone());
            async move { files.link_stands(&pass).await }
        };
        Ok(self.send_runs(log, wanted, check))
    }
}

/// All chunks and layout nodes that the content of a node names, as a change set wrote it.
fn reach(
    tx: &mut dyn Tx,
    log: LogNo,
    node: NodeId,
    written: Cursor,
) -> Result<HashSet<ChunkId>, DbError> {
    let before = Cursor(written.0.saturating_sub(1));
    let bytes = logs::change_sets(tx, log, before, written)?;
    let bytes = bytes.first().ok_or(DbError::Shape("an entry"))?;
    let change_set = ChangeSet::decode(bytes).map_err(|_| DbError::Shape("a change set"))?;
    let operations = change_set.operations().iter().rev();
    let body = operations
        .filter(|operation| super::apply::node_of(operation) == Some(node))
        .find_map(body_of);
    let Some(body) = body else {
        return Ok(HashSet::new());
    };
    let mut reached: HashSet<ChunkId> = body.refs.iter().copied().collect();
    let mut open = if body.tree {
        body.refs.clone()
    } else {
        Vec::new()
    };
    while let Some(next) = open.pop() {
        for id in chunks::refs(tx, log, next)?.unwrap_or_default() {
            if reached.insert(id) {
                open.push(id);
            }
        }
    }
    Ok(reached)
}
