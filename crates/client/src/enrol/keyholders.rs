//! Setting, replacing and removing the password and the recovery code of an account.

use hythe_model::Secret32;
use hythe_space::account::operation::Slot;
use hythe_space::flow::{self, FlowError, KeyholderSecret};
use hythe_space::{Entropy, SigningKey};
use hythe_wire::account::{AppendRequest, PasswordUpload};
use hythe_wire::login::PasswordRequest;
use hythe_wire::opaque::{Password, Registering};
use hythe_wire::recovery::{RECOVERY_BYTES, RecoveryCode};
use hythe_wire::{IdentityKey, Token};

use super::EnrolError;
use super::devices::open_account;
use super::join::has_gone_on;
use super::login::{Credentials, log_in, stretched};
use crate::keys::{DeviceKeys, KeyStore, ServerPin};
use crate::net::{Api, ApiError};

/// How often the account's log may go on while a change of it is made.
const TRIES: usize = 5;

/// What a change of the password is allowed by, where there is a password already.
pub enum Proof {
    /// There is none to show.
    Nothing,
    /// The present password.
    Password(Credentials),
    /// The recovery code.
    Recovery(RecoveryCode),
}

impl Proof {
    pub(super) async fn token(&self, server: &ServerPin) -> Result<Option<Token>, EnrolError> {
        Ok(match self {
            Self::Nothing => None,
            Self::Password(credentials) => Some(log_in(server, credentials).await?.token),
            Self::Recovery(code) => Some(recovery_token(code)),
        })
    }
}

/// The token that follows from a recovery code: what the server knows it by.
pub fn recovery_token(code: &RecoveryCode) -> Token {
    Token(Secret32::new(
        KeyholderSecret::of_recovery(code.expose()).token(),
    ))
}

/// A password that was registered with the server and is not yet the account's.
pub(super) struct Registered {
    pub(super) secret: KeyholderSecret,
    pub(super) upload: PasswordUpload,
}

/// Registers a password with the server: it learns nothing of it.
pub(super) async fn register_password(
    api: &Api,
    server: &ServerPin,
    password: Password,
) -> Result<Registered, EnrolError> {
    let (client, request) = Registering::start(password)?;
    let reply = api.begin_password(&PasswordRequest { request }).await?;
    let identity = IdentityKey(server.identity);
    let response = reply.response;
    let (upload, key) = stretched(move || client.finish(&response, identity)).await??;
    Ok(Registered {
        secret: KeyholderSecret::of_password(&key.0),
        upload: PasswordUpload {
            credential: reply.credential.into(),
            upload: upload.into(),
        },
    })
}

/// Sets the password of this device's account, or removes it. Where there is one already, the
/// account's key is renewed, and the secrets of the spaces are to be renewed after it:
/// `Replica::renew_keys_if_due`.
///
/// # Errors
/// See [`EnrolError`].
pub async fn set_password(
    api: &Api,
    keys: &DeviceKeys,
    password: Option<Password>,
    proof: &Proof,
    now_ms: i64,
) -> Result<(), EnrolError> {
    let proof = proof.token(&keys.server).await?;
    let registered = match password {
        Some(password) => Some(register_password(api, &keys.server, password).await?),
        None => None,
    };
    let holder = (Slot::Password, registered.as_ref().map(|new| &new.secret));
    let request = AppendRequest {
        change_set: Vec::new().into(),
        one_time: None,
        password: registered.as_ref().map(|new| new.upload.clone()),
        recovery: None,
        proof,
    };
    append(api, keys, holder, request, now_ms).await
}

/// Draws a new recovery code, which replaces the one before, and keeps it until it is confirmed.
///
/// # Errors
/// See [`EnrolError`].
pub async fn renew_recovery(
    api: &Api,
    store: &KeyStore,
    keys: &DeviceKeys,
    proof: &Proof,
    now_ms: i64,
) -> Result<RecoveryCode, EnrolError> {
    let proof = proof.token(&keys.server).await?;
    let code = draw_recovery()?;
    let secret = KeyholderSecret::of_recovery(code.expose());
    let request = AppendRequest {
        change_set: Vec::new().into(),
        one_time: None,
        password: None,
        recovery: Some(recovery_token(&code)),
        proof,
    };
    // Kept before it counts: a code that counts and that nobody knows would be of no use.
    store.set_unconfirmed_recovery(&code)?;
    append(api, keys, (Slot::Recovery, Some(&secret)), request, now_ms).await?;
    Ok(code)
}

/// Whether this is the recovery code of this device's account.
///
/// # Errors
/// See [`EnrolError`].
pub async fn is_recovery(
    api: &Api,
    keys: &DeviceKeys,
    code: &RecoveryCode,
) -> Result<bool, EnrolError> {
    let (account, _) = open_account(api, keys).await?;
    let key = KeyholderSecret::of_recovery(code.expose()).key();
    let holder = account.keyholder(Slot::Recovery);
    Ok(holder.is_some_and(|record| record.card.key == key.public()))
}

/// What of password and recovery code an account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Whether there is a password.
    pub password: bool,
    /// Whether there is a recovery code.
    pub recovery: bool,
}

/// What of password and recovery code this device's account has.
///
/// # Errors
/// See [`EnrolError`].
pub async fn held(api: &Api, keys: &DeviceKeys) -> Result<Held, EnrolError> {
    let (account, _) = open_account(api, keys).await?;
    Ok(Held {
        password: account.keyholder(Slot::Password).is_some(),
        recovery: account.keyholder(Slot::Recovery).is_some(),
    })
}

pub(super) fn draw_recovery() -> Result<RecoveryCode, EnrolError> {
    let mut entropy = Entropy::system().map_err(FlowError::from)?;
    Ok(RecoveryCode::new(entropy.bytes::<RECOVERY_BYTES>()))
}

/// Signs and sends one change of a keyholder.
async fn append(
    api: &Api,
    keys: &DeviceKeys,
    holder: (Slot, Option<&KeyholderSecret>),
    mut request: AppendRequest,
    now_ms: i64,
) -> Result<(), EnrolError> {
    let signing = SigningKey::from_seed(&keys.signing);
    let mut tries = 0;
    loop {
        let (account, account_keys) = open_account(api, keys).await?;
        if is_done(&account, holder) {
            return Ok(());
        }
        let mut entropy = Entropy::system().map_err(FlowError::from)?;
        let change_set = flow::set_keyholders(
            &account,
            &signing,
            &account_keys,
            &[holder],
            now_ms,
            &mut entropy,
        )?;
        request.change_set = change_set.encoded().to_vec().into();
        match api.append_account(keys.account, &request).await {
            Ok(_) => return Ok(()),
            Err(error) if has_gone_on(&error) && tries < TRIES => tries += 1,
            // The reply to an earlier try may have been lost: the log says what became of it.
            Err(ApiError::Offline(_)) if tries < TRIES => tries += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether the log has it already.
fn is_done(
    account: &hythe_space::AccountState,
    (slot, secret): (Slot, Option<&KeyholderSecret>),
) -> bool {
    let there = account.keyholder(slot).map(|record| record.card.key);
    there == secret.map(|secret| secret.key().public())
}
