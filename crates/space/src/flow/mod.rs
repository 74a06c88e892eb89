//! What people do, as pure functions: they take state, keys, a time and [`crate::Entropy`], and
//! return change sets to send and secrets to keep.
//!
//! `time_ms` should be the server's clock as last heard of, corrected by the device's own: the
//! expiry of offers is judged by it.

mod account;
mod epoch;
mod join;
mod keyholder;
mod offer;
mod space;

pub use account::{NewAccount, create_account, remove_device, wipe_device};
pub use epoch::{EpochPlan, Recipient, member_wrap, new_epoch};
pub use join::{JoinSecret, JoinTerms, offer_join, offered_secret, take_up};
pub use keyholder::{
    EXPORT_KEY_BYTES, KeyholderSecret, RECOVERY_BYTES, enrol_with_keyholder, remove_all_devices,
    set_keyholders,
};
pub use offer::{
    Enrolled, Offer, OfferSecret, add_device_offer, add_device_offer_telling, enrol_with_offer,
};
pub use space::{NewSpace, create_space};

use crate::account::{AccountRefusal, AccountState};
use crate::crypto::SigningKey;
use crate::draft::{DraftError, Stamp};
use crate::entropy::Entropy;
use crate::error::CryptoError;
use crate::header::NO_PREVIOUS;
use crate::refusal::Refusal;
use hythe_model::{HeaderHash, OperationId};

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

/// A key that signs in an account's log, and where its own chain goes on.
struct Signer {
    key: SigningKey,
    counter: u64,
    previous: HeaderHash,
}

impl Signer {
    fn stamp(&self, account: &AccountState, time_ms: i64, entropy: &mut Entropy) -> Stamp {
        Stamp::account(
            account.id(),
            account.head(),
            self.counter,
            self.previous,
            OperationId(entropy.bytes()),
            time_ms,
        )
    }
}

/// The stamp of the next change set that a device's `key` signs in its account's log.
fn account_stamp(
    account: &AccountState,
    key: &SigningKey,
    time_ms: i64,
    entropy: &mut Entropy,
) -> Stamp {
    let device = account.device(key.device_id());
    let signer = Signer {
        key: key.clone(),
        counter: device.map_or(1, |record| record.counter + 1),
        previous: device.map_or(NO_PREVIOUS, |record| record.last),
    };
    signer.stamp(account, time_ms, entropy)
}
