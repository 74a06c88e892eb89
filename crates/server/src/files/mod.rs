//! The rules of the server, under every door: who may do what, what a change set must keep, where
//! things are stored and who hears of it. The doors (`http/` and those to come) translate to and
//! from [`Files`]; SQL is in `metadata/`, packs are in `blobs/`.

mod access;
mod accounts;
mod administration;
mod admission;
mod adopt;
mod app_passwords;
mod apply;
mod approvals;
mod audit;
mod check;
mod checkpoint;
mod chunks;
mod commit;
mod deletion;
mod devices;
mod drain;
mod endings;
mod error;
mod factors;
mod farewell;
mod found;
mod history;
mod identity;
mod inbox;
mod invites;
mod joining;
mod keyholders;
mod keyring;
mod link_capsules;
mod link_put;
mod link_read;
mod linked;
mod links;
mod log;
mod login;
mod members;
mod objects;
mod open;
mod parcel;
mod passkeys;
mod passwords;
mod plain;
mod profile;
mod quota;
mod quota_settings;
mod read;
mod relying_party;
mod removal;
mod restored;
mod roster;
mod second_factor;
mod session;
mod sightings;
mod snapshot;
mod spaces;
mod stats;
mod take_in;
mod tree;
mod view;
mod web_session;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hythe_model::{AccountId, DeviceId, Secret32, ServerEpoch};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

pub use accounts::is_login;
pub use accounts::{Appending, Enrolled, Enrolment, Registered, Registration};
pub use administration::AccountView;
pub use apply::Committed;
pub use audit::{Actor, AuditEntry};
pub use check::{CheckReport, Finding};
pub use chunks::{Missing, PackStored};
pub use commit::Commit;
pub use deletion::DELETION_WAIT;
pub use error::{Denied, FilesError, LoginDenied, Refused};
pub use history::{TrashPage, TrashPlace};
pub use invites::{Invite, InviteTerms};
pub use joining::INVITATIONS_AN_HOUR;
pub use links::LinkPass;
pub use log::{LogEntry, LogPage, Standing};
pub use login::{LoggedIn, LoginEnd, PasswordBegun};
pub use objects::Attached;
pub use open::{OpenError, StoreOptions};
pub use parcel::Parcel;
pub use passwords::LoginBegun;
pub use plain::{
    Author, Content, ContentStream, Edit, Edited, Entry, EntryBody, Found, Listing, NamedSpace,
    NewFile, NodePage, OnTaken, PastVersion, Search, Through, Trashed, UploadState,
};
pub use quota::OverQuota;
pub use quota_settings::{AccountQuota, QuotaName, QuotaReport, SpaceQuota};
pub use read::ReadChunk;
pub use relying_party::RelyingParty;
pub use roster::AccountForOther;
pub use session::Principal;
pub use snapshot::Snapshot;
pub use stats::Stats;
pub use web_session::SESSION_MS;

pub use crate::metadata::Unfit;

use crate::blobs::Blobs;
use crate::jobs::Jobs;
use crate::metadata::Database;
use crate::notify::Notice;
use crate::state::{FolderLock, Marks};
use accounts::AccountCache;
use chunks::Leases;
use identity::Identity;
use link_read::LinkReach;
use passwords::Passwords;
use session::Sessions;

/// Change sets up to this size travel inside notices.
const MAX_NOTICE_BYTES: usize = hythe_wire::limits::MAX_EVENT_INLINE_BYTES;

/// How long what a device was told to be there is kept for it.
pub const LEASE: Duration = Duration::from_secs(60 * 60);

/// A server's data and the rules over it. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Files {
    inner: Arc<Inner>,
}

/// What all clones share.
pub(crate) struct Inner {
    database: Database,
    blobs: Blobs,
    marks: Marks,
    identity: Identity,
    accounts: AccountCache,
    passwords: Passwords,
    sessions: Sessions,
    leases: Leases,
    reach: LinkReach,
    jobs: Mutex<Option<Jobs>>,
    lock: Mutex<Option<FolderLock>>,
}

impl Files {
    /// The present life of the server's data.
    pub fn epoch(&self) -> ServerEpoch {
        self.inner.epoch()
    }

    /// The server's own account, a member of open spaces.
    pub fn account(&self) -> AccountId {
        self.inner.account()
    }

    /// The device that signs for the server.
    pub fn device(&self) -> DeviceId {
        self.inner.identity.device()
    }

    /// Seed of the Ed25519 key that clients pin.
    pub fn identity_seed(&self) -> Secret32 {
        self.inner.identity.tls_seed()
    }

    /// Hears of every change from now on; what was lost on the way is [`Notice::Lost`].
    pub fn subscribe(&self) -> broadcast::Receiver<Notice> {
        self.inner.database.subscribe()
    }

    pub(crate) fn from_inner(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    /// Whether database and blob store answer.
    ///
    /// # Errors
    /// [`FilesError::Storage`].
    pub async fn ready(&self) -> Result<(), FilesError> {
        self.inner
            .database
            .read(|tx| crate::metadata::server::get(tx).map(drop))
            .await?;
        Ok(self.inner.blobs.ready().await?)
    }

    /// Ends when the database is not the one any more that was opened (D4): PostgreSQL failed over.
    /// Until the next start nothing is answered then.
    pub fn failed_over(&self) -> CancellationToken {
        self.inner.database.failed_over()
    }

    /// Ends jobs, writes down what was only in memory, closes the database and gives the data
    /// folder free. Requests that come after it fail.
    pub async fn close(&self) {
        drop(self.inner.take_jobs());
        if let Err(error) = self.flush_visits().await {
            tracing::warn!(%error, "where devices were last seen was not written down");
        }
        let inner = Arc::clone(&self.inner);
        let closed = tokio::task::spawn_blocking(move || {
            inner.database.close();
            inner.marks.sync();
            drop(
                inner
                    .lock
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take(),
            );
        });
        if closed.await.is_err() {
            tracing::error!("closing the database panicked");
        }
    }
}

impl Inner {
    fn epoch(&self) -> ServerEpoch {
        self.identity.epoch()
    }

    fn account(&self) -> AccountId {
        self.identity.account()
    }

    /// Moves the marks outside the database on after a commit.
    fn committed(&self, committed: &Committed) {
        self.count(u64::from(!committed.repeated));
    }

    fn count(&self, entries: u64) {
        if entries > 0 {
            self.marks.count(entries);
        }
    }

    fn take_jobs(&self) -> Option<Jobs> {
        self.jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Tells the jobs that small chunks wait for a pack.
    fn wake_drain(&self) {
        if let Some(jobs) = &*self.jobs.lock().unwrap_or_else(PoisonError::into_inner) {
            jobs.wake_drain();
        }
    }
}
