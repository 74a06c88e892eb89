//! The account's devices: letting one in, cutting one off.

use hythe_model::DeviceId;
use hythe_model::Secret32;
use hythe_space::account::{AccountKeys, AccountState};
use hythe_space::flow::{self, FlowError, add_device_offer_telling};
use hythe_space::{ChangeSet, Entropy, KemSecret, SigningKey, Told};
use hythe_wire::account::AppendRequest;
use hythe_wire::invite::DeviceUrl;
use hythe_wire::{IdentityKey, Token};

use super::join::has_gone_on;
use super::{EnrolError, read_account, told};
use crate::keys::DeviceKeys;
use crate::net::{Api, ApiError};

/// How often the account's log may go on while a change of it is made.
const TRIES: usize = 5;

/// A way in for one more device.
pub struct DeviceOffer {
    /// What the new device is given. It is secret: whoever has it becomes a device of the account.
    pub url: DeviceUrl,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: i64,
}

/// Authorises one more device for an hour and says how it gets in. Needs nobody else online, neither
/// now nor then. `advertised` is the server's address for the new device, where it is another than
/// this device uses.
///
/// # Errors
/// See [`EnrolError`].
pub async fn offer_device(
    api: &Api,
    keys: &DeviceKeys,
    advertised: Option<&str>,
    now_ms: i64,
) -> Result<DeviceOffer, EnrolError> {
    offer_device_telling(api, keys, advertised, None, now_ms).await
}

/// As [`offer_device`], and the new device is told how far this one was shown the account's spaces, so
/// that it cannot be shown less (A32).
///
/// # Errors
/// See [`EnrolError`].
pub async fn offer_device_telling(
    api: &Api,
    keys: &DeviceKeys,
    advertised: Option<&str>,
    told: Option<&Told>,
    now_ms: i64,
) -> Result<DeviceOffer, EnrolError> {
    let server = hythe_wire::invite::server_url(advertised.unwrap_or(&keys.server.url))?;
    let signing = SigningKey::from_seed(&keys.signing);
    let mut tries = 0;
    loop {
        let (account, account_keys) = open_account(api, keys).await?;
        let mut entropy = Entropy::system().map_err(FlowError::from)?;
        let tell = |secret: &_| told.and_then(|told| told::seal(told, secret));
        let offer = add_device_offer_telling(
            &account,
            &signing,
            &account_keys,
            tell,
            now_ms,
            &mut entropy,
        )?;
        let request = AppendRequest {
            change_set: offer.change_set.encoded().to_vec().into(),
            one_time: Some(Token(Secret32::new(offer.secret.token()))),
            password: None,
            recovery: None,
            proof: None,
        };
        match api.append_account(keys.account, &request).await {
            Ok(_) => {
                let url = DeviceUrl {
                    server,
                    identity: IdentityKey(keys.server.identity),
                    account: keys.account,
                    secret: offer.secret.secret().clone(),
                };
                return Ok(DeviceOffer {
                    url,
                    expires_ms: offer.expires_ms,
                });
            }
            Err(error) if has_gone_on(&error) && tries < TRIES => tries += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Removes a device from the account and renews the account's key for the others. The server cuts
/// it off within seconds. Removing a device that is removed already is no error.
///
/// The secrets of the spaces are to be renewed after it: `Replica::renew_keys_if_due`.
///
/// # Errors
/// See [`EnrolError`].
pub async fn remove_device(
    api: &Api,
    keys: &DeviceKeys,
    device: DeviceId,
    now_ms: i64,
) -> Result<(), EnrolError> {
    remove(api, keys, device, flow::remove_device, now_ms).await
}

/// As [`remove_device`], and the device is asked to delete its local copies, which it does when it
/// comes to the server again, if it can and will. A device that is removed already is asked nothing
/// more.
///
/// # Errors
/// See [`EnrolError`].
pub async fn wipe_device(
    api: &Api,
    keys: &DeviceKeys,
    device: DeviceId,
    now_ms: i64,
) -> Result<(), EnrolError> {
    remove(api, keys, device, flow::wipe_device, now_ms).await
}

/// How a removal is signed.
type Sign = fn(
    &AccountState,
    &SigningKey,
    &AccountKeys,
    DeviceId,
    i64,
    &mut Entropy,
) -> Result<ChangeSet, FlowError>;

async fn remove(
    api: &Api,
    keys: &DeviceKeys,
    device: DeviceId,
    sign: Sign,
    now_ms: i64,
) -> Result<(), EnrolError> {
    let signing = SigningKey::from_seed(&keys.signing);
    let mut tries = 0;
    loop {
        let (account, account_keys) = open_account(api, keys).await?;
        if account
            .device(device)
            .is_some_and(|record| record.removed.is_some())
        {
            return Ok(());
        }
        let mut entropy = Entropy::system().map_err(FlowError::from)?;
        let change_set = sign(
            &account,
            &signing,
            &account_keys,
            device,
            now_ms,
            &mut entropy,
        )?;
        let request = AppendRequest {
            change_set: change_set.encoded().to_vec().into(),
            one_time: None,
            password: None,
            recovery: None,
            proof: None,
        };
        match api.append_account(keys.account, &request).await {
            Ok(_) => return Ok(()),
            Err(error) if has_gone_on(&error) && tries < TRIES => tries += 1,
            // The reply to an earlier try may have been lost: the log says what became of it.
            Err(ApiError::Offline(_)) if tries < TRIES => tries += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

pub(super) async fn open_account(
    api: &Api,
    keys: &DeviceKeys,
) -> Result<(AccountState, AccountKeys), EnrolError> {
    let account = read_account(api, keys.account).await?;
    let kem = KemSecret::from_seed(keys.agreement.clone());
    let account_keys = AccountKeys::open(&account, keys.device, &kem).map_err(FlowError::from)?;
    Ok((account, account_keys))
}
