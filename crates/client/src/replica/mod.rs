//! This device's copy of a space's log, verified and opened: the Remote tree.
//!
//! Every change set is checked in full before it counts (signature, author's device and chain, the
//! server's own rules, the chain of the log), whatever the server says; a log that breaks a rule
//! raises an [`Alarm`] and changes nothing. Sealed names, attributes and bodies are opened here, and
//! what cannot be opened is quarantined without any effect on the fold (D1).

mod accounts;
mod alarm;
mod apply;
mod catch_up;
mod claimed;
mod contradiction;
mod foretold;
mod keyring;
mod offered;
mod opened;
mod records;
mod restored;
mod sightings;
mod since;
mod snapshot;
mod standing;
mod twin;
mod untold;
mod view;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use hythe_content::SpaceKeys;
use hythe_model::{Head, KeyEpoch, NodeId, SpaceId};
use hythe_space::{CryptoError, LtHash};
use tokio::sync::{Mutex, MutexGuard};

use crate::keys::DeviceKeys;
use crate::net::{Api, ApiError};
use crate::pool::{Pool, PoolError};
use crate::state::{SpaceNumber, State, StateError};
use crate::transfer::Transfer;

pub use accounts::AccountBook;
pub use alarm::Alarm;
pub(crate) use apply::Placed;
pub(crate) use catch_up::now_ms;
pub use contradiction::{Contradiction, Lie};
pub(crate) use hythe_content::size_and_hash;
pub use keyring::Keyring;
pub(crate) use keyring::seal_previous;
pub(crate) use offered::offered_name;
pub use sightings::Confirmed;
use sightings::Heard;
pub use standing::Standing;
pub(crate) use twin::AS_NEW_DEVICE;
use twin::Sent;
use untold::Untold;
pub(crate) use view::RowsView;

/// What all spaces of a device share.
#[derive(Clone)]
pub struct Session {
    /// Where everything is kept.
    pub state: Arc<State>,
    /// Calls to the server.
    pub api: Api,
    /// Where the work is done.
    pub pool: Pool,
    /// Who this device is.
    pub device: Arc<DeviceKeys>,
    /// The accounts whose devices write in the spaces.
    pub accounts: Arc<AccountBook>,
}

/// One space, as far as its log was read.
pub struct Replica {
    pub(crate) session: Session,
    pub(crate) space: SpaceId,
    pub(crate) number: SpaceNumber,
    /// Held while the log is carried on, and while a change set of this device is under way.
    pub(crate) position: Mutex<Position>,
    /// What others see meanwhile: they never wait for the network.
    shown: RwLock<Shown>,
    /// What changed and was told to nobody yet.
    pub(crate) untold: Untold,
    /// What other devices said of how far they were shown the space.
    heard: Heard,
    /// What this process sent.
    pub(crate) sent: Sent,
    /// How often keys and members were read anew, because they may have changed.
    governed: AtomicU64,
}

/// A copy of what is asked for most.
#[derive(Clone)]
struct Shown {
    head: Head,
    digest: [u8; 32],
    keys: Option<Arc<SpaceKeys>>,
    standing: Option<Arc<Standing>>,
}

/// How far the log was folded, and the keys that follow from it.
pub(crate) struct Position {
    pub(crate) head: Head,
    pub(crate) digest: LtHash,
    pub(crate) keyring: Keyring,
    /// Keys that the log will hold for this account further on, as the server says: what was
    /// written before it became a member opens with them, if they are the right ones.
    foretold: Keyring,
    pub(crate) standing: Option<Arc<Standing>>,
    /// Set while a new life of the server's data is read in place of the one that is known, of which
    /// what others said of that one says nothing.
    other_life: bool,
}

/// What reading on has changed. Whoever is told plans it, or tells the loop.
#[must_use]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// How far the log is folded now; none when nothing was read.
    pub head: Option<Head>,
    /// The nodes whose rows changed.
    pub changed: BTreeSet<NodeId>,
    /// Whether everything has to be compared anew, because the log was read from the start.
    pub anew: bool,
}

/// Why a space could not be read on.
#[derive(Debug, thiserror::Error)]
pub enum ReplicaError {
    /// The server did not do what was asked.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The server shows what an honest server cannot show. Nothing of it was used.
    #[error("the server shows a log that does not verify: {0}")]
    Alarm(#[from] Alarm),
    /// The server's data was restored from a copy; the log has to be read anew.
    #[error("the server was restored from a copy")]
    EpochChanged,
    /// The server says so of a sealed space, and no person has confirmed it.
    #[error("the server says that it was restored from a copy, which nobody has confirmed")]
    Unconfirmed,
    /// Another copy of this device is in use (SC-141).
    #[error(
        "this device was copied and the other copy is in use, so this one does nothing any more"
    )]
    Twin,
    /// The state of this device cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// The keys of the account cannot be opened by this device.
    #[error("this device cannot open the keys of its account: {0}")]
    Keys(#[from] CryptoError),
    /// The work was not done.
    #[error(transparent)]
    Pool(#[from] PoolError),
}

impl Replica {
    /// Opens what this device has of a space, which may be nothing yet. Does not ask the server.
    ///
    /// # Errors
    /// See [`ReplicaError`].
    pub async fn open(session: Session, space: SpaceId) -> Result<Self, ReplicaError> {
        let number = session
            .state
            .write(move |tx| tx.space_number(space))
            .await?;
        let (head, digest) = stored(&session.state, number)?;
        session.accounts.load_members(number)?;
        let heard = Heard::load(&session, space, number)?;
        let keyring = Keyring::default();
        let position = Position {
            head,
            digest,
            keyring,
            foretold: Keyring::default(),
            standing: None,
            other_life: false,
        };
        let shown = RwLock::new(Shown::of(&position));
        let position = Mutex::new(position);
        let replica = Self {
            session,
            space,
            number,
            position,
            shown,
            untold: Untold::default(),
            heard,
            sent: Sent::default(),
            governed: AtomicU64::new(0),
        };
        let mut position = replica.position.lock().await;
        match replica.load_keys(&mut position).await {
            // Found when the log is read on.
            Err(ReplicaError::Api(error)) => tracing::debug!(%error, "no keys of the space yet"),
            loaded => loaded?,
        }
        drop(position);
        Ok(replica)
    }

    /// Waits for the turn to carry the log on. A caller that hung up may have written the state and
    /// not the position; the state counts.
    pub(crate) async fn enter(&self) -> Result<MutexGuard<'_, Position>, ReplicaError> {
        let mut position = self.position.lock().await;
        self.check_alone()?;
        self.follow_state(&mut position).await?;
        Ok(position)
    }

    /// Takes the position from the state, where a caller that hung up has carried it on.
    pub(super) async fn follow_state(&self, position: &mut Position) -> Result<(), ReplicaError> {
        let (head, digest) = stored(&self.session.state, self.number)?;
        if head != position.head {
            position.head = head;
            position.digest = digest;
            self.load_keys(position).await?;
        }
        Ok(())
    }

    /// Whether every change that was folded was told to whoever asked for it.
    pub(crate) fn has_told_all(&self) -> bool {
        self.untold.is_empty()
    }

    /// The space.
    pub fn space(&self) -> SpaceId {
        self.space
    }

    /// Its number in the state.
    pub fn number(&self) -> SpaceNumber {
        self.number
    }

    /// How far the log is folded. Never waits, as the two that follow.
    pub async fn head(&self) -> Head {
        self.shown().head
    }

    /// The same, for who cannot wait for anything.
    pub(crate) fn shown_head(&self) -> Head {
        self.shown().head
    }

    /// The digest of the state at [`Self::head`], to be compared with the server's or a checkpoint.
    pub async fn digest(&self) -> (Head, [u8; 32]) {
        let shown = self.shown();
        (shown.head, shown.digest)
    }

    /// What transfers of this space need; none before the log was read so far that it has a key.
    pub async fn transfer(&self) -> Option<Transfer> {
        let keys = self.shown().keys?;
        let (api, pool) = (self.session.api.clone(), self.session.pool.clone());
        Some(Transfer {
            api,
            pool,
            space: self.space,
            keys,
        })
    }

    /// Looks at the keys that this device has of the space.
    ///
    /// # Errors
    /// See [`ReplicaError`].
    pub(crate) async fn with_keys<T>(
        &self,
        look: impl FnOnce(&Keyring) -> T,
    ) -> Result<T, ReplicaError> {
        let position = self.enter().await?;
        Ok(look(&position.keyring))
    }

    /// What the log says of the space, and of this account in it; none before it was read.
    pub fn standing(&self) -> Option<Arc<Standing>> {
        self.shown().standing
    }

    /// The newest key epoch that this device has the keys of.
    pub(crate) fn current_epoch(&self) -> Option<KeyEpoch> {
        self.shown().keys.map(|keys| keys.epoch())
    }

    /// Another number whenever members, keys or the name may have changed.
    pub(crate) fn governed(&self) -> u64 {
        self.governed.load(Ordering::Acquire)
    }

    fn shown(&self) -> Shown {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        shown.clone()
    }

    /// Shows others where the log has come to.
    pub(crate) fn show(&self, position: &Position) {
        let shown = Shown::of(position);
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = shown;
    }

    /// Opens the keys that the folded records hold for this device.
    pub(crate) async fn load_keys(&self, position: &mut Position) -> Result<(), ReplicaError> {
        let (space, number, account) = (self.space, self.number, self.session.device.account);
        let load = |keys: &_| {
            self.session
                .state
                .read(|rows| Keyring::load(rows, number, space, account, keys))
        };
        let keys = self.session.accounts.keys(&self.session.device).await?;
        position.keyring = match load(&keys) {
            // The space may be wrapped to a generation of the account's key that is new here.
            Err(ReplicaError::Keys(_)) => {
                self.session.accounts.refresh(account).await?;
                load(&self.session.accounts.keys(&self.session.device).await?)?
            }
            loaded => loaded?,
        };
        let standing = self.stand(&position.keyring)?.map(Arc::new);
        self.keep_name(standing.as_ref().and_then(|now| now.name.as_ref()))
            .await?;
        position.standing = standing;
        self.governed.fetch_add(1, Ordering::AcqRel);
        self.show(position);
        Ok(())
    }
}

/// How far the state has a space's log, and the sum over its records there.
fn stored(state: &State, number: SpaceNumber) -> Result<(Head, LtHash), StateError> {
    state.read(|rows| {
        let row = rows
            .space(number)?
            .ok_or(StateError::Invalid("space number"))?;
        // Without a stored sum the log was never read: the sum of nothing.
        Ok((
            row.head,
            LtHash::from_bytes(&row.digest).unwrap_or_default(),
        ))
    })
}

impl Shown {
    fn of(position: &Position) -> Self {
        Self {
            head: position.head,
            digest: *position.digest.digest().as_bytes(),
            keys: position.keyring.current(),
            standing: position.standing.clone(),
        }
    }
}
