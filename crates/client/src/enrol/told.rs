//! What the device that lets another one in tells it: how far it was shown the account's spaces.

use hythe_content::{Purpose, open_under, seal_under};
use hythe_space::account::AccountState;
use hythe_space::flow::OfferSecret;
use hythe_space::{SealedTold, Told};

/// What it is sealed for.
const TOLD: Purpose = Purpose::new("hythe 1 told heads");

/// Seals it for whoever holds an offer's secret.
pub(super) fn seal(told: &Told, secret: &OfferSecret) -> Option<SealedTold> {
    let offer = secret.key().device_id();
    let (key, plain) = (secret.telling_key(), told.encode());
    SealedTold::new(seal_under(&key, TOLD, offer.as_bytes(), &plain))
}

/// Opens what an account's log has for whoever holds an offer's secret. Where there is nothing, or
/// nothing that opens, the new device knows as much as one that logs in with a password.
pub(super) fn open(account: &AccountState, secret: &OfferSecret) -> Option<Told> {
    let offer = secret.key().device_id();
    let sealed = account.offer(offer)?.told.as_ref()?;
    let key = secret.telling_key();
    let plain = open_under(&key, TOLD, offer.as_bytes(), sealed.as_bytes());
    Told::decode(&plain.ok()?).ok()
}
