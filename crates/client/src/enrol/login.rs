//! Into an account with what a person knows: the password, or the recovery code.

use hythe_model::{AccountId, Secret32};
use hythe_space::flow::KeyholderSecret;
use hythe_wire::account::DeviceInfo;
use hythe_wire::login::{LoginFinishRequest, LoginRequest};
use hythe_wire::opaque::{LoggedIn, LoggingIn, Password};
use hythe_wire::recovery::RecoveryCode;
use hythe_wire::{Code, IdentityKey, There, Token, headers};
use url::Url;

use super::EnrolError;
use super::join::{Entrance, Key, enter};
use crate::keys::{DeviceKeys, KeyStore, ServerPin};
use crate::net::{Api, ApiError};
use crate::pool::Pool;

/// What a person logs in with.
pub struct Credentials {
    /// The login name.
    pub login: String,
    /// The password.
    pub password: Password,
    /// The code of an authenticator, where the account asked for a second factor.
    pub code: Option<String>,
}

/// What an account asks for besides the password: any of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondFactors {
    /// The code of an authenticator.
    pub code: bool,
    /// A passkey, which takes a browser.
    pub passkey: bool,
}

/// A login that succeeded.
pub(super) struct Session {
    pub(super) account: AccountId,
    /// Proof of the login, and the way in for a device.
    pub(super) token: Token,
    pub(super) secret: KeyholderSecret,
}

/// Logs in. Whoever is at the address learns nothing of the password, and cannot be another than
/// the server that the password was set with.
pub(super) async fn log_in(
    server: &ServerPin,
    credentials: &Credentials,
) -> Result<Session, EnrolError> {
    let api = Api::anonymous(server)?;
    let (client, request) = LoggingIn::start(credentials.password.clone())?;
    let login = credentials.login.clone();
    let reply = api.login(&LoginRequest { login, request }).await?;
    let identity = IdentityKey(server.identity);
    let response = reply.response;
    let finished = stretched(move || client.finish(&response, identity)).await??;
    let LoggedIn {
        finalization,
        export_key,
        token,
    } = finished;
    let finish = LoginFinishRequest {
        session: reply.session,
        finalization,
        code: credentials.code.clone(),
        passkey: None,
    };
    let done = api.finish_login(&finish).await?;
    Ok(Session {
        account: done.account,
        token,
        secret: KeyholderSecret::of_password(&export_key.0),
    })
}

/// Runs what stretches a password on a thread of its own: it takes a tenth of a second of a core.
pub(super) async fn stretched<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, EnrolError> {
    let pool = Pool::with_threads(1)?;
    Ok(pool.run(move |_| work()).await?)
}

/// Makes this one more device of the account that the credentials are of, at whatever server is at
/// an address.
///
/// May be repeated until it works.
///
/// # Errors
/// See [`EnrolError`].
pub async fn connect_with_password(
    store: &KeyStore,
    url: &Url,
    credentials: &Credentials,
    device: DeviceInfo,
    now_ms: i64,
) -> Result<DeviceKeys, EnrolError> {
    if store.device()?.is_some() {
        return Err(EnrolError::Connected);
    }
    let (server, _) = Api::discover(url).await?;
    let session = log_in(&server, credentials).await?;
    let hash = way_hash(&server, "password", session.account);
    let entrance = Entrance {
        server,
        account: session.account,
        token: session.token,
        key: Key::Keyholder(session.secret),
        hash,
    };
    enter(store, &entrance, device, now_ms).await
}

/// Makes this one more device of the account whose recovery code it is.
///
/// May be repeated until it works.
///
/// # Errors
/// See [`EnrolError`].
pub async fn connect_with_recovery(
    store: &KeyStore,
    url: &Url,
    code: &RecoveryCode,
    device: DeviceInfo,
    now_ms: i64,
) -> Result<DeviceKeys, EnrolError> {
    if store.device()?.is_some() {
        return Err(EnrolError::Connected);
    }
    let (server, _) = Api::discover(url).await?;
    let secret = KeyholderSecret::of_recovery(code.expose());
    let token = Token(Secret32::new(secret.token()));
    let api = Api::anonymous(&server)?.with_token(headers::ONE_TIME, &token)?;
    let account = api.recover().await?.account;
    let hash = way_hash(&server, "recovery", account);
    let entrance = Entrance {
        server,
        account,
        token,
        key: Key::Keyholder(secret),
        hash,
    };
    enter(store, &entrance, device, now_ms).await
}

fn way_hash(server: &ServerPin, way: &str, account: AccountId) -> [u8; 32] {
    let text = format!("{way} {account} {}", server.url);
    *blake3::hash(text.as_bytes()).as_bytes()
}

impl EnrolError {
    /// What the account asks for besides the password, if that is what is missing.
    pub fn second_factors(&self) -> Option<SecondFactors> {
        let Self::Api(ApiError::Unauthorised(problem)) = self else {
            return None;
        };
        if problem.code != Code::SecondFactor {
            return None;
        }
        Some(match &problem.there {
            Some(There::SecondFactor { code, passkey }) => SecondFactors {
                code: *code,
                // Without a challenge there may be one that does not work at this address.
                passkey: passkey.is_some() || !code,
            },
            // A server from before there were passkeys.
            _ => SecondFactors {
                code: true,
                passkey: false,
            },
        })
    }

    /// Whether name or password are wrong.
    pub fn is_wrong_password(&self) -> bool {
        match self {
            Self::Opaque(_) => true,
            Self::Api(ApiError::Unauthorised(problem)) => problem.code == Code::LoginWrong,
            _ => false,
        }
    }
}
