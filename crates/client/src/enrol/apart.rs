//! What an account's owner gives to programs that know nothing of Hythe, and the end of the account.

use hythe_space::Entropy;
use hythe_space::flow::FlowError;
use hythe_wire::app_password::{APP_PASSWORD_BYTES, AppPassword};
use hythe_wire::deletion::DeleteRequest;

use super::{EnrolError, Proof};
use crate::keys::DeviceKeys;
use crate::net::Api;

/// Draws an app password.
///
/// # Errors
/// The system's, when it has no randomness.
pub fn draw_app_password() -> Result<AppPassword, EnrolError> {
    let mut entropy = Entropy::system().map_err(FlowError::from)?;
    Ok(AppPassword::new(entropy.bytes::<APP_PASSWORD_BYTES>()))
}

/// Has this device's account deleted after the server's waiting time; returns when, in milliseconds
/// since 1970.
///
/// # Errors
/// See [`EnrolError`].
pub async fn delete_account(
    api: &Api,
    keys: &DeviceKeys,
    proof: &Proof,
) -> Result<i64, EnrolError> {
    let proof = proof.token(&keys.server).await?;
    let request = DeleteRequest {
        proof: proof.map(|token| token.to_hex()),
    };
    Ok(api.delete_account(&request).await?.removal_ms)
}
