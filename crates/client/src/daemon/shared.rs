//! What every part of the daemon may use: set up once, then only read.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use hythe_model::{AccountId, Role, SpaceId};
use hythe_space::flow::JoinSecret;
use hythe_wire::space::{RoleName, SpaceView};
use tokio::sync::watch;

use super::Board;
use super::capsules::Changed;
use super::comeback;
use super::inbox::Inboxes;
use super::renewal::Renewal;
use super::sightings::Meeting;
use super::usage::Usage;
use crate::commit::CommitError;
use crate::connect::ACCOUNT_NAME;
use crate::home::LockedHome;
use crate::inbox::dropping::{Introduction, Target};
use crate::keys::{DeviceKeys, KeyStore};
use crate::net::{Api, ApiError};
use crate::pool::Pool;
use crate::replica::{Replica, ReplicaError, Session, Standing};
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
    pub capsules: Changed,
    pub meeting: Meeting,
    pub inboxes: Inboxes,
    /// Told when the event stream has to begin anew.
    pub anew: tokio::sync::Notify,
    spaces: RwLock<BTreeMap<SpaceNumber, Arc<Space>>>,
    offered: RwLock<Vec<SpaceView>>,
    /// Spaces that the account may only put files into.
    dropping: RwLock<Vec<Target>>,
    /// Held while a space is opened: two copies of one log would each carry it on for themselves.
    opening: tokio::sync::Mutex<()>,
    /// Closed when nobody uses this any more. Fields are dropped in their order: the home is free
    /// by then.
    in_use: watch::Sender<()>,
}

/// A space this device follows.
pub struct Space {
    pub number: SpaceNumber,
    pub id: SpaceId,
    /// Whether it is the account's personal one.
    pub personal: bool,
    pub replica: Arc<Replica>,
    /// The server has not named it among the account's spaces when it was asked last.
    unlisted: AtomicBool,
    /// The server has named it among those that ended.
    told_ended: AtomicBool,
    /// Set while the server says that it was restored and nobody confirmed it: of how many changes
    /// that this device knows it says nothing.
    claimed: RwLock<Option<u64>>,
    /// What another device saw that the server does not show this one.
    contradicted: RwLock<Option<String>>,
}

impl Space {
    /// What it is called in commands and messages: a name, else its id.
    pub fn name(&self) -> String {
        if self.personal {
            return PERSONAL.to_owned();
        }
        let standing = self.replica.standing();
        let name = standing
            .as_ref()
            .and_then(|standing| standing.name.as_ref());
        // Only the personal space is called so, whatever others name theirs.
        match name.filter(|name| name.as_str() != PERSONAL) {
            Some(name) => name.as_str().to_owned(),
            None => self.id.to_string(),
        }
    }

    /// Whether this account takes part in it no more, as far as is known: by the log, whose word is
    /// signed, or by the server.
    pub fn is_over(&self) -> bool {
        let left = |standing: Arc<Standing>| standing.role.is_none();
        self.unlisted.load(Ordering::Acquire) || self.replica.standing().is_some_and(left)
    }

    /// Notes whether the server names it among the account's spaces.
    pub fn list(&self, listed: bool) {
        self.unlisted.store(!listed, Ordering::Release);
    }

    /// Notes that the server says that it was restored, and how many changes it lacks; or that
    /// this is settled.
    pub fn claim(&self, lacking: Option<u64>) {
        *self.claimed.write().unwrap_or_else(PoisonError::into_inner) = lacking;
    }

    /// Whether a person has to confirm that the server was restored.
    pub fn is_claimed(&self) -> bool {
        self.claimed().is_some()
    }

    /// Notes, as one sentence, that another device was shown something else; or that none was. Says
    /// whether that is news.
    pub fn contradict(&self, what: Option<String>) -> bool {
        let mut known = self
            .contradicted
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let is_news = known.is_some() != what.is_some();
        *known = what;
        is_news
    }

    /// What another device saw that the server does not show this one, as one sentence.
    pub fn contradicted(&self) -> Option<String> {
        let known = self.contradicted.read();
        known.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn claimed(&self) -> Option<u64> {
        *self.claimed.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes whether the server names it among those that ended.
    pub fn note_ended(&self, ended: bool) {
        self.told_ended.store(ended, Ordering::Release);
    }

    /// Whether it ended as an owner had signed: the server alone is not believed.
    pub fn has_ended(&self) -> bool {
        let ends = |standing: Arc<Standing>| standing.ends_ms.is_some();
        self.unlisted.load(Ordering::Acquire)
            && self.told_ended.load(Ordering::Acquire)
            && self.replica.standing().is_some_and(ends)
    }

    /// Whether this account may write in it.
    pub fn may_write(&self) -> bool {
        let standing = self.replica.standing();
        standing.is_none_or(|standing| standing.role.is_some_and(Role::may_write))
    }
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
            capsules: Changed::default(),
            meeting: Meeting::default(),
            inboxes: Inboxes::default(),
            anew: tokio::sync::Notify::new(),
            spaces: RwLock::default(),
            offered: RwLock::default(),
            dropping: RwLock::default(),
            opening: tokio::sync::Mutex::default(),
            in_use: watch::Sender::default(),
        }
    }

    /// What closes when nobody uses this any more and the home is free.
    pub fn in_use(&self) -> watch::Receiver<()> {
        self.in_use.subscribe()
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

    /// Why nothing is sent or fetched of a space, as one sentence; none where it is. Its folders stay as they are: that a space is gone is no delete.
    pub fn over(&self, number: SpaceNumber) -> Option<String> {
        let space = self.space(number)?;
        if let Some(lacking) = space.claimed() {
            return Some(unconfirmed(&space.name(), lacking));
        }
        if let Some(what) = space.contradicted() {
            return Some(stopped(&space.name(), &what));
        }
        if !space.is_over() {
            return None;
        }
        if comeback::told(self).is_some() && space.unlisted.load(Ordering::Acquire) {
            return Some(format!(
                "the server came back from a copy of its data and says nothing of {} any more, so \
                 nothing is sent or fetched; the files here stay. Ask who runs it; to have them on the \
                 server again, copy them into another sync folder",
                space.name()
            ));
        }
        Some(format!(
            "you are no member of {} any more, so nothing is sent or fetched; the files here stay",
            space.name()
        ))
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
    /// stand. Spaces that the account was only invited to are not among them.
    pub async fn learn_spaces(&self) -> Result<Vec<SpaceView>, ReplicaError> {
        let mut list = self.api.spaces().await.map_err(ReplicaError::Api)?;
        let is_drop = |view: &SpaceView| view.invitation.is_none() && view.role == RoleName::Drop;
        let (dropping, others) = list.spaces.into_iter().partition(is_drop);
        list.spaces = others;
        self.keep_dropping(dropping)?;
        for view in &list.spaces {
            if view.invitation.is_none() {
                let known_as = if view.personal {
                    PERSONAL.to_owned()
                } else {
                    view.id.to_string()
                };
                self.open_space(view.id, known_as).await?;
            }
        }
        let (offered, spaces): (Vec<SpaceView>, Vec<SpaceView>) = list
            .spaces
            .iter()
            .cloned()
            .partition(|view| view.invitation.is_some());
        for space in self.spaces() {
            space.list(spaces.iter().any(|view| view.id == space.id));
            space.note_ended(list.ended.iter().any(|ended| ended.id == space.id));
        }
        *self.offered.write().unwrap_or_else(PoisonError::into_inner) = offered;
        Ok(spaces)
    }

    /// The spaces that the account was invited to, as the server said last.
    pub fn offered(&self) -> Vec<SpaceView> {
        self.offered
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Keeps which spaces the account may only put files into: nothing is read of them.
    fn keep_dropping(&self, views: Vec<SpaceView>) -> Result<(), StateError> {
        let mut targets = Vec::with_capacity(views.len());
        for view in views {
            let known = Introduction::of(&self.state, view.id)?;
            let name = known.and_then(|known| known.name);
            targets.push(Target {
                id: view.id,
                name: name.unwrap_or_else(|| view.id.to_string()),
                sealed: !view.open,
            });
        }
        *self
            .dropping
            .write()
            .unwrap_or_else(PoisonError::into_inner) = targets;
        Ok(())
    }

    /// The spaces that the account may only put files into, as the server said last.
    pub(crate) fn dropping(&self) -> Vec<Target> {
        let known = self.dropping.read().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    /// A space that the account takes part in.
    pub fn living_space(&self, id: SpaceId) -> Option<Arc<Space>> {
        let mut spaces = self.living_spaces().into_iter();
        spaces.find(|space| space.id == id)
    }

    /// The spaces that the account takes part in.
    pub fn living_spaces(&self) -> Vec<Arc<Space>> {
        let mut spaces = self.spaces();
        spaces.retain(|space| !space.is_over());
        spaces
    }

    async fn open_space(&self, id: SpaceId, known_as: String) -> Result<(), ReplicaError> {
        let _opening = self.opening.lock().await;
        if self.spaces().iter().any(|space| space.id == id) {
            return Ok(());
        }
        let replica = Arc::new(Replica::open(self.common.clone(), id).await?);
        let number = replica.number();
        let personal = known_as == PERSONAL;
        self.state
            .write(move |tx| tx.name_space(number, &known_as))
            .await?;
        let space = Arc::new(Space {
            number,
            id,
            personal,
            replica,
            unlisted: AtomicBool::new(false),
            told_ended: AtomicBool::new(false),
            claimed: RwLock::default(),
            contradicted: RwLock::default(),
        });
        self.spaces
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(number, space);
        Ok(())
    }

    /// Becomes a member of a space by a link. The caller asks for the spaces anew.
    pub async fn join(&self, id: SpaceId, secret: &JoinSecret) -> Result<(), CommitError> {
        let _opening = self.opening.lock().await;
        let known = self.spaces().into_iter().find(|space| space.id == id);
        let replica = match known {
            // An account that was a member before.
            Some(space) => Arc::clone(&space.replica),
            None => Arc::new(Replica::open(self.common.clone(), id).await?),
        };
        // Whoever asks is told of everything by reading the space as a new one.
        replica.join(secret).await.map(drop)
    }

    /// Becomes a member that may only put files into a space, by a link of `by`. The caller asks for the
    /// spaces anew.
    pub async fn join_to_put(
        &self,
        id: SpaceId,
        secret: &JoinSecret,
        by: AccountId,
    ) -> Result<(), CommitError> {
        let _opening = self.opening.lock().await;
        let replica = Replica::open(self.common.clone(), id).await?;
        let name = replica.name_offered(secret).await?;
        // Kept first: nothing more will ever be known of the space.
        let known = Introduction {
            by,
            name: name.map(|name| name.as_str().to_owned()),
        };
        let kept = known.keep(&self.state, id).await;
        kept.map_err(ReplicaError::from)?;
        replica.join_to_put(secret).await
    }

    /// Forgets a space and what was read of it.
    pub async fn forget_space(&self, number: SpaceNumber) -> Result<(), StateError> {
        let _opening = self.opening.lock().await;
        self.spaces
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&number);
        let forget = move |tx: &Tx<'_>| {
            tx.forget_log(number)?;
            tx.forget_sightings(number)?;
            // Without a name it is not opened at the next start.
            tx.name_space(number, "")
        };
        self.state.write(forget).await
    }

    /// A seed for retries: different on every device and in every folder.
    pub fn seed(&self) -> u64 {
        getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()))
    }
}

fn unconfirmed(name: &str, lacking: u64) -> String {
    let lacks = match lacking {
        0 => String::new(),
        1 => " and lacks 1 change that this device knows".to_owned(),
        more => format!(" and lacks {more} changes that this device knows"),
    };
    format!(
        "the server says that it was restored from a copy{lacks}; {name} is sealed, so nothing is sent \
         or fetched until you asked who runs the server and said `hythe spaces confirm {name}`"
    )
}

fn stopped(name: &str, what: &str) -> String {
    format!(
        "{what}; so nothing of {name} is sent or fetched. Ask whose device that is and who runs the \
         server; `hythe spaces confirm {name}` goes on with what the server shows"
    )
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
