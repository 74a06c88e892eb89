//! A device URL: one more device of an account, signed in with the one-time key that the URL
//! carries and the account's log authorises. Nobody else has to be online.

use hythe_model::Secret32;
use hythe_space::Entropy;
use hythe_space::account::AccountRefusal;
use hythe_space::flow::{FlowError, OfferSecret, enrol_with_offer};
use hythe_wire::account::{DeviceInfo, EnrolRequest};
use hythe_wire::invite::DeviceUrl;
use hythe_wire::{Message, There, Token, headers};

use super::register::{damaged, is_final};
use super::{EnrolError, draw_token, read_account, url_hash};
use crate::keys::{DeviceKeys, Enrolling, KeyStore, ServerPin};
use crate::net::{Api, ApiError};

/// How often the account's log may go on while this device signs itself in.
const TRIES: usize = 5;

pub(super) async fn join(
    store: &KeyStore,
    url: &DeviceUrl,
    device: DeviceInfo,
    now_ms: i64,
) -> Result<DeviceKeys, EnrolError> {
    let server = ServerPin {
        url: url.server.to_string(),
        identity: url.identity.0,
    };
    let secret = OfferSecret::new(url.secret.clone());
    let token = Token(Secret32::new(secret.token()));
    let api = Api::anonymous(&server)?.with_token(headers::ONE_TIME, &token)?;
    let hash = url_hash(url);
    let mut tries = 0;
    loop {
        let begun = store.enrolling()?.filter(|begun| begun.url_hash == hash);
        let enrolling = match begun {
            Some(begun) => begun,
            None => {
                let begun =
                    begin(&api, &server, hash, url, &secret, device.clone(), now_ms).await?;
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
    server: &ServerPin,
    url_hash: [u8; 32],
    url: &DeviceUrl,
    secret: &OfferSecret,
    device: DeviceInfo,
    now_ms: i64,
) -> Result<Enrolling, EnrolError> {
    let account = read_account(api, url.account).await?;
    let mut entropy = Entropy::system().map_err(FlowError::from)?;
    let enrolled = enrol_with_offer(&account, secret, now_ms, &mut entropy)?;
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
        server: server.clone(),
    };
    Ok(Enrolling {
        url_hash,
        keys,
        request: request.to_cbor(),
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
