//! Limits as whoever runs the server sees and sets them.

use std::collections::BTreeMap;

use hythe_model::{AccountId, SpaceId};
use serde::{Deserialize, Serialize};

use super::audit::{Action, Actor};
use super::stats::as_text;
use super::{Files, FilesError};
use crate::clock::now_ms;
use crate::metadata::accounts::{self, AccountRow};
use crate::metadata::quotas::{self, SpaceUse};
use crate::metadata::{DbError, Tx, settings};

/// The setting that new accounts take their limit from.
const DEFAULT_LIMIT: &str = "default-limit-bytes";

/// Whose limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum QuotaName {
    /// Of accounts that are made from now on.
    Default,
    /// Of an account, by login name or id, or of a space, by id.
    Of(String),
}

/// All limits, and what is used of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaReport {
    /// The limit that new accounts get, in bytes; none is no limit.
    pub default_limit_bytes: Option<u64>,
    /// The accounts, oldest first.
    pub accounts: Vec<AccountQuota>,
    /// The spaces, oldest first.
    pub spaces: Vec<SpaceQuota>,
}

/// What an account may store, and does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountQuota {
    /// Its id.
    #[serde(with = "as_text")]
    pub account: AccountId,
    /// Its login name.
    pub login: String,
    /// Sealed bytes in the spaces that count for it.
    pub used_bytes: u64,
    /// Bytes that uploads under way have reserved.
    pub reserved_bytes: u64,
    /// The limit; none is no limit.
    pub limit_bytes: Option<u64>,
}

/// What a space may hold, and does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceQuota {
    /// Its id.
    #[serde(with = "as_text")]
    pub space: SpaceId,
    /// Login name of the account that it counts for.
    pub counts_for: Option<String>,
    /// Whether it is that account's personal space.
    pub personal: bool,
    /// Its sealed bytes.
    pub used_bytes: u64,
    /// Bytes that uploads under way have reserved.
    pub reserved_bytes: u64,
    /// The limit; none is no limit.
    pub limit_bytes: Option<u64>,
}

/// What a name means.
#[derive(Debug, Clone, Copy)]
enum Target {
    Account(AccountId),
    Space(SpaceId),
}

impl Files {
    /// All limits, or those of one account with its spaces, or of one space.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], or the database's.
    pub async fn quotas(&self, of: Option<String>) -> Result<QuotaReport, FilesError> {
        self.inner
            .database
            .read(move |tx| report(tx, of.as_deref()))
            .await
    }

    /// Sets a limit; none takes it away. What is stored already stays, however much it is.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], or the database's.
    pub async fn set_quota(
        &self,
        actor: Actor,
        of: QuotaName,
        limit: Option<u64>,
    ) -> Result<(), FilesError> {
        let action = Action {
            actor,
            name: "set-quota",
            subject: match &of {
                QuotaName::Default => "new accounts".to_owned(),
                QuotaName::Of(name) => name.clone(),
            },
            detail: limit.map_or("no limit".to_owned(), |bytes| format!("{bytes} bytes")),
        };
        self.audited(action, move |tx| set(tx, &of, limit)).await
    }

    /// Counts anew what every space holds; returns how many had been counted wrong.
    ///
    /// # Errors
    /// The database's.
    pub async fn recount(&self) -> Result<u64, FilesError> {
        let spaces: Vec<SpaceUse> = self.inner.database.read(quotas::spaces).await?;
        let mut wrong = 0;
        for space in spaces {
            let again = move |tx: &mut dyn Tx| {
                // With the lock no chunk comes between the sum and its row.
                let Some(log) = crate::metadata::logs::lock(tx, &space.space)? else {
                    return Ok(false);
                };
                quotas::recount(tx, log.no)?;
                Ok::<_, DbError>(quotas::stored_in(tx, log.no)? != log.stored_bytes)
            };
            wrong += u64::from(self.inner.database.write(again).await?);
        }
        Ok(wrong)
    }
}

/// The limit that a new account gets.
///
/// # Errors
/// The database's.
pub(super) fn default_limit(tx: &mut dyn Tx) -> Result<Option<u64>, DbError> {
    let value = settings::get(tx, DEFAULT_LIMIT)?;
    value
        .map(|value| value.parse().map_err(|_| DbError::Shape("a limit")))
        .transpose()
}

fn set(tx: &mut dyn Tx, of: &QuotaName, limit: Option<u64>) -> Result<(), FilesError> {
    let name = match of {
        QuotaName::Default => {
            let value = limit.map(|limit| limit.to_string());
            return Ok(settings::set(tx, DEFAULT_LIMIT, value.as_deref())?);
        }
        QuotaName::Of(name) => name,
    };
    match find(tx, name)? {
        Target::Account(account) => quotas::set_account(tx, account, limit)?,
        Target::Space(space) => quotas::set_space(tx, space.as_bytes(), limit)?,
    };
    Ok(())
}

fn find(tx: &mut dyn Tx, name: &str) -> Result<Target, FilesError> {
    let accounts = accounts::all(tx)?;
    let is_it = |row: &&AccountRow| row.login == name;
    if let Some(row) = accounts.iter().find(is_it) {
        return Ok(Target::Account(row.account));
    }
    if let Ok(id) = name.parse::<AccountId>() {
        if accounts.iter().any(|row| row.account == id) {
            return Ok(Target::Account(id));
        }
        if quotas::spaces(tx)?.iter().any(|space| space.space == id.0) {
            return Ok(Target::Space(SpaceId(id.0)));
        }
    }
    Err(FilesError::NotFound("account or space"))
}

fn report(tx: &mut dyn Tx, of: Option<&str>) -> Result<QuotaReport, FilesError> {
    let wanted = of.map(|name| find(tx, name)).transpose()?;
    let now_ms = now_ms();
    let logins: BTreeMap<AccountId, String> = accounts::all(tx)?
        .into_iter()
        .map(|row| (row.account, row.login))
        .collect();
    let mut report = QuotaReport {
        default_limit_bytes: default_limit(tx)?,
        accounts: Vec::new(),
        spaces: Vec::new(),
    };
    for row in accounts::all(tx)? {
        let is_wanted = match wanted {
            None => true,
            Some(Target::Account(account)) => account == row.account,
            Some(Target::Space(_)) => false,
        };
        if is_wanted {
            report.accounts.push(AccountQuota {
                account: row.account,
                login: row.login,
                used_bytes: quotas::stored_by(tx, row.account)?,
                reserved_bytes: quotas::reserved_by(tx, row.account, now_ms)?,
                limit_bytes: quotas::account_limit(tx, row.account)?,
            });
        }
    }
    for space in quotas::spaces(tx)? {
        let is_wanted = match wanted {
            None => true,
            Some(Target::Account(account)) => space.payer == Some(account),
            Some(Target::Space(id)) => id.0 == space.space,
        };
        if is_wanted {
            report.spaces.push(SpaceQuota {
                space: SpaceId(space.space),
                counts_for: space.payer.and_then(|payer| logins.get(&payer).cloned()),
                personal: space.owner.is_some(),
                used_bytes: space.stored,
                reserved_bytes: quotas::reserved_in(tx, space.log, now_ms)?,
                limit_bytes: space.limit,
            });
        }
    }
    Ok(report)
}
