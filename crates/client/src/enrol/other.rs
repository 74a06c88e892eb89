//! Making an account for somebody else: by whoever runs the server, who gives the person a password
//! or a recovery code. The account has no device; whoever made it keeps nothing of it.

use hythe_model::Secret32;
use hythe_space::account::AccountState;
use hythe_space::account::operation::Slot;
use hythe_space::flow::{
    FlowError, KeyholderSecret, Recipient, create_account, create_space, remove_all_devices,
    set_keyholders,
};
use hythe_space::{ChangeSet, Entropy, Moment};
use hythe_wire::opaque::{Password, Registering};
use hythe_wire::recovery::RecoveryCode;
use hythe_wire::{IdentityKey, Token};

use super::keyholders::draw_recovery;
use super::login::stretched;
use super::{EnrolError, LogFault};

/// What an account for somebody else is made of, as the server takes it.
pub struct MadeForOther {
    /// The account's log, genesis first.
    pub account: Vec<Vec<u8>>,
    /// The personal space's log, genesis first.
    pub space: Vec<Vec<u8>>,
    /// The change set that removes the device which signed them.
    pub removal: Vec<u8>,
    /// Without a password: the code that lets its owner in, and the token that follows from it.
    pub recovery: Option<(RecoveryCode, Token)>,
}

/// A password that is being set for somebody else. Has no `Debug`.
pub struct PasswordForOther(Registering);

impl PasswordForOther {
    /// Begins; returns what the server has to answer.
    ///
    /// # Errors
    /// See [`EnrolError`].
    pub fn start(password: Password) -> Result<(Self, Vec<u8>), EnrolError> {
        let (client, request) = Registering::start(password)?;
        Ok((Self(client), request))
    }

    /// Finishes with the answer of the server that has this identity; returns what the server
    /// keeps, and what [`make_for_other`] takes.
    ///
    /// # Errors
    /// See [`EnrolError`].
    pub async fn finish(
        self,
        response: Vec<u8>,
        server: IdentityKey,
    ) -> Result<(Vec<u8>, KeyholderSecret), EnrolError> {
        let (upload, key) = stretched(move || self.0.finish(&response, server)).await??;
        Ok((upload, KeyholderSecret::of_password(&key.0)))
    }
}

/// Makes an account for somebody else: with a password, or else with a recovery code that is drawn
/// here. `server_log` is the log of the server's own account.
///
/// # Errors
/// See [`EnrolError`].
pub fn make_for_other(
    server_log: &[Vec<u8>],
    password: Option<&KeyholderSecret>,
    now_ms: i64,
) -> Result<MadeForOther, EnrolError> {
    let server = replay(server_log)?;
    let server = Recipient::of(&server).map_err(FlowError::from)?;
    let mut entropy = Entropy::system().map_err(FlowError::from)?;
    let mut account = create_account(now_ms, &mut entropy)?;
    let (slot, secret, code) = match password {
        Some(secret) => (Slot::Password, secret.clone(), None),
        None => {
            let code = draw_recovery()?;
            let secret = KeyholderSecret::of_recovery(code.expose());
            (Slot::Recovery, secret, Some(code))
        }
    };
    let set = set_keyholders(
        &account.state,
        &account.key,
        &account.keys,
        &[(slot, Some(&secret))],
        now_ms,
        &mut entropy,
    )?;
    append(&mut account.state, &set)?;
    let space = create_space(
        &account.state,
        &account.key,
        Some(&server),
        now_ms,
        &mut entropy,
    )?;
    let removal = remove_all_devices(&account.state, &secret, now_ms, &mut entropy)?;
    account.log.push(set);
    Ok(MadeForOther {
        account: encoded(&account.log),
        space: encoded(&space.log),
        removal: removal.encoded().to_vec(),
        recovery: code.map(|code| (code, Token(Secret32::new(secret.token())))),
    })
}

fn replay(log: &[Vec<u8>]) -> Result<AccountState, EnrolError> {
    let log: Result<Vec<_>, _> = log.iter().map(|one| ChangeSet::decode(one)).collect();
    let log = log.map_err(|error| EnrolError::Log(error.into()))?;
    AccountState::replay(&log).map_err(|refusal| EnrolError::Log(LogFault::Refused(refusal)))
}

fn append(state: &mut AccountState, change_set: &ChangeSet) -> Result<(), EnrolError> {
    state
        .append(Moment::Replaying, change_set)
        .map_err(|refusal| EnrolError::Flow(refusal.into()))
}

fn encoded(log: &[ChangeSet]) -> Vec<Vec<u8>> {
    log.iter().map(|one| one.encoded().to_vec()).collect()
}
