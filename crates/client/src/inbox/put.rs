//! A file on its way into a space that whoever puts it may not read: sealed for who takes it in.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use hythe_content::{ParcelFields, SpaceKeys, parcel_keys, seal_parcel};
use hythe_model::{Attributes, Body, EntryName, LayoutEntry, LinkId, SpaceId, UploadId};
use hythe_space::{CryptoError, Entropy, KemPublic, Parcel, Purpose, SigningKey, Via};
use hythe_wire::Message;
use hythe_wire::link::{LinkPutRequest, ParcelRefs};

use crate::direct::Origin;
use crate::net::Api;
use crate::pool::Pool;
use crate::transfer::{
    Prepared, Progress, SealedObject, Transfer, TransferError, Upload, Uploaded, upload,
};

/// Why a file was not put.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// The system gives no randomness, or a key is none.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// What was to be put could not be read or sent.
    #[error(transparent)]
    Transfer(#[from] TransferError),
}

/// Who takes files in.
pub(crate) struct Taker {
    /// The generation of its key, or the key epoch that the inbox's follows from.
    pub(crate) number: u32,
    /// The key.
    pub(crate) key: KemPublic,
    /// Whether what is sealed is filled up, as all is in sealed spaces (A31).
    pub(crate) pads: bool,
}

/// How files come in.
pub(crate) enum Way {
    /// Through a link into an open space.
    Link(LinkId),
    /// By somebody who signs.
    Signed(Via, SigningKey),
}

/// Where files are put.
pub(crate) struct Inbox<'i> {
    /// Calls whose packs are put.
    pub(crate) api: Api,
    pub(crate) pool: &'i Pool,
    pub(crate) space: SpaceId,
    pub(crate) taker: Taker,
    pub(crate) way: Way,
}

impl Inbox<'_> {
    /// Sends the content that a descriptor gives, and makes the request that puts it under a name;
    /// with its length.
    ///
    /// # Errors
    /// See [`PutError`].
    pub(crate) async fn request(
        &self,
        name: &EntryName,
        attributes: Attributes,
        from: OwnedFd,
    ) -> Result<(LinkPutRequest, u64), PutError> {
        let origin = tokio::task::spawn_blocking(move || Origin::open(from, &std::env::temp_dir()));
        let origin = origin.await.map_err(std::io::Error::other);
        let origin = origin.and_then(|origin| origin);
        let origin = Arc::new(origin.map_err(TransferError::Local)?);
        let mut entropy = Entropy::system()?;
        let (secret, id) = (entropy.secret(), UploadId(entropy.bytes()));
        let keys = parcel_keys(self.space, secret.clone());
        let keys = Arc::new(if self.taker.pads { keys.padded() } else { keys });
        let (prepared, attached) = self.send(Arc::clone(&keys), origin).await?;
        let wrapped = self
            .taker
            .key
            .wrap(&self.purpose(id), &secret, &mut entropy);
        let fields = seal_parcel(&keys, id, name, attributes, &prepared.stored.field);
        let request = self.sealed(id, encoded(&wrapped?), fields, &prepared, attached);
        debug_assert!(request.to_cbor().len() <= LinkPutRequest::MAX_BYTES);
        let length = match prepared.body {
            Body::File(layout) => layout.size,
            Body::Link(_) => 0,
        };
        Ok((request, length))
    }

    fn purpose(&self, upload: UploadId) -> Purpose {
        match &self.way {
            Way::Link(link) => Purpose::Upload {
                link: *link,
                upload,
            },
            Way::Signed(via, _) => Purpose::Parcel {
                space: self.space,
                number: self.taker.number,
                via: *via,
                upload,
            },
        }
    }

    fn sealed(
        &self,
        upload: UploadId,
        wrapped: Vec<u8>,
        fields: ParcelFields,
        prepared: &Prepared,
        attached: Vec<SealedObject>,
    ) -> LinkPutRequest {
        let size = sealed_size(&prepared.body);
        let signature = match &self.way {
            Way::Link(_) => None,
            Way::Signed(via, key) => {
                let parcel = Parcel {
                    space: self.space,
                    number: self.taker.number,
                    via: *via,
                    upload,
                    wrapped: &wrapped,
                    name: &fields.name,
                    attributes: &fields.attributes,
                    body: &fields.body,
                    size,
                };
                Some(parcel.sign(key).encode().into())
            }
        };
        let stored = &prepared.stored;
        LinkPutRequest {
            upload,
            generation: self.taker.number,
            wrapped: wrapped.into(),
            name: fields.name.into(),
            attributes: fields.attributes.into(),
            body: fields.body.into(),
            size,
            attached: attached.into_iter().map(SealedObject::attach).collect(),
            refs: signature.as_ref().map(|_| ParcelRefs {
                tree: stored.tree,
                ids: stored.refs.clone(),
            }),
            signature,
        }
    }

    async fn send(
        &self,
        keys: Arc<SpaceKeys>,
        origin: Arc<Origin>,
    ) -> Result<(Prepared, Vec<SealedObject>), PutError> {
        let transfer = Transfer {
            api: self.api.clone(),
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
        Ok((prepared, attached))
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
