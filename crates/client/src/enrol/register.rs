//! An invite: a new account, its personal space and its first device, in one request.

use hythe_model::Secret32;
use hythe_space::account::operation::Slot;
use hythe_space::flow::{KeyholderSecret, Recipient, create_account, create_space, set_keyholders};
use hythe_space::{ChangeSet, Entropy, Moment};
use hythe_wire::account::{DeviceInfo, RegisterRequest};
use hythe_wire::invite::InviteUrl;
use hythe_wire::opaque::Password;
use hythe_wire::recovery::RecoveryCode;
use hythe_wire::{ByteVec, Code, Message, Token, headers};

use super::keyholders::{draw_recovery, register_password};
use super::{EnrolError, draw_token, read_account, url_hash};
use crate::keys::{DeviceKeys, Enrolling, KeyStore, ServerPin};
use crate::net::{Api, ApiError};

/// Who makes an account.
pub struct Founder {
    /// The login name that is wished for.
    pub login: String,
    /// The password, if there is to be one.
    pub password: Option<Password>,
    /// What the first device tells about itself.
    pub device: DeviceInfo,
}

/// Makes an account with an invite. Its recovery code is left with the keys until it is confirmed.
///
/// May be repeated with the same invite until it works; a repetition sends what was sent before.
///
/// # Errors
/// See [`EnrolError`].
pub async fn register(
    store: &KeyStore,
    invite: &InviteUrl,
    founder: Founder,
    now_ms: i64,
) -> Result<DeviceKeys, EnrolError> {
    if store.device()?.is_some() {
        return Err(EnrolError::Connected);
    }
    let server = ServerPin {
        url: invite.server.to_string(),
        identity: invite.identity.0,
    };
    let anybody = Api::anonymous(&server)?;
    let api = anybody.with_token(headers::INVITE, &invite.token)?;
    let url_hash = url_hash(invite);
    let begun = store
        .enrolling()?
        .filter(|begun| begun.url_hash == url_hash);
    let enrolling = match begun {
        Some(begun) => begun,
        None => {
            let begun = begin(&anybody, server, url_hash, founder, now_ms).await?;
            store.set_enrolling(&begun)?;
            begun
        }
    };
    let request = RegisterRequest::from_cbor(&enrolling.request).map_err(damaged)?;
    match api.register(&request).await {
        Ok(reply) if (reply.account, reply.device) == enrolling.names() => {
            if let Some(code) = &enrolling.recovery {
                store.set_unconfirmed_recovery(&RecoveryCode::new(**code))?;
            }
            store.set_device(&enrolling.keys)?;
            Ok(enrolling.keys)
        }
        Ok(_) => Err(ApiError::Malformed("the reply is about another device".into()).into()),
        Err(error) => {
            if is_final(&error) {
                store.forget_enrolling()?;
            }
            Err(error.into())
        }
    }
}

/// Makes everything that is drawn at random: keys, account, space, recovery code, token.
async fn begin(
    api: &Api,
    server: ServerPin,
    url_hash: [u8; 32],
    founder: Founder,
    now_ms: i64,
) -> Result<Enrolling, EnrolError> {
    // The server is a member of open spaces, so its key must be known before the space is made.
    let info = api.server().await?;
    let recipient = Recipient::of(&read_account(api, info.account).await?)
        .map_err(hythe_space::flow::FlowError::from)?;
    let password = match founder.password {
        Some(password) => Some(register_password(api, &server, password).await?),
        None => None,
    };
    let code = draw_recovery()?;
    let recovery = KeyholderSecret::of_recovery(code.expose());
    let mut entropy = Entropy::system().map_err(hythe_space::flow::FlowError::from)?;
    let mut account = create_account(now_ms, &mut entropy)?;
    let mut holders = vec![(Slot::Recovery, Some(&recovery))];
    if let Some(password) = &password {
        holders.insert(0, (Slot::Password, Some(&password.secret)));
    }
    let set = set_keyholders(
        &account.state,
        &account.key,
        &account.keys,
        &holders,
        now_ms,
        &mut entropy,
    )?;
    account
        .state
        .append(Moment::Replaying, &set)
        .map_err(hythe_space::flow::FlowError::from)?;
    account.log.push(set);
    let space = create_space(
        &account.state,
        &account.key,
        Some(&recipient),
        now_ms,
        &mut entropy,
    )?;
    let token = draw_token(&mut entropy);
    let request = RegisterRequest {
        login: founder.login,
        device: founder.device,
        token: token.clone(),
        account: encoded(&account.log),
        space: encoded(&space.log),
        password: password.map(|password| password.upload),
        recovery: Some(Token(Secret32::new(recovery.token()))),
    };
    let keys = DeviceKeys {
        account: account.state.id(),
        device: account.key.device_id(),
        signing: account.key.seed(),
        agreement: account.device_kem.seed().clone(),
        token,
        server,
        told: None,
    };
    Ok(Enrolling {
        url_hash,
        keys,
        request: request.to_cbor(),
        recovery: Some((*code.expose()).into()),
    })
}

fn encoded(log: &[ChangeSet]) -> Vec<ByteVec> {
    log.iter()
        .map(|change_set| change_set.encoded().to_vec().into())
        .collect()
}

/// Whether the server will never accept this very request.
pub(super) fn is_final(error: &ApiError) -> bool {
    match error {
        ApiError::Unauthorised(_) | ApiError::TooLarge => true,
        ApiError::Refused(problem) => problem.code != Code::NotFound,
        _ => false,
    }
}

/// What was stored by this very version cannot be read again.
pub(super) fn damaged(error: hythe_wire::DecodeError) -> EnrolError {
    ApiError::Malformed(Box::new(error)).into()
}
