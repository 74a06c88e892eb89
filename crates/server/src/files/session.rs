//! Who asks: tokens, principals, and how a removed device is cut off.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hythe_model::{AccountId, DeviceId, OperationId, SpaceId};
use hythe_wire::Token;

use super::parcel::NO_SESSION;
use super::{Denied, Files, FilesError, app_passwords, web_session};
use crate::clock::now_ms;
use crate::metadata::Tx;
use crate::metadata::app_passwords as rows;
use crate::metadata::devices::{self, DeviceRow, Visit};
use crate::metadata::standing::{self, Standing};
use crate::notify::Revocations;

/// Principals that are remembered; more begin anew, so that nobody can fill the memory.
const REMEMBERED: usize = 10_000;

/// A device that has shown its token, or a program that has shown an app password, and the account
/// it acts for.
///
/// It is as old as the moment it was made: [`Files::still_valid`] says whether it still holds.
#[derive(Debug, Clone)]
pub struct Principal {
    account: AccountId,
    device: DeviceId,
    /// What it showed.
    shown: Shown,
    /// The generation of revocations that it was last compared with.
    checked: Arc<AtomicU64>,
}

/// What somebody was let in for.
#[derive(Debug, Clone)]
enum Shown {
    /// The token of a device.
    Token,
    /// An app password.
    App(Arc<AppScope>),
    /// The cookie of a browser's session, by its hash.
    Web([u8; 32]),
}

/// What an app password reaches.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AppScope {
    /// Its hash.
    pub(super) hash: [u8; 32],
    /// Whether it only reads.
    pub(super) read_only: bool,
    /// The spaces; none: all open ones.
    pub(super) spaces: Option<Vec<SpaceId>>,
}

impl Principal {
    /// Whoever showed an app password.
    pub(super) fn of_app(account: AccountId, app: AppScope, checked: u64) -> Self {
        Self {
            account,
            // No device has it: no key follows from it.
            device: DeviceId(blake3::derive_key("hythe 1 app principal", &app.hash)),
            shown: Shown::App(Arc::new(app)),
            checked: Arc::new(AtomicU64::new(checked)),
        }
    }

    /// A device that showed the token of a browser's session.
    pub(super) fn of_web(row: &DeviceRow, session: [u8; 32], checked: u64) -> Self {
        Self {
            account: row.account,
            device: row.device,
            shown: Shown::Web(session),
            checked: Arc::new(AtomicU64::new(checked)),
        }
    }

    /// What an app password reaches; none: it is a device.
    pub(super) fn app(&self) -> Option<&AppScope> {
        match &self.shown {
            Shown::App(app) => Some(app),
            Shown::Token | Shown::Web(_) => None,
        }
    }

    /// What change sets on its behalf name as the session (D2): the same as long as somebody is signed
    /// in, and nothing that lets anybody in.
    pub(super) fn session(&self) -> OperationId {
        let shown = match &self.shown {
            Shown::Token => return NO_SESSION,
            Shown::App(app) => &app.hash,
            Shown::Web(hash) => hash,
        };
        let id = blake3::derive_key("hythe 1 server session id", shown);
        let mut half = [0; 16];
        half.copy_from_slice(&id[..16]);
        OperationId(half)
    }

    /// The device that gave out a link, for whom what is put through it counts. Whether it still
    /// holds is looked up when it is used.
    pub(super) fn of_giver(account: AccountId, device: DeviceId) -> Self {
        Self {
            account,
            device,
            shown: Shown::Token,
            checked: Arc::new(AtomicU64::new(u64::MAX)),
        }
    }

    /// The account it acts for.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// The device it is; of an app password an id that no device has.
    pub fn device(&self) -> DeviceId {
        self.device
    }
}

/// What this process remembers about who asked lately.
pub(super) struct Sessions {
    /// Grows with every removed device; nothing that was checked before counts any more.
    revocations: Revocations,
    by_token: Mutex<HashMap<[u8; 32], Principal>>,
    visits: Mutex<HashMap<DeviceId, Visit>>,
    /// When app passwords were last used, by their hashes.
    uses: Mutex<HashMap<[u8; 32], i64>>,
}

impl Sessions {
    /// Nothing is remembered yet; `revocations` says from when on it counts no more.
    pub(super) fn new(revocations: Revocations) -> Self {
        Self {
            revocations,
            by_token: Mutex::default(),
            visits: Mutex::default(),
            uses: Mutex::default(),
        }
    }

    /// Forgets everything that was found valid: the next use of each token asks the database.
    pub(super) fn revoke_all(&self) {
        self.revocations.grow();
        locked(&self.by_token).clear();
    }

    /// Takes what was seen since the last call.
    pub(super) fn take_visits(&self) -> Vec<Visit> {
        locked(&self.visits)
            .drain()
            .map(|(_, visit)| visit)
            .collect()
    }

    /// What was seen of a device and is not in the database yet.
    pub(super) fn visit(&self, device: DeviceId) -> Option<Visit> {
        locked(&self.visits).get(&device).cloned()
    }

    pub(super) fn see(&self, device: DeviceId, address: Option<SocketAddr>) {
        let visit = Visit {
            device,
            address: address.map(|address| address.ip().to_canonical().to_string()),
            port: address.map(|address| address.port()),
            seen_ms: now_ms(),
        };
        locked(&self.visits).insert(device, visit);
    }

    /// Notes that an app password was used.
    pub(super) fn see_app(&self, hash: [u8; 32]) {
        locked(&self.uses).insert(hash, now_ms());
    }

    /// The generation of revocations.
    pub(super) fn generation(&self) -> u64 {
        self.revocations.count()
    }

    pub(super) fn recall(&self, hash: &[u8; 32]) -> Option<Principal> {
        let principal = locked(&self.by_token).get(hash).cloned()?;
        let current = self.revocations.count();
        (principal.checked.load(Ordering::SeqCst) == current).then_some(principal)
    }

    pub(super) fn remember(&self, hash: [u8; 32], principal: &Principal) {
        let mut known = locked(&self.by_token);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(hash, principal.clone());
    }
}

/// The hash of a token: all that is ever stored of it.
pub(super) fn token_hash(token: &Token) -> [u8; 32] {
    blake3::derive_key("hythe 1 server token hash", token.0.expose())
}

impl Files {
    /// The device that holds a token, seen from an address just now.
    ///
    /// # Errors
    /// [`Denied::TokenUnknown`], [`Denied::DeviceRemoved`], [`Denied::Suspended`], or the database's.
    pub async fn authenticate(
        &self,
        token: &Token,
        address: Option<SocketAddr>,
    ) -> Result<Principal, FilesError> {
        let hash = token_hash(token);
        let sessions = &self.inner.sessions;
        let principal = match sessions.recall(&hash) {
            Some(principal) => principal,
            None => self.look_up(hash).await?,
        };
        sessions.see(principal.device, address);
        Ok(principal)
    }

    async fn look_up(&self, hash: [u8; 32]) -> Result<Principal, FilesError> {
        // Read first: a removal in between leaves the result outdated, never too new.
        let checked = self.inner.sessions.revocations.count();
        let read = move |tx: &mut dyn Tx| {
            let row = devices::by_token(tx, &hash)?.ok_or(Denied::TokenUnknown)?;
            let standing = standing::get(tx, row.account)?;
            Ok::<_, FilesError>((row, standing))
        };
        let (row, standing) = self.inner.database.read(read).await?;
        check_standing(&row, standing)?;
        let checked = Arc::new(AtomicU64::new(checked));
        let principal = Principal {
            account: row.account,
            device: row.device,
            shown: Shown::Token,
            checked,
        };
        self.inner.sessions.remember(hash, &principal);
        Ok(principal)
    }

    /// Whether a principal still holds. Costs nothing unless some device was removed, or some account suspended, since it was
    /// last asked; so whatever takes long asks at every step (D6: within five seconds).
    ///
    /// # Errors
    /// [`Denied::DeviceRemoved`], [`Denied::Suspended`], or the database's.
    pub async fn still_valid(&self, principal: &Principal) -> Result<(), FilesError> {
        let current = self.inner.sessions.revocations.count();
        if principal.checked.load(Ordering::SeqCst) == current {
            return Ok(());
        }
        let (device, shown) = (principal.device, principal.shown.clone());
        let read = move |tx: &mut dyn Tx| {
            match &shown {
                Shown::App(app) => return app_passwords::still_there(tx, &app.hash),
                Shown::Web(hash) => web_session::still_there(tx, hash)?,
                Shown::Token => {}
            }
            let row = devices::get(tx, device)?.ok_or(Denied::DeviceRemoved)?;
            let standing = standing::get(tx, row.account)?;
            Ok(check_standing(&row, standing)?)
        };
        self.inner.database.read(read).await?;
        principal.checked.store(current, Ordering::SeqCst);
        Ok(())
    }

    /// Writes down where and when devices were last seen.
    pub(crate) async fn flush_visits(&self) -> Result<(), FilesError> {
        let sessions = &self.inner.sessions;
        let visits = sessions.take_visits();
        let uses: Vec<_> = locked(&sessions.uses).drain().collect();
        if visits.is_empty() && uses.is_empty() {
            return Ok(());
        }
        let write = move |tx: &mut dyn Tx| {
            devices::seen(tx, &visits)?;
            rows::used(tx, &uses)
        };
        Ok(self.inner.database.write(write).await?)
    }
}

/// Whether a device may act for its account.
pub(super) fn check_standing(row: &DeviceRow, standing: Option<Standing>) -> Result<(), Denied> {
    match standing {
        _ if row.removed_ms.is_some() => Err(Denied::DeviceRemoved),
        None => Err(Denied::DeviceRemoved),
        Some(standing) if standing.suspended_ms.is_some() => Err(Denied::Suspended),
        Some(_) => Ok(()),
    }
}

/// Whether an account is there and not suspended.
///
/// # Errors
/// [`Denied::TokenUnknown`], [`Denied::Suspended`]; the database's.
pub(super) fn check_active(tx: &mut dyn Tx, account: AccountId) -> Result<(), FilesError> {
    let standing = standing::get(tx, account)?.ok_or(Denied::TokenUnknown)?;
    match standing.suspended_ms {
        Some(_) => Err(Denied::Suspended.into()),
        None => Ok(()),
    }
}

/// A mutex whose holder panicked still guards plain data: take it.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
