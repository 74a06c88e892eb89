//! Accounts: register, carry on an account's log, enrol a device.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hythe_model::{AccountId, DeviceId, Head, SpaceId};
use hythe_space::account::operation::AuthoriseOneTime;
use hythe_space::header::log_of;
use hythe_space::{AccountState, ChangeSet, Moment, Operation, StateDigest};
use hythe_wire::Token;
use hythe_wire::account::{DeviceInfo, PasswordUpload};

use super::admission::{Admission, admit};
use super::apply::{self, Committed};
use super::commit::decode;
use super::found;
use super::keyholders::{Keyholders, account_of};
use super::session::{check_active, token_hash};
use super::{Denied, Files, FilesError, Inner, Principal, Refused};
use crate::clock::now_ms;
use crate::metadata::accounts::{self, AccountRow};
use crate::metadata::app_passwords;
use crate::metadata::devices::{self, DeviceRow};
use crate::metadata::logs::{self, Log, LogKind};
use crate::metadata::tokens::{self, TokenKind, TokenRow};
use crate::metadata::{DbError, Tx, quotas, web_sessions};
use crate::notify::Notice;

/// Longest login name, device name and platform, in bytes.
const MAX_NAME_BYTES: usize = hythe_wire::limits::MAX_TEXT_BYTES;

/// Most accounts whose states are kept in memory.
const CACHED: usize = 1024;

/// What a new account begins with.
#[derive(Clone)]
pub struct Registration {
    /// The login name that is wished for.
    pub login: String,
    /// What the first device tells about itself.
    pub device: DeviceInfo,
    /// The token that the device drew.
    pub token: Token,
    /// The account's log, genesis first.
    pub account: Vec<Bytes>,
    /// The personal space's log, genesis first.
    pub space: Vec<Bytes>,
    /// What belongs to the password that the account's log sets.
    pub password: Option<PasswordUpload>,
    /// The token of the recovery code that it sets.
    pub recovery: Option<Token>,
    /// Where the request came from.
    pub address: Option<SocketAddr>,
}

/// A new account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registered {
    /// The account.
    pub account: AccountId,
    /// Its first device.
    pub device: DeviceId,
    /// The head of the account's log.
    pub account_head: Head,
    /// Its personal space.
    pub space: SpaceId,
    /// The head of the space's log.
    pub space_head: Head,
}

/// One more change set of an account, and what belongs to it.
#[derive(Clone)]
pub struct Appending {
    /// The change set.
    pub change_set: Bytes,
    /// The token that goes with the one-time key it authorises, and ends when the key does.
    pub one_time: Option<Token>,
    /// What belongs to the password it sets.
    pub password: Option<PasswordUpload>,
    /// The token of the recovery code it sets.
    pub recovery: Option<Token>,
    /// The token of a login with the password or recovery code it replaces.
    pub proof: Option<Token>,
}

/// One more device of an account.
#[derive(Clone)]
pub struct Enrolment {
    /// What the device tells about itself.
    pub device: DeviceInfo,
    /// The token that the device drew.
    pub token: Token,
    /// The change set that adds it, signed by the one-time key, the password's or the recovery code's.
    pub change_set: Bytes,
    /// Where the request came from.
    pub address: Option<SocketAddr>,
}

/// A device that was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enrolled {
    /// The account.
    pub account: AccountId,
    /// The device.
    pub device: DeviceId,
    /// The head of the account's log.
    pub account_head: Head,
}

/// States of accounts, so that not every commit reads one from its row.
#[derive(Default)]
pub(super) struct AccountCache(Mutex<HashMap<AccountId, Arc<AccountState>>>);

impl AccountCache {
    /// The state of an account as this transaction sees it.
    ///
    /// # Errors
    /// The database's; [`FilesError::NotFound`].
    pub(super) fn get(
        &self,
        tx: &mut dyn Tx,
        account: AccountId,
    ) -> Result<Arc<AccountState>, FilesError> {
        let head = logs::head(tx, account.as_bytes())?.ok_or(FilesError::NotFound("account"))?;
        let known = self.lock().get(&account).cloned();
        if let Some(known) = known.filter(|known| known.head() == head) {
            return Ok(known);
        }
        let log = logs::get(tx, account.as_bytes())?.ok_or(FilesError::NotFound("account"))?;
        let state = Arc::new(read_state(&log)?);
        let mut known = self.lock();
        if known.len() >= CACHED {
            known.clear();
        }
        known.insert(account, Arc::clone(&state));
        Ok(state)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AccountId, Arc<AccountState>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The folded state of an account in the row of its log.
pub(super) fn read_state(log: &Log) -> Result<AccountState, DbError> {
    AccountState::decode(&log.state).map_err(|_| DbError::Shape("the state of an account"))
}

impl Files {
    /// Creates an account with its first device and its personal space, against an invite or,
    /// where registration is open, without. A repetition with the same content gets the same
    /// answer.
    ///
    /// # Errors
    /// [`Denied::TokenUnknown`], [`Denied::TokenSpent`], [`Denied::RegistrationClosed`],
    /// [`Refused::LoginTaken`], or what is wrong with the logs.
    pub async fn register(
        &self,
        invite: Option<&Token>,
        registration: Registration,
    ) -> Result<Registered, FilesError> {
        check_login(&registration.login)?;
        check_info(&registration.device)?;
        let account = found::decode_log(&registration.account).await?;
        let space = found::decode_log(&registration.space).await?;
        let state = AccountState::replay(&account)?;
        let row = device_row(&registration, &state, &account)?;
        let recovery = registration.recovery.as_ref();
        let keyholders = Keyholders::new(registration.password, recovery, None)?;
        let founding = Founding {
            invite: invite.map(token_hash),
            token: token_hash(&registration.token),
            login: registration.login,
            row,
            state,
            account,
            space,
            keyholders,
        };
        let inner = Arc::clone(&self.inner);
        let work = move |tx: &mut dyn Tx| founding.write(tx, &inner);
        let (registered, entries) = self.inner.database.write(work).await?;
        self.inner.count(entries);
        Ok(registered)
    }

    /// Carries on the log of the caller's account. Devices that the change set removes are cut
    /// off at once.
    ///
    /// # Errors
    /// [`Refused::Account`], or what is wrong with the change set.
    pub async fn append_account(
        &self,
        principal: &Principal,
        appending: Appending,
    ) -> Result<Committed, FilesError> {
        self.still_valid(principal).await?;
        let change_set = decode(appending.change_set).await?;
        if change_set.header().author != principal.device() {
            return Err(FilesError::invalid(
                "the change set was not signed by this device",
            ));
        }
        if change_set.log() != log_of(principal.account()) {
            return Err(FilesError::invalid("the change set belongs to another log"));
        }
        let removes = change_set.operations().iter();
        let removes = removes
            .filter(|o| matches!(o, Operation::RemoveDevice(_)))
            .count()
            > 0;
        let account = principal.account();
        let one_time = appending.one_time.as_ref().map(token_hash);
        let (recovery, proof) = (appending.recovery.as_ref(), appending.proof.as_ref());
        let keyholders = Keyholders::new(appending.password, recovery, proof)?;
        let work = move |tx: &mut dyn Tx| {
            let committed = append_in(tx, account, &change_set, &keyholders)?;
            let offer = change_set.operations().iter().find_map(offer_of);
            if let (Some(hash), Some(offer), false) = (one_time, offer, committed.repeated) {
                offer_token(tx, account, &hash, offer)?;
            }
            Ok::<_, FilesError>(committed)
        };
        let committed = self.inner.database.write(work).await?;
        if removes {
            self.inner.sessions.revoke_all();
        }
        self.inner.committed(&committed);
        Ok(committed)
    }

    /// Adds a device to the account that gave out a one-time token, or whose password or recovery
    /// code ended in one. A repetition with the same content gets the same answer.
    ///
    /// # Errors
    /// [`Denied::TokenUnknown`], [`Denied::TokenSpent`], [`Refused::Account`].
    pub async fn enrol(
        &self,
        one_time: &Token,
        enrolment: Enrolment,
    ) -> Result<Enrolled, FilesError> {
        check_info(&enrolment.device)?;
        let change_set = decode(enrolment.change_set.clone()).await?;
        let [Operation::AddDevice(add)] = change_set.operations() else {
            return Err(FilesError::invalid("the change set adds no device"));
        };
        let device = add.device.id();
        let (hash, token) = (token_hash(one_time), token_hash(&enrolment.token));
        let work = move |tx: &mut dyn Tx| {
            let offer = tokens::lock(tx, &hash)?;
            let offer = usable(offer, lets_in, device)?;
            let account = account_of(&offer)?;
            check_active(tx, account)?;
            let committed = append_in(tx, account, &change_set, &Keyholders::default())?;
            if committed.repeated {
                check_token(tx, device, &token)?;
            } else {
                let row = new_device(account, device, &enrolment.device, enrolment.address);
                insert_device(tx, &row, &token)?;
                // A recovery code is for more than one emergency.
                if offer.kind != TokenKind::Recovery {
                    tokens::spend(tx, &hash, device)?;
                }
            }
            let enrolled = Enrolled {
                account,
                device,
                account_head: committed.head,
            };
            Ok::<_, FilesError>((enrolled, committed))
        };
        let (enrolled, committed) = self.inner.database.write(work).await?;
        self.inner.committed(&committed);
        Ok(enrolled)
    }

    /// The account that a token which still holds lets a device into.
    ///
    /// # Errors
    /// [`Denied::TokenUnknown`], [`Denied::TokenSpent`], [`Denied::Suspended`].
    pub async fn one_time_account(&self, one_time: &Token) -> Result<AccountId, FilesError> {
        let hash = token_hash(one_time);
        let read = move |tx: &mut dyn Tx| {
            let row = tokens::get(tx, &hash)?.filter(|row| lets_in(row.kind));
            let row = row.ok_or(Denied::TokenUnknown)?;
            if row.used_by.is_some() || has_ended(&row) {
                return Err(Denied::TokenSpent.into());
            }
            let account = account_of(&row)?;
            check_active(tx, account)?;
            Ok::<_, FilesError>(account)
        };
        self.inner.database.read(read).await
    }
}

/// Everything that registering writes, checked as far as it can be beforehand.
struct Founding {
    invite: Option<[u8; 32]>,
    token: [u8; 32],
    login: String,
    row: DeviceRow,
    state: AccountState,
    account: Vec<ChangeSet>,
    space: Vec<ChangeSet>,
    keyholders: Keyholders,
}

impl Founding {
    /// Returns what was registered and how many change sets that took.
    fn write(&self, tx: &mut dyn Tx, inner: &Inner) -> Result<(Registered, u64), FilesError> {
        let admission = admit(tx, self.invite.as_ref(), self.row.device, &self.login)?;
        let Admission::New { admin, limit } = admission else {
            return Ok((self.again(tx)?, 0));
        };
        let now_ms = now_ms();
        let account = AccountRow {
            account: self.row.account,
            login: self.login.clone(),
            admin,
            created_ms: now_ms,
        };
        if !accounts::insert(tx, &account)? {
            return Err(Refused::LoginTaken.into());
        }
        quotas::set_account(tx, account.account, limit)?;
        let account_log = found::account(tx, &self.account, now_ms)?;
        for change_set in &self.account {
            self.keyholders
                .keep(tx, self.row.account, change_set, now_ms)?;
        }
        let owner = Some(self.row.account);
        let space_log = found::space(tx, inner, &self.state, &self.space, owner, now_ms)?;
        insert_device(tx, &self.row, &self.token)?;
        if let Some(invite) = &self.invite {
            tokens::spend(tx, invite, self.row.device)?;
        }
        let entries = self.account.len() + self.space.len();
        Ok((self.result(account_log.head, &space_log), entries as u64))
    }

    fn again(&self, tx: &mut dyn Tx) -> Result<Registered, FilesError> {
        check_token(tx, self.row.device, &self.token)?;
        let account = logs::head(tx, self.row.account.as_bytes())?;
        let first = self.space.first().map(ChangeSet::log);
        let space = first
            .map(|id| logs::get(tx, id.as_bytes()))
            .transpose()?
            .flatten();
        match (account, space) {
            (Some(head), Some(space)) => Ok(self.result(head, &space)),
            // The device is the same, its account or space is not: another registration.
            _ => Err(Denied::TokenSpent.into()),
        }
    }

    fn result(&self, account_head: Head, space: &Log) -> Registered {
        Registered {
            account: self.row.account,
            device: self.row.device,
            account_head,
            space: SpaceId(space.id),
            space_head: space.head,
        }
    }
}

/// Appends to an account's log, in one transaction.
pub(super) fn append_in(
    tx: &mut dyn Tx,
    account: AccountId,
    change_set: &ChangeSet,
    keyholders: &Keyholders,
) -> Result<Committed, FilesError> {
    let log = logs::lock(tx, account.as_bytes())?.filter(|log| log.kind == LogKind::Account);
    let mut log = log.ok_or(FilesError::NotFound("account"))?;
    if let Some(first) = apply::repeated(tx, log.no, change_set)? {
        return Ok(first);
    }
    let now_ms = now_ms();
    let mut state = read_state(&log)?;
    keyholders.admit(tx, &state, change_set, now_ms)?;
    state.append(Moment::Accepting { now_ms }, change_set)?;
    log.head = state.head();
    log.state = state.encode();
    apply::append(tx, &log, change_set, NO_DIGEST, now_ms)?;
    keyholders.keep(tx, account, change_set, now_ms)?;
    for operation in change_set.operations() {
        if let Operation::RemoveDevice(remove) = operation {
            let device = remove.device;
            devices::remove(tx, account, device, now_ms)?;
            app_passwords::remove_of(tx, account, device)?;
            web_sessions::remove_of(tx, device, now_ms)?;
            tx.notify(Notice::DeviceRemoved { account, device });
        }
    }
    Ok(Committed {
        head: log.head,
        digest: NO_DIGEST.0,
        repeated: false,
    })
}

/// An account's log has no state digest: whoever reads it has all of it.
pub(super) const NO_DIGEST: StateDigest = StateDigest([0; 32]);

fn offer_of(operation: &Operation) -> Option<&AuthoriseOneTime> {
    match operation {
        Operation::AuthoriseOneTime(offer) => Some(offer),
        _ => None,
    }
}

fn offer_token(
    tx: &mut dyn Tx,
    account: AccountId,
    hash: &[u8; 32],
    offer: &AuthoriseOneTime,
) -> Result<(), FilesError> {
    let row = TokenRow {
        kind: TokenKind::Device,
        account: Some(account),
        admin: false,
        expires_ms: offer.expires_ms,
        used_by: None,
    };
    match tokens::insert(tx, hash, &row, now_ms())? {
        true => Ok(()),
        false => Err(FilesError::invalid("the one-time token is in use")),
    }
}

/// A token that `device` may use now, or used before.
fn usable(
    token: Option<TokenRow>,
    fits: impl Fn(TokenKind) -> bool,
    device: DeviceId,
) -> Result<TokenRow, Denied> {
    let token = token
        .filter(|token| fits(token.kind))
        .ok_or(Denied::TokenUnknown)?;
    match token.used_by {
        Some(by) if by == device => Ok(token),
        Some(_) => Err(Denied::TokenSpent),
        None if has_ended(&token) => Err(Denied::TokenSpent),
        None => Ok(token),
    }
}

/// Whether a token of this kind lets a device into an account.
fn lets_in(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Device | TokenKind::Recovery | TokenKind::Login
    )
}

/// Whether a token's time is over. It holds up to the moment it names and not at it, so that one
/// with no lifetime holds never.
fn has_ended(token: &TokenRow) -> bool {
    token.expires_ms <= now_ms()
}

fn device_row(
    registration: &Registration,
    state: &AccountState,
    log: &[ChangeSet],
) -> Result<DeviceRow, FilesError> {
    let first = log.first().map(|genesis| genesis.header().author);
    let first = first.ok_or(FilesError::invalid("the account's log is empty"))?;
    Ok(new_device(
        state.id(),
        first,
        &registration.device,
        registration.address,
    ))
}

fn new_device(
    account: AccountId,
    device: DeviceId,
    info: &DeviceInfo,
    address: Option<SocketAddr>,
) -> DeviceRow {
    let now_ms = now_ms();
    DeviceRow {
        device,
        account,
        name: info.name.clone(),
        platform: info.platform.clone(),
        version: info.version.clone(),
        folders: "[]".to_owned(),
        address: address.map(|address| address.ip().to_canonical().to_string()),
        port: address.map(|address| address.port()),
        last_seen_ms: Some(now_ms),
        created_ms: now_ms,
        removed_ms: None,
    }
}

fn insert_device(tx: &mut dyn Tx, row: &DeviceRow, token: &[u8; 32]) -> Result<(), FilesError> {
    match devices::insert(tx, row, token)? {
        true => Ok(()),
        false => Err(FilesError::invalid("the device or its token is in use")),
    }
}

/// A repetition brings the very token that the device was registered with; with another one it is
/// a second use of what may be used once.
fn check_token(tx: &mut dyn Tx, device: DeviceId, token: &[u8; 32]) -> Result<(), FilesError> {
    match devices::by_token(tx, token)? {
        Some(row) if row.device == device => Ok(()),
        _ => Err(Denied::TokenSpent.into()),
    }
}

/// Whether a text can be a login name.
pub fn is_login(login: &str) -> bool {
    !login.is_empty()
        && login.len() <= MAX_NAME_BYTES
        && login.trim() == login
        && !login.chars().any(char::is_control)
}

pub(super) fn check_login(login: &str) -> Result<(), FilesError> {
    if is_login(login) {
        Ok(())
    } else {
        Err(FilesError::invalid("this cannot be a login name"))
    }
}

fn check_info(info: &DeviceInfo) -> Result<(), FilesError> {
    let texts = [&info.name, &info.platform, &info.version];
    if texts.iter().any(|text| text.len() > MAX_NAME_BYTES) {
        return Err(FilesError::invalid(
            "the description of the device is too long",
        ));
    }
    Ok(())
}
