//! The accounts whose devices write in this device's spaces: their logs, verified and kept.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hythe_model::AccountId;
use hythe_space::{AccountKeys, AccountState, Accounts, ChangeSet, CryptoError, KemSecret, Moment};

use super::view::RowsView;
use super::{Alarm, ReplicaError};
use crate::keys::DeviceKeys;
use crate::net::Api;
use crate::state::{SpaceNumber, State, StateError};

/// What is known of accounts. Grows, and never goes back: a log that is shorter than before, or
/// another, raises an alarm.
pub struct AccountBook {
    state: Arc<State>,
    api: Api,
    known: Mutex<Known>,
    /// Held while an account is read on, so that no two do it at once.
    reading: tokio::sync::Mutex<()>,
}

/// The accounts, and who they are.
#[derive(Default)]
struct Known {
    accounts: Arc<Accounts>,
    ids: BTreeSet<AccountId>,
}

impl AccountBook {
    /// An empty book over a state; what was stored is found when it is needed.
    pub fn new(state: &Arc<State>, api: &Api) -> Self {
        Self {
            state: Arc::clone(state),
            api: api.clone(),
            known: Mutex::default(),
            reading: tokio::sync::Mutex::new(()),
        }
    }

    /// All accounts known now.
    pub(crate) fn all(&self) -> Arc<Accounts> {
        Arc::clone(&self.lock().accounts)
    }

    /// An account; asks the server only if it was never read.
    ///
    /// # Errors
    /// See [`ReplicaError`], here and below.
    pub async fn get(&self, account: AccountId) -> Result<AccountState, ReplicaError> {
        self.load(account)?;
        if let Some(state) = self.all().get(account) {
            return Ok(state.clone());
        }
        self.refresh(account).await?;
        let known = self.all().get(account).cloned();
        known.ok_or(ReplicaError::State(StateError::Invalid("account")))
    }

    /// Reads an account's log on to its head, and says whether there was more than before.
    pub async fn refresh(&self, account: AccountId) -> Result<bool, ReplicaError> {
        let _reading = self.reading.lock().await;
        self.load(account)?;
        let before = self.all().get(account).cloned();
        let known_to = before.as_ref().map(AccountState::head);
        let after = self.read_on(account, before).await?;
        if Some(after.head()) == known_to {
            return Ok(false);
        }
        self.keep(after).await?;
        Ok(true)
    }

    async fn keep(&self, account: AccountState) -> Result<(), ReplicaError> {
        let (name, bytes) = (setting(account.id()), account.encode());
        self.state
            .write(move |tx| tx.set_setting(&name, &bytes))
            .await?;
        self.insert(account);
        Ok(())
    }

    /// Reads accounts' logs anew in a new life of the server's data, where they may have lost their
    /// ends, but nothing else: what is there has to be the beginning of what was there.
    pub(crate) async fn start_over(&self) -> Result<(), ReplicaError> {
        let _reading = self.reading.lock().await;
        let (known, ids) = (self.all(), self.lock().ids.clone());
        for before in ids.iter().filter_map(|account| known.get(*account)) {
            let account = before.id();
            let after = self.read_on(account, None).await?;
            let common = before.head().cursor.min(after.head().cursor);
            if before.chain_at(common) != after.chain_at(common) {
                return Err(other(account, "it is another than before"));
            }
            self.keep(after).await?;
        }
        Ok(())
    }

    /// The secrets of the device's own account.
    pub(crate) async fn keys(&self, device: &DeviceKeys) -> Result<AccountKeys, ReplicaError> {
        let account = self.get(device.account).await?;
        let kem = KemSecret::from_seed(device.agreement.clone());
        match AccountKeys::open(&account, device.device, &kem) {
            // This device may be newer than what was stored.
            Err(CryptoError::Unwrap) if self.refresh(device.account).await? => {
                let account = self.get(device.account).await?;
                Ok(AccountKeys::open(&account, device.device, &kem)?)
            }
            keys => Ok(keys?),
        }
    }

    /// Finds the stored accounts of who is or was a member of a space.
    pub(crate) fn load_members(&self, space: SpaceNumber) -> Result<(), ReplicaError> {
        let members = self
            .state
            .read(|rows| RowsView { rows, space }.all_members())?;
        members
            .into_iter()
            .try_for_each(|member| self.load(member.account))
    }

    /// Has the accounts of who is or was a member of a space, asked of the server where they were
    /// never read: all of them may have written in it.
    pub(crate) async fn meet_members(&self, space: SpaceNumber) -> Result<(), ReplicaError> {
        let members = self
            .state
            .read(|rows| RowsView { rows, space }.all_members())?;
        for member in members {
            self.get(member.account).await?;
        }
        Ok(())
    }

    /// Finds a stored account.
    fn load(&self, account: AccountId) -> Result<(), ReplicaError> {
        if self.all().get(account).is_some() {
            return Ok(());
        }
        let stored = self.state.read(|rows| rows.setting(&setting(account)))?;
        if let Some(bytes) = stored {
            let state = AccountState::decode(&bytes).map_err(|_| StateError::Invalid("account"))?;
            self.insert(state);
        }
        Ok(())
    }

    fn insert(&self, state: AccountState) {
        let mut known = self.lock();
        known.ids.insert(state.id());
        Arc::make_mut(&mut known.accounts).insert(state);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // No code that can panic runs under this lock.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read_on(
        &self,
        account: AccountId,
        mut state: Option<AccountState>,
    ) -> Result<AccountState, ReplicaError> {
        loop {
            let at = state
                .as_ref()
                .map(|state| state.head().cursor)
                .unwrap_or_default();
            let mut reader = self.api.account_log(account, at).await?;
            while let Some(page) = reader.next_page().await? {
                for entry in &page.entries {
                    state = Some(append(account, state, &entry.change_set)?);
                }
                let Some(shown) = page.head else { continue };
                let Some(state) = state.as_ref().filter(|state| state.id() == account) else {
                    return Err(other(account, "it is not the log that was asked for"));
                };
                if shown == state.head() {
                    return Ok(state.clone());
                }
                // Entries after the page are read next; anything else is another history.
                if shown.cursor <= state.head().cursor || page.entries.is_empty() {
                    return Err(other(account, "it is shorter or another than before"));
                }
            }
        }
    }
}

fn append(
    account: AccountId,
    state: Option<AccountState>,
    bytes: &[u8],
) -> Result<AccountState, ReplicaError> {
    let change_set =
        ChangeSet::decode(bytes).map_err(|error| other(account, &error.to_string()))?;
    let refused = |refusal| ReplicaError::Alarm(Alarm::account(account, &refusal));
    let Some(mut state) = state else {
        return AccountState::start(&change_set).map_err(refused);
    };
    state
        .append(Moment::Replaying, &change_set)
        .map_err(refused)?;
    Ok(state)
}

fn other(account: AccountId, reason: &str) -> ReplicaError {
    Alarm::Account {
        account,
        reason: reason.to_owned(),
    }
    .into()
}

fn setting(account: AccountId) -> String {
    format!("account/{account}")
}
