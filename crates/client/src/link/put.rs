//! A file on its way through a link: sealed for the server's device, which takes it in.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use hythe_content::{EpochSecret, Field, SpaceKeys, seal_field};
use hythe_model::{
    Attributes, Body, DeviceId, EntryName, KeyEpoch, LayoutEntry, LinkId, NodeId, SpaceId,
    UploadId, VersionId,
};
use hythe_space::{Entropy, KemPublic, Purpose};
use hythe_wire::Message;
use hythe_wire::link::LinkPutRequest;

use super::visit::VisitError;
use crate::direct::Origin;
use crate::enrol::read_account;
use crate::net::Api;
use crate::pool::Pool;
use crate::transfer::{Progress, SealedObject, Transfer, TransferError, Upload, Uploaded, upload};

/// Where files are put.
pub(super) struct Inbox<'v> {
    pub(super) api: &'v Api,
    pub(super) anyone: &'v Api,
    pub(super) pool: &'v Pool,
    pub(super) link: LinkId,
    pub(super) space: SpaceId,
    /// The device that takes files in.
    pub(super) taker: DeviceId,
}

impl Inbox<'_> {
    /// Puts what a descriptor gives, under a name.
    ///
    /// # Errors
    /// See [`VisitError`].
    pub(super) async fn put(
        &self,
        name: &EntryName,
        attributes: Attributes,
        from: OwnedFd,
    ) -> Result<u64, VisitError> {
        let (generation, to) = self.key().await?;
        let origin = tokio::task::spawn_blocking(move || Origin::open(from, &std::env::temp_dir()));
        let origin = origin.await.map_err(std::io::Error::other);
        let origin = origin.and_then(|origin| origin);
        let origin = Arc::new(origin.map_err(TransferError::Local)?);
        let mut entropy = Entropy::system()?;
        let (secret, id) = (entropy.secret(), UploadId(entropy.bytes()));
        let keys = EpochSecret::new(secret.clone());
        let keys = Arc::new(SpaceKeys::derive(&self.space, KeyEpoch::FIRST, &keys));
        let (stored, body, attached) = self.send(Arc::clone(&keys), origin).await?;
        let (node, version) = (NodeId(id.0), VersionId(id.0));
        let seal = |field, plain: &[u8]| seal_field(&keys, node, field, version, plain);
        let purpose = Purpose::Upload {
            link: self.link,
            upload: id,
        };
        let wrapped = to.wrap(&purpose, &secret, &mut entropy)?;
        let request = LinkPutRequest {
            upload: id,
            generation,
            wrapped: encoded(&wrapped).into(),
            name: seal(Field::Name, name.as_bytes()).into(),
            attributes: seal(Field::Attributes, &encoded(&attributes)).into(),
            body: seal(Field::Body, &stored).into(),
            size: sealed_size(&body),
            attached: attached.into_iter().map(SealedObject::attach).collect(),
        };
        debug_assert!(request.to_cbor().len() <= LinkPutRequest::MAX_BYTES);
        self.api.link_put(self.link, &request).await?;
        Ok(match body {
            Body::File(layout) => layout.size,
            Body::Link(_) => 0,
        })
    }

    /// The key of the account whose device takes files in, from that account's log.
    async fn key(&self) -> Result<(u32, KemPublic), VisitError> {
        let other = |why: &str| VisitError::Forged(why.to_owned());
        let account = self.anyone.server().await?.account;
        let state = read_account(self.anyone, account).await;
        let state = state.map_err(|error| VisitError::Forged(error.to_string()))?;
        let taker = state.device(self.taker).filter(|one| one.removed.is_none());
        if taker.is_none() {
            return Err(other("it is another server than the link was made for"));
        }
        let (generation, key) = state.kem().ok_or_else(|| other("it has no key"))?;
        Ok((generation, key.clone()))
    }

    async fn send(
        &self,
        keys: Arc<SpaceKeys>,
        origin: Arc<Origin>,
    ) -> Result<(Vec<u8>, Body, Vec<SealedObject>), VisitError> {
        let transfer = Transfer {
            api: self.api.putting(self.link),
            pool: self.pool.clone(),
            space: self.space,
            keys,
        };
        let files = vec![Upload {
            key: (),
            source: Arc::clone(&origin) as _,
            previous: None,
            need: None,
        }];
        let sent = upload(&transfer, files, &Arc::new(Progress::default())).await?;
        let Uploaded { files, attached } = sent;
        let changed = || std::io::Error::other("the file changed while it was read");
        if !origin.is_whole().map_err(TransferError::Local)? {
            return Err(TransferError::Local(changed()).into());
        }
        let prepared = files.into_iter().next().map(|(_, prepared)| prepared);
        let prepared = prepared.ok_or_else(|| TransferError::Local(changed()))??;
        Ok((prepared.stored.field, prepared.body, attached))
    }
}

fn encoded<T: minicbor::Encode<()>>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to a vector cannot fail.
    let written = minicbor::encode(value, &mut bytes);
    debug_assert!(written.is_ok());
    bytes
}

/// Sealed bytes over all chunks.
fn sealed_size(body: &Body) -> u64 {
    let Body::File(layout) = body else { return 0 };
    let sizes = layout.entries.iter().map(|entry| match entry {
        LayoutEntry::Chunk(chunk) => u64::from(chunk.sealed_length),
        LayoutEntry::Hole(_) => 0,
    });
    sizes.sum()
}
