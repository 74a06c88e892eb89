//! The sealed parts of change sets, opened on the pool before the fold needs them.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use hythe_content::{Field, SpaceKeys, TagKey, open_field, size_and_hash};
use hythe_model::{Attributes, ContentHash, EntryName, NodeId, VersionId};
use hythe_space::operation::Place;
use hythe_space::{ChangeSet, Operation, Part, Write};
use hythe_sync::Quarantine;

use super::Keyring;
use crate::pool::{Ordered, Pool, PoolError};

/// Operations that are opened in one piece of work.
const JOB_OPERATIONS: usize = 500;

/// One written state of one field.
type Key = (NodeId, VersionId);

/// What was inside sealed parts.
#[derive(Default)]
pub(super) struct Opened {
    names: HashMap<Key, Result<EntryName, Quarantine>>,
    attributes: HashMap<Key, Attributes>,
    bodies: HashMap<Key, OpenedBody>,
}

/// A body field.
pub(super) struct OpenedBody {
    /// Its plaintext.
    pub(super) field: Vec<u8>,
    /// Length of the content.
    pub(super) size: u64,
    /// Hash of the content, where its writer gave one.
    pub(super) hash: Option<ContentHash>,
}

impl Opened {
    /// The name; one that was purged or does not open is quarantined.
    pub(super) fn name(&self, node: NodeId, version: VersionId) -> Result<EntryName, Quarantine> {
        self.names
            .get(&(node, version))
            .cloned()
            .unwrap_or(Err(Quarantine::Sealed))
    }

    /// The attributes; the plainest ones where they do not open.
    pub(super) fn attributes(&self, node: NodeId, version: VersionId) -> Attributes {
        self.attributes
            .get(&(node, version))
            .copied()
            .unwrap_or_default()
    }

    /// The body, where it opens.
    pub(super) fn body(&self, node: NodeId, version: VersionId) -> Option<&OpenedBody> {
        self.bodies.get(&(node, version))
    }

    fn add(&mut self, more: Self) {
        self.names.extend(more.names);
        self.attributes.extend(more.attributes);
        self.bodies.extend(more.bodies);
    }
}

/// Opens all sealed parts of change sets. Without the keys of their epoch nothing opens, which is no
/// error: it concerns what is shown, never the fold.
pub(super) async fn open_all(
    pool: &Pool,
    keyring: &Keyring,
    change_sets: &[ChangeSet],
) -> Result<Opened, PoolError> {
    let mut jobs: Ordered<Opened> = Ordered::new(pool);
    let mut opened = Opened::default();
    for change_set in change_sets {
        let (Some(keys), Some(tags)) =
            (keyring.epoch(change_set.header().key_epoch), keyring.tags())
        else {
            continue;
        };
        let opener = Arc::new(Opener { keys, tags });
        let count = change_set.operations().len();
        for start in (0..count).step_by(JOB_OPERATIONS) {
            let (opener, change_set) = (Arc::clone(&opener), change_set.clone());
            let range = start..count.min(start + JOB_OPERATIONS);
            jobs.push(move |_| opener.open(&change_set, range)).await;
            if jobs.len() > 2 * pool.threads()
                && let Some(done) = jobs.next().await
            {
                opened.add(done?);
            }
        }
    }
    while let Some(done) = jobs.next().await {
        opened.add(done?);
    }
    Ok(opened)
}

/// Opens single records of a snapshot.
pub(super) struct Opener {
    pub(super) keys: Arc<SpaceKeys>,
    pub(super) tags: Arc<TagKey>,
}

impl Opener {
    fn open(&self, change_set: &ChangeSet, range: Range<usize>) -> Opened {
        let mut opened = Opened::default();
        for write in change_set.writes().skip(range.start).take(range.len()) {
            self.open_write(&write, &mut opened);
        }
        opened
    }

    fn open_write(&self, write: &Write<'_>, opened: &mut Opened) {
        let parts = &write.parts;
        match write.operation {
            Operation::Create(create) => {
                let node = create.node;
                self.name(node, create.place_version, create.place, parts.name, opened);
                self.attributes(node, create.attributes_version, parts.attributes, opened);
                if let Some(body) = &create.body {
                    self.body(node, body.version, parts.body, opened);
                }
            }
            Operation::Update(update) => {
                let node = update.node;
                if let Some(place) = &update.place {
                    self.name(node, place.version, place.place, parts.name, opened);
                }
                if let Some(attributes) = &update.attributes {
                    self.attributes(node, attributes.version, parts.attributes, opened);
                }
                if let Some(body) = &update.body {
                    self.body(node, body.write.version, parts.body, opened);
                }
            }
            Operation::Restore(restore) => {
                self.name(
                    restore.node,
                    restore.version,
                    restore.place,
                    parts.name,
                    opened,
                );
            }
            _ => {}
        }
    }

    fn name(
        &self,
        node: NodeId,
        version: VersionId,
        place: Place,
        part: Option<Part<'_>>,
        opened: &mut Opened,
    ) {
        let sealed = part.and_then(|part| part.bytes);
        opened.names.insert(
            (node, version),
            self.open_name(node, version, place, sealed),
        );
    }

    /// The name in a sealed part, checked against the tag that was announced for it.
    pub(super) fn open_name(
        &self,
        node: NodeId,
        version: VersionId,
        place: Place,
        sealed: Option<&[u8]>,
    ) -> Result<EntryName, Quarantine> {
        let sealed = sealed.ok_or(Quarantine::Sealed)?;
        let plain = open_field(&self.keys, node, Field::Name, version, sealed)
            .map_err(|_| Quarantine::Sealed)?;
        let name = EntryName::new(plain)?;
        if self.tags.tag(place.parent, &name) == place.tag {
            Ok(name)
        } else {
            Err(Quarantine::Tag)
        }
    }

    fn attributes(
        &self,
        node: NodeId,
        version: VersionId,
        part: Option<Part<'_>>,
        opened: &mut Opened,
    ) {
        let sealed = part.and_then(|part| part.bytes);
        if let Some(attributes) = self.open_attributes(node, version, sealed) {
            opened.attributes.insert((node, version), attributes);
        }
    }

    /// The attributes in a sealed part.
    pub(super) fn open_attributes(
        &self,
        node: NodeId,
        version: VersionId,
        sealed: Option<&[u8]>,
    ) -> Option<Attributes> {
        let plain = open_field(&self.keys, node, Field::Attributes, version, sealed?).ok()?;
        let mut decoder = minicbor::Decoder::new(&plain);
        let attributes: Attributes = decoder.decode().ok()?;
        // A time of the file system has less than a second of nanoseconds.
        let sound = decoder.position() == plain.len() && attributes.modified.nanos < 1_000_000_000;
        sound.then_some(attributes)
    }

    fn body(&self, node: NodeId, version: VersionId, part: Option<Part<'_>>, opened: &mut Opened) {
        let sealed = part.and_then(|part| part.bytes);
        if let Some(body) = self.open_body(node, version, sealed) {
            opened.bodies.insert((node, version), body);
        }
    }

    /// The body in a sealed part.
    pub(super) fn open_body(
        &self,
        node: NodeId,
        version: VersionId,
        sealed: Option<&[u8]>,
    ) -> Option<OpenedBody> {
        let field = open_field(&self.keys, node, Field::Body, version, sealed?).ok()?;
        let (size, hash) = size_and_hash(&field)?;
        Some(OpenedBody { size, hash, field })
    }
}
