//! What every part of the daemon may use: set up once, then only read.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use hythe_model::SpaceId;
use hythe_wire::space::SpaceView;

use super::Board;
use super::renewal::Renewal;
use super::usage::Usage;
use crate::connect::ACCOUNT_NAME;
use crate::home::LockedHome;
use crate::keys::{DeviceKeys, KeyStore};
use crate::net::{Api, ApiError};
use crate::pool::Pool;
use crate::replica::{Replica, ReplicaError, Session};
use crate::state::{SpaceNumber, State, StateError, Tx};

/// Name of the account's personal space in commands (design §5).
pub const PERSONAL: &str = "home";

/// The parts of a daemon.
pub struct Shared {
    pub home: LockedHome,
    pub state: Arc<State>,
    pub device: Arc<DeviceKeys>,
    pub keys: KeyStore,
    pub api: Api,
    pub pool: Pool,
    pub board: Arc<Board>,
    pub common: Session,
    pub runtime: tokio::runtime::Handle,
    pub device_name: String,
    account_name: RwLock<String>,
    /// What `devices add` puts into its URL instead of the address this device uses itself.
    pub advertised_url: Option<String>,
    /// About how many nodes one plan takes on.
    pub plan_nodes: usize,
    pub renewal: Renewal,
    pub usage: Usage,
    spaces: RwLock<BTreeMap<SpaceNumber, Arc<Space>>>,
    /// Held while a space is opened: two copies of one log would each carry it on for themselves.
    opening: tokio::sync::Mutex<()>,
}

/// A space this device follows.
pub struct Space {
    pub number: SpaceNumber,
    pub id: SpaceId,
    pub name: String,
    pub replica: Arc<Replica>,
}

/// The parts as they come from [`super::start`].
pub struct Parts {
    pub home: LockedHome,
    pub state: Arc<State>,
    pub device: Arc<DeviceKeys>,
    pub keys: KeyStore,
    pub api: Api,
    pub pool: Pool,
    pub common: Session,
    pub device_name: String,
    pub account_name: String,
    pub advertised_url: Option<String>,
    pub plan_nodes: usize,
}

impl Shared {
    pub fn new(parts: Parts) -> Self {
        Self {
            home: parts.home,
            state: parts.state,
            device: parts.device,
            keys: parts.keys,
            api: parts.api,
            pool: parts.pool,
            board: Arc::default(),
            common: parts.common,
            runtime: tokio::runtime::Handle::current(),
            device_name: parts.device_name,
            account_name: RwLock::new(parts.account_name),
            advertised_url: parts.advertised_url,
            plan_nodes: parts.plan_nodes,
            renewal: Renewal::default(),
            usage: Usage::default(),
            spaces: RwLock::default(),
            opening: tokio::sync::Mutex::default(),
        }
    }

    /// The login name of the account, as the server last said.
    pub fn account_name(&self) -> String {
        let name = self.account_name.read();
        name.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes on what the server calls the account.
    pub async fn rename_account(&self, name: String) -> Result<(), StateError> {
        if self.account_name() == name {
            return Ok(());
        }
        let kept = name.clone();
        *self
            .account_name
            .write()
            .unwrap_or_else(PoisonError::into_inner) = name;
        let write = move |tx: &Tx<'_>| tx.set_setting(ACCOUNT_NAME, kept.as_bytes());
        self.state.write(write).await
    }

    /// The spaces, by number.
    pub fn spaces(&self) -> Vec<Arc<Space>> {
        self.spaces
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    /// A space by number.
    pub fn space(&self, number: SpaceNumber) -> Option<Arc<Space>> {
        self.spaces
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&number)
            .cloned()
    }

    /// Opens every space that this device knows of, without asking the server.
    pub async fn open_known(&self) -> Result<(), ReplicaError> {
        let known = self.state.read(|rows| rows.spaces())?;
        // A space without a name was met and not yet asked about: the server says what it is.
        for (_, row) in known.into_iter().filter(|(_, row)| !row.name.is_empty()) {
            self.open_space(row.id, row.name).await?;
        }
        Ok(())
    }

    /// Asks the server which spaces there are, opens those that are new, and says where their logs
    /// stand.
    pub async fn learn_spaces(&self) -> Result<Vec<SpaceView>, ReplicaError> {
        let list = self.api.spaces().await.map_err(ReplicaError::Api)?;
        for view in &list.spaces {
            let name = if view.personal {
                PERSONAL.to_owned()
            } else {
                view.id.to_string()
            };
            self.open_space(view.id, name).await?;
        }
        Ok(list.spaces)
    }

    async fn open_space(&self, id: SpaceId, name: String) -> Result<(), ReplicaError> {
        let _opening = self.opening.lock().await;
        if self.spaces().iter().any(|space| space.id == id) {
            return Ok(());
        }
        let replica = Arc::new(Replica::open(self.common.clone(), id).await?);
        let number = replica.number();
        let called = name.clone();
        self.state
            .write(move |tx| tx.name_space(number, &called))
            .await?;
        let space = Arc::new(Space {
            number,
            id,
            name,
            replica,
        });
        self.spaces
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(number, space);
        Ok(())
    }

    /// A seed for retries: different on every device and in every folder.
    pub fn seed(&self) -> u64 {
        getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()))
    }
}

/// Milliseconds since 1970 by this device's clock: shown and signed, never compared (C7).
pub fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Whether a person has to act before the server serves this device again.
pub fn needs_person(error: &ApiError) -> bool {
    matches!(error, ApiError::Unauthorised(_) | ApiError::WrongServer(_)) || error.is_suspended()
}
