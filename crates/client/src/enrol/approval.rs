//! Into an account by the approval of another device: a code is copied from the new device to the old
//! one, and a device URL comes back, sealed under what follows from the code.

use std::time::Duration;

use hythe_content::{Purpose, open_under, seal_under};
use hythe_space::Entropy;
use hythe_space::flow::FlowError;
use hythe_wire::account::DeviceInfo;
use hythe_wire::approval::{
    APPROVAL_BYTES, ApprovalCode, ApprovalGrant, ApprovalRequest, ApprovalView,
};
use hythe_wire::invite::{DeviceUrl, UrlError};
use url::Url;
use zeroize::Zeroizing;

use super::join::join;
use super::{EnrolError, offer_device};
use crate::keys::{DeviceKeys, KeyStore, ServerPin};
use crate::net::{Api, ApiError};

/// What the device URL is sealed for.
const GRANT: Purpose = Purpose::new("hythe 1 approval grant");

/// Between two looks whether somebody approved: a person copies the code meanwhile.
const POLL: Duration = Duration::from_secs(1);

/// A new device that waits for an approval.
pub struct Asking {
    code: ApprovalCode,
    server: ServerPin,
    device: DeviceInfo,
}

impl Asking {
    /// Asks the server at an address to be let in. The server learns nothing of the code.
    ///
    /// # Errors
    /// See [`EnrolError`].
    pub async fn begin(
        store: &KeyStore,
        url: &Url,
        device: DeviceInfo,
    ) -> Result<Self, EnrolError> {
        if store.device()?.is_some() {
            return Err(EnrolError::Connected);
        }
        let (server, _) = Api::discover(url).await?;
        let mut entropy = Entropy::system().map_err(FlowError::from)?;
        let code = ApprovalCode::new(entropy.bytes::<APPROVAL_BYTES>());
        let request = ApprovalRequest {
            id: code.id(),
            name: device.name.clone(),
            platform: device.platform.clone(),
        };
        Api::anonymous(&server)?.ask_approval(&request).await?;
        Ok(Self {
            code,
            server,
            device,
        })
    }

    /// What another device of the account has to be told.
    pub fn code(&self) -> &ApprovalCode {
        &self.code
    }

    /// Waits until another device approved, or the request has ended, and joins.
    ///
    /// # Errors
    /// See [`EnrolError`].
    pub async fn join(self, store: &KeyStore, now_ms: i64) -> Result<DeviceKeys, EnrolError> {
        let api = Api::anonymous(&self.server)?;
        let sealed = loop {
            match api.poll_approval(self.code.id()).await {
                Ok(state) => match state.sealed {
                    Some(sealed) => break sealed,
                    None => tokio::time::sleep(POLL).await,
                },
                // Its owner is about to copy a code: a network that is away for a moment is no end.
                Err(ApiError::Offline(_)) => tokio::time::sleep(POLL).await,
                Err(error) => return Err(error.into()),
            }
        };
        let mut offer = self.open(&sealed)?;
        if offer.identity.0 != self.server.identity {
            return Err(ApiError::WrongServer("another server was approved".into()).into());
        }
        // The address that this device reaches it at, wherever the other one does.
        offer.server = self.server.url.parse().map_err(|_| UrlError::Server)?;
        join(store, &offer, self.device, now_ms).await
    }

    fn open(&self, sealed: &[u8]) -> Result<DeviceUrl, EnrolError> {
        let opened = open_under(&self.code.key(), GRANT, &self.code.id(), sealed);
        let forged = || ApiError::Malformed("what came back was not sealed by your device".into());
        let opened = Zeroizing::new(opened.map_err(|_| forged())?);
        let text = std::str::from_utf8(&opened).map_err(|_| forged())?;
        Ok(text.parse()?)
    }
}

/// Who shows a code.
///
/// # Errors
/// See [`EnrolError`].
pub async fn look_at_device(api: &Api, code: &ApprovalCode) -> Result<ApprovalView, EnrolError> {
    Ok(api.look_at_approval(code.id()).await?)
}

/// Lets the device that shows a code into this device's account.
///
/// # Errors
/// See [`EnrolError`].
pub async fn approve_device(
    api: &Api,
    keys: &DeviceKeys,
    code: &ApprovalCode,
    now_ms: i64,
) -> Result<(), EnrolError> {
    let offer = offer_device(api, keys, None, now_ms).await?;
    let url = Zeroizing::new(offer.url.to_string());
    let sealed = seal_under(&code.key(), GRANT, &code.id(), url.as_bytes());
    let id = code.id();
    Ok(api.grant_approval(&ApprovalGrant { id, sealed }).await?)
}
