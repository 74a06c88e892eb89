//! What people do, as pure functions: they take state, keys, a time and [`crate::Entropy`], and
//! return change sets to send and secrets to keep.
//!
//! `time_ms` should be the server's clock as last heard of, corrected by the device's own: the
//! expiry of offers is judged by it.

mod account;
mod epoch;
mod offer;
mod space;

pub use account::{NewAccount, create_account, remove_device};
pub use epoch::{EpochPlan, Recipient, new_epoch};
pub use offer::{Enrolled, Offer, OfferSecret, add_device_offer, enrol_with_offer};
pub use space::{NewSpace, create_space};

use crate::account::{AccountRefusal, AccountState};
use crate::crypto::SigningKey;
use crate::draft::{DraftError, Stamp};
use crate::entropy::Entropy;
use crate::error::CryptoError;
use crate::header::NO_PREVIOUS;
use crate::refusal::Refusal;
use hythe_model::OperationId;

/// Why a flow could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// A key is not valid, or a secret does not open.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// The change set could not be made.
    #[error(transparent)]
    Draft(#[from] DraftError),
    /// The account's log would refuse the result: the device was removed, or the offer is used up.
    #[error(transparent)]
    Account(#[from] AccountRefusal),
    /// The space's log would refuse the result.
    #[error(transparent)]
    Space(#[from] Refusal),
}

/// The stamp of the next change set that `key` signs in its account's log.
fn account_stamp(
    account: &AccountState,
    key: &SigningKey,
    time_ms: i64,
    entropy: &mut Entropy,
) -> Stamp {
    let device = account.device(key.device_id());
    let counter = device.map_or(1, |record| record.counter + 1);
    let previous = device.map_or(NO_PREVIOUS, |record| record.last);
    let operation = OperationId(entropy.bytes());
    Stamp::account(
        account.id(),
        account.head(),
        counter,
        previous,
        operation,
        time_ms,
    )
}
