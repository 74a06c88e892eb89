//! Reading files only to know what they hold.

use std::io;
use std::sync::Arc;

use hythe_model::{ContentHash, NodeId, NodeKind, TreePath};
use hythe_sync::{DiskStamp, Trees};

use super::books::{Books, Entry};
use super::content::Source;
use super::places::Places;
use super::report::Report;
use super::{Context, RunError};
use crate::disk::{DiskError, Outcome};
use crate::pool::Ordered;
use crate::transfer::SourceFile;
use crate::transfer::whole_hash::{CELL_BYTES, CellHash, WholeHash, hash_cell};

/// Reads each file under its stamp and puts its hash into the books.
pub fn read_all(
    cx: &Context,
    trees: &dyn Trees,
    nodes: &[(NodeId, DiskStamp)],
    books: &mut Books,
    report: &mut Report,
) -> Result<(), RunError> {
    let mut places = Places::new(trees);
    for (node, stamp) in nodes {
        let Some(path) = places.path_of(*node)? else {
            report.changed(*node, None);
            continue;
        };
        let kind = trees.local(*node)?.map(|local| local.kind);
        match read_one(cx, &path, stamp, kind) {
            Ok(Some(hash)) => {
                books.add(Entry::Hash {
                    node: *node,
                    stamp: *stamp,
                    hash,
                });
                report.again.insert(*node);
            }
            Ok(None) => report.changed(*node, Some(&path)),
            Err(error) => report.disk(*node, Some(&path), &error),
        }
    }
    Ok(())
}

/// The hash of what is at a path under a stamp; none when the disk shows something else.
pub fn read_one(
    cx: &Context,
    path: &TreePath,
    stamp: &DiskStamp,
    kind: Option<NodeKind>,
) -> Result<Option<ContentHash>, DiskError> {
    if kind == Some(NodeKind::Symlink) {
        let text = cx.root.read_link(path)?;
        let same = cx
            .root
            .stat(path)?
            .is_some_and(|found| found.stamp == *stamp);
        let hash = |text: Vec<u8>| ContentHash(*blake3::hash(&text).as_bytes());
        return Ok(text.filter(|_| same).map(hash));
    }
    let Outcome::Done(reading) = cx.root.read(path, Some(stamp))? else {
        return Ok(None);
    };
    let source = Arc::new(Source(reading));
    let read = cx.runtime.block_on(hash_file(cx, Arc::clone(&source)));
    let hash = read.map_err(|source| DiskError {
        action: "read",
        place: path.to_string(),
        source,
    })?;
    Ok(if source.is_whole()? { hash } else { None })
}

/// Hashes a file, several cells at a time.
async fn hash_file(cx: &Context, source: Arc<Source>) -> io::Result<Option<ContentHash>> {
    let cell = CELL_BYTES as u64;
    let cells = source.size().div_ceil(cell).max(1);
    let (mut next, mut hash) = (0, WholeHash::default());
    let mut reading: Ordered<io::Result<CellHash>> = Ordered::new(&cx.transfer.pool);
    loop {
        while next < cells && reading.len() <= cx.transfer.pool.threads() {
            let (source, index) = (Arc::clone(&source), next);
            reading
                .push(move |_| read_cell(&source, index, cells == 1))
                .await;
            next += 1;
        }
        let Some(read) = reading.next().await else {
            return Ok(hash.finish());
        };
        hash.push(read.map_err(io::Error::other)??);
    }
}

fn read_cell(source: &Source, index: u64, is_only: bool) -> io::Result<CellHash> {
    let start = index * CELL_BYTES as u64;
    let length = (source.size() - start).min(CELL_BYTES as u64);
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(CELL_BYTES)];
    source.read_exact_at(&mut bytes, start)?;
    Ok(hash_cell(index, is_only, &bytes))
}
