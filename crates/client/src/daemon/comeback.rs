//! When a server came back from a copy of its data, so that its users hear of it: nothing stops for
//! it in open spaces.

use super::shared::{Shared, now_ms};
use crate::state::{StateError, Tx};

/// The setting that holds when it was noticed.
const KEY: &str = "server-restored";

/// How long it is told: long enough for whoever looks once a week.
const TOLD_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// Notes that the server began another life of its data.
///
/// # Errors
/// The state's.
pub async fn note(shared: &Shared) -> Result<(), StateError> {
    let now = now_ms().to_be_bytes();
    let write = move |tx: &Tx<'_>| tx.set_setting(KEY, &now);
    shared.state.write(write).await
}

/// When that was noticed, as long as it is told.
pub fn told(shared: &Shared) -> Option<i64> {
    // Only shown: what cannot be read is not.
    let kept = shared.state.read(|rows| rows.setting(KEY)).ok().flatten()?;
    let at_ms = i64::from_be_bytes(kept.try_into().ok()?);
    (now_ms().saturating_sub(at_ms) < TOLD_MS).then_some(at_ms)
}
