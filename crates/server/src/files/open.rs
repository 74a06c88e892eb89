//! Opening a server's data folder: lock, key, database, marks, and a new life when it was restored.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use hythe_model::ServerEpoch;
use hythe_space::AccountState;

use super::accounts::AccountCache;
use super::chunks::Leases;
use super::identity::{self, Identity};
use super::link_read::LinkReach;
use super::passwords::Passwords;
use super::session::Sessions;
use super::{Files, FilesError, Inner, restored};
use crate::blobs::{BlobError, Blobs};
use crate::jobs::Jobs;
use crate::metadata::{Database, DbError, Unfit, logs, server};
use crate::state::{FolderLock, KeyError, LockError, Mark, Marks, MasterKey, make_private_folder};

/// Where a server keeps its data.
#[derive(Debug, Clone, Default)]
pub struct StoreOptions {
    /// The data folder.
    pub data: PathBuf,
    /// URL of a PostgreSQL database; none: SQLite in the data folder.
    pub database: Option<String>,
    /// The master key's file; none: in the data folder.
    pub key_file: Option<PathBuf>,
    /// A folder outside the data folder that remembers how far each server came; none: nothing
    /// remembers it when the whole data folder is put back from a copy.
    pub witness: Option<PathBuf>,
}

/// Why a data folder cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another server uses it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A file or folder cannot be made or read.
    #[error("the data folder cannot be used")]
    Io(#[from] io::Error),
    /// There is data, but the key that belongs to it is missing or damaged.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key is not the one that the data belongs to.
    #[error("the master key does not belong to this data")]
    OtherKey,
    /// The database cannot be opened.
    #[error("the database cannot be opened: {0}")]
    Database(#[source] DbError),
    /// The PostgreSQL that answers would not keep what is acknowledged.
    #[error(transparent)]
    Unfit(Unfit),
    /// The blob store cannot be opened.
    #[error("the blobs cannot be opened: {0}")]
    Blobs(#[from] BlobError),
    /// The new life of restored data could not be written into the logs.
    #[error("the data cannot be used: {0}")]
    Rules(#[from] FilesError),
}

impl From<DbError> for OpenError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unfit(unfit) => Self::Unfit(unfit),
            error => Self::Database(error),
        }
    }
}

impl Files {
    /// Opens a data folder, making what is missing, and starts the jobs over it.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(options: StoreOptions) -> Result<Self, OpenError> {
        make_private_folder(&options.data)?;
        let lock = FolderLock::take(&options.data)?;
        let database = match &options.database {
            Some(url) => Database::postgres(url).await?,
            None => Database::sqlite(&options.data.join("hythe.db")).await?,
        };
        let master = master_key(&options, &database).await?;
        let found = database.read(identity::load).await?;
        let (row, state) = match found {
            Some(found) => found,
            None => {
                identity::found(&database, &master).await?;
                database
                    .read(identity::load)
                    .await?
                    .ok_or(DbError::Shape("the server's row"))?
            }
        };
        let identity = Identity::open(&row, &state, &master)?;
        let public = crate::tls::Identity::from_seed(&identity.tls_seed()).public();
        let passwords = Passwords::open(&database, &master, public).await?;
        let name = row.account.to_string();
        let outside = options
            .witness
            .as_deref()
            .map(|folder| (folder, name.as_str()));
        let mut inner = Inner {
            sessions: Sessions::new(database.revocations().clone()),
            blobs: Blobs::local(&options.data.join("blobs"))?,
            marks: Marks::open(&options.data, outside)?,
            database,
            identity,
            accounts: AccountCache::default(),
            passwords,
            leases: Leases::default(),
            reach: LinkReach::default(),
            jobs: Mutex::new(None),
            lock: Mutex::new(Some(lock)),
        };
        begin_life(&mut inner, row.starts, state).await?;
        let inner = Arc::new(inner);
        let jobs = Jobs::start(&inner);
        *inner.jobs.lock().unwrap_or_else(PoisonError::into_inner) = Some(jobs);
        Ok(Self { inner })
    }
}

/// Reads the master key, or makes one where there is no data yet.
async fn master_key(options: &StoreOptions, database: &Database) -> Result<MasterKey, OpenError> {
    let in_folder = || options.data.join("keys").join("master");
    let path = options.key_file.clone().unwrap_or_else(in_folder);
    match MasterKey::load(&path) {
        Err(KeyError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
            // A new key for old data would open nothing: say so instead of making one.
            let is_new = database.read(server::get).await?.is_none();
            if is_new {
                Ok(MasterKey::create(&path)?)
            } else {
                Err(KeyError::Io(error).into())
            }
        }
        loaded => Ok(loaded?),
    }
}

/// Counts the start; when the marks outside the database are ahead of it, the database is an older
/// copy, and a new life begins (D4).
async fn begin_life(inner: &mut Inner, starts: u64, state: AccountState) -> Result<(), OpenError> {
    let revision = inner.database.read(logs::revision).await?;
    let here = Mark { starts, revision };
    let furthest = inner.marks.furthest().unwrap_or(here);
    let is_restored = here.is_older_than(furthest);
    let starts = starts.max(furthest.starts) + 1;
    if is_restored {
        tracing::warn!(
            ?here,
            ?furthest,
            "an older copy of the data was put back: a new epoch"
        );
        inner.identity.set_epoch(ServerEpoch(random()?));
    }
    let (epoch, key) = (inner.epoch(), inner.identity.key().clone());
    let revision = inner
        .database
        .write(move |tx| {
            server::set_life(tx, epoch, starts)?;
            if is_restored {
                restored::announce(tx, epoch, &state, &key)?;
            }
            Ok::<_, FilesError>(logs::revision(tx)?)
        })
        .await?;
    inner.marks.set(Mark { starts, revision })?;
    Ok(())
}

/// Sixteen random bytes.
pub(super) fn random() -> io::Result<[u8; 16]> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(bytes)
}
