//! Lists of users: accounts that are made for somebody else, and what is told of all of them.

use std::sync::Arc;

use bytes::Bytes;
use hythe_space::{AccountState, ChangeSet};
use hythe_wire::Token;
use hythe_wire::account::PasswordUpload;
use hythe_wire::device::DeviceFolder;

use super::accounts::{append_in, check_login, read_state};
use super::audit::{Action, Actor};
use super::commit::decode;
use super::found;
use super::keyholders::Keyholders;
use super::quota_settings::default_limit;
use super::{Files, FilesError, Inner, Refused};
use crate::clock::now_ms;
use crate::metadata::accounts::{self, AccountRow};
use crate::metadata::devices::{self, DeviceRow};
use crate::metadata::expected::{self, ExpectedRow};
use crate::metadata::{DbError, Tx, logs, quotas};
use crate::roster::{ListedClient, ListedUser, MAX_CLIENTS};

/// An account that is made for somebody else: it has no device, and a password or a recovery code
/// is the way in.
#[derive(Clone)]
pub struct AccountForOther {
    /// The login name, and the devices that it is said to have.
    pub user: ListedUser,
    /// The account's log, genesis first, up to its password or recovery code.
    pub account: Vec<Bytes>,
    /// The personal space's log, genesis first.
    pub space: Vec<Bytes>,
    /// The change set that removes the device which signed all that, signed by the password or
    /// recovery code.
    pub removal: Bytes,
    /// What belongs to the password.
    pub password: Option<PasswordUpload>,
    /// The token of the recovery code.
    pub recovery: Option<Token>,
}

impl Files {
    /// Makes an account for somebody else.
    ///
    /// # Errors
    /// [`Refused::LoginTaken`], or what is wrong with the logs.
    pub async fn make_for_other(
        &self,
        actor: Actor,
        other: AccountForOther,
    ) -> Result<(), FilesError> {
        check_login(&other.user.user_name)?;
        if other.user.clients.len() > MAX_CLIENTS {
            return Err(FilesError::invalid("the account has too many devices"));
        }
        let way = match other.password {
            Some(_) => "a password",
            None => "a recovery code",
        };
        let action = Action {
            actor,
            name: "import-user",
            subject: other.user.user_name.clone(),
            detail: format!("with {way}, {} devices to enrol", other.user.clients.len()),
        };
        let making = Making::check(other).await?;
        let inner = Arc::clone(&self.inner);
        let work = move |tx: &mut dyn Tx| making.write(tx, &inner);
        let entries = self.audited(action, work).await?;
        self.inner.count(entries);
        Ok(())
    }

    /// All accounts as a list of users, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn roster(&self) -> Result<Vec<ListedUser>, FilesError> {
        // What was seen lately is not in the database yet.
        self.flush_visits().await?;
        let read = |tx: &mut dyn Tx| {
            let rows = accounts::all(tx)?;
            rows.into_iter().map(|row| listed(tx, row)).collect()
        };
        let listed: Result<Vec<ListedUser>, DbError> = self.inner.database.read(read).await;
        Ok(listed?)
    }
}

/// Everything that is written, checked as far as it can be beforehand.
struct Making {
    login: String,
    clients: Vec<ExpectedRow>,
    state: AccountState,
    account: Vec<ChangeSet>,
    space: Vec<ChangeSet>,
    removal: ChangeSet,
    keyholders: Keyholders,
}

impl Making {
    async fn check(other: AccountForOther) -> Result<Self, FilesError> {
        let account = found::decode_log(&other.account).await?;
        let clients = other.user.clients.into_iter().map(expected_row);
        Ok(Self {
            login: other.user.user_name,
            clients: clients.collect::<Result<_, _>>()?,
            state: AccountState::replay(&account)?,
            account,
            space: found::decode_log(&other.space).await?,
            removal: decode(other.removal).await?,
            keyholders: Keyholders::new(other.password, other.recovery.as_ref(), None)?,
        })
    }

    /// Returns how many change sets that took.
    fn write(&self, tx: &mut dyn Tx, inner: &Inner) -> Result<u64, FilesError> {
        let (now_ms, account) = (now_ms(), self.state.id());
        let row = AccountRow {
            account,
            login: self.login.clone(),
            admin: false,
            created_ms: now_ms,
        };
        if !accounts::insert(tx, &row)? {
            return Err(Refused::LoginTaken.into());
        }
        let limit = default_limit(tx)?;
        quotas::set_account(tx, account, limit)?;
        found::account(tx, &self.account, now_ms)?;
        for change_set in &self.account {
            self.keyholders.keep(tx, account, change_set, now_ms)?;
        }
        found::space(tx, inner, &self.state, &self.space, Some(account), now_ms)?;
        append_in(tx, account, &self.removal, &Keyholders::default())?;
        let log = logs::get(tx, account.as_bytes())?.ok_or(DbError::Shape("a new log"))?;
        let left = read_state(&log)?;
        if left.devices().any(|(_, record)| record.removed.is_none()) {
            return Err(FilesError::invalid(
                "an account for somebody else has no device",
            ));
        }
        expected::insert(tx, account, &self.clients)?;
        Ok((self.account.len() + self.space.len()) as u64 + 1)
    }
}

fn expected_row(client: ListedClient) -> Result<ExpectedRow, FilesError> {
    let files = serde_json::to_string(&client.files)
        .map_err(|error| FilesError::Storage(Box::new(error)))?;
    Ok(ExpectedRow {
        address: client.ip,
        port: client.port,
        path: client.path,
        files,
    })
}

fn listed(tx: &mut dyn Tx, row: AccountRow) -> Result<ListedUser, DbError> {
    let mut clients = Vec::new();
    for device in devices::of_account(tx, row.account)? {
        if device.removed_ms.is_none() {
            clients.extend(clients_of(&device)?);
        }
    }
    clients.extend(to_enrol(tx, &row)?);
    Ok(ListedUser {
        user_name: row.login,
        clients,
    })
}

/// One for each sync folder; a device without is one all the same.
fn clients_of(device: &DeviceRow) -> Result<Vec<ListedClient>, DbError> {
    let client = |path: String| ListedClient {
        ip: device.address.clone(),
        port: device.port,
        path,
        // Names are sealed; what the server could open here is nobody's list.
        files: Vec::new(),
    };
    let folders = folders_of(device)?;
    Ok(match folders.is_empty() {
        true => vec![client(String::new())],
        false => folders.into_iter().map(|f| client(f.path)).collect(),
    })
}

/// The devices that an account is said to have and that have not enrolled: that syncs the same
/// directory has.
///
/// # Errors
/// The database's.
pub(super) fn to_enrol(tx: &mut dyn Tx, row: &AccountRow) -> Result<Vec<ListedClient>, DbError> {
    let told = expected::of_account(tx, row.account)?;
    if told.is_empty() {
        return Ok(Vec::new());
    }
    let mut synced = Vec::new();
    for device in devices::of_account(tx, row.account)? {
        if device.removed_ms.is_none() {
            synced.extend(folders_of(&device)?);
        }
    }
    let is_missing = |row: &ExpectedRow| !synced.iter().any(|folder| folder.path == row.path);
    let rows = told.into_iter().filter(is_missing);
    rows.map(|row| {
        Ok(ListedClient {
            ip: row.address,
            port: row.port,
            path: row.path,
            files: serde_json::from_str(&row.files)
                .map_err(|_| DbError::Shape("the files of a device"))?,
        })
    })
    .collect()
}

fn folders_of(device: &DeviceRow) -> Result<Vec<DeviceFolder>, DbError> {
    serde_json::from_str(&device.folders).map_err(|_| DbError::Shape("the folders of a device"))
}
