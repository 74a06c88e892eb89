//! Local steps: directories, moves, attributes, deletes. Downloads are in [`super::download`].
//!
//! Each step is one call of the disk code, which checks the step's expectation at that instant. A
//! step that is off takes what depends on it along; everything else goes on (C3).

use hythe_model::{NodeId, NodeKind, TreePath};
use hythe_sync::record::Done;
use hythe_sync::{LocalNode, MoveReason, Place, Step, Trees};

use super::books::{Books, Entry};
use super::places::Places;
use super::report::Report;
use super::{Context, RunError};
use crate::disk::{Batch, DiskError, Found, Outcome};
use crate::state::FolderTrees;

/// Local steps under way: names changed so far, and what to record once they are durable.
pub struct LocalRun<'c> {
    pub(super) cx: &'c Context,
    pub(super) trees: &'c FolderTrees,
    pub(super) places: Places<'c>,
    pub(super) batch: Option<Batch<'c>>,
    pub(super) books: Books,
    pub(super) report: &'c mut Report,
}

impl<'c> LocalRun<'c> {
    pub fn new(cx: &'c Context, trees: &'c FolderTrees, report: &'c mut Report) -> Self {
        let places = Places::new(trees);
        Self {
            cx,
            trees,
            places,
            batch: None,
            books: Books::default(),
            report,
        }
    }

    pub(super) fn batch(&mut self) -> &mut Batch<'c> {
        let root = &self.cx.root;
        self.batch.get_or_insert_with(|| root.batch())
    }

    /// Makes durable what was done so far, then records it.
    pub fn finish(&mut self) -> Result<(), RunError> {
        if let Some(batch) = self.batch.take() {
            batch.finish()?;
        }
        self.cx.record(&mut self.books)
    }

    /// Runs one step that is no download.
    pub fn step(&mut self, step: &Step) -> Result<(), RunError> {
        tracing::trace!(?step, "local step");
        if self.depends_on_what_is_off(step)? {
            self.report.again.insert(step.node());
            return Ok(());
        }
        match step {
            Step::LocalCreateDirectory { node, to, .. } => self.create_directory(step, *node, to),
            Step::LocalMove { .. } => self.move_entry(step),
            Step::LocalAttributes { .. } => self.attributes(step),
            Step::LocalDelete { .. } => self.delete(step),
            _ => Ok(()),
        }
    }

    /// Whether the step's node, the directory it goes to, or an entry of a directory that is to be
    /// removed, is not as the plan says.
    pub(super) fn depends_on_what_is_off(&self, step: &Step) -> Result<bool, RunError> {
        let parent = match step {
            Step::LocalCreateDirectory { to, .. }
            | Step::Download { to, .. }
            | Step::LocalMove { to, .. } => Some(to.parent),
            _ => None,
        };
        let off = |node: &NodeId| self.report.is_off(*node);
        if off(&step.node()) || parent.as_ref().is_some_and(off) {
            return Ok(true);
        }
        match step {
            // An entry in it that was not as expected may be gone: then the directory could be
            // removed, and no scan would ever pass by the entry's row again.
            Step::LocalDelete {
                node,
                kind: NodeKind::Directory,
                ..
            } => Ok(self.trees.local_children(*node)?.iter().any(off)),
            _ => Ok(false),
        }
    }

    fn create_directory(&mut self, step: &Step, node: NodeId, to: &Place) -> Result<(), RunError> {
        let Some(path) = self.places.path(to)? else {
            self.report.changed(node, None);
            return Ok(());
        };
        let made = self.batch().make_directory(&path);
        let Some(found) = self.sort(node, &path, made) else {
            return Ok(());
        };
        self.places.put_leaf(node, to.clone());
        self.shown(step, to, NodeKind::Directory, &found, None)
    }

    fn move_entry(&mut self, step: &Step) -> Result<(), RunError> {
        let Step::LocalMove {
            node,
            from,
            to,
            stamp,
            reason,
            ..
        } = step
        else {
            return Ok(());
        };
        let (Some(old), Some(new)) = (self.places.path(from)?, self.places.path(to)?) else {
            self.report.changed(*node, None);
            return Ok(());
        };
        let moved = self.batch().move_entry(&old, &new, stamp);
        let Some(found) = self.sort(*node, &old, moved) else {
            return Ok(());
        };
        self.places.put(*node, to.clone());
        if matches!(
            reason,
            MoveReason::Overruled | MoveReason::Undone | MoveReason::Conflict
        ) {
            tracing::info!(from = %old, to = %new, ?reason, "moved");
        }
        if let Some(local) = self.trees.local(*node)? {
            let hash = local.hash.filter(|_| local.stamp == *stamp);
            let row = LocalNode {
                place: to.clone(),
                stamp: found.stamp,
                hash,
                ..local
            };
            self.books.add(Entry::Local(row));
        }
        self.record(
            step,
            &Done {
                before: Some(*stamp),
                stamp: Some(found.stamp),
                executable: found.executable,
                content: None,
            },
        )
    }

    fn attributes(&mut self, step: &Step) -> Result<(), RunError> {
        let Step::LocalAttributes {
            node,
            attributes,
            stamp,
            ..
        } = step
        else {
            return Ok(());
        };
        let Some(path) = self.places.path_of(*node)? else {
            self.report.changed(*node, None);
            return Ok(());
        };
        let set = self.batch().set_attributes(&path, stamp, *attributes);
        let Some(found) = self.sort(*node, &path, set) else {
            return Ok(());
        };
        if let Some(local) = self.trees.local(*node)? {
            let place = self.places.of(*node)?.unwrap_or(local.place.clone());
            let row = LocalNode {
                place,
                stamp: found.stamp,
                executable: found.executable,
                ..local
            };
            self.books.add(Entry::Local(row));
        }
        self.record(
            step,
            &Done {
                before: Some(*stamp),
                stamp: Some(found.stamp),
                executable: found.executable,
                content: None,
            },
        )
    }

    fn delete(&mut self, step: &Step) -> Result<(), RunError> {
        let Step::LocalDelete {
            node, from, stamp, ..
        } = step
        else {
            return Ok(());
        };
        // Without a path there is nothing to remove: its directory went while this device looked
        // away, and something else has the name. No scan passes by such a row any more.
        if let Some(path) = self.places.path(from)? {
            let known = self.trees.local(*node)?.and_then(|local| local.hash);
            let removed = self.batch().remove(&path, stamp, known);
            if self.sort(*node, &path, removed).is_none() {
                return Ok(());
            }
        }
        self.places.gone(*node);
        self.books.add(Entry::LocalGone(*node));
        self.record(step, &Done::default())
    }

    /// Records an entry that was put on disk.
    pub(super) fn shown(
        &mut self,
        step: &Step,
        to: &Place,
        kind: NodeKind,
        found: &Found,
        content: Option<(u64, hythe_model::ContentHash)>,
    ) -> Result<(), RunError> {
        self.books.add(Entry::Local(LocalNode {
            id: step.node(),
            place: to.clone(),
            kind,
            executable: found.executable,
            stamp: found.stamp,
            hash: content.map(|(_, hash)| hash),
        }));
        let done = Done {
            before: None,
            stamp: Some(found.stamp),
            executable: found.executable,
            content,
        };
        self.record(step, &done)
    }

    pub(super) fn record(&mut self, step: &Step, done: &Done) -> Result<(), RunError> {
        self.report.done += 1;
        Ok(self.books.done(self.trees, step, done)?)
    }

    /// Sorts what the disk said: done, changed meanwhile, or failed.
    pub(super) fn sort<T>(
        &mut self,
        node: NodeId,
        path: &TreePath,
        said: Result<Outcome<T>, DiskError>,
    ) -> Option<T> {
        match said {
            Ok(Outcome::Done(value)) => return Some(value),
            Ok(Outcome::Changed(change)) => {
                tracing::debug!(%path, ?change, "not as expected");
                self.report.changed(node, Some(path));
            }
            Err(error) => self.report.disk(node, Some(path), &error),
        }
        None
    }
}
