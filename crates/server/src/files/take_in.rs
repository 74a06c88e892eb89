//! The server's device takes files in that were put into an open space, on behalf of the member that
//! put them, or that gave the link out.

use std::sync::Arc;

use hythe_content::{
    Field, ParcelFields, ParcelFile, TagKey, numbered, open_parcel, parcel_keys, seal_field,
};
use hythe_model::{
    ChunkId, EntryName, NameTag, NodeId, NodeKind, OperationId, SpaceId, UploadId, VersionId,
};
use hythe_space::draft::SealedNode;
use hythe_space::operation::{BodyWrite, Create, Place};
use hythe_space::{ChangeSet, Draft, Moment, Purpose, Wrapped};

use super::commit::{self, Prepared};
use super::keyring::Keyring;
use super::linked::is_directory;
use super::objects::{Attached, Objects};
use super::parcel::{Door, Entered, Parcel};
use super::{Files, FilesError, Inner, apply, restored, tree};
use crate::clock::now_ms;
use crate::metadata::logs::LogNo;
use crate::metadata::{Tx, nodes};

/// Names that are tried where one is taken: `name (2)` and so on.
const NAMES: u32 = 1000;

/// A file that was opened.
pub(super) struct Opened {
    upload: UploadId,
    file: ParcelFile,
    size: u64,
}

impl Files {
    /// Makes a file a node, under a name that is free. Doing it again changes nothing.
    ///
    /// # Errors
    /// As [`Files::link_put`].
    pub(super) async fn take_parcel_in(
        &self,
        door: Arc<Door>,
        log: LogNo,
        opened: Opened,
        attached: Vec<Attached>,
    ) -> Result<(), FilesError> {
        let objects = Objects::attach(&self.inner.blobs, attached).await?;
        let has_small = objects.has_small();
        let refs = &opened.file.refs;
        let roots = refs.ids.iter().filter(|_| refs.tree);
        let roots: Vec<ChunkId> = roots.copied().chain(objects.refs()).collect();
        tree::settle(&self.inner.database, log, roots).await?;
        let (inner, opened) = (Arc::clone(&self.inner), Arc::new(opened));
        let work = move |tx: &mut dyn Tx| take_in(tx, &inner, &door, &opened, objects.clone());
        let committed = self.inner.database.write(work).await?;
        if let Some(committed) = committed {
            self.inner.committed(&committed);
        }
        if has_small {
            self.inner.wake_drain();
        }
        Ok(())
    }
}

impl Inner {
    /// Opens what somebody sealed for this server, and looks whether it is what it should be.
    ///
    /// # Errors
    /// [`FilesError::Invalid`].
    pub(super) fn open_parcel(
        &self,
        space: SpaceId,
        purpose: &Purpose,
        parcel: &Parcel,
    ) -> Result<Opened, FilesError> {
        let unopened = || FilesError::invalid("the file was not sealed for this server");
        let invalid = || FilesError::invalid("what is in the file's fields is malformed");
        let (generation, key) = self.identity.keys().current().map_err(|_| unopened())?;
        let wrapped: Wrapped = minicbor::decode(&parcel.wrapped).map_err(|_| unopened())?;
        let secret = key.unwrap(purpose, &wrapped).ok();
        let secret = secret.filter(|_| generation == parcel.generation);
        let keys = parcel_keys(space, secret.ok_or_else(unopened)?);
        let fields = parcel.fields();
        let file = open_parcel(&keys, parcel.upload, &fields).map_err(|_| invalid())?;
        Ok(Opened {
            upload: parcel.upload,
            file,
            size: parcel.size,
        })
    }
}

impl Parcel {
    /// Its sealed fields.
    pub(super) fn fields(&self) -> ParcelFields {
        ParcelFields {
            name: self.name.clone(),
            attributes: self.attributes.clone(),
            body: self.body.clone(),
        }
    }
}

/// Makes the file a node of the space; none where it was taken in before.
fn take_in(
    tx: &mut dyn Tx,
    inner: &Inner,
    door: &Door,
    opened: &Opened,
    objects: Objects,
) -> Result<Option<apply::Committed>, FilesError> {
    let now_ms = now_ms();
    let mut entered = door.enter(tx)?;
    let node = NodeId(opened.upload.0);
    if nodes::get(tx, entered.log().no, node)?.is_some() {
        return Ok(None);
    }
    let change_set = sign(tx, inner, door, &entered, opened)?;
    let server = inner.accounts.get(tx, inner.account())?;
    let moment = Moment::Accepting { now_ms };
    let log = entered.log();
    let effects = commit::judge(tx, inner.epoch(), log, &server, moment, &change_set)?;
    let prepared = Prepared::new(change_set.clone(), objects.clone())?;
    objects.record(tx, log.no, door.payer(), now_ms)?;
    commit::check_chunks(tx, log, &prepared)?;
    let log = entered.log_mut();
    let committed = apply::write_space(tx, log, &change_set, &effects, now_ms)?;
    inner.checkpoint_if_due(tx, log, now_ms)?;
    door.count(tx, log, opened.upload, committed.head.cursor)?;
    Ok(Some(committed))
}

/// The change set that makes the file, sealed under the space's keys of today.
fn sign(
    tx: &mut dyn Tx,
    inner: &Inner,
    door: &Door,
    entered: &Entered,
    opened: &Opened,
) -> Result<ChangeSet, FilesError> {
    let (log, parent, file) = (entered.log(), entered.parent(), &opened.file);
    let directory = entered.directory(tx)?;
    let keyring = Keyring::load(tx, inner, log)?;
    let operation = OperationId(opened.upload.0);
    let (seen, device) = (inner.identity.account_head(), inner.identity.device());
    let mut stamp = restored::stamp(tx, log, seen, device, operation)?;
    stamp.behalf = Some(door.behalf());
    let keys = keyring.epoch(stamp.key_epoch);
    let (Some(keys), Some(tags)) = (keys, keyring.tags()) else {
        return Err(FilesError::invalid(
            "the server has no key of the space yet",
        ));
    };
    if !is_directory(directory.as_ref())? {
        return Err(FilesError::invalid("files are put into directories"));
    }
    let (name, tag) = free_name(tx, log.no, parent, &file.name, tags)?;
    let (node, version) = (NodeId(opened.upload.0), VersionId(opened.upload.0));
    let seal = |field, plain: &[u8]| seal_field(keys, node, field, version, plain);
    let sealed = SealedNode {
        name: seal(Field::Name, name.as_bytes()),
        attributes: seal(
            Field::Attributes,
            &hythe_content::encode_attributes(file.attributes),
        ),
        body: Some(seal(Field::Body, &file.body)),
    };
    let create = Create {
        node,
        kind: NodeKind::File,
        place: Place { parent, tag },
        place_version: version,
        attributes_version: version,
        body: Some(BodyWrite {
            version,
            size: opened.size,
            tree: file.refs.tree,
            refs: file.refs.ids.clone(),
        }),
    };
    let mut draft = Draft::new();
    draft.create(create, sealed);
    Ok(draft.sign(stamp, inner.identity.key())?)
}

/// The name, or the first of `name (2)`, `name (3)`… that is free (SC-155).
fn free_name(
    tx: &mut dyn Tx,
    log: LogNo,
    parent: NodeId,
    wanted: &EntryName,
    tags: &TagKey,
) -> Result<(EntryName, NameTag), FilesError> {
    for number in 1..=NAMES {
        let name = numbered(wanted, number);
        let name = name.ok_or_else(|| FilesError::invalid("the name is too long"))?;
        let tag = tags.tag(parent, &name);
        let taken = nodes::children(tx, log, &[(parent, tag)])?;
        if taken.iter().all(Option::is_none) {
            return Ok((name, tag));
        }
    }
    Err(FilesError::invalid("too many files have this name"))
}
