//! Every stored object that a live file needs, read from the server: its seal, its key and its id
//! are checked. An object that several files share is read once.

use std::collections::HashSet;
use std::sync::Arc;

use hythe_content::{field_refs, load_body};
use hythe_control::Failure;
use hythe_model::{Body, ChunkId, LayoutEntry, NodeId, NodeKind};
use tokio::sync::mpsc;

use super::super::read::alone;
use super::{Report, item};
use crate::daemon::{Door, Space};
use crate::transfer::{Nodes, Progress, Transfer, download_small, load_layout_with};

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
        let mut nodes = Nodes::new();
        let body = load_layout_with(&self.transfer, &field, &mut nodes).await;
        for (node, stored) in nodes {
            if self.seen.insert(node) {
                self.report.verified.chunks += 1;
                self.report.verified.bytes += stored.len() as u64;
            }
        }
        let body = body.map_err(Failure::from);
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
