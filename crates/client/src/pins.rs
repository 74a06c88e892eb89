//! Which account a login name stands for, as this device found it first (A2).
//!
//! An account's id is the hash of its log's beginning, so whoever has the id cannot be shown other
//! keys. What a server could forge is which id a name stands for; so that is kept.

use std::sync::Arc;

use hythe_model::AccountId;

use crate::state::{State, StateError};

/// The names this device knows.
#[derive(Clone)]
pub struct Pins {
    state: Arc<State>,
}

/// What the server says of a name, against what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pinned {
    /// It was not known; it is from now on.
    New,
    /// It is the account that it always was.
    Same,
    /// It was this account; nothing was changed.
    Other(AccountId),
}

impl Pins {
    /// The pins in a state.
    pub fn new(state: &Arc<State>) -> Self {
        let state = Arc::clone(state);
        Self { state }
    }

    /// The account that a name stands for.
    ///
    /// # Errors
    /// Those of the state, here and below.
    pub fn account(&self, login: &str) -> Result<Option<AccountId>, StateError> {
        let stored = self.state.read(|rows| rows.setting(&by_login(login)))?;
        let Some(bytes) = stored else { return Ok(None) };
        let id = <[u8; 32]>::try_from(bytes.as_slice());
        let id = id.map_err(|_| StateError::Invalid("pin of a login name"))?;
        Ok(Some(AccountId(id)))
    }

    /// The name that an account is known under.
    pub fn login(&self, account: AccountId) -> Result<Option<String>, StateError> {
        let stored = self.state.read(|rows| rows.setting(&by_account(account)))?;
        Ok(stored.and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    /// Compares what the server says with what is known, and keeps it if nothing is.
    pub async fn meet(&self, login: &str, account: AccountId) -> Result<Pinned, StateError> {
        match self.account(login)? {
            Some(known) if known == account => Ok(Pinned::Same),
            Some(known) => Ok(Pinned::Other(known)),
            None => self.pin(login, account).await.map(|()| Pinned::New),
        }
    }

    /// Has a name stand for an account from now on: somebody compared the safety number.
    pub async fn pin(&self, login: &str, account: AccountId) -> Result<(), StateError> {
        let (name, login) = (by_login(login), login.to_owned());
        let before = self.account(&login)?.filter(|before| *before != account);
        let write = move |tx: &crate::state::Tx<'_>| {
            if let Some(before) = before {
                tx.remove_setting(&by_account(before))?;
            }
            tx.set_setting(&name, account.as_bytes())?;
            tx.set_setting(&by_account(account), login.as_bytes())
        };
        self.state.write(write).await
    }
}

fn by_login(login: &str) -> String {
    format!("pin/login/{login}")
}

fn by_account(account: AccountId) -> String {
    format!("pin/account/{account}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a2_a_name_stands_for_the_first_account_until_somebody_looked() {
        let home = tempfile::tempdir().unwrap();
        let (state, _) = State::open(&home.path().join("state.db")).unwrap();
        let pins = Pins::new(&Arc::new(state));
        let [first, other] = [1, 2].map(|n| AccountId([n; 32]));
        assert_eq!(pins.account("bob").unwrap(), None);
        assert_eq!(pins.meet("bob", first).await.unwrap(), Pinned::New);
        assert_eq!(pins.meet("bob", first).await.unwrap(), Pinned::Same);
        assert_eq!(pins.meet("bob", other).await.unwrap(), Pinned::Other(first));
        assert_eq!(pins.account("bob").unwrap(), Some(first));
        assert_eq!(pins.login(other).unwrap(), None);
        pins.pin("bob", other).await.unwrap();
        assert_eq!(pins.meet("bob", other).await.unwrap(), Pinned::Same);
        assert_eq!(pins.login(other).unwrap().as_deref(), Some("bob"));
        assert_eq!(pins.login(first).unwrap(), None);
    }
}
