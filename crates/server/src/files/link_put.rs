//! Files that are put through a link: sealed by whoever has it for the server's device, which takes
//! them into the open space on behalf of the account that gave the link out.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use hythe_content::{EpochSecret, Field, FieldRefs, SpaceKeys, field_refs, open_field, seal_field};
use hythe_model::{
    Attributes, EntryName, KeyEpoch, NodeId, NodeKind, OpeningId, OperationId, SpaceId, UploadId,
    VersionId,
};
use hythe_space::draft::SealedNode;
use hythe_space::operation::{BodyWrite, Create, Place};
use hythe_space::{Behalf, ChangeSet, Draft, Moment, Purpose, Wrapped};

use super::access::{self, Linked};
use super::chunks::PackStored;
use super::commit::{self, Prepared};
use super::keyring::Keyring;
use super::linked::used;
use super::links::LinkPass;
use super::objects::{Attached, Objects};
use super::quota::Payer;
use super::{Files, FilesError, Inner, Principal, Refused, apply, restored, tree};
use crate::clock::now_ms;
use crate::metadata::links::{self, Action, Opening};
use crate::metadata::logs::LogNo;
use crate::metadata::{Tx, nodes};

/// Names that are tried where one is taken: `name (2)` and so on.
const NAMES: u32 = 1000;

/// A file as it is put.
#[derive(Debug, Clone)]
pub struct LinkPut {
    /// The upload: node, versions and operation are called so.
    pub upload: UploadId,
    /// The generation of the server's key that the secret is wrapped to.
    pub generation: u32,
    /// The secret under which the fields are sealed.
    pub wrapped: Vec<u8>,
    /// The sealed name.
    pub name: Vec<u8>,
    /// The sealed attributes.
    pub attributes: Vec<u8>,
    /// The sealed layout.
    pub body: Vec<u8>,
    /// Sealed bytes over all its chunks.
    pub size: u64,
    /// Objects that were in no pack.
    pub attached: Vec<Attached>,
}

/// A file that was opened.
struct Opened {
    upload: UploadId,
    name: EntryName,
    attributes: Vec<u8>,
    body: Vec<u8>,
    size: u64,
    refs: FieldRefs,
}

/// Who gave out a link to put files through, and where they go.
struct Giver {
    principal: Principal,
    space: SpaceId,
    log: LogNo,
    is_used_up: bool,
}

impl Files {
    /// Stores a pack for a file that is to be put. It counts for the space.
    ///
    /// # Errors
    /// As [`Self::link`] and [`Self::put_pack`]; [`super::Denied::Role`] for a link to be read.
    pub async fn put_link_pack(
        &self,
        pass: &LinkPass,
        pack: Bytes,
    ) -> Result<PackStored, FilesError> {
        let giver = self.giver(pass).await?;
        if giver.is_used_up {
            return Err(Refused::LinkEnded.into());
        }
        self.put_pack(&giver.principal, giver.space, pack, None)
            .await
    }

    /// Takes a file in, under a name that is free. Doing it again changes nothing.
    ///
    /// # Errors
    /// As [`Self::link`]; [`FilesError::Invalid`], [`FilesError::ChunksMissing`],
    /// [`Refused::Quota`].
    pub async fn link_put(
        &self,
        pass: &LinkPass,
        put: LinkPut,
        address: IpAddr,
    ) -> Result<(), FilesError> {
        let Giver {
            principal: giver,
            space,
            log,
            ..
        } = self.giver(pass).await?;
        if !put.attached.is_empty() {
            // What has no room is not written to the disk first.
            self.may_upload(&giver, space).await?;
        }
        let (secret, attached) = (self.inner.secret_of(pass, &put)?, put.attached.clone());
        let opened = open(space, secret, &put)?;
        let objects = Objects::attach(&self.inner.blobs, attached).await?;
        let has_small = objects.has_small();
        let roots = opened.refs.ids.iter().filter(|_| opened.refs.tree);
        let roots = roots.copied().chain(objects.refs()).collect();
        tree::settle(&self.inner.database, log, roots).await?;
        let (inner, pass) = (Arc::clone(&self.inner), pass.clone());
        let opened = Arc::new(opened);
        let work = move |tx: &mut dyn Tx| {
            take_in(tx, &inner, &pass, &giver, &opened, objects.clone(), address)
        };
        let committed = self.inner.database.write(work).await?;
        if let Some(committed) = committed {
            self.inner.committed(&committed);
        }
        if has_small {
            self.inner.wake_drain();
        }
        Ok(())
    }

    /// For whom what is put through a link counts, and where it goes. A link ends with its giver's
    /// device.
    async fn giver(&self, pass: &LinkPass) -> Result<Giver, FilesError> {
        let pass = pass.clone();
        let read = move |tx: &mut dyn Tx| {
            let linked = access::link(tx, &pass, now_ms())?;
            linked.may_put()?;
            let row = &linked.row;
            Ok::<_, FilesError>(Giver {
                principal: Principal::of_giver(row.account, row.device),
                space: SpaceId(linked.log.id),
                log: linked.log.no,
                is_used_up: row.limit.is_some_and(|limit| row.downloads >= limit),
            })
        };
        let giver = self.inner.database.read(read).await?;
        match self.still_valid(&giver.principal).await {
            Err(FilesError::Denied(_)) => Err(Refused::LinkEnded.into()),
            valid => valid.map(|()| giver),
        }
    }
}

impl Inner {
    fn secret_of(&self, pass: &LinkPass, put: &LinkPut) -> Result<EpochSecret, FilesError> {
        let unopened = || FilesError::invalid("the file was not sealed for this server");
        let (generation, key) = self.identity.keys().current().map_err(|_| unopened())?;
        let wrapped: Wrapped = minicbor::decode(&put.wrapped).map_err(|_| unopened())?;
        let (link, upload) = (pass.link(), put.upload);
        let secret = key.unwrap(&Purpose::Upload { link, upload }, &wrapped);
        let secret = secret.ok().filter(|_| generation == put.generation);
        Ok(EpochSecret::new(secret.ok_or_else(unopened)?))
    }
}

/// Opens what whoever put it sealed, and looks whether it is what it should be.
fn open(space: SpaceId, secret: EpochSecret, put: &LinkPut) -> Result<Opened, FilesError> {
    let invalid = || FilesError::invalid("what is in the file's fields is malformed");
    let keys = SpaceKeys::derive(&space, KeyEpoch::FIRST, &secret);
    let (node, version) = (NodeId(put.upload.0), VersionId(put.upload.0));
    let field = |which, sealed: &[u8]| {
        open_field(&keys, node, which, version, sealed).map_err(|_| invalid())
    };
    let name = field(Field::Name, &put.name)?;
    let attributes = field(Field::Attributes, &put.attributes)?;
    let body = field(Field::Body, &put.body)?;
    let times: Attributes = minicbor::decode(&attributes).map_err(|_| invalid())?;
    if times.modified.nanos >= 1_000_000_000 {
        return Err(invalid());
    }
    Ok(Opened {
        upload: put.upload,
        name: EntryName::new(name).map_err(|_| invalid())?,
        refs: field_refs(&body).map_err(|_| invalid())?,
        attributes,
        body,
        size: put.size,
    })
}

/// Makes the file a node of the space; none where it was taken in before.
fn take_in(
    tx: &mut dyn Tx,
    inner: &Inner,
    pass: &LinkPass,
    giver: &Principal,
    opened: &Opened,
    objects: Objects,
    address: IpAddr,
) -> Result<Option<apply::Committed>, FilesError> {
    let now_ms = now_ms();
    let mut linked = access::link_locked(tx, pass, now_ms)?;
    linked.may_put()?;
    let node = NodeId(opened.upload.0);
    if nodes::get(tx, linked.log.no, node)?.is_some() {
        return Ok(None);
    }
    let change_set = sign(tx, inner, &linked, giver, opened)?;
    let server = inner.accounts.get(tx, inner.account())?;
    let moment = Moment::Accepting { now_ms };
    let log = &linked.log;
    let effects = commit::judge(tx, inner.epoch(), log, &server, moment, &change_set)?;
    let prepared = Prepared::new(change_set.clone(), objects.clone())?;
    objects.record(tx, log.no, Payer::of(giver, None), now_ms)?;
    commit::check_chunks(tx, log, &prepared)?;
    if !links::count_download(tx, pass.link())? {
        return Err(Refused::LinkEnded.into());
    }
    let log = &mut linked.log;
    let committed = apply::write_space(tx, log, &change_set, &effects, now_ms)?;
    inner.checkpoint_if_due(tx, log, now_ms)?;
    let opening = Opening {
        opening: OpeningId(opened.upload.0),
        node,
        written: committed.head.cursor,
    };
    let used = used(Action::Put, address, Some(opening));
    links::note(tx, pass.link(), log.no, &used)?;
    Ok(Some(committed))
}

/// The change set that makes the file, sealed under the space's keys of today.
fn sign(
    tx: &mut dyn Tx,
    inner: &Inner,
    linked: &Linked,
    giver: &Principal,
    opened: &Opened,
) -> Result<ChangeSet, FilesError> {
    let parent = linked.row.node;
    let directory = access::under(tx, linked, parent)?;
    let keyring = Keyring::load(tx, inner, &linked.log)?;
    let operation = OperationId(opened.upload.0);
    let device = inner.identity.device();
    let seen = inner.identity.account_head();
    let mut stamp = restored::stamp(tx, &linked.log, seen, device, operation)?;
    stamp.behalf = Some(Behalf {
        account: giver.account(),
        session: OperationId(linked.row.link.0),
    });
    let keys = keyring.epoch(stamp.key_epoch);
    let (Some(keys), Some(tags)) = (keys, keyring.tags()) else {
        return Err(FilesError::invalid(
            "the server has no key of the space yet",
        ));
    };
    if !super::linked::is_directory(directory.as_ref())? {
        return Err(FilesError::invalid("files are put into directories"));
    }
    let (name, tag) = free_name(tx, linked, parent, &opened.name, tags)?;
    let (node, version) = (NodeId(opened.upload.0), VersionId(opened.upload.0));
    let seal = |field, plain: &[u8]| seal_field(keys, node, field, version, plain);
    let sealed = SealedNode {
        name: seal(Field::Name, name.as_bytes()),
        attributes: seal(Field::Attributes, &opened.attributes),
        body: Some(seal(Field::Body, &opened.body)),
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
            tree: opened.refs.tree,
            refs: opened.refs.ids.clone(),
        }),
    };
    let mut draft = Draft::new();
    draft.create(create, sealed);
    Ok(draft.sign(stamp, inner.identity.key())?)
}

/// The name, or the first of `name (2)`, `name (3)`… that is free (SC-155).
fn free_name(
    tx: &mut dyn Tx,
    linked: &Linked,
    parent: NodeId,
    wanted: &EntryName,
    tags: &hythe_content::TagKey,
) -> Result<(EntryName, hythe_model::NameTag), FilesError> {
    for number in 1..=NAMES {
        let name = numbered(wanted, number)?;
        let tag = tags.tag(parent, &name);
        let taken = nodes::children(tx, linked.log.no, &[(parent, tag)])?;
        if taken.iter().all(Option::is_none) {
            return Ok((name, tag));
        }
    }
    Err(FilesError::invalid("too many files have this name"))
}

fn numbered(name: &EntryName, number: u32) -> Result<EntryName, FilesError> {
    if number == 1 {
        return Ok(name.clone());
    }
    let bytes = name.as_bytes();
    let dot = bytes.iter().rposition(|byte| *byte == b'.');
    let end = dot.filter(|at| *at > 0).unwrap_or(bytes.len());
    let (stem, ending) = bytes.split_at(end);
    let numbered = [stem, format!(" ({number})").as_bytes(), ending].concat();
    EntryName::new(numbered).map_err(|_| FilesError::invalid("the name is too long"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sc155_a_name_that_is_taken_gets_a_number_before_its_ending() {
        let of = |name: &str, number| {
            let name = EntryName::new(name.as_bytes().to_vec()).unwrap();
            let numbered = numbered(&name, number).unwrap();
            String::from_utf8(numbered.as_bytes().to_vec()).unwrap()
        };
        assert_eq!(of("a.txt", 1), "a.txt");
        assert_eq!(of("a.txt", 2), "a (2).txt");
        assert_eq!(of("a", 3), "a (3)");
        assert_eq!(of(".hidden", 2), ".hidden (2)");
        let long = EntryName::new(vec![b'a'; 255]).unwrap();
        assert!(super::numbered(&long, 2).is_err());
    }
}
