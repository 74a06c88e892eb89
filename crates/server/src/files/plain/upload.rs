//! Files that a browser sends in parts: begun, sent in any order and again, and finished.
//!
//! A part is on the disk, sealed, when it is answered; what is remembered of it are its chunks, sealed
//! like everything else. Uploads belong to a device and a space, and end by themselves (R26).

use std::sync::Arc;

use bytes::Bytes;
use hythe_content::{FIXED_BYTES, Field, PackBuilder, StoredBody, open_field, seal_field};
use hythe_model::{ChunkRef, EntryName, KeyEpoch, NodeId, SpaceId, UploadId, VersionId};
use hythe_space::Entropy;
use hythe_wire::chunk::Reserve;

use super::super::access::Want;
use super::super::keyring::Keyring;
use super::super::objects::{Attached, Objects};
use super::super::quota::Payer;
use super::super::{Files, FilesError, Principal, restored, tree};
use super::OpenSpace;
use super::edit::{Edited, Sheet, keyless};
use super::write::{self, Meta};
use crate::clock::now_ms;
use crate::metadata::logs::LogNo;
use crate::metadata::web_uploads::{self, PartRow, UploadRow};
use crate::metadata::{DbError, Tx};

/// How long an upload may take, or rest.
const UPLOAD_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// Uploads that a device may have under way.
const MAX_UPLOADS: u64 = 1024;

/// Largest file: what its layout may have of chunks of a mebibyte.
const MAX_FILE_BYTES: u64 = hythe_content::MAX_LAYOUT_ENTRIES * FIXED_BYTES as u64;

/// Files up to this go along with their commit; what is longer is stored first.
const ALONG_BYTES: usize = 512 << 10;

/// A file that is announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// The directory it goes into.
    pub parent: NodeId,
    /// Its name.
    pub name: EntryName,
    /// How many bytes it has.
    pub size: u64,
    /// When it was last modified, in milliseconds since 1970.
    pub modified_ms: i64,
    /// Whether a file of the name gets a new version; else the name is numbered.
    pub replaces: bool,
}

/// How far an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadState {
    /// The upload.
    pub upload: UploadId,
    /// How many bytes are there from the beginning on, without a gap.
    pub offset: u64,
    /// How many the file will have.
    pub size: u64,
}

impl Files {
    /// Begins an upload: room for it is reserved.
    ///
    /// # Errors
    /// [`super::super::Denied`], [`FilesError::NotFound`] where there is no such directory,
    /// [`FilesError::Invalid`] for a sealed space, too long a file and too many uploads,
    /// [`super::super::Refused::Quota`], or the database's.
    pub async fn begin_upload(
        &self,
        principal: &Principal,
        space: SpaceId,
        file: NewFile,
    ) -> Result<UploadState, FilesError> {
        self.still_valid(principal).await?;
        if file.size > MAX_FILE_BYTES {
            return Err(FilesError::invalid("the file is too large"));
        }
        let broken = |error| FilesError::Storage(Box::new(error));
        let upload = UploadId(Entropy::system().map_err(broken)?.bytes());
        let reserve = Reserve {
            upload,
            bytes: file.size,
        };
        self.reserve(principal, space, reserve).await?;
        let (inner, principal, size) = (Arc::clone(&self.inner), principal.clone(), file.size);
        let work = move |tx: &mut dyn Tx| {
            let open = OpenSpace::enter(tx, &inner, &principal, space, Want::Upload)?;
            open.directory(tx, file.parent)?;
            if web_uploads::count(tx, principal.device())? >= MAX_UPLOADS {
                return Err(FilesError::invalid("too many uploads are under way"));
            }
            let now_ms = now_ms();
            let epoch = restored::key_epoch(tx, &open.log)?;
            let keys = open.keyring.epoch(epoch).ok_or_else(keyless)?;
            let (node, version) = called(upload, u64::MAX);
            let row = UploadRow {
                upload,
                log: open.no(),
                device: principal.device(),
                parent: file.parent,
                epoch,
                name: seal_field(keys, node, Field::Name, version, file.name.as_bytes()),
                size: file.size,
                modified_ms: file.modified_ms,
                replaces: file.replaces,
                expires_ms: now_ms + UPLOAD_MS,
            };
            Ok(web_uploads::insert(tx, &row, now_ms)?)
        };
        self.inner.database.write(work).await?;
        Ok(UploadState {
            upload,
            offset: 0,
            size,
        })
    }

    /// Stores a part. It begins at a multiple of a mebibyte, and is one unless it ends the file.
    ///
    /// # Errors
    /// As [`Self::begin_upload`]; [`FilesError::NotFound`] where there is no such upload.
    pub async fn put_part(
        &self,
        principal: &Principal,
        (space, upload): (SpaceId, UploadId),
        position: u64,
        plain: Bytes,
    ) -> Result<UploadState, FilesError> {
        self.still_valid(principal).await?;
        let (row, keyring) = self.find_upload(principal, space, upload).await?;
        let length = plain.len() as u64;
        let ends = position.checked_add(length);
        let cut = FIXED_BYTES as u64;
        let fits = position.is_multiple_of(cut)
            && length > 0
            && ends
                .is_some_and(|end| end == row.size || (end < row.size && end.is_multiple_of(cut)));
        if !fits {
            return Err(FilesError::invalid(
                "a part begins and ends at a multiple of 1,048,576 bytes, or at the end of the file",
            ));
        }
        let sealed = write::seal(Arc::clone(&keyring), row.epoch, plain).await?;
        self.lease(principal, row.log).await?;
        let payer = Payer::of(principal, Some(upload));
        let stored = self.store(
            principal,
            space,
            row.log,
            sealed.entries,
            sealed.pack,
            payer,
        );
        stored.await?;
        let part = PartRow {
            position,
            length,
            chunks: seal_chunks(&keyring, &row, position, &sealed.chunks)?,
        };
        let size = row.size;
        let work = move |tx: &mut dyn Tx| {
            web_uploads::put_part(tx, upload, &part)?;
            Ok::<_, DbError>(reach(&web_uploads::places(tx, upload)?))
        };
        let offset = self.inner.database.write(work).await?;
        Ok(UploadState {
            upload,
            offset,
            size,
        })
    }

    /// How far an upload is.
    ///
    /// # Errors
    /// As [`Self::put_part`].
    pub async fn upload_state(
        &self,
        principal: &Principal,
        space: SpaceId,
        upload: UploadId,
    ) -> Result<UploadState, FilesError> {
        self.still_valid(principal).await?;
        let (row, _) = self.find_upload(principal, space, upload).await?;
        let read = move |tx: &mut dyn Tx| web_uploads::places(tx, upload);
        let places = self.inner.database.read(read).await?;
        Ok(UploadState {
            upload,
            offset: reach(&places),
            size: row.size,
        })
    }

    /// Gives an upload up. What was stored of it is collected one day.
    ///
    /// # Errors
    /// As [`Self::put_part`].
    pub async fn drop_upload(
        &self,
        principal: &Principal,
        space: SpaceId,
        upload: UploadId,
    ) -> Result<(), FilesError> {
        self.still_valid(principal).await?;
        self.find_upload(principal, space, upload).await?;
        let free = Reserve { upload, bytes: 0 };
        self.reserve(principal, space, free).await?;
        let work = move |tx: &mut dyn Tx| web_uploads::remove(tx, upload);
        Ok(self.inner.database.write(work).await?)
    }

    /// Makes a whole upload a file.
    ///
    /// # Errors
    /// As [`Self::put_part`]; [`FilesError::Invalid`] while a part is missing.
    pub async fn finish_upload(
        &self,
        principal: &Principal,
        space: SpaceId,
        upload: UploadId,
    ) -> Result<Edited, FilesError> {
        self.still_valid(principal).await?;
        let (row, keyring) = self.find_upload(principal, space, upload).await?;
        let read = move |tx: &mut dyn Tx| web_uploads::parts(tx, upload);
        let parts = self.inner.database.read(read).await?;
        let chunks = whole(&keyring, &row, &parts)?;
        let name = open_name(&keyring, &row)?;
        let stored = Arc::new(write::body_of(&keyring, row.epoch, chunks)?);
        self.store_nodes(principal, space, &row, &stored).await?;
        let meta = Meta {
            parent: row.parent,
            name,
            modified_ms: row.modified_ms,
            replaces: row.replaces,
        };
        let (inner, who, size) = (Arc::clone(&self.inner), principal.clone(), row.size);
        let work = move |tx: &mut dyn Tx| {
            let open = OpenSpace::enter_locked(tx, &inner, &who, space, Want::Upload)?;
            web_uploads::remove(tx, upload)?;
            let mut sheet = Sheet::new(tx, &inner, open, &who)?;
            let made = sheet.write_file(&meta, size, &stored)?;
            let payer = Payer::of(&who, Some(upload));
            let committed = sheet.commit(&inner, Objects::default(), payer)?;
            Ok::<_, FilesError>((made, committed))
        };
        let (made, committed) = self.inner.database.write(work).await?;
        self.inner.committed(&committed);
        let free = Reserve { upload, bytes: 0 };
        self.reserve(principal, space, free).await?;
        Ok(Edited {
            cursor: committed.head.cursor,
            nodes: vec![made],
        })
    }

    /// Makes a file of a few mebibytes at once.
    ///
    /// # Errors
    /// As [`Self::begin_upload`].
    pub async fn put_file(
        &self,
        principal: &Principal,
        space: SpaceId,
        file: NewFile,
        plain: Bytes,
    ) -> Result<Edited, FilesError> {
        self.still_valid(principal).await?;
        self.may_upload(principal, space).await?;
        let (inner, who) = (Arc::clone(&self.inner), principal.clone());
        let find = move |tx: &mut dyn Tx| {
            let open = OpenSpace::enter(tx, &inner, &who, space, Want::Upload)?;
            open.directory(tx, file.parent)?;
            let epoch = restored::key_epoch(tx, &open.log)?;
            Ok::<_, FilesError>((open.no(), epoch, open.keyring))
        };
        let (log, epoch, keyring) = self.inner.database.read(find).await?;
        let (chunks, objects) = if plain.len() <= ALONG_BYTES {
            self.seal_along(&keyring, epoch, plain).await?
        } else {
            let sealed = write::seal(Arc::clone(&keyring), epoch, plain).await?;
            self.lease(principal, log).await?;
            let payer = Payer::of(principal, None);
            let stored = self.store(principal, space, log, sealed.entries, sealed.pack, payer);
            stored.await?;
            (sealed.chunks, Objects::default())
        };
        let stored = Arc::new(write::body_of(&keyring, epoch, chunks)?);
        let has_small = objects.has_small();
        let (inner, who, size) = (Arc::clone(&self.inner), principal.clone(), file.size);
        let meta = Meta {
            parent: file.parent,
            name: file.name,
            modified_ms: file.modified_ms,
            replaces: file.replaces,
        };
        let work = move |tx: &mut dyn Tx| {
            let open = OpenSpace::enter_locked(tx, &inner, &who, space, Want::Upload)?;
            let mut sheet = Sheet::new(tx, &inner, open, &who)?;
            let made = sheet.write_file(&meta, size, &stored)?;
            let payer = Payer::of(&who, None);
            let committed = sheet.commit(&inner, objects.clone(), payer)?;
            Ok::<_, FilesError>((made, committed))
        };
        let (made, committed) = self.inner.database.write(work).await?;
        self.inner.committed(&committed);
        if has_small {
            self.inner.wake_drain();
        }
        Ok(Edited {
            cursor: committed.head.cursor,
            nodes: vec![made],
        })
    }

    /// Seals what goes along with its commit.
    async fn seal_along(
        &self,
        keyring: &Arc<Keyring>,
        epoch: KeyEpoch,
        plain: Bytes,
    ) -> Result<(Vec<ChunkRef>, Objects), FilesError> {
        let sealed = write::seal_small(Arc::clone(keyring), epoch, plain).await?;
        let chunks = sealed.iter().map(|one| one.chunk.clone()).collect();
        let attached = sealed.into_iter().map(|one| Attached {
            id: one.chunk.id,
            seal: one.chunk.seal,
            sealed: one.bytes.into(),
        });
        let objects = Objects::attach(&self.inner.blobs, attached.collect()).await?;
        Ok((chunks, objects))
    }

    /// An upload of a device into a space, and the keys to it.
    async fn find_upload(
        &self,
        principal: &Principal,
        space: SpaceId,
        upload: UploadId,
    ) -> Result<(UploadRow, Arc<Keyring>), FilesError> {
        let (inner, principal) = (Arc::clone(&self.inner), principal.clone());
        let read = move |tx: &mut dyn Tx| {
            let open = OpenSpace::enter(tx, &inner, &principal, space, Want::Upload)?;
            let row = web_uploads::get(tx, principal.device(), upload, now_ms())?;
            let row = row.filter(|row| row.log == open.no());
            let row = row.ok_or(FilesError::NotFound("upload"))?;
            Ok((row, open.keyring))
        };
        self.inner.database.read(read).await
    }

    /// Stores the nodes of a long layout, leaves first.
    async fn store_nodes(
        &self,
        principal: &Principal,
        space: SpaceId,
        row: &UploadRow,
        stored: &StoredBody,
    ) -> Result<(), FilesError> {
        let payer = Payer::of(principal, Some(row.upload));
        let mut pack = PackBuilder::new();
        for node in &stored.nodes {
            if !pack.has_room(node.bytes.len()) {
                let full = std::mem::take(&mut pack);
                self.store_pack(principal, space, row.log, full, payer)
                    .await?;
            }
            pack.push_node(node);
        }
        if !pack.is_empty() {
            self.store_pack(principal, space, row.log, pack, payer)
                .await?;
        }
        let roots = stored.refs.iter().filter(|_| stored.tree).copied();
        Ok(tree::settle(&self.inner.database, row.log, roots.collect()).await?)
    }

    async fn store_pack(
        &self,
        principal: &Principal,
        space: SpaceId,
        log: LogNo,
        pack: PackBuilder,
        payer: Payer,
    ) -> Result<(), FilesError> {
        let entries = pack.entries().to_vec();
        let bytes = Bytes::from(pack.finish());
        let stored = self
            .store(principal, space, log, entries, bytes, payer)
            .await;
        stored.map(drop)
    }
}

/// Under which ids a part of an upload is sealed; its name under the last there is.
fn called(upload: UploadId, position: u64) -> (NodeId, VersionId) {
    let mut version = [0; 16];
    version[..8].copy_from_slice(&position.to_be_bytes());
    (NodeId(upload.0), VersionId(version))
}

fn seal_chunks(
    keyring: &Keyring,
    row: &UploadRow,
    position: u64,
    chunks: &Vec<ChunkRef>,
) -> Result<Vec<u8>, FilesError> {
    let keys = keyring.epoch(row.epoch).ok_or_else(keyless)?;
    let (node, version) = called(row.upload, position);
    let mut plain = zeroize::Zeroizing::new(Vec::new());
    let written = minicbor::encode(chunks, &mut *plain);
    written.map_err(|_| DbError::Shape("a part of an upload"))?;
    Ok(seal_field(keys, node, Field::Body, version, &plain))
}

fn open_name(keyring: &Keyring, row: &UploadRow) -> Result<EntryName, FilesError> {
    let keys = keyring.epoch(row.epoch).ok_or_else(keyless)?;
    let (node, version) = called(row.upload, u64::MAX);
    let plain = open_field(keys, node, Field::Name, version, &row.name).ok();
    let name = plain.and_then(|plain| EntryName::new(plain).ok());
    Ok(name.ok_or(DbError::Shape("the name of an upload"))?)
}

/// All chunks of a file of which nothing is missing.
fn whole(
    keyring: &Keyring,
    row: &UploadRow,
    parts: &[PartRow],
) -> Result<Vec<ChunkRef>, FilesError> {
    let keys = keyring.epoch(row.epoch).ok_or_else(keyless)?;
    let (mut at, mut chunks) = (0, Vec::new());
    let broken = || DbError::Shape("a part of an upload");
    for part in parts {
        if part.position != at {
            break;
        }
        let (node, version) = called(row.upload, part.position);
        let plain = open_field(keys, node, Field::Body, version, &part.chunks);
        let plain = plain.map_err(|_| broken())?;
        let read: Vec<ChunkRef> = minicbor::decode(&plain).map_err(|_| broken())?;
        chunks.extend(read);
        at += part.length;
    }
    match at == row.size {
        true => Ok(chunks),
        false => Err(FilesError::invalid(format!(
            "the file is not whole: of {} bytes the first {at} are there",
            row.size
        ))),
    }
}

/// Up to where parts cover a file from its beginning on.
fn reach(places: &[(u64, u64)]) -> u64 {
    let mut at = 0;
    for (position, length) in places {
        if *position > at {
            break;
        }
        at = at.max(position + length);
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_reach_as_far_as_there_is_no_gap() {
        assert_eq!(reach(&[]), 0);
        assert_eq!(reach(&[(0, 8), (8, 8), (24, 8)]), 16);
        assert_eq!(reach(&[(8, 8)]), 0);
        assert_eq!(reach(&[(0, 8), (4, 2), (8, 1)]), 9);
    }
}
