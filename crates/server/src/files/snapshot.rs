//! The state of a space at one position, for devices that begin.

use std::time::{Duration, Instant};

use hythe_model::{Head, NodeId, ServerEpoch, SpaceId};
use hythe_space::{LtHash, Record};
use hythe_wire::ByteVec;
use hythe_wire::log::SnapshotRecord;
use tokio::sync::mpsc;

use super::access::{self, Want};
use super::{Files, FilesError, Principal, checkpoint, view};
use crate::metadata::logs::Log;
use crate::metadata::nodes::{self, NodeRow};
use crate::metadata::records::{self, RecordKind};
use crate::metadata::{DbError, Tx};

/// Nodes read at once: a few hundred kilobytes.
const PAGE: u32 = 512;

/// Pages that wait for a slow reader.
const WAITING: usize = 2;

/// How long a reader may take for a page: until then the database keeps its old state for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A snapshot that is being read.
pub struct Snapshot {
    /// The life of the server's data it belongs to.
    pub epoch: ServerEpoch,
    /// The position whose state it is.
    pub head: Head,
    /// A signed checkpoint of that position: in a sealed space one of the reader's own account, where
    /// there is one; else the server's.
    pub checkpoint: Vec<u8>,
    /// The records, page by page; closed after the last.
    pub pages: mpsc::Receiver<Result<Vec<SnapshotRecord>, FilesError>>,
}

/// How long a snapshot may take in all: a million nodes at ten megabits a second.
const DEADLINE: Duration = Duration::from_secs(15 * 60);

/// What is known when the first page is being read.
struct Start {
    head: Head,
    checkpoint: Vec<u8>,
}

impl Files {
    /// Reads the state of a space at its head, all records from one moment. The reader is expected
    /// to keep up; one that stops for half a minute gets an error.
    ///
    /// # Errors
    /// [`super::Denied`], or the database's; the same in the pages.
    pub async fn snapshot(
        &self,
        principal: &Principal,
        space: SpaceId,
    ) -> Result<Snapshot, FilesError> {
        self.still_valid(principal).await?;
        let (start, started) = tokio::sync::oneshot::channel();
        let (send, pages) = mpsc::channel(WAITING);
        let (files, asker) = (self.clone(), principal.clone());
        tokio::spawn(async move {
            let failed = send.clone();
            let inner = files.inner.clone();
            let read = move |tx: &mut dyn Tx| {
                let log = access::space(tx, &asker, space, Want::Read)?;
                let sum = LtHash::from_bytes(&log.digest);
                let sum = sum.ok_or(DbError::Shape("a state digest"))?;
                let own = match log.open {
                    true => None,
                    false => checkpoint::of_account(tx, &inner, &log, asker.account())?,
                };
                let checkpoint =
                    own.unwrap_or_else(|| inner.sign_checkpoint_now(space, log.head, sum.digest()));
                if start
                    .send(Start {
                        head: log.head,
                        checkpoint,
                    })
                    .is_err()
                {
                    return Ok(());
                }
                send_records(
                    tx,
                    &log,
                    &Pages {
                        send,
                        deadline: Instant::now() + DEADLINE,
                    },
                )
            };
            let result: Result<(), FilesError> = files.inner.database.read_long(read).await;
            if let Err(error) = result {
                let _gone = failed.send(Err(error)).await;
            }
        });
        match started.await {
            Ok(Start { head, checkpoint }) => Ok(Snapshot {
                epoch: self.epoch(),
                head,
                checkpoint,
                pages,
            }),
            Err(_) => Err(first_error(pages).await),
        }
    }
}

/// Why reading ended before it began.
async fn first_error(
    mut pages: mpsc::Receiver<Result<Vec<SnapshotRecord>, FilesError>>,
) -> FilesError {
    match pages.recv().await {
        Some(Err(error)) => error,
        _ => DbError::Closed.into(),
    }
}

/// The way to the reader, from a thread that may block.
struct Pages {
    send: mpsc::Sender<Result<Vec<SnapshotRecord>, FilesError>>,
    deadline: Instant,
}

impl Pages {
    fn send(&self, page: Vec<SnapshotRecord>) -> Result<(), FilesError> {
        if page.is_empty() {
            return Ok(());
        }
        let patience = PATIENCE.min(self.deadline.saturating_duration_since(Instant::now()));
        let handle = tokio::runtime::Handle::current();
        let sent = handle.block_on(self.send.send_timeout(Ok(page), patience));
        sent.map_err(|_| FilesError::Storage("the reader of a snapshot stopped".into()))
    }
}

fn send_records(tx: &mut dyn Tx, log: &Log, pages: &Pages) -> Result<(), FilesError> {
    let kinds = [
        RecordKind::Space,
        RecordKind::Epoch,
        RecordKind::Member,
        RecordKind::Author,
        RecordKind::JoinOffer,
    ];
    for kind in kinds {
        let all = records::all(tx, log.no, kind)?;
        let whole = all.into_iter().map(|record| SnapshotRecord {
            record: ByteVec::from(record),
            sealed: Vec::new(),
        });
        pages.send(whole.collect())?;
    }
    let mut after: Option<NodeId> = None;
    loop {
        let page = nodes::page(tx, log.no, after, PAGE)?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(last.node);
        pages.send(
            page.into_iter()
                .map(snapshot_record)
                .collect::<Result<_, _>>()?,
        )?;
    }
}

/// A node with its sealed parts in the order its record names them.
pub(super) fn snapshot_record(row: NodeRow) -> Result<SnapshotRecord, DbError> {
    let Record::Node(node) = view::record(&row.record)? else {
        return Err(DbError::Shape("the record of a node"));
    };
    let mut sealed = vec![row.sealed.name, row.sealed.attributes];
    if node.body.is_some() {
        sealed.push(row.sealed.body);
    }
    Ok(SnapshotRecord {
        record: ByteVec::from(row.record),
        sealed: sealed
            .into_iter()
            .map(|part| part.map(ByteVec::from))
            .collect(),
    })
}
