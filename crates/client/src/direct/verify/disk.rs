//! Every synced file of a folder, read and hashed. Content that differs while nothing says that
//! anybody wrote is damage of the disk: it is named here, and never sent (S9).

use std::io;
use std::sync::Arc;

use hythe_control::Failure;
use hythe_model::{ContentHash, NodeKind, TreePath};
use hythe_sync::DiskStamp;

use super::super::words::broke_off;
use super::Report;
use super::opened::Folder;
use crate::daemon::Door;
use crate::disk::{DiskError, Outcome, Reading, Root};
use crate::pool::{Ordered, Pool, PoolError};
use crate::state::Rows;
use crate::transfer::whole_hash::{CELL_BYTES, CellHash, WholeHash, hash_cell};

const DAMAGED: &str =
    "Look at the disk; then delete the file here and `hythe restore` it, or write it anew.";
const UNREAD: &str = "Look at the disk, and give your user the right to read the file.";

/// A file, what was agreed on about it, and under which stamp.
struct Settled {
    path: TreePath,
    stamp: DiskStamp,
    hash: ContentHash,
}

/// What reading one file came to.
enum Seen {
    Same(u64),
    Damaged(u64),
    /// It is being changed, so what is there is not what was agreed on.
    Other,
}

/// Reads the files of a folder.
pub(super) async fn verify(
    door: &Door,
    folder: &Folder,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    let files = door.shared.state.read(|rows| settled(rows, folder))?;
    let total = files.len() as u64;
    for (at, file) in files.into_iter().enumerate() {
        let item = folder.item(&file.path);
        match read(&door.shared.pool, &folder.root, file).await? {
            Ok(Seen::Same(bytes)) => count(report, bytes),
            Ok(Seen::Damaged(bytes)) => {
                count(report, bytes);
                let problem =
                    "its content is not what was written, and nothing says that it was changed";
                report
                    .found("disk", item, problem.to_owned(), DAMAGED)
                    .await;
            }
            Ok(Seen::Other) => {}
            Err(error) => report.found("disk", item, error.to_string(), UNREAD).await,
        }
        report.progress("reading files", at as u64 + 1, Some(total));
    }
    Ok(())
}

fn count(report: &mut Report<'_>, bytes: u64) {
    report.verified.files += 1;
    report.verified.bytes += bytes;
}

/// The files and links that disk and log agreed on, and where they are.
fn settled(rows: &Rows<'_>, folder: &Folder) -> Result<Vec<Settled>, crate::state::StateError> {
    let mut nodes = Vec::new();
    rows.each_synced(folder.number, |synced| {
        if let (NodeKind::File, Some(hash)) = (synced.kind, synced.hash) {
            nodes.push((synced.id, synced.stamp, hash));
        }
        Ok(())
    })?;
    let mut found = Vec::with_capacity(nodes.len());
    for (node, stamp, hash) in nodes {
        if let Some(path) = rows.local_path(folder.number, folder.row.root, node)? {
            found.push(Settled { path, stamp, hash });
        }
    }
    Ok(found)
}

async fn read(
    pool: &Pool,
    root: &Arc<Root>,
    file: Settled,
) -> Result<Result<Seen, DiskError>, Failure> {
    let Settled { path, stamp, hash } = file;
    let (root, place) = (Arc::clone(root), path.clone());
    let opening = tokio::task::spawn_blocking(move || root.read(&place, Some(&stamp)));
    let reading = match opening.await.map_err(broke_off)? {
        Ok(Outcome::Done(reading)) => Arc::new(reading),
        Ok(Outcome::Changed(_)) => return Ok(Ok(Seen::Other)),
        Err(error) => return Ok(Err(error)),
    };
    let size = reading.size();
    let found = match hash_file(pool, &reading).await.map_err(broke_off)? {
        Ok(found) => found,
        Err(source) => {
            return Ok(Err(DiskError {
                action: "read",
                place: path.to_string(),
                source,
            }));
        }
    };
    Ok(reading.is_unchanged().map(|unchanged| match found {
        _ if !unchanged => Seen::Other,
        Some(found) if found == hash => Seen::Same(size),
        _ => Seen::Damaged(size),
    }))
}

/// Hashes a file, several cells at a time.
async fn hash_file(
    pool: &Pool,
    reading: &Arc<Reading>,
) -> Result<io::Result<Option<ContentHash>>, PoolError> {
    let cells = reading.size().div_ceil(CELL_BYTES as u64).max(1);
    let (mut next, mut hash) = (0, WholeHash::default());
    let mut hashing: Ordered<io::Result<CellHash>> = Ordered::new(pool);
    loop {
        while next < cells && hashing.len() <= pool.threads() {
            let (reading, index) = (Arc::clone(reading), next);
            hashing
                .push(move |_| read_cell(&reading, index, cells == 1))
                .await;
            next += 1;
        }
        match hashing.next().await {
            None => return Ok(Ok(hash.finish())),
            Some(cell) => match cell? {
                Ok(cell) => hash.push(cell),
                Err(error) => return Ok(Err(error)),
            },
        }
    }
}

fn read_cell(reading: &Reading, index: u64, is_only: bool) -> io::Result<CellHash> {
    let start = index * CELL_BYTES as u64;
    let length = (reading.size() - start).min(CELL_BYTES as u64);
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(CELL_BYTES)];
    let count = reading
        .read_at(&mut bytes, start)
        .map_err(|error| error.source)?;
    bytes.truncate(count);
    Ok(hash_cell(index, is_only, &bytes))
}
