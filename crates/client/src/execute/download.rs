//! Downloads: fetch into the staging area, sync once, then give each file its name.

use std::future::Future;
use std::sync::Arc;

use hythe_control::Direction;
use hythe_model::{Attributes, Body, ContentHash, Layout, NodeId, NodeKind, TreePath, VersionId};
use hythe_sync::{LocalNode, Place, Replaces, Step, Trees};

use super::BodyFailure;
use super::RunError;
use super::books::Entry;
use super::bulk::{Asked, BULK_FROM, Done as Fetched, For};
use super::chunk_index::ChunkIndex;
use super::content::Target;
use super::local::LocalRun;
use super::resume::{self, Begun};
use crate::disk::{DiskError, Found, Outcome, Part, Staged};
use crate::transfer::{
    Download, LocalChunks, Progress, TransferError, download_file, download_small,
};

/// Files up to this long are fetched together and held in memory: one request serves many.
const SMALL: u64 = 1 << 20;
/// So many files, or bytes of small ones, become durable together: enough that the two syncs of a
/// batch do not count, few enough that the first files appear soon.
const MANY_FILES: usize = 1024;
const MANY_BYTES: u64 = 48 << 20;

/// Downloads gathered to be done together.
#[derive(Default)]
pub struct Downloads<'p> {
    steps: Vec<&'p Step>,
    bytes: u64,
}

impl<'p> Downloads<'p> {
    pub fn push(&mut self, step: &'p Step) {
        if let Step::Download { size, .. } = step {
            self.bytes += size;
        }
        self.steps.push(step);
    }

    pub fn are_many(&self) -> bool {
        self.steps.len() >= MANY_FILES || self.bytes >= MANY_BYTES
    }

    pub fn take(&mut self) -> Vec<&'p Step> {
        self.bytes = 0;
        std::mem::take(&mut self.steps)
    }
}

/// A download with all that is known of it.
struct Wanted<'p> {
    step: &'p Step,
    path: TreePath,
    body: Body,
}

impl LocalRun<'_> {
    /// Runs download steps. What each replaces is checked when its name is exchanged.
    pub fn download(&mut self, steps: Vec<&Step>) -> Result<(), RunError> {
        if steps.is_empty() {
            return Ok(());
        }
        tracing::trace!(files = steps.len(), "fetching");
        let mut wanted = Vec::with_capacity(steps.len());
        for step in steps {
            if let Some(found) = self.look_up(step)? {
                wanted.push(found);
            }
        }
        let (mut files, links): (Vec<_>, Vec<_>) = wanted
            .into_iter()
            .partition(|want| matches!(want.body, Body::File(_)));
        for link in &links {
            self.place_link(link)?;
        }
        let mut staged = self.fetch(&mut files)?;
        let flushed = {
            let mut plain: Vec<Staged> = Vec::with_capacity(staged.len());
            let mut wants = Vec::with_capacity(staged.len());
            for (want, file) in staged.drain(..) {
                wants.push(want);
                plain.push(file);
            }
            self.batch().flush(&mut plain)?;
            wants.into_iter().zip(plain)
        };
        for (want, file) in flushed {
            tracing::trace!(step = ?want.step, "placing what was fetched");
            self.place_file(&want, file)?;
        }
        self.finish()
    }

    /// Path and body of a download; none when it is off.
    fn look_up<'p>(&mut self, step: &'p Step) -> Result<Option<Wanted<'p>>, RunError> {
        let Step::Download {
            node, to, versions, ..
        } = step
        else {
            return Ok(None);
        };
        if self.depends_on_what_is_off(step)? {
            self.report.again.insert(*node);
            return Ok(None);
        }
        let Some(path) = self.places.path(to)? else {
            self.report.changed(*node, None);
            return Ok(None);
        };
        match self.cx.body(self.trees, *node, versions.body) {
            Ok(Some(body)) => Ok(Some(Wanted { step, path, body })),
            Ok(None) => {
                self.report.again.insert(*node);
                Ok(None)
            }
            Err(BodyFailure::State(error)) => Err(error.into()),
            Err(BodyFailure::Transfer(error)) => {
                self.sort_transfer(*node, &path, error).map(|()| None)
            }
        }
    }

    /// Brings the bytes of all files into the staging area. Files that failed are left out.
    fn fetch<'p>(
        &mut self,
        files: &mut Vec<Wanted<'p>>,
    ) -> Result<Vec<(Wanted<'p>, Staged)>, RunError> {
        let is_small = |want: &Wanted| layout_of(want).is_some_and(|layout| layout.size <= SMALL);
        let (small, large): (Vec<_>, Vec<_>) = files.drain(..).partition(is_small);
        let mut staged = self.fetch_small(small)?;
        for want in large {
            if let Some(file) = self.fetch_large(&want)? {
                staged.push((want, file));
            }
        }
        Ok(staged)
    }

    fn fetch_small<'p>(
        &mut self,
        small: Vec<Wanted<'p>>,
    ) -> Result<Vec<(Wanted<'p>, Staged)>, RunError> {
        let contents = self.fetch_contents(&small)?;
        let mut staged = Vec::with_capacity(small.len());
        for (want, content) in small.into_iter().zip(contents) {
            match content {
                Some(Ok(bytes)) => match self.stage_bytes(&want, &bytes) {
                    Ok(file) => staged.push((want, file)),
                    Err(error) => self.report.disk(want.step.node(), Some(&want.path), &error),
                },
                Some(Err(error)) => self.sort_transfer(want.step.node(), &want.path, error)?,
                None => {
                    self.report.again.insert(want.step.node());
                }
            }
        }
        Ok(staged)
    }

    /// The contents of small files, each whole and verified; none where nothing came.
    fn fetch_contents(
        &mut self,
        small: &[Wanted],
    ) -> Result<Vec<Option<Result<Vec<u8>, TransferError>>>, RunError> {
        let layouts: Vec<(usize, Layout)> = small
            .iter()
            .enumerate()
            .filter_map(|(at, want)| layout_of(want).map(|layout| (at, layout.clone())))
            .collect();
        let mut contents: Vec<Option<Result<Vec<u8>, TransferError>>> = Vec::new();
        contents.resize_with(small.len(), || None);
        let (sender, mut receiver) = tokio::sync::mpsc::channel(64);
        let progress = Progress::default();
        let (transfer, runtime) = (&self.cx.transfer, &self.cx.runtime);
        let collect = async {
            while let Some((at, content)) = receiver.recv().await {
                if let Some(slot) = contents.get_mut::<usize>(at) {
                    *slot = Some(content);
                }
            }
        };
        let fetching = download_small(transfer, layouts, sender, &progress);
        let (fetched, ()) = runtime.block_on(async { tokio::join!(fetching, collect) });
        match fetched {
            Err(TransferError::Api(error)) => Err(error.into()),
            // What went wrong with the others is said for each of them: nothing came.
            _ => Ok(contents),
        }
    }

    fn stage_bytes(&self, want: &Wanted, bytes: &[u8]) -> Result<Staged, DiskError> {
        let mut staging = self.cx.root.stage()?;
        let mut offset = 0;
        if let Some(layout) = layout_of(want) {
            for entry in layout.entries.iter() {
                let end = offset + entry.length();
                if let hythe_model::LayoutEntry::Chunk(_) = entry {
                    let part = range(offset, end).and_then(|range| bytes.get(range));
                    staging.write_at(part.unwrap_or_default(), offset)?;
                }
                offset = end;
            }
        }
        staging.finish(offset, attributes_of(want))
    }

    /// A large file: below [`BULK_FROM`] fetched now, else beside the passes.
    fn fetch_large(&mut self, want: &Wanted) -> Result<Option<Staged>, RunError> {
        let (Some(layout), Some(version)) = (layout_of(want), version_of(want)) else {
            return Ok(None);
        };
        let node = want.step.node();
        if layout.size < BULK_FROM {
            // A longer version of it may be under way, and hold what this one goes on with.
            self.cx.bulk.forget(node);
            let fetched = self
                .cx
                .runtime
                .block_on(self.fetching(want, layout, version));
            return self.take_fetched(want, fetched);
        }
        let what = For::Download(version);
        match self.cx.bulk.ask(node, what) {
            Asked::Done(fetched) => return self.take_fetched(want, fetched),
            Asked::Waiting => {}
            Asked::Start => {
                let fetching = self.fetching(want, layout, version);
                self.cx.bulk.start(&self.cx.runtime, node, what, fetching);
            }
        }
        self.report.waiting.insert(node);
        Ok(None)
    }

    fn take_fetched(
        &mut self,
        want: &Wanted,
        fetched: Fetched,
    ) -> Result<Option<Staged>, RunError> {
        match fetched {
            Fetched::Fetched(file) => Ok(Some(file)),
            Fetched::Failed(error) => self
                .sort_transfer(want.step.node(), &want.path, error)
                .map(|()| None),
            _ => {
                self.report.again.insert(want.step.node());
                Ok(None)
            }
        }
    }

    /// Fetches one file into the staging area, going on with what is there of it. What failed to
    /// come stays there for the next time; what failed to be written does not (SC-095).
    fn fetching(
        &self,
        want: &Wanted,
        layout: &Layout,
        version: VersionId,
    ) -> impl Future<Output = Fetched> + Send + use<> {
        let part = Part {
            node: want.step.node(),
            version,
        };
        let (layout, path, attributes) = (layout.clone(), want.path.clone(), attributes_of(want));
        let local: Arc<dyn LocalChunks> = Arc::new(ChunkIndex::new(self.cx));
        let (cx, folder) = (self.cx, self.cx.folder);
        let (transfer, root) = (cx.transfer.clone(), Arc::clone(&cx.root));
        let board = Arc::clone(&cx.board);
        async move {
            let size = layout.size;
            let shown = board.begin(folder, &path, Direction::Down, size);
            let Begun { staging, have } = match resume::begin(&transfer, &root, part, &layout).await
            {
                Ok(begun) => begun,
                Err(error) => return Fetched::Failed(error),
            };
            let target = Arc::new(Target::new(staging));
            let download = Download {
                layout,
                target: Arc::clone(&target) as _,
                local: Some(local),
                have,
            };
            let fetched = download_file(&transfer, download, &shown.progress).await;
            let Some(staging) = target.take() else {
                return Fetched::Changed;
            };
            match fetched {
                // Short: the bytes were written as they came.
                Ok(()) => match staging.finish(size, attributes) {
                    Ok(file) => Fetched::Fetched(file),
                    Err(error) => Fetched::Failed(TransferError::Local(error.source)),
                },
                Err(error) => {
                    if matches!(error, TransferError::Local(_)) {
                        staging.discard();
                    }
                    Fetched::Failed(error)
                }
            }
        }
    }

    fn place_file(&mut self, want: &Wanted, file: Staged) -> Result<(), RunError> {
        let Step::Download {
            node, to, replaces, ..
        } = want.step
        else {
            return Ok(());
        };
        let content = layout_of(want).and_then(|layout| Some((layout.size, layout.hash?)));
        match replaces {
            Replaces::Nothing => {
                let placed = self.batch().place_new(file, &want.path);
                self.placed(want, to, placed, content)
            }
            Replaces::Same(stamp) => {
                let known = self.trees.local(*node)?.and_then(|local| local.hash);
                let placed = self.batch().replace(file, &want.path, stamp, known);
                self.placed(want, to, placed, content)
            }
            Replaces::Copy { name, .. } => {
                let placed = self.batch().replace_aside(file, &want.path, name);
                self.placed_aside(want, to, placed, content)
            }
        }
    }

    fn place_link(&mut self, want: &Wanted) -> Result<(), RunError> {
        let Step::Download {
            to,
            replaces,
            attributes,
            ..
        } = want.step
        else {
            return Ok(());
        };
        let Body::Link(target) = &want.body else {
            return Ok(());
        };
        let content = Some((
            target.as_bytes().len() as u64,
            ContentHash(*blake3::hash(target.as_bytes()).as_bytes()),
        ));
        let modified = attributes.modified;
        match replaces {
            Replaces::Nothing => {
                let placed = self.batch().make_link(&want.path, target, modified);
                self.placed(want, to, placed, content)
            }
            Replaces::Same(stamp) => {
                let placed = self
                    .batch()
                    .replace_link(target, modified, &want.path, stamp);
                self.placed(want, to, placed, content)
            }
            Replaces::Copy { name, .. } => {
                let placed = self
                    .batch()
                    .replace_link_aside(target, modified, &want.path, name);
                self.placed_aside(want, to, placed, content)
            }
        }
    }

    fn placed(
        &mut self,
        want: &Wanted,
        to: &Place,
        said: Result<Outcome<Found>, DiskError>,
        content: Option<(u64, ContentHash)>,
    ) -> Result<(), RunError> {
        let Some(found) = self.sort(want.step.node(), &want.path, said) else {
            return Ok(());
        };
        self.arrived(want, to, &found, content)
    }

    fn arrived(
        &mut self,
        want: &Wanted,
        to: &Place,
        found: &Found,
        content: Option<(u64, ContentHash)>,
    ) -> Result<(), RunError> {
        self.places.put_leaf(want.step.node(), to.clone());
        self.shown(want.step, to, kind_of(want), found, content)?;
        if let Some(layout) = layout_of(want) {
            self.books.add(Entry::Cut(want.step.node(), layout.clone()));
        }
        Ok(())
    }

    /// What stood at the place is a conflict copy now, and a node of its own.
    fn placed_aside(
        &mut self,
        want: &Wanted,
        to: &Place,
        said: Result<Outcome<(Found, Found)>, DiskError>,
        content: Option<(u64, ContentHash)>,
    ) -> Result<(), RunError> {
        let Step::Download {
            replaces:
                Replaces::Copy {
                    occupant,
                    becomes,
                    name,
                    stamp,
                },
            ..
        } = want.step
        else {
            return Ok(());
        };
        let Some((found, copy)) = self.sort(want.step.node(), &want.path, said) else {
            return Ok(());
        };
        tracing::info!(path = %want.path, copy = %name, "kept as a conflict copy");
        let place = Place::new(to.parent, name.clone());
        if let Some(local) = self.trees.local(*occupant)? {
            if occupant != becomes {
                self.books.add(Entry::LocalIs {
                    was: *occupant,
                    is: *becomes,
                });
            }
            // An edit between plan and exchange moved along: then nothing is known of the content.
            let unedited = local.stamp == *stamp && copy.stamp.same_but_changed(stamp);
            let hash = local.hash.filter(|_| unedited);
            let row = LocalNode {
                id: *becomes,
                place: place.clone(),
                stamp: copy.stamp,
                hash,
                ..local
            };
            self.books.add(Entry::Local(row));
        }
        self.places.put(*becomes, place);
        self.report.again.insert(*becomes);
        self.arrived(want, to, &found, content)
    }

    /// Sorts what a transfer said: the server as a whole, or this one file.
    fn sort_transfer(
        &mut self,
        node: NodeId,
        path: &TreePath,
        error: TransferError,
    ) -> Result<(), RunError> {
        match error {
            TransferError::Api(error) => Err(error.into()),
            TransferError::Local(source) => {
                let error = DiskError {
                    action: "write",
                    place: path.to_string(),
                    source,
                };
                self.report.disk(node, Some(path), &error);
                Ok(())
            }
            other => {
                let action =
                    "Run `hythe verify` on the devices that have this file: a whole copy mends it.";
                self.report
                    .fail(node, Some(path.clone()), other.to_string(), action);
                Ok(())
            }
        }
    }
}

fn layout_of<'w>(want: &'w Wanted<'_>) -> Option<&'w Layout> {
    match &want.body {
        Body::File(layout) => Some(layout),
        Body::Link(_) => None,
    }
}

fn attributes_of(want: &Wanted) -> Attributes {
    match want.step {
        Step::Download { attributes, .. } => *attributes,
        _ => Attributes::default(),
    }
}

fn version_of(want: &Wanted) -> Option<VersionId> {
    match want.step {
        Step::Download { versions, .. } => versions.body,
        _ => None,
    }
}

fn kind_of(want: &Wanted) -> NodeKind {
    match want.body {
        Body::File(_) => NodeKind::File,
        Body::Link(_) => NodeKind::Symlink,
    }
}

fn range(start: u64, end: u64) -> Option<std::ops::Range<usize>> {
    Some(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
}
