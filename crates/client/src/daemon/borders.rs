//! Folders inside folders: what an attachment shows is a folder of its own, in its place on the disk.
//!
//! Before each pass over a folder, what lies on its borders is settled. Directories that have become
//! spaces are handed over as they are, so that nothing of them is removed or fetched again. Each
//! attachment that is on the disk and whose space this account takes part in gets its folder. Where
//! an attachment went, its folder goes; where it was moved, its folder follows.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hythe_model::{NodeId, NodeKind, SpaceId, TreePath};
use hythe_sync::RemoteNode;
use tokio::sync::oneshot;

use super::agreed::{ClearError, remove_agreed, take_own};
use super::event::{Ask, Event};
use super::folders::{prepare, random, take_marker};
use super::jobs::Teller;
use super::once::{self, OnDisk, Told};
use super::open::owner;
use super::shared::{Shared, Space};
use super::stream;
use crate::direct;
use crate::disk::{FolderId, Opened, Root};
use crate::pass::{NotYet, PassError};
use crate::state::{AttachmentRow, FolderNumber, FolderRow, MovedOut, StateError, Within};

/// Spaces shown one inside the other, at most.
const MAX_NESTED: usize = 16;

/// What settling came to.
#[derive(Default)]
pub struct Settled {
    /// Whether anything was handed over: what stayed is to be compared anew.
    pub handed_over: bool,
    /// Places that have become the folder's own and must be looked at.
    pub look: BTreeSet<TreePath>,
    /// Directories that have become spaces of which nothing is shown here.
    pub given_up: BTreeSet<NodeId>,
}

/// A folder whose borders are settled.
struct Settling<'s> {
    shared: &'s Arc<Shared>,
    events: &'s Teller,
    number: FolderNumber,
    row: FolderRow,
}

/// Settles the borders of a folder before a pass over it.
///
/// # Errors
/// When it could not be done now: then no pass may run, since it would take what was moved for
/// removed.
pub async fn settle(
    shared: &Arc<Shared>,
    events: &Teller,
    number: FolderNumber,
) -> Result<Settled, PassError> {
    let mut settled = Settled::default();
    let Some(settling) = Settling::of(shared, events, number)? else {
        return Ok(settled);
    };
    let space = settling.row.space;
    settling.check_read()?;
    for moved in shared.state.read(|rows| rows.moved_out(number, space))? {
        match settling.hand_over(&moved).await? {
            true => settled.handed_over = true,
            false => {
                settled.given_up.insert(moved.node);
            }
        }
    }
    settled.look = settling.attachments().await?;
    Ok(settled)
}

/// Fills, moves and ends the folders inside a folder after a pass over it has changed the disk.
/// Returns the places that have become the folder's own.
///
/// # Errors
/// When it could not be done now; the next pass begins with it.
pub async fn settle_after(
    shared: &Arc<Shared>,
    events: &Teller,
    number: FolderNumber,
) -> Result<BTreeSet<TreePath>, PassError> {
    match Settling::of(shared, events, number)? {
        Some(settling) => settling.attachments().await,
        None => Ok(BTreeSet::new()),
    }
}

/// Lets go of the folders inside a folder, and of those inside them. Their files stay.
///
/// # Errors
/// The state's.
pub async fn release_within(
    shared: &Arc<Shared>,
    events: &Teller,
    number: FolderNumber,
) -> Result<(), StateError> {
    let mut open = vec![number];
    while let Some(outer) = open.pop() {
        for (inner, row) in shared.state.read(|rows| rows.folders_within(outer))? {
            open.push(inner);
            let_go(events, inner).await;
            let write = shared.state.write(move |tx| tx.remove_folder(inner));
            write.await?;
            take_marker(row).await;
        }
    }
    Ok(())
}

/// Asks the loop; none when it ends.
async fn ask<T>(events: &Teller, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Option<T> {
    let (sender, receiver) = oneshot::channel();
    events.send(Event::Ask(ask(sender))).ok()?;
    receiver.await.ok()
}

/// Waits until nothing runs on a folder any more.
pub(super) async fn let_go(events: &Teller, number: FolderNumber) {
    // When the loop ends, nothing runs any more either.
    let _ = ask(events, |reply| Ask::Release(number, reply)).await;
}

async fn take_up(events: &Teller, number: FolderNumber) {
    let _ = ask(events, |reply| Ask::Added(number, reply)).await;
}

impl<'s> Settling<'s> {
    /// None where the folder is gone or has no borders, as nearly all have none: this is asked before
    /// and after every pass.
    fn of(
        shared: &'s Arc<Shared>,
        events: &'s Teller,
        number: FolderNumber,
    ) -> Result<Option<Self>, StateError> {
        let row = shared.state.read(|rows| match rows.has_borders(number)? {
            true => rows.folder(number),
            false => Ok(None),
        })?;
        Ok(row.map(|row| Self {
            shared,
            events,
            number,
            row,
        }))
    }

    /// Brings the folders inside this one in step with its attachments.
    async fn attachments(&self) -> Result<BTreeSet<TreePath>, PassError> {
        self.check_read()?;
        let (space, number) = (self.row.space, self.number);
        let (attachments, within) = self.shared.state.read(|rows| {
            Ok::<_, StateError>((rows.attachments(space)?, rows.folders_within(number)?))
        })?;
        let mut look = BTreeSet::new();
        for (inner, row) in &within {
            look.extend(self.follow(*inner, row, &attachments).await?);
        }
        let filled = |node: NodeId| {
            let fills = |(_, row): &(_, FolderRow)| row.within.map(|within| within.attachment);
            within.iter().any(|one| fills(one) == Some(node))
        };
        let repeated = self.repeated(&attachments, filled).await?;
        for attachment in &attachments {
            if !filled(attachment.node) && !repeated.contains(&attachment.node) {
                look.extend(self.fill(attachment).await?);
            }
        }
        Ok(look)
    }

    /// The attachments that show a space that is shown at another place already, and says so.
    async fn repeated(
        &self,
        attachments: &[AttachmentRow],
        filled: impl Fn(NodeId) -> bool,
    ) -> Result<BTreeSet<NodeId>, PassError> {
        let mut on_disk = Vec::new();
        for row in attachments {
            if let (Some(target), Some((_, path))) = (row.target, self.path_of(row.node)?) {
                let (node, filled) = (row.node, filled(row.node));
                on_disk.push(OnDisk {
                    node,
                    target,
                    path,
                    filled,
                });
            }
        }
        let (number, repeated) = (self.number, once::repeated(on_disk));
        let name = |id| {
            let space = self.shared.living_space(id);
            space.map_or_else(|| "a space".to_owned(), |space| space.name())
        };
        let state = &self.shared.state;
        let told = state.read(|rows| Told::of(rows, number, &repeated, name))?;
        if !told.is_empty() {
            state.write(move |tx| told.write(tx, number)).await?;
        }
        Ok(repeated.into_iter().map(|one| one.node).collect())
    }

    /// Where an entry of the folder is on this machine, and below the folder; none when it is not on
    /// the disk.
    fn path_of(&self, node: NodeId) -> Result<Option<(PathBuf, TreePath)>, StateError> {
        use std::os::unix::ffi::OsStrExt;
        let (number, root) = (self.number, self.row.root);
        let path = self
            .shared
            .state
            .read(|rows| rows.local_path(number, root, node))?;
        Ok(path.map(|below| {
            let bytes = below.to_bytes();
            let name = std::ffi::OsStr::from_bytes(&bytes);
            (self.row.path.join(name), below)
        }))
    }

    /// Gives a directory that has become a space to a folder of its own, with all that is known of
    /// what it holds. Where this account takes no part in that space, or it is not attached here any
    /// more, there is nobody to give it to (false): it is removed like anything that left the view.
    async fn hand_over(&self, moved: &MovedOut) -> Result<bool, PassError> {
        let Some(target) = self.find(moved.target).await? else {
            return Ok(false);
        };
        let (space, to) = (self.row.space, moved.target);
        let attachments = self.shared.state.read(|rows| rows.attachments(space))?;
        let attachment = attachments.iter().find(|row| row.target == Some(to));
        let (Some(attachment), Some((path, _))) = (attachment, self.path_of(moved.node)?) else {
            return Ok(false);
        };
        let applied = target.replica.catch_up().await;
        let applied = applied.map_err(|_| NotYet::Read)?;
        stream::tell(self.events, &target, applied);
        let within = Within {
            folder: self.number,
            attachment: attachment.node,
        };
        let row = self.row_of(&target, path, within).await?;
        let from = moved.node;
        let write = self.shared.state.write(move |tx| {
            let number = tx.add_folder(&row)?;
            tx.hand_over(from, number, within)?;
            Ok::<_, StateError>(number)
        });
        take_up(self.events, write.await?).await;
        Ok(true)
    }

    /// A space that this account takes part in, asking the server where it is not known yet.
    async fn find(&self, id: SpaceId) -> Result<Option<Arc<Space>>, PassError> {
        if let Some(space) = self.shared.living_space(id) {
            return Ok(Some(space));
        }
        let asked = self.shared.learn_spaces().await;
        asked.map_err(|_| NotYet::Read)?;
        Ok(self.shared.living_space(id))
    }

    /// The row of a folder that fills an attachment, with its marker in place.
    async fn row_of(
        &self,
        space: &Space,
        path: PathBuf,
        within: Within,
    ) -> Result<FolderRow, PassError> {
        let id = random().map_err(|_| NotYet::Read)?;
        let row = FolderRow {
            id: FolderId(id),
            space: space.number,
            root: NodeId::ROOT,
            path,
            paused: self.row.paused,
            generation: None,
            next_generation: None,
            within: Some(within),
        };
        let prepared = prepare(self.shared, row, space.number, NodeId::ROOT).await;
        prepared.map_err(|failure| {
            tracing::warn!("an attached space is not shown: {}", failure.message);
            NotYet::Read.into()
        })
    }

    /// Makes the folder of an attachment whose directory is on the disk. Returns its place: what
    /// was said of it may be right no more.
    async fn fill(&self, attachment: &AttachmentRow) -> Result<Option<TreePath>, PassError> {
        let target = attachment
            .target
            .and_then(|target| self.shared.living_space(target));
        let (Some(target), Some((path, below))) = (target, self.path_of(attachment.node)?) else {
            return Ok(None);
        };
        if self.shows(target.id)? || !is_directory(&path).await {
            return Ok(None);
        }
        let within = Within {
            folder: self.number,
            attachment: attachment.node,
        };
        let row = self.row_of(&target, path, within).await?;
        let write = self.shared.state.write(move |tx| tx.add_folder(&row));
        take_up(self.events, write.await?).await;
        Ok(Some(below))
    }

    /// Whether the folder, or one around it, shows a space: a view never shows a space inside itself.
    fn shows(&self, id: SpaceId) -> Result<bool, StateError> {
        let mut at = self.row.clone();
        for _ in 0..MAX_NESTED {
            if self
                .shared
                .space(at.space)
                .is_some_and(|space| space.id == id)
            {
                return Ok(true);
            }
            let Some(within) = at.within else {
                return Ok(false);
            };
            match self.shared.state.read(|rows| rows.folder(within.folder))? {
                Some(outer) => at = outer,
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Lets a folder follow its attachment. Returns the place that became this folder's own.
    async fn follow(
        &self,
        inner: FolderNumber,
        row: &FolderRow,
        attachments: &[AttachmentRow],
    ) -> Result<Option<TreePath>, PassError> {
        let Some(within) = row.within else {
            return Ok(None);
        };
        let lives = attachments.iter().any(|row| row.node == within.attachment);
        match self.path_of(within.attachment)? {
            None => {
                // The directory is gone from the disk, and its files with it.
                self.end(inner, row).await?;
                Ok(None)
            }
            Some((_, below)) if !lives => {
                let node = within.attachment;
                match self.in_log(node)? {
                    Some(there) if there.deleted => self.clear(inner, row, node).await?,
                    // It came this moment.
                    Some(there) if there.kind == NodeKind::Attachment => {
                        return Err(NotYet::Read.into());
                    }
                    None if self.attached_again(row, node).await? => return Ok(None),
                    _ => self.give_back(inner, row, node).await?,
                }
                Ok(Some(below))
            }
            Some((path, _)) if path != row.path => {
                let_go(self.events, inner).await;
                let write = self.shared.state.write(move |tx| {
                    let Some(row) = tx.folder(inner)? else {
                        return Ok::<_, StateError>(());
                    };
                    tx.update_folder(inner, &FolderRow { path, ..row })
                });
                write.await?;
                take_up(self.events, inner).await;
                Ok(None)
            }
            Some(_) => Ok(None),
        }
    }

    /// Nothing follows from a log that is read only in part, as after the server came back from a copy.
    fn check_read(&self) -> Result<(), PassError> {
        self.in_log(NodeId::ROOT).map(drop)
    }

    /// What the log says of a node, where it was read to its end.
    fn in_log(&self, node: NodeId) -> Result<Option<RemoteNode>, PassError> {
        let space = self.row.space;
        let (row, there) = self.shared.state.read(|rows| {
            Ok::<_, StateError>((rows.space(space)?, rows.remote_node(space, node)?))
        })?;
        match row {
            Some(row) if row.common.is_none() => Ok(there),
            _ => Err(NotYet::Read.into()),
        }
    }

    /// Attaches a space again, as the same node, whose attachment the log has never heard of: the
    /// server came back from a copy of before it was made. False where the space is not there any
    /// more, or its place is another's by now.
    async fn attached_again(&self, row: &FolderRow, node: NodeId) -> Result<bool, PassError> {
        let spaces = (
            self.shared.space(self.row.space),
            self.shared.space(row.space),
        );
        let (Some(outer), Some(target)) = spaces else {
            return Ok(false);
        };
        if target.is_over() || outer.is_over() || !outer.may_write() {
            return Ok(false);
        }
        let (number, space) = (self.number, self.row.space);
        let place = self.shared.state.read(|rows| {
            let Some(local) = rows.local(number, node)? else {
                return Ok(None);
            };
            let place = local.node.place;
            let parent = rows.remote_node(space, place.parent)?;
            let is_there = place.parent == NodeId::ROOT || parent.is_some_and(|one| !one.deleted);
            let by = rows.remote_by_name(space, place.parent, place.name.as_bytes())?;
            Ok::<_, StateError>(Some(place).filter(|_| is_there && by.is_none()))
        })?;
        let Some(place) = place else {
            return Ok(false);
        };
        let edit = direct::attachment(node, place.parent, place.name, target.id);
        let edit = edit.map_err(|_| NotYet::Read)?;
        let committed = outer.replica.commit(vec![edit], Vec::new()).await;
        let committed = committed.map_err(|error| {
            tracing::debug!("a space is not attached again yet: {error}");
            NotYet::Read
        })?;
        stream::tell(self.events, &outer, committed.applied);
        Ok(true)
    }

    /// Makes what an inner folder holds this folder's own, as files that it never saw before: the
    /// space that had them is not there any more, so nobody else has them.
    async fn give_back(
        &self,
        inner: FolderNumber,
        row: &FolderRow,
        attachment: NodeId,
    ) -> Result<(), PassError> {
        tracing::warn!(folder = %row.path.display(), "its space is gone: the files stay, in the folder around it");
        release_within(self.shared, self.events, inner).await?;
        let_go(self.events, inner).await;
        let outer = self.number;
        let write = self.shared.state.write(move |tx| {
            tx.remove_folder(inner)?;
            tx.become_directory(outer, attachment)
        });
        write.await?;
        take_own(&row.path).await;
        Ok(())
    }

    /// Forgets a folder, and those inside it.
    async fn end(&self, inner: FolderNumber, row: &FolderRow) -> Result<(), StateError> {
        release_within(self.shared, self.events, inner).await?;
        let_go(self.events, inner).await;
        let write = self.shared.state.write(move |tx| tx.remove_folder(inner));
        write.await?;
        take_marker(row.clone()).await;
        Ok(())
    }

    /// Removes what a detached folder holds as far as it is in its space too; what is not stays, as
    /// files that this folder never saw before.
    async fn clear(
        &self,
        inner: FolderNumber,
        row: &FolderRow,
        attachment: NodeId,
    ) -> Result<(), PassError> {
        release_within(self.shared, self.events, inner).await?;
        let open = ask(self.events, |reply| Ask::Folder(inner, reply)).await;
        let root = open.flatten().map(|setting| setting.root);
        let_go(self.events, inner).await;
        let state = Arc::clone(&self.shared.state);
        let (device, cleared) = (self.shared.device.device, row.clone());
        let emptied = tokio::task::spawn_blocking(move || {
            let root = match root {
                Some(root) => Some(root),
                None => match Root::open(&cleared.path, &owner(device, &cleared))? {
                    Opened::Ready(root) => Some(Arc::new(root)),
                    _ => None,
                },
            };
            match root {
                Some(root) => {
                    let cleared = remove_agreed(&state, inner, NodeId::ROOT, &root);
                    cleared.map(|cleared| cleared.whole)
                }
                None => Ok(false),
            }
        });
        let emptied = emptied.await.map_err(|_| NotYet::Read)?;
        let emptied = emptied.unwrap_or_else(|error: ClearError| {
            tracing::warn!(folder = %row.path.display(), "files of a detached space stay: {error}");
            false
        });
        let outer = self.number;
        let write = self.shared.state.write(move |tx| {
            tx.remove_folder(inner)?;
            match emptied {
                true => Ok::<_, StateError>(()),
                false => tx.become_directory(outer, attachment),
            }
        });
        write.await?;
        take_own(&row.path).await;
        Ok(())
    }
}

async fn is_directory(path: &Path) -> bool {
    let seen = tokio::fs::symlink_metadata(path).await;
    seen.is_ok_and(|seen| seen.is_dir())
}
