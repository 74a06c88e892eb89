//! How this device becomes one of an account's, lets others in, and cuts others off.
//!
//! Whatever is drawn at random for an enrolment is stored before its request is sent, so a repetition
//! after a lost reply sends the same bytes and has the same outcome (C6).

mod apart;
mod approval;
mod devices;
mod join;
mod keyholders;
mod login;
mod other;
mod past;
mod register;
mod told;

use hythe_model::{AccountId, Cursor};
use hythe_space::account::{AccountRefusal, AccountState};
use hythe_space::flow::FlowError;
use hythe_space::{ChangeSet, DecodeError, Entropy};
use hythe_wire::Token;
use hythe_wire::account::DeviceInfo;
use hythe_wire::invite::{ConnectUrl, UrlError};
use hythe_wire::opaque::OpaqueError;

use crate::keys::{DeviceKeys, KeyFileError, KeyStore};
use crate::net::{Api, ApiError};
use crate::pool::PoolError;

pub use apart::{delete_account, draw_app_password};
pub use approval::{Asking, approve_device, look_at_device};
pub use devices::{DeviceOffer, offer_device, offer_device_telling, remove_device, wipe_device};
pub use hythe_space::account::operation::Slot;
pub use keyholders::{
    Held, Proof, held, is_recovery, recovery_token, renew_recovery, set_password,
};
pub use login::{Credentials, SecondFactors, connect_with_password, connect_with_recovery};
pub use other::{MadeForOther, PasswordForOther, make_for_other};
pub use past::{By, Deed, Past, account_past};
pub use register::{Founder, register};

/// Why enrolling, or changing the devices of an account, did not work.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// This home has a device already.
    #[error("this device is connected already; HYTHE_HOME names another home for a second one")]
    Connected,
    /// What was given is no URL to connect with.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The server did not do what was asked.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The keys cannot be stored or read.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// The account's log that the server shows does not verify.
    #[error("the account's log does not verify: {0}")]
    Log(#[source] LogFault),
    /// The account would not accept what was asked for.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// The password is wrong, or whoever answers is not the server.
    #[error(transparent)]
    Opaque(#[from] OpaqueError),
    /// No thread could be had to stretch the password.
    #[error(transparent)]
    Pool(#[from] PoolError),
}

/// Why an account's log is not believed.
#[derive(Debug, thiserror::Error)]
pub enum LogFault {
    /// An entry is no change set.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// An entry does not continue the log.
    #[error(transparent)]
    Refused(#[from] AccountRefusal),
    /// It is the log of another account, is empty, or breaks off.
    #[error("it is not the log that was asked for")]
    Other,
}

/// Enrols this device with a URL: an invite makes an account, its personal space and its recovery code, a device URL
/// makes this one more device of the account that gave it out. `login` is the name wished for where
/// an account is made; `now_ms` is this device's clock, in milliseconds since 1970.
///
/// May be repeated with the same URL until it works.
///
/// # Errors
/// See [`EnrolError`].
pub async fn connect(
    store: &KeyStore,
    url: &str,
    device: DeviceInfo,
    login: &str,
    now_ms: i64,
) -> Result<DeviceKeys, EnrolError> {
    if store.device()?.is_some() {
        return Err(EnrolError::Connected);
    }
    match url.parse()? {
        ConnectUrl::Invite(invite) => {
            let founder = Founder {
                login: login.to_owned(),
                password: None,
                device,
            };
            register(store, &invite, founder, now_ms).await
        }
        ConnectUrl::Device(offer) => join::join(store, &offer, device, now_ms).await,
    }
}

/// What tells one URL from another without keeping it.
fn url_hash(url: &impl std::fmt::Display) -> [u8; 32] {
    *blake3::hash(zeroize::Zeroizing::new(url.to_string()).as_bytes()).as_bytes()
}

fn draw_token(entropy: &mut Entropy) -> Token {
    Token(entropy.secret())
}

/// Reads an account's whole log and verifies it.
pub(crate) async fn read_account(
    api: &Api,
    account: AccountId,
) -> Result<AccountState, EnrolError> {
    let log = read_log(api, account, Cursor::START).await?;
    let state = AccountState::replay(&log).map_err(|refusal| EnrolError::Log(refusal.into()))?;
    // The id is the hash of the genesis, so this names the very log that was asked for.
    if state.id() != account {
        return Err(EnrolError::Log(LogFault::Other));
    }
    Ok(state)
}

async fn read_log(
    api: &Api,
    account: AccountId,
    from: Cursor,
) -> Result<Vec<ChangeSet>, EnrolError> {
    let mut log = Vec::new();
    let mut at = from;
    loop {
        let mut reader = api.account_log(account, at).await?;
        let before = at;
        let mut head = None;
        while let Some(page) = reader.next_page().await? {
            for entry in &page.entries {
                let change_set = ChangeSet::decode(&entry.change_set);
                log.push(change_set.map_err(|error| EnrolError::Log(error.into()))?);
                at = at.next();
            }
            head = page.head;
        }
        match head {
            Some(head) if head.cursor <= at => return Ok(log),
            _ if at == before => return Err(EnrolError::Log(LogFault::Other)),
            _ => {}
        }
    }
}
