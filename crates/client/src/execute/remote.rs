//! Remote steps: content up, then change sets.
//!
//! The steps of a plan are parents-first, so they are cut into batches anywhere. Of each batch the
//! content goes first; what could not be read as it was planned is left out, with all that depends
//! on it; the rest is one change set.

use std::future::Future;
use std::sync::Arc;

use hythe_control::Direction;
use hythe_model::{ContentHash, Layout, LinkTarget, NodeId, NodeKind, TreePath};
use hythe_sync::record::Done;
use hythe_sync::{BodyWrite, DiskStamp, Step, Trees};

use super::agreed;
use super::books::{Books, Entry};
use super::bulk::{Asked, BULK_FROM, Done as Sent, For};
use super::content::Source;
use super::places::Places;
use super::report::Report;
use super::tight::{self, Tight};
use super::{BodyFailure, Context, RunError};
use crate::commit::{CommitError, Edit, MAX_EDITS, NewAttributes, NewBody};
use crate::disk::{DiskError, Outcome};
use crate::net::OverQuota;
use crate::state::FolderTrees;
use crate::transfer::{
    Prepared, SealedObject, SourceFile, TransferError, Upload, Uploaded, prepare_link, upload,
};

/// Content of one batch, in bytes: others see the first files before the last ones are sent.
const BATCH_BYTES: u64 = 64 << 20;

/// Runs remote steps.
pub fn run(cx: &Context, steps: &[&Step], report: &mut Report) -> Result<(), RunError> {
    let mut rest = steps;
    let mut tight = Tight::default();
    while !rest.is_empty() {
        let length = tight.at_most(batch_length(rest));
        let (batch, later) = rest.split_at(length);
        let batch = tight.without_what_is_too_large(cx, batch, report)?;
        if batch.is_empty() {
            rest = later;
            continue;
        }
        match send(cx, &batch, report) {
            Ok(true) => tight.fitted(),
            Ok(false) => {
                // The log is not what the plan was made for: all that is left is planned anew.
                report.again.extend(later.iter().map(|step| step.node()));
                break;
            }
            Err(error) => match tight::over_quota(&error) {
                Some(_) if batch.len() > 1 => {
                    tight.did_not_fit(batch.len());
                    continue;
                }
                Some(over) => tight.refused(cx, &batch, over, report)?,
                None => return Err(error),
            },
        }
        rest = later;
    }
    Ok(())
}

fn batch_length(steps: &[&Step]) -> usize {
    let mut bytes = 0;
    let fits = |step: &&&Step| {
        let before = bytes;
        bytes += stamp_of(step).map_or(0, |stamp| stamp.size);
        before == 0 || bytes <= BATCH_BYTES
    };
    steps.iter().take(MAX_EDITS).take_while(fits).count().max(1)
}

/// What the disk must show while a step's content is read.
pub(super) fn stamp_of(step: &Step) -> Option<&DiskStamp> {
    match step {
        Step::RemoteCreate {
            kind: NodeKind::File | NodeKind::Symlink,
            stamp,
            ..
        } => Some(stamp),
        Step::RemoteUpdate {
            body: Some(body), ..
        } => Some(&body.stamp),
        _ => None,
    }
}

/// A step whose content, if it has any, is ready.
struct Ready<'p> {
    step: &'p Step,
    content: Option<Prepared>,
    done: Done,
}

/// Sends one batch. False when the log refused it.
fn send(cx: &Context, batch: &[&Step], report: &mut Report) -> Result<bool, RunError> {
    let trees = cx.state.folder_trees(cx.folder)?;
    let mut sending = Sending {
        cx,
        trees: &trees,
        places: Places::new(&trees),
        books: Books::default(),
        attached: Vec::new(),
        report,
    };
    tracing::trace!(?batch, "reading what has to be sent");
    let mut ready = sending.read(batch)?;
    tracing::trace!(files = ready.len(), "sending content");
    let attached = sending.upload(&mut ready)?;
    let ready = sending.without_orphans(ready);
    tracing::trace!(steps = ready.len(), "committing");
    if !ready.is_empty() && !sending.commit(ready, attached)? {
        return Ok(false);
    }
    let mut books = sending.books;
    tracing::trace!("recording what was committed");
    agreed::record(cx, &trees, &mut books)?;
    Ok(true)
}

struct Sending<'c> {
    cx: &'c Context,
    trees: &'c FolderTrees,
    places: Places<'c>,
    books: Books,
    /// What large files left to travel with the commit.
    attached: Vec<SealedObject>,
    report: &'c mut Report,
}

/// A step, and the open file whose content it needs.
struct Reading<'p> {
    step: &'p Step,
    file: Option<(Arc<Source>, TreePath)>,
    link: Option<LinkTarget>,
    content: Option<Prepared>,
}

impl<'c> Sending<'c> {
    /// Opens what has to be sent. Steps that are off are left out.
    fn read<'p>(&mut self, batch: &[&'p Step]) -> Result<Vec<Reading<'p>>, RunError> {
        let mut found = Vec::with_capacity(batch.len());
        for step in batch {
            let mut reading = Reading {
                step,
                file: None,
                link: None,
                content: None,
            };
            if let Some(stamp) = stamp_of(step) {
                let Some(path) = self.places.path_of(step.node())? else {
                    self.report.changed(step.node(), None);
                    continue;
                };
                let opened = match self.kind_of(step)? {
                    NodeKind::Symlink => self.open_link(&mut reading, &path, stamp),
                    _ if stamp.size >= BULK_FROM => self.ask_bulk(&mut reading, &path, stamp)?,
                    _ => self.open_file(&mut reading, &path, stamp),
                };
                if !opened {
                    continue;
                }
            }
            found.push(reading);
        }
        Ok(found)
    }

    fn kind_of(&self, step: &Step) -> Result<NodeKind, RunError> {
        match step {
            Step::RemoteCreate { kind, .. } => Ok(*kind),
            _ => Ok(self
                .trees
                .local(step.node())?
                .map_or(NodeKind::File, |local| local.kind)),
        }
    }

    fn open_file(&mut self, reading: &mut Reading, path: &TreePath, stamp: &DiskStamp) -> bool {
        let node = reading.step.node();
        match self.cx.root.read(path, Some(stamp)) {
            Ok(Outcome::Done(file)) => {
                let source = Source(file);
                if source.is_being_written() && is_fresh(stamp) {
                    self.report.unstable.insert(node);
                    return false;
                }
                reading.file = Some((Arc::new(source), path.clone()));
                true
            }
            Ok(Outcome::Changed(_)) => {
                self.report.changed(node, Some(path));
                false
            }
            Err(error) => {
                self.report.disk(node, Some(path), &error);
                false
            }
        }
    }

    /// A large file: sent beside the passes. True when that is done.
    fn ask_bulk(
        &mut self,
        reading: &mut Reading,
        path: &TreePath,
        stamp: &DiskStamp,
    ) -> Result<bool, RunError> {
        let node = reading.step.node();
        let what = For::Upload(*stamp);
        match self.cx.bulk.ask(node, what) {
            Asked::Waiting => {
                self.report.waiting.insert(node);
                Ok(false)
            }
            Asked::Start => {
                if self.open_file(reading, path, stamp)
                    && let Some((source, path)) = reading.file.take()
                {
                    let previous = self.previous(reading.step)?;
                    let need = self.cx.bulk.need(node, what);
                    let sending = send_large(self.cx, source, path, previous, need);
                    self.cx.bulk.start(&self.cx.runtime, node, what, sending);
                    self.report.waiting.insert(node);
                }
                Ok(false)
            }
            Asked::Done(Sent::Sent(content, attached)) => {
                // What was read is what the plan speaks of, if the disk shows it still.
                let there = self
                    .cx
                    .root
                    .stat(path)?
                    .is_some_and(|found| found.stamp == *stamp);
                if there {
                    reading.content = Some(content);
                    self.attached.extend(attached);
                } else {
                    self.report.changed(node, Some(path));
                }
                Ok(there)
            }
            Asked::Done(Sent::Failed(error)) => {
                self.cx.bulk.note_need(node, what, needed(&error));
                self.sort_failure(node, path, error).map(|()| false)
            }
            Asked::Done(_) => {
                self.report.changed(node, Some(path));
                Ok(false)
            }
        }
    }

    fn open_link(&mut self, reading: &mut Reading, path: &TreePath, stamp: &DiskStamp) -> bool {
        let node = reading.step.node();
        let text = self.cx.root.read_link(path);
        let found = self.cx.root.stat(path);
        match (text, found) {
            (Ok(Some(text)), Ok(Some(found))) if found.stamp == *stamp => {
                reading.link = LinkTarget::new(text).ok();
                reading.link.is_some()
            }
            (Err(error), _) | (_, Err(error)) => {
                self.report.disk(node, Some(path), &error);
                false
            }
            _ => {
                self.report.changed(node, Some(path));
                false
            }
        }
    }

    /// Sends the content of the batch and returns what must travel with the commit. Each file is
    /// looked at again afterwards: only what stayed the same while it was read counts (S7).
    fn upload(&mut self, readings: &mut Vec<Reading>) -> Result<Vec<SealedObject>, RunError> {
        let mut files = Vec::new();
        for (at, reading) in readings.iter().enumerate() {
            if let Some((source, _)) = &reading.file {
                let previous = self.previous(reading.step)?;
                files.push(Upload {
                    key: at,
                    source: Arc::clone(source) as _,
                    previous,
                    need: None,
                });
            }
        }
        let mut attached = std::mem::take(&mut self.attached);
        if !files.is_empty() {
            let uploaded = self.upload_files(files)?;
            attached.extend(uploaded.attached);
            for (at, content) in uploaded.files {
                self.sort(readings, at, content);
            }
        }
        for reading in readings.iter_mut() {
            if let Some(target) = reading.link.take() {
                reading.content = prepare_link(&self.cx.transfer, target).ok();
            }
        }
        let report = &self.report;
        readings.retain(|reading| {
            let complete = reading.content.is_some() || stamp_of(reading.step).is_none();
            complete && !report.is_off(reading.step.node())
        });
        Ok(attached)
    }

    fn upload_files(&self, files: Vec<Upload<usize>>) -> Result<Uploaded<usize>, RunError> {
        let cx = self.cx;
        let progress = Arc::default();
        cx.runtime
            .block_on(upload(&cx.transfer, files, &progress))
            .map_err(|error| match error {
                TransferError::Api(error) => error.into(),
                other => RunError::Disk(DiskError {
                    action: "send",
                    place: "files".to_owned(),
                    source: std::io::Error::other(other),
                }),
            })
    }

    /// The layout of the version a step replaces.
    fn previous(&self, step: &Step) -> Result<Option<Layout>, RunError> {
        let Step::RemoteUpdate {
            node,
            body: Some(body),
            ..
        } = step
        else {
            return Ok(None);
        };
        match self.cx.body(self.trees, *node, body.expected) {
            Ok(Some(hythe_model::Body::File(layout))) => Ok(Some(layout)),
            // Without it every chunk is asked for: slower, and right.
            Ok(_) | Err(BodyFailure::Transfer(_)) => Ok(None),
            Err(BodyFailure::State(error)) => Err(error.into()),
        }
    }

    /// Takes what one upload came to.
    fn sort(
        &mut self,
        readings: &mut [Reading],
        at: usize,
        content: Result<Prepared, TransferError>,
    ) {
        let Some(reading) = readings.get_mut(at) else {
            return;
        };
        let Some((source, path)) = &reading.file else {
            return;
        };
        let node = reading.step.node();
        match (content, source.is_whole()) {
            (Ok(content), Ok(true)) => reading.content = Some(content),
            (_, Ok(false)) => self.report.changed(node, Some(path)),
            (Err(error), _) => self.one_failed(node, path, error),
            (_, Err(error)) => self.report.disk(node, Some(path), &error),
        }
    }

    /// Sorts why a transfer failed: the server as a whole, or this one file.
    fn sort_failure(
        &mut self,
        node: NodeId,
        path: &TreePath,
        error: TransferError,
    ) -> Result<(), RunError> {
        match error {
            TransferError::Api(error) if error.over_quota().is_none() => Err(error.into()),
            other => {
                self.one_failed(node, path, other);
                Ok(())
            }
        }
    }

    fn one_failed(&mut self, node: NodeId, path: &TreePath, error: TransferError) {
        match error {
            TransferError::Api(error) if error.over_quota().is_some() => {
                let over = error.over_quota();
                let reason = over.map(OverQuota::sentence).unwrap_or_default();
                self.report
                    .fail(node, Some(path.clone()), reason, OverQuota::ACTION);
            }
            TransferError::Local(source) => {
                let error = DiskError {
                    action: "read",
                    place: path.to_string(),
                    source,
                };
                self.report.disk(node, Some(path), &error);
            }
            other => {
                let action = "Hythe tries again by itself.";
                self.report
                    .fail(node, Some(path.clone()), other.to_string(), action);
            }
        }
    }

    /// Leaves out what goes into a directory that is not made, and contents that were only touched.
    fn without_orphans<'p>(&mut self, readings: Vec<Reading<'p>>) -> Vec<Ready<'p>> {
        let mut ready = Vec::with_capacity(readings.len());
        for Reading { step, content, .. } in readings {
            let parent = match step {
                Step::RemoteCreate { to, .. }
                | Step::RemoteMove { to, .. }
                | Step::RemoteRestore { to, .. } => Some(to.parent),
                _ => None,
            };
            if parent.is_some_and(|parent: NodeId| self.report.is_off(parent)) {
                self.report.again.insert(step.node());
                continue;
            }
            let hashed = content.as_ref().and_then(|content| hash_of(&content.body));
            if let Step::RemoteUpdate {
                node,
                body: Some(body),
                ..
            } = step
                && let Some((_, hash)) = hashed
                && body.unless == Some(hash)
            {
                self.only_touched(*node, body, hash);
                continue;
            }
            let done = Done {
                content: hashed,
                ..Done::default()
            };
            ready.push(Ready {
                step,
                content,
                done,
            });
        }
        ready
    }

    /// The content is what it was: nothing of the step is sent.
    fn only_touched(&mut self, node: NodeId, body: &BodyWrite, hash: ContentHash) {
        self.books.add(Entry::Hash {
            node,
            stamp: body.stamp,
            hash,
        });
        self.report.again.insert(node);
        self.report.done += 1;
    }

    /// Commits, and notes what is agreed on from now on. False when the log refused.
    fn commit(&mut self, ready: Vec<Ready>, attached: Vec<SealedObject>) -> Result<bool, RunError> {
        let mut steps = Vec::with_capacity(ready.len());
        let mut edits = Vec::with_capacity(ready.len());
        for Ready {
            step,
            content,
            done,
        } in ready
        {
            let layout = content.as_ref().and_then(layout_of);
            edits.extend(edit(step, content));
            steps.push((step, done, layout));
        }
        let mut attached = attached;
        while !edits.is_empty() {
            let sent = edits.len();
            let (now, objects) = (std::mem::take(&mut edits), std::mem::take(&mut attached));
            match self
                .cx
                .runtime
                .block_on(self.cx.replica.commit(now, objects))
            {
                Ok(committed) => {
                    self.report.folded.extend(committed.applied.changed);
                    edits = committed.rest;
                    let count = sent - edits.len();
                    self.agree(steps.drain(..count.min(steps.len())))?;
                    if count == 0 {
                        break;
                    }
                }
                Err(error) => {
                    let left: Vec<NodeId> = steps.iter().map(|(step, ..)| step.node()).collect();
                    return self.not_committed(error, left);
                }
            }
        }
        Ok(true)
    }

    fn agree<'p>(
        &mut self,
        steps: impl Iterator<Item = (&'p Step, Done, Option<Layout>)>,
    ) -> Result<(), RunError> {
        for (step, done, layout) in steps {
            if let (Some((_, hash)), Some(stamp)) = (done.content, stamp_of(step)) {
                self.books.add(Entry::Hash {
                    node: step.node(),
                    stamp: *stamp,
                    hash,
                });
            }
            if let Some(layout) = layout {
                self.books.add(Entry::Cut(step.node(), layout));
            }
            self.books.done(self.trees, step, &done)?;
            self.report.done += 1;
        }
        Ok(())
    }

    fn not_committed(&mut self, error: CommitError, nodes: Vec<NodeId>) -> Result<bool, RunError> {
        match error {
            CommitError::Refused { there, applied } => {
                tracing::debug!(?there, "refused; planning again");
                self.report.folded.extend(applied.changed.iter().copied());
                self.report.again.extend(applied.changed);
                self.report.again.extend(nodes);
                agreed::record(self.cx, self.trees, &mut self.books)?;
                Ok(false)
            }
            CommitError::ChunksMissing { chunks } => {
                tracing::warn!(
                    count = chunks.len(),
                    "the server lacks chunks that were taken for granted"
                );
                self.report.again.extend(nodes);
                agreed::record(self.cx, self.trees, &mut self.books)?;
                Ok(false)
            }
            CommitError::Unknown(error) => Err(error.into()),
            CommitError::Replica(error) => {
                // What was committed before it, of the same batch, holds.
                agreed::record(self.cx, self.trees, &mut self.books)?;
                Err(error.into())
            }
            other => Err(RunError::Disk(DiskError {
                action: "write",
                place: "a change set".to_owned(),
                source: std::io::Error::other(other),
            })),
        }
    }
}

/// What a transfer that had no room was found to need.
fn needed(error: &TransferError) -> Option<u64> {
    match error {
        TransferError::Api(error) => error.over_quota().map(|over| over.needed),
        _ => None,
    }
}

/// Sends one large file; looks at it again when it is sent (S7).
fn send_large(
    cx: &Context,
    source: Arc<Source>,
    path: TreePath,
    previous: Option<Layout>,
    need: Option<u64>,
) -> impl Future<Output = Sent> + Send + use<> {
    let (transfer, board, folder) = (cx.transfer.clone(), Arc::clone(&cx.board), cx.folder);
    async move {
        let shown = board.begin(folder, &path, Direction::Up, source.size());
        let file = Upload {
            key: (),
            source: Arc::clone(&source) as _,
            previous,
            need,
        };
        let uploaded = match upload(&transfer, vec![file], &shown.progress).await {
            Ok(uploaded) => uploaded,
            Err(error) => return Sent::Failed(error),
        };
        match (uploaded.files.into_iter().next(), source.is_whole()) {
            (Some(((), Ok(content))), Ok(true)) => Sent::Sent(content, uploaded.attached),
            (Some(((), Err(error))), Ok(true)) => Sent::Failed(error),
            _ => Sent::Changed,
        }
    }
}

/// Whether a stamp is so young that who writes may not be done (S7).
fn is_fresh(stamp: &DiskStamp) -> bool {
    const WINDOW_SECONDS: i64 = 2;
    let now = crate::daemon::now_ms() / 1000;
    (0..=WINDOW_SECONDS).contains(&(now - stamp.changed.seconds))
}

fn hash_of(body: &hythe_model::Body) -> Option<(u64, ContentHash)> {
    match body {
        hythe_model::Body::File(layout) => Some((layout.size, layout.hash?)),
        hythe_model::Body::Link(target) => {
            let bytes = target.as_bytes();
            Some((
                bytes.len() as u64,
                ContentHash(*blake3::hash(bytes).as_bytes()),
            ))
        }
    }
}

fn layout_of(content: &Prepared) -> Option<Layout> {
    match &content.body {
        hythe_model::Body::File(layout) => Some(layout.clone()),
        hythe_model::Body::Link(_) => None,
    }
}

/// What a step asks of the log.
fn edit(step: &Step, content: Option<Prepared>) -> Option<Edit> {
    Some(match step {
        Step::RemoteCreate {
            node,
            to,
            kind,
            attributes,
            new,
            ..
        } => Edit::Create {
            node: *node,
            kind: *kind,
            parent: to.parent,
            name: to.name.clone(),
            attributes: *attributes,
            new: *new,
            body: content,
        },
        Step::RemoteRestore {
            node,
            to,
            expected,
            new,
        } => Edit::Restore {
            node: *node,
            parent: to.parent,
            name: to.name.clone(),
            expected: *expected,
            new: *new,
        },
        Step::RemoteMove {
            node,
            to,
            expected,
            new,
        } => Edit::Move {
            node: *node,
            parent: to.parent,
            name: to.name.clone(),
            expected: *expected,
            new: *new,
        },
        Step::RemoteUpdate {
            node,
            attributes,
            body,
        } => Edit::Update {
            node: *node,
            attributes: attributes.as_ref().map(|write| NewAttributes {
                expected: write.expected,
                new: write.new,
                attributes: write.attributes,
            }),
            body: body.as_ref().zip(content).and_then(|(write, prepared)| {
                Some(NewBody {
                    expected: write.expected?,
                    new: write.new,
                    prepared,
                })
            }),
        },
        Step::RemoteDelete { node, expected } => Edit::Delete {
            node: *node,
            expected: *expected,
        },
        _ => return None,
    })
}
