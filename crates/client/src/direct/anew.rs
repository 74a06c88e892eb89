//! What lay in an open space, sealed anew for a sealed one. The server has the keys of what it stores
//! of an open space, so nothing of that is taken over: content is fetched into a file without a name
//! and sent as if it were new.
//!
//! Ids and versions there follow from those here, under a key of the target. So the same command goes
//! on where it broke off, and nobody without the key can tell which node became which by its ids.

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;

use hythe_content::TagKey;
use hythe_control::{Events, Failure};
use hythe_model::{Body, EntryName, NodeId, NodeKind, SpaceId, VersionId};
use hythe_space::operation::BodyWrite;
use hythe_sync::{RemoteNode, Versions};

use super::attempt::{Planned, carry_out};
use super::copy::record;
use super::current;
use super::descriptor::{Origin, nameless};
use super::read::{Telling, pour};
use super::words::{broke_off, refused};
use super::write::again;
use crate::commit::{Copied, Edit};
use crate::daemon::{Door, Space};
use crate::state::{Rows, StateError};
use crate::transfer::{Progress, SealedObject, Transfer, Upload, load_layout, upload};

/// Nodes, files and bytes of files that are made in one go; a larger file goes alone. So much is on
/// this disk meanwhile.
const NODES_AT_ONCE: usize = 1000;
const FILES_AT_ONCE: usize = 64;
const BYTES_AT_ONCE: u64 = 32 << 20;

/// Tries whose copies were removed, or moved elsewhere, before a command gives up.
const TRIES: u32 = 1000;

/// The ids that nodes of one space get in another.
pub(super) struct Ids {
    tags: Arc<TagKey>,
    from: SpaceId,
    number: u32,
}

impl Ids {
    /// Of what is moved from one space into another.
    pub async fn of(from: &Space, to: &Space) -> Result<Self, Failure> {
        let none =
            || refused("This device has no key of the space yet").next("Try again in a moment.");
        let tags = to.replica.with_keys(crate::replica::Keyring::tags).await?;
        Ok(Self {
            tags: tags.ok_or_else(none)?,
            from: from.id,
            number: 0,
        })
    }

    /// Those of the next try: what the last one has made was removed or moved elsewhere.
    pub fn next(self) -> Option<Self> {
        let number = self.number + 1;
        (number < TRIES).then_some(Self { number, ..self })
    }

    /// A node's.
    pub fn node(&self, node: NodeId) -> NodeId {
        NodeId(self.id(0, node, &[]))
    }

    /// Its versions'.
    pub fn versions(&self, node: NodeId, versions: Versions) -> Versions {
        let version = |kind, of: VersionId| VersionId(self.id(kind, node, of.as_bytes()));
        Versions {
            place: version(1, versions.place),
            attributes: version(2, versions.attributes),
            body: versions.body.map(|body| version(3, body)),
        }
    }

    fn id(&self, kind: u8, node: NodeId, version: &[u8]) -> [u8; 16] {
        let mut of = Vec::with_capacity(SpaceId::LEN + 37);
        of.extend_from_slice(self.from.as_bytes());
        of.extend_from_slice(&self.number.to_be_bytes());
        of.push(kind);
        of.extend_from_slice(node.as_bytes());
        of.extend_from_slice(version);
        self.tags.id(&of)
    }
}

/// A tree that is sealed anew in another space.
pub(super) struct Sealing<'d> {
    pub door: &'d Door,
    pub from: &'d Space,
    pub to: &'d Space,
    pub ids: Ids,
    /// The node at the top, and where it goes.
    pub top: NodeId,
    pub parent: NodeId,
    pub name: EntryName,
    pub events: &'d Events,
    /// The place it has now, for messages.
    pub shown: &'d str,
}

impl Sealing<'_> {
    /// Makes nodes, parents before children, as far as they are not there yet.
    pub async fn run(&self, nodes: &[(NodeId, Versions)]) -> Result<(), Failure> {
        let mut rest = nodes;
        while !rest.is_empty() {
            let state = &self.door.shared.state;
            let count = state.read(|rows| self.together(rows, rest))?;
            let (now, later) = rest.split_at(count.clamp(1, rest.len()));
            self.make(now).await?;
            rest = later;
        }
        Ok(())
    }

    /// How many of the next nodes are made in one go.
    fn together(&self, rows: &Rows<'_>, nodes: &[(NodeId, Versions)]) -> Result<usize, StateError> {
        let (mut count, mut files, mut bytes) = (0, 0, 0_u64);
        for (id, _) in nodes.iter().take(NODES_AT_ONCE) {
            let node = rows.remote_node(self.from.number, *id)?;
            if let Some(file) = node.filter(|node| node.kind == NodeKind::File) {
                bytes = bytes.saturating_add(file.size);
                if files == FILES_AT_ONCE || (files > 0 && bytes > BYTES_AT_ONCE) {
                    break;
                }
                files += 1;
            }
            count += 1;
        }
        Ok(count)
    }

    async fn make(&self, nodes: &[(NodeId, Versions)]) -> Result<(), Failure> {
        let mut missing = Vec::new();
        for (id, versions) in nodes {
            let state = &self.door.shared.state;
            if !state.read(|rows| self.is_there(rows, *id, *versions))? {
                missing.push((*id, *versions));
            }
        }
        let transfer = current::transfer(self.to).await?;
        let (bodies, attached) = self.send(&transfer, &missing).await?;
        carry_out(self.door, self.to, |rows| {
            let mut edits = Vec::new();
            for (id, versions) in &missing {
                if !self.is_there(rows, *id, *versions)? {
                    let body = bodies.get(id);
                    edits.push(self.edit(rows, &transfer, *id, *versions, body)?);
                }
            }
            Ok(Planned {
                edits,
                attached: attached.clone(),
                then: (),
            })
        })
        .await?;
        Ok(())
    }

    /// Whether a node was made already. A copy that has other content by now is somebody's work.
    fn is_there(&self, rows: &Rows<'_>, id: NodeId, versions: Versions) -> Result<bool, Failure> {
        let there = rows.remote_node(self.to.number, self.ids.node(id))?;
        let Some(there) = there else {
            return Ok(false);
        };
        let made = self.ids.versions(id, versions);
        if there.deleted || there.versions.body != made.body {
            return Err(self.changed());
        }
        Ok(true)
    }

    fn changed(&self) -> Failure {
        refused(format!("{} was changed while it was copied", self.shown))
            .because("what is there and what was copied before differ")
            .next("Nothing was removed. Remove the copy, and give the command again.")
    }

    /// Sends the files among some nodes, under the target's keys.
    async fn send(
        &self,
        transfer: &Transfer,
        nodes: &[(NodeId, Versions)],
    ) -> Result<(HashMap<NodeId, Body>, Vec<SealedObject>), Failure> {
        let mut files = Vec::new();
        for (id, _) in nodes {
            if let Some(source) = self.fetch(*id).await? {
                files.push(Upload {
                    key: *id,
                    source: Arc::new(source) as _,
                    previous: None,
                    need: None,
                });
            }
        }
        if files.is_empty() {
            return Ok(Default::default());
        }
        let sent = upload(transfer, files, &Arc::new(Progress::default())).await?;
        let mut bodies = HashMap::new();
        for (id, prepared) in sent.files {
            bodies.insert(id, prepared?.body);
        }
        Ok((bodies, sent.attached))
    }

    /// The content of a file, in a file without a name; none for what is no file.
    async fn fetch(&self, id: NodeId) -> Result<Option<Origin>, Failure> {
        let number = self.from.number;
        let (node, field) = self.door.shared.state.read(|rows| {
            let node = rows.remote_node(number, id)?;
            Ok::<_, StateError>((node, rows.remote_body(number, id)?))
        })?;
        let Some(node) = node.filter(|node| node.kind == NodeKind::File) else {
            return Ok(None);
        };
        let field = field.ok_or_else(|| self.changed())?;
        let transfer = current::transfer(self.from).await?;
        let Body::File(layout) = load_layout(&transfer, &field).await? else {
            return Err(self.changed());
        };
        let spool = self.door.shared.home.directory().to_owned();
        let kept = tokio::task::spawn_blocking(move || {
            let kept = nameless(&spool)?;
            Ok::<(File, File), std::io::Error>((kept.try_clone()?, kept))
        });
        let unwritten =
            |error| refused("There is no place for the content on this disk").because(error);
        let (into, kept) = kept.await.map_err(broke_off)?.map_err(unwritten)?;
        let doing = format!("fetching {}", super::entry::named(&node));
        let telling = Telling::new(self.events, doing, layout.size);
        pour(&transfer, &layout, into.into(), telling).await?;
        Ok(Some(Origin::of(kept, 0).map_err(unwritten)?))
    }

    /// The edit that makes a node.
    fn edit(
        &self,
        rows: &Rows<'_>,
        transfer: &Transfer,
        id: NodeId,
        versions: Versions,
        body: Option<&Body>,
    ) -> Result<Edit, Failure> {
        let node = rows.remote_node(self.from.number, id)?;
        let node = node.filter(|node| !node.deleted);
        let node = node.ok_or_else(|| self.changed())?;
        let (parent, name) = match (id == self.top, &node.name) {
            (true, _) => (self.parent, self.name.clone()),
            (false, Ok(name)) => (self.ids.node(node.parent), name.clone()),
            (false, Err(_)) => return Err(self.changed()),
        };
        let new = self.ids.versions(id, versions);
        match body {
            Some(body) => Ok(Edit::Create {
                node: self.ids.node(id),
                kind: node.kind,
                parent,
                name,
                attributes: node.attributes,
                new,
                body: Some(again(transfer, body)?),
            }),
            None => Ok(Edit::Copy(Box::new(Copied {
                node: self.ids.node(id),
                kind: node.kind,
                parent,
                name,
                attributes: node.attributes,
                place_version: new.place,
                attributes_version: new.attributes,
                body: self.own_body(rows, &node, new)?,
            }))),
        }
    }

    /// The body of what has no content on the server: it stands in the field itself.
    fn own_body(
        &self,
        rows: &Rows<'_>,
        node: &RemoteNode,
        new: Versions,
    ) -> Result<Option<(BodyWrite, Vec<u8>)>, Failure> {
        let Some(version) = new.body else {
            return Ok(None);
        };
        let field = rows.remote_body(self.from.number, node.id)?;
        let before = record(rows, self.from.number, node.id)?.and_then(|record| record.body);
        let (Some(field), Some(before)) = (field, before) else {
            return Err(self.changed());
        };
        if node.kind == NodeKind::File {
            // It came after its like were sent.
            return Err(self.changed());
        }
        let write = BodyWrite {
            version,
            size: before.size,
            tree: false,
            refs: Vec::new(),
        };
        Ok(Some((write, field)))
    }
}
