//! Packs in a blob store: immutable, named by their content, durable before they are named.
//!
//! Nothing here relies on conditional puts, which some stores ignore: two writers of one name
//! write the same bytes.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};

use crate::state::{make_private_folder, make_unsynced_folder, sync_folder};

/// The name of a pack: BLAKE3 of all its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PackName(pub [u8; 32]);

/// Why a blob could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no space left.
    #[error("the disk under the blobs is full")]
    Full,
    /// There is no such blob, or it is shorter than it was.
    #[error("a blob is missing or cut off")]
    Missing,
    /// The store does not answer as it should.
    #[error("the blob store does not answer as it should")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Where packs are kept.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
}

impl Blobs {
    /// A store in a local folder, which is made if needed. What it acknowledges is on the disk.
    ///
    /// # Errors
    /// When the folder cannot be made or opened.
    pub fn local(folder: &Path) -> Result<Self, BlobError> {
        make_folders(folder).map_err(|error| BlobError::Store(Box::new(error)))?;
        let store = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Self {
            store: Arc::new(store),
        })
    }

    /// Stores a pack under the hash of its bytes. When this returns, it survives a power cut.
    ///
    /// # Errors
    /// See [`BlobError`].
    pub async fn put_pack(&self, pack: Bytes) -> Result<PackName, BlobError> {
        let name = name_of(&pack).await?;
        self.store
            .put(&key(name), PutPayload::from_bytes(pack))
            .await?;
        Ok(name)
    }

    /// Reads some bytes of a pack. Whether they are what was stored is for the caller to check,
    /// chunk by chunk.
    ///
    /// # Errors
    /// See [`BlobError`]; [`BlobError::Missing`] also when the pack ends before the range does.
    pub async fn read(&self, name: PackName, range: Range<u64>) -> Result<Bytes, BlobError> {
        let wanted = range.end.saturating_sub(range.start);
        let end = range.end;
        let bytes = match self.store.get_range(&key(name), range).await {
            Ok(bytes) => bytes,
            // Stores differ in what they say about a range beyond the end.
            Err(_) if self.is_shorter(name, end).await => return Err(BlobError::Missing),
            Err(error) => return Err(error.into()),
        };
        if bytes.len() as u64 == wanted {
            Ok(bytes)
        } else {
            Err(BlobError::Missing)
        }
    }

    async fn is_shorter(&self, name: PackName, than: u64) -> bool {
        self.store
            .head(&key(name))
            .await
            .is_ok_and(|found| found.size < than)
    }

    /// Says whether the store answers.
    ///
    /// # Errors
    /// See [`BlobError`].
    pub async fn ready(&self) -> Result<(), BlobError> {
        match self.store.head(&Key::from("ready")).await {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Packs up to this size are hashed where they arrive; longer ones where blocking is allowed.
const MAX_HASHED_IN_PLACE: usize = 256 << 10;

async fn name_of(pack: &Bytes) -> Result<PackName, BlobError> {
    if pack.len() <= MAX_HASHED_IN_PLACE {
        return Ok(PackName(*blake3::hash(pack).as_bytes()));
    }
    let pack = pack.clone();
    let hash = tokio::task::spawn_blocking(move || blake3::hash(&pack)).await;
    let hash = hash.map_err(|error| BlobError::Store(Box::new(error)))?;
    Ok(PackName(*hash.as_bytes()))
}

/// 256 folders, so that none holds more than some thousand names.
fn key(name: PackName) -> Key {
    let text = data_encoding::HEXLOWER.encode(&name.0);
    Key::from(format!("packs/{}/{text}", &text[..2]))
}

/// Makes all folders at once: a pack then costs one sync of its file and one of its folder, and
/// none of the folders above.
fn make_folders(folder: &Path) -> std::io::Result<()> {
    let packs = folder.join("packs");
    make_private_folder(folder)?;
    make_private_folder(&packs)?;
    for first in 0..=u8::MAX {
        make_unsynced_folder(&packs.join(format!("{first:02x}")))?;
    }
    sync_folder(&packs)
}

impl From<object_store::Error> for BlobError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Missing,
            other if is_full(&other) => Self::Full,
            other => Self::Store(Box::new(other)),
        }
    }
}

/// The system's own error is somewhere below the store's.
fn io_kinds(error: &object_store::Error) -> impl Iterator<Item = std::io::ErrorKind> {
    let first = std::error::Error::source(error);
    std::iter::successors(first, |cause| cause.source())
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .map(std::io::Error::kind)
}

fn is_full(error: &object_store::Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    io_kinds(error).any(|kind| matches!(kind, StorageFull | QuotaExceeded))
}
