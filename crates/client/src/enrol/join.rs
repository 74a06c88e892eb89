//! One more device of an account: signed in with a key that the account's log knows, be it the
//! one-time key of a device URL, the password's or the recovery code's. Nobody else has to be online.

use hythe_model::{AccountId, Secret32};
use hythe_space::account::{AccountRefusal, AccountState};
use hythe_space::flow::{
    Enrolled, FlowError, KeyholderSecret, OfferSecret, enrol_with_keyholder, enrol_with_offer,
};
use hythe_space::{Entropy, Told};
use hythe_wire::account::{DeviceInfo, EnrolRequest};
use hythe_wire::invite::DeviceUrl;
use hythe_wire::{Message, There, Token, headers};

use super::register::{damaged, is_final};
use super::{EnrolError, draw_token, read_account, told, url_hash};
use crate::keys::{DeviceKeys, Enrolling, KeyStore, ServerPin};
use crate::net::{Api, ApiError};

/// How often the account's log may go on while this device signs itself in.
const TRIES: usize = 5;

/// A way into an account.
pub(super) struct Entrance {
    pub(super) server: ServerPin,
    pub(super) account: AccountId,
    /// What the server lets in.
    pub(super) token: Token,
    /// What the account's log lets in.
    pub(super) key: Key,
    /// Tells this way from another, to know a repetition by.
    pub(super) hash: [u8; 32],
}

/// The secret of a key that signs devices in.
pub(super) enum Key {
    Offer(OfferSecret),
    Keyholder(KeyholderSecret),
}

impl Key {
    /// What the device that gave out the way in had seen.
    fn told(&self, account: &AccountState) -> Option<Told> {
        match self {
            Self::Offer(secret) => told::open(account, secret),
            Self::Keyholder(_) => None,
        }
    }

    fn sign_in(&self, account: &AccountState, now_ms: i64) -> Result<Enrolled, FlowError> {
        let mut entropy = Entropy::system()?;
        match self {
            Self::Offer(secret) => enrol_with_offer(account, secret, now_ms, &mut entropy),
            Self::Keyholder(secret) => enrol_with_keyholder(account, secret, now_ms, &mut entropy),
        }
    }
}

/// Joins with a device URL.
pub(super) async fn join(
    store: &KeyStore,
    url: &DeviceUrl,
    device: DeviceInfo,
    now_ms: i64,
) -> Result<DeviceKeys, EnrolError> {
    let secret = OfferSecret::new(url.secret.clone());
    let entrance = Entrance {
        server: ServerPin {
            url: url.server.to_string(),
            identity: url.identity.0,
        },
        account: url.account,
        token: Token(Secret32::new(secret.token())),
        key: Key::Offer(secret),
        hash: url_hash(url),
    };
    enter(store, &entrance, device, now_ms).await
}

/// Signs a new device in.
pub(super) async fn enter(
    store: &KeyStore,
    entrance: &Entrance,
    device: DeviceInfo,
    now_ms: i64,
) -> Result<DeviceKeys, EnrolError> {
    let api = Api::anonymous(&entrance.server)?.with_token(headers::ONE_TIME, &entrance.token)?;
    let mut tries = 0;
    loop {
        let begun = store.enrolling()?;
        let enrolling = match begun.filter(|begun| begun.url_hash == entrance.hash) {
            Some(begun) => begun,
            None => {
                let begun = begin(&api, entrance, device.clone(), now_ms).await?;
                store.set_enrolling(&begun)?;
                begun
            }
        };
        let request = EnrolRequest::from_cbor(&enrolling.request).map_err(damaged)?;
        match api.enrol(&request).await {
            Ok(reply) if (reply.account, reply.device) == enrolling.names() => {
                store.set_device(&enrolling.keys)?;
                return Ok(enrolling.keys);
            }
            Ok(_) => {
                return Err(ApiError::Malformed("the reply is about another device".into()).into());
            }
            // The log went on since it was read: nothing was accepted, so begin anew.
            Err(error) if has_gone_on(&error) && tries < TRIES => {
                store.forget_enrolling()?;
                tries += 1;
            }
            Err(error) => {
                if is_final(&error) {
                    store.forget_enrolling()?;
                }
                return Err(error.into());
            }
        }
    }
}

async fn begin(
    api: &Api,
    entrance: &Entrance,
    device: DeviceInfo,
    now_ms: i64,
) -> Result<Enrolling, EnrolError> {
    let account = read_account(api, entrance.account).await?;
    let enrolled = entrance.key.sign_in(&account, now_ms)?;
    let mut entropy = Entropy::system().map_err(FlowError::from)?;
    let token = draw_token(&mut entropy);
    let request = EnrolRequest {
        device,
        token: token.clone(),
        change_set: enrolled.change_set.encoded().to_vec().into(),
    };
    let keys = DeviceKeys {
        account: account.id(),
        device: enrolled.key.device_id(),
        signing: enrolled.key.seed(),
        agreement: enrolled.device_kem.seed().clone(),
        token,
        server: entrance.server.clone(),
        told: entrance.key.told(&account),
    };
    Ok(Enrolling {
        url_hash: entrance.hash,
        keys,
        request: request.to_cbor(),
        recovery: None,
    })
}

/// Whether a change set was refused only because the account's log has gone on meanwhile.
pub(super) fn has_gone_on(error: &ApiError) -> bool {
    let there = error.problem().and_then(|problem| problem.there.as_ref());
    matches!(there, Some(There::AccountLog { .. }))
}

impl EnrolError {
    /// Whether the one-time key of a device URL was used, has ended, or never was.
    pub fn is_spent(&self) -> bool {
        match self {
            Self::Api(ApiError::Unauthorised(_)) => true,
            Self::Flow(FlowError::Account(refusal)) => {
                matches!(refusal, AccountRefusal::Author | AccountRefusal::Expired)
            }
            _ => false,
        }
    }
}
