//! What an administrator does to accounts: suspend, resume, give a role, have removed.
//!
//! A suspended account keeps everything and can do nothing: its devices are cut off as removed ones
//! are, within five seconds (D6), and let in again when it is resumed. An account that is to be
//! removed is suspended at once and goes when its waiting time is over; until then resuming it is
//! all it takes to keep it.

use std::time::Duration;

use hythe_model::AccountId;
use serde::{Deserialize, Serialize};

use super::audit::{Action, Actor};
use super::roster::to_enrol;
use super::stats::as_text;
use super::{Files, FilesError, Principal, access};
use crate::clock::now_ms;
use crate::metadata::accounts::{self, AccountRow};
use crate::metadata::standing::{self, Standing};
use crate::metadata::{DbError, Tx, quotas};
use crate::notify::Notice;
use crate::roster::ListedClient;

/// An account, as whoever runs the server sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    /// Its id.
    #[serde(with = "as_text")]
    pub account: AccountId,
    /// Its login name.
    pub login: String,
    /// Whether it may use `admin` functions.
    pub admin: bool,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
    /// Since when it is suspended; none: it is not.
    pub suspended_ms: Option<i64>,
    /// When it will be removed; none: it stays.
    pub removal_ms: Option<i64>,
    /// How many devices it has.
    pub devices: u64,
    /// Sealed bytes in the spaces that count for it.
    pub used_bytes: u64,
    /// What it may store; none is no limit.
    pub limit_bytes: Option<u64>,
    /// The devices that it is said to have and that have not enrolled.
    #[serde(default)]
    pub to_enrol: Vec<ListedClient>,
}

impl Files {
    /// All accounts, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn accounts(&self) -> Result<Vec<AccountView>, FilesError> {
        let read = |tx: &mut dyn Tx| {
            let rows = accounts::all(tx)?;
            rows.into_iter().map(|row| view(tx, row)).collect()
        };
        Ok(self
            .inner
            .database
            .read(read)
            .await
            .map_err(|e: DbError| e)?)
    }

    /// Who administers, where a device's account may: decided anew for each request.
    ///
    /// # Errors
    /// [`super::Denied::Role`], or the database's.
    pub async fn as_admin(&self, principal: &Principal) -> Result<Actor, FilesError> {
        self.still_valid(principal).await?;
        let caller = principal.clone();
        let read = move |tx: &mut dyn Tx| access::admin(tx, &caller);
        self.inner.database.read(read).await?;
        Ok(Actor::Account(principal.account()))
    }

    /// Cuts an account off until it is resumed.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], or the database's.
    pub async fn suspend(&self, actor: Actor, named: &str) -> Result<(), FilesError> {
        let change = |standing: Standing, now_ms| Standing {
            suspended_ms: standing.suspended_ms.or(Some(now_ms)),
            ..standing
        };
        self.stand(actor, "suspend", named, String::new(), change)
            .await
    }

    /// Lets an account go on that was suspended or to be removed.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], or the database's.
    pub async fn resume(&self, actor: Actor, named: &str) -> Result<(), FilesError> {
        let change = |_, _| Standing::default();
        self.stand(actor, "resume", named, String::new(), change)
            .await
    }

    /// Suspends an account and has it removed after a waiting time.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], or the database's.
    pub async fn remove_account(
        &self,
        actor: Actor,
        named: &str,
        wait: Duration,
    ) -> Result<(), FilesError> {
        let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        let detail = format!("in {} days", wait.as_secs() / (24 * 60 * 60));
        let change = move |standing: Standing, now_ms: i64| Standing {
            suspended_ms: standing.suspended_ms.or(Some(now_ms)),
            removal_ms: Some(now_ms.saturating_add(wait_ms)),
        };
        self.stand(actor, "remove", named, detail, change).await?;
        if wait.is_zero() {
            self.remove_due().await?;
        }
        Ok(())
    }

    /// Sets whether an account may administer the server.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], or the database's.
    pub async fn set_role(&self, actor: Actor, named: &str, admin: bool) -> Result<(), FilesError> {
        let role = if admin { "admin" } else { "user" };
        let action = Action {
            actor,
            name: "set-role",
            subject: named.to_owned(),
            detail: role.to_owned(),
        };
        let named = named.to_owned();
        let work = move |tx: &mut dyn Tx| {
            let account = find(tx, &named)?;
            Ok(standing::set_admin(tx, account, admin)?)
        };
        self.audited(action, work).await
    }

    async fn stand(
        &self,
        actor: Actor,
        name: &'static str,
        named: &str,
        detail: String,
        change: impl Fn(Standing, i64) -> Standing + Send + 'static,
    ) -> Result<(), FilesError> {
        let subject = named.to_owned();
        let action = Action {
            actor,
            name,
            subject: subject.clone(),
            detail,
        };
        let work = move |tx: &mut dyn Tx| {
            let account = find(tx, &subject)?;
            let before = standing::get(tx, account)?.unwrap_or_default();
            standing::set(tx, account, change(before, now_ms()))?;
            tx.notify(Notice::Standing { account });
            Ok(())
        };
        self.audited(action, work).await?;
        self.inner.sessions.revoke_all();
        Ok(())
    }
}

/// The account of a login name or id.
///
/// # Errors
/// [`FilesError::NotFound`]; the database's.
fn find(tx: &mut dyn Tx, named: &str) -> Result<AccountId, FilesError> {
    let rows = accounts::all(tx)?;
    let by_name = rows.iter().find(|row| row.login == named);
    let id = named.parse::<AccountId>().ok();
    let found = by_name.or_else(|| rows.iter().find(|row| Some(row.account) == id));
    found
        .map(|row| row.account)
        .ok_or(FilesError::NotFound("account"))
}

fn view(tx: &mut dyn Tx, row: AccountRow) -> Result<AccountView, DbError> {
    let standing = standing::get(tx, row.account)?.unwrap_or_default();
    Ok(AccountView {
        account: row.account,
        admin: row.admin,
        created_ms: row.created_ms,
        suspended_ms: standing.suspended_ms,
        removal_ms: standing.removal_ms,
        devices: standing::count_devices(tx, row.account)?,
        used_bytes: quotas::stored_by(tx, row.account)?,
        limit_bytes: quotas::account_limit(tx, row.account)?,
        to_enrol: to_enrol(tx, &row)?,
        login: row.login,
    })
}
