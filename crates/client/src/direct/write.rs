//! `write`: what a descriptor gives becomes a file, or a new version of one.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use hythe_content::store_body;
use hythe_control::{Events, Failure, Modified, Place, Reply};
use hythe_model::{Attributes, Body, Layout, NodeId, NodeKind, TreePath};
use hythe_sync::RemoteNode;

use super::attempt::{NotCarried, Planned, carry_out, fresh, fresh_version, fresh_versions};
use super::change::{free, now};
use super::descriptor::Origin;
use super::place::{self, Dropped, nothing, shown, walk};
use super::read::{TELL_EVERY, Telling};
use super::words::{broke_off, refused, unlaid};
use super::{current, entry};
use crate::commit::{Edit, NewAttributes, NewBody};
use crate::daemon::{Door, Space};
use crate::inbox::dropping;
use crate::state::Rows;
use crate::transfer::{
    Prepared, Progress, SealedObject, Transfer, Upload, Uploaded, load_layout, upload,
};

/// What the file is to have besides its content.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub modified: Option<Modified>,
    pub executable: bool,
}

/// Stores what a descriptor gives.
pub(super) async fn write(
    door: &Door,
    place: &Place,
    wanted: Wanted,
    from: OwnedFd,
    events: &Events,
) -> Result<Reply, Failure> {
    let modified = wanted.modified.map_or_else(now, Into::into);
    let attributes = Attributes {
        executable: wanted.executable,
        modified,
    };
    if let Some(Dropped { target, path }) = place::target(door, place).await? {
        return dropping::put(&door.shared, &target, &path, attributes, from).await;
    }
    let (space, path) = place::resolve(door, place).await?;
    current::catch_up(door, &space).await?;
    // What cannot be written to is found before a byte is read.
    let there = door.shared.state.read(|rows| target(rows, &space, &path))?;
    let spool = door.shared.home.directory().to_owned();
    let origin = tokio::task::spawn_blocking(move || Origin::open(from, &spool));
    let unread = |error| refused("The content could not be read").because(error);
    let origin = Arc::new(origin.await.map_err(broke_off)?.map_err(unread)?);
    let writing = Writing {
        door,
        space: &space,
        path: &path,
        attributes,
        origin,
        events,
    };
    let previous = writing.previous(there.as_ref()).await?;
    let node = match writing.send(previous).await {
        // Without a previous layout nothing is taken for granted.
        Err(NotCarried::ChunksMissing(_)) => writing.send(None).await?,
        other => other?,
    };
    let entry = door
        .shared
        .state
        .read(|rows| match rows.remote_node(space.number, node)? {
            Some(node) => entry::own(rows, space.number, &node),
            None => Ok(entry::root()),
        });
    Ok(Reply::Entry(entry?))
}

/// What is at the place to be written to: a file, or nothing in a directory that is there.
fn target(rows: &Rows<'_>, space: &Space, path: &TreePath) -> Result<Option<RemoteNode>, Failure> {
    if path.is_root() {
        return Err(refused("The root of a space is a directory").next("Name a file in it."));
    }
    match walk(rows, space.number, path)? {
        None => Err(nothing(space, &path.parent().unwrap_or_default())
            .next("`hythe mkdir --parents` makes the directories.")),
        Some((_, Some(node))) if node.kind != NodeKind::File => {
            let what = match node.kind {
                NodeKind::Symlink => "a symlink",
                _ => "a directory",
            };
            Err(refused(format!("{} is {what}", shown(space, path))).next("Name another place."))
        }
        Some((_, there)) => Ok(there),
    }
}

struct Writing<'w> {
    door: &'w Door,
    space: &'w Space,
    path: &'w TreePath,
    attributes: Attributes,
    origin: Arc<Origin>,
    events: &'w Events,
}

impl Writing<'_> {
    /// The layout of the version that is replaced, whose chunks need not be sent again.
    async fn previous(&self, there: Option<&RemoteNode>) -> Result<Option<Layout>, Failure> {
        let Some(node) = there else { return Ok(None) };
        let number = self.space.number;
        let Some(field) = self
            .door
            .shared
            .state
            .read(|rows| rows.remote_body(number, node.id))?
        else {
            return Ok(None);
        };
        let transfer = current::transfer(self.space).await?;
        // Without it every chunk is asked for: slower, and right.
        Ok(match load_layout(&transfer, &field).await {
            Ok(Body::File(layout)) => Some(layout),
            _ => None,
        })
    }

    async fn send(&self, previous: Option<Layout>) -> Result<NodeId, NotCarried> {
        let transfer = current::transfer(self.space).await?;
        let (content, attached) = self.upload(&transfer, previous).await?;
        let carried = carry_out(self.door, self.space, |rows| {
            let edit = self.plan(rows, again(&transfer, &content)?)?;
            let node = match &edit {
                Edit::Create { node, .. } | Edit::Update { node, .. } => *node,
                _ => NodeId::ROOT,
            };
            Ok(Planned {
                edits: vec![edit],
                attached: attached.clone(),
                then: node,
            })
        });
        Ok(carried.await?.then)
    }

    async fn upload(
        &self,
        transfer: &Transfer,
        previous: Option<Layout>,
    ) -> Result<(Body, Vec<SealedObject>), Failure> {
        let size = crate::transfer::SourceFile::size(self.origin.as_ref());
        let doing = format!("sending {}", shown(self.space, self.path));
        let mut telling = Telling::new(self.events, doing, size);
        let progress = Arc::new(Progress::default());
        let files = vec![Upload {
            key: (),
            source: Arc::clone(&self.origin) as _,
            previous,
            need: None,
        }];
        let sending = upload(transfer, files, &progress);
        tokio::pin!(sending);
        let uploaded = loop {
            match tokio::time::timeout(TELL_EVERY, &mut sending).await {
                Ok(uploaded) => break uploaded,
                Err(_) => telling.at(progress.done_bytes()),
            }
        };
        let Uploaded { files, attached } = uploaded?;
        let unchanged = self
            .origin
            .is_whole()
            .map_err(crate::transfer::TransferError::Local)?;
        if !unchanged {
            return Err(refused("The file changed while it was read")
                .next("Try again when nothing writes to it."));
        }
        match files.into_iter().next() {
            Some(((), prepared)) => Ok((prepared?.body, attached)),
            None => Err(broke_off("nothing was uploaded")),
        }
    }

    /// The edit for what is there now.
    fn plan(&self, rows: &Rows<'_>, prepared: Prepared) -> Result<Edit, Failure> {
        match target(rows, self.space, self.path)? {
            Some(node) => self.update(&node, prepared),
            None => {
                let (parent, name) = free(rows, self.space, self.path)?;
                Ok(Edit::Create {
                    node: NodeId(fresh()?),
                    kind: NodeKind::File,
                    parent,
                    name,
                    attributes: self.attributes,
                    new: fresh_versions(true)?,
                    body: Some(prepared),
                })
            }
        }
    }

    fn update(&self, node: &RemoteNode, prepared: Prepared) -> Result<Edit, Failure> {
        let body = match node.versions.body {
            Some(expected) => Some(NewBody {
                expected,
                new: fresh_version()?,
                prepared,
            }),
            None => return Err(refused("The file has no content to replace")),
        };
        let attributes = NewAttributes {
            expected: node.versions.attributes,
            new: fresh_version()?,
            attributes: self.attributes,
        };
        Ok(Edit::Update {
            node: node.id,
            attributes: Some(attributes),
            body,
        })
    }
}

/// A body that is stored, ready for one more change set.
pub(super) fn again(transfer: &Transfer, body: &Body) -> Result<Prepared, Failure> {
    let mut stored = store_body(&transfer.keys, body).map_err(unlaid)?;
    stored.nodes.clear();
    Ok(Prepared {
        body: body.clone(),
        stored,
    })
}
