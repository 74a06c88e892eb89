//! Every stored object that a live file needs, read from the server: its seal, its key and its id
//! are checked. An object that several files share is read once.

use std::collections::HashSet;
use std::sync::Arc;

use hythe_content::{LoadError, field_refs, load_body};
use hythe_control::Failure;
use hythe_model::{Body, ChunkId, ChunkRef, LayoutEntry, NodeId, NodeKind};
use tokio::sync::mpsc;

use super::super::read::alone;
use super::super::words;
use super::{Report, item};
use crate::daemon::{Door, Space};
use crate::net::{ApiError, ReadChunk, object_name};
use crate::transfer::{Progress, Transfer, TransferError, download_small};

const MEND: &str = "Put a whole copy over it with `hythe put`: that replaces what is damaged. Without one, \
     `hythe restore` an older version.";

/// Chunks that are read together.
const TOGETHER: usize = 2048;

/// Reads what the live files of a space need.
pub(super) async fn verify(
    door: &Door,
    space: &Arc<Space>,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    let Some(transfer) = space.replica.transfer().await else {
        return Ok(());
    };
    let number = space.number;
    let mut files = Vec::new();
    door.shared.state.read(|rows| {
        rows.each_remote(number, |node| {
            if !node.deleted && node.kind == NodeKind::File {
                files.push(node.id);
            }
            Ok(())
        })
    })?;
    let mut reading = Reading {
        door,
        space,
        transfer,
        report,
        seen: HashSet::new(),
        wanted: Vec::new(),
    };
    for file in files {
        reading.file(file).await?;
    }
    reading.read_wanted().await
}

struct Reading<'r, 'e> {
    door: &'r Door,
    space: &'r Arc<Space>,
    transfer: Transfer,
    report: &'r mut Report<'e>,
    /// Objects that were read or will be.
    seen: HashSet<ChunkId>,
    wanted: Vec<(NodeId, LayoutEntry)>,
}

/// What the tree of a long layout is made of.
struct Tree {
    body: Result<Body, Failure>,
    nodes: Vec<(ChunkId, u64)>,
}

impl Reading<'_, '_> {
    async fn file(&mut self, file: NodeId) -> Result<(), Failure> {
        let number = self.space.number;
        let field = self
            .door
            .shared
            .state
            .read(|rows| rows.remote_body(number, file))?;
        let Some(field) = field else {
            let problem = "its content cannot be opened".to_owned();
            return self.finding(file, problem).await;
        };
        let body = match field_refs(&field) {
            Ok(refs) if refs.tree => self.tree(file, field).await?,
            _ => match load_body(&field, &mut |_| Err(())) {
                Ok(body) => Some(body),
                Err(_) => {
                    self.finding(file, "its layout is damaged".to_owned())
                        .await?;
                    None
                }
            },
        };
        let Some(Body::File(layout)) = body else {
            return Ok(());
        };
        for entry in layout.entries.iter() {
            let LayoutEntry::Chunk(chunk) = entry else {
                continue;
            };
            if self.seen.insert(chunk.id) {
                self.wanted.push((file, entry.clone()));
            }
            if self.wanted.len() >= TOGETHER {
                self.read_wanted().await?;
            }
        }
        Ok(())
    }

    /// Reads all nodes of a long layout.
    async fn tree(&mut self, file: NodeId, field: Vec<u8>) -> Result<Option<Body>, Failure> {
        let (transfer, runtime) = (self.transfer.clone(), self.door.shared.runtime.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let mut nodes = Vec::new();
            let mut fetch = |node: &ChunkRef| {
                let sealed = runtime.block_on(fetch_node(&transfer, node))?;
                nodes.push((node.id, sealed.len() as u64));
                Ok::<_, TransferError>(sealed)
            };
            let body = load_body(&field, &mut fetch).map_err(|error| match error {
                LoadError::Fetch(error) => Failure::from(error),
                LoadError::Body(error) => words::unlaid(error),
            });
            Tree { body, nodes }
        });
        let Tree { body, nodes } = reading.await.map_err(words::broke_off)?;
        for (node, bytes) in nodes {
            if self.seen.insert(node) {
                self.report.verified.chunks += 1;
                self.report.verified.bytes += bytes;
            }
        }
        match body {
            Ok(body) => Ok(Some(body)),
            Err(failure) if failure.kind == hythe_control::FailureKind::Unreachable => Err(failure),
            Err(failure) => {
                self.finding(file, format!("its layout cannot be read: {failure}"))
                    .await?;
                Ok(None)
            }
        }
    }

    /// Reads the chunks that were gathered.
    async fn read_wanted(&mut self) -> Result<(), Failure> {
        let wanted = std::mem::take(&mut self.wanted);
        let known = self.report.verified.chunks + wanted.len() as u64;
        let files: Vec<_> = wanted
            .into_iter()
            .map(|(file, entry)| (file, alone(&entry)))
            .collect();
        let (whole, mut coming) = mpsc::channel(16);
        let progress = Progress::default();
        let mut bad = Vec::new();
        let report = &mut *self.report;
        let collect = async {
            while let Some((file, bytes)) = coming.recv().await {
                report.verified.chunks += 1;
                match bytes {
                    Ok(bytes) => report.verified.bytes += Vec::len(&bytes) as u64,
                    Err(error) => bad.push((file, error)),
                }
                report.progress("reading stored chunks", report.verified.chunks, Some(known));
            }
        };
        let (fetched, ()) = tokio::join!(
            download_small(&self.transfer, files, whole, &progress),
            collect
        );
        fetched?;
        for (file, error) in bad {
            self.finding(file, error.to_string()).await?;
        }
        Ok(())
    }

    async fn finding(&mut self, file: NodeId, problem: String) -> Result<(), Failure> {
        let number = self.space.number;
        let path = self
            .door
            .shared
            .state
            .read(|rows| rows.remote_path(number, file))?;
        self.report
            .found("chunks", item(self.space, path.as_ref()), problem, MEND)
            .await;
        Ok(())
    }
}

/// The stored bytes of a layout node.
async fn fetch_node(transfer: &Transfer, node: &ChunkRef) -> Result<Vec<u8>, TransferError> {
    let mut reader = transfer
        .api
        .read_chunks(transfer.space, vec![object_name(node)])
        .await?;
    let mut sealed = None;
    while let Some((_, answer)) = reader.next().await? {
        sealed = Some(match answer {
            ReadChunk::Sealed(bytes) => Ok(bytes.to_vec()),
            ReadChunk::Missing => Err(TransferError::Missing { chunk: node.id }),
            ReadChunk::Damaged => Err(TransferError::Damaged { chunk: node.id }),
        });
    }
    sealed.unwrap_or_else(|| Err(ApiError::Malformed("an object was not answered".into()).into()))
}
