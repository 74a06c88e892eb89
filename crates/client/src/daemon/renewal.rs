//! Renewing the spaces' keys after a device was removed (E7).
//!
//! Whether it is due follows from the logs, so nothing is remembered: the device that removed
//! another does it at once, and if it cannot, any device of the account does it later.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::event::Event;
use super::jobs::Teller;
use super::shared::Shared;
use super::stream;
use crate::net::Backoff;

/// How long the device that removed another is given before the others look, at least and at most:
/// it is asked to do it anyway, and is spared the company.
const GIVE_WAY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));

/// What wakes [`keep`].
#[derive(Default)]
pub struct Renewal {
    wake: Notify,
    /// The account's log has, or may have, more than this device has read of it.
    unread: AtomicBool,
}

impl Renewal {
    /// Keys may be due now, or may be renewed now.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// A device is about to be removed: the account's log has to be read before anything is said.
    pub fn expect_removal(&self) {
        self.unread.store(true, Ordering::Release);
    }
}

/// Renews what is due, whenever it may be, until the daemon ends.
pub async fn keep(shared: Arc<Shared>, events: Teller) {
    let mut backoff = Backoff::new(shared.seed());
    loop {
        let pending = renew(&shared, &events).await.err();
        let wait = match &pending {
            Some(reason) => {
                tracing::warn!("keys are not renewed yet: {reason}");
                Some(backoff.failed(Instant::now(), None))
            }
            None => {
                backoff.succeeded();
                None
            }
        };
        if events.send(Event::Keys(pending)).is_err() {
            return;
        }
        match wait {
            None => {
                shared.renewal.wake.notified().await;
                give_way(shared.seed()).await;
            }
            // Woken or not: it is due.
            Some(at) => {
                let woken = shared.renewal.wake.notified();
                drop(tokio::time::timeout_at(at.into(), woken).await);
            }
        }
    }
}

async fn give_way(seed: u64) {
    let (least, most) = GIVE_WAY;
    let spread = u64::try_from((most - least).as_millis())
        .unwrap_or(u64::MAX)
        .max(1);
    tokio::time::sleep(least + Duration::from_millis(seed % spread)).await;
}

/// Renews the keys of each space where it is due.
///
/// # Errors
/// Why they are not renewed, as one sentence. The other spaces' are all the same.
pub async fn renew(shared: &Shared, events: &Teller) -> Result<(), String> {
    if shared.renewal.unread.load(Ordering::Acquire) {
        let read = shared.common.accounts.refresh(shared.device.account).await;
        read.map_err(|error| error.to_string())?;
        shared.renewal.unread.store(false, Ordering::Release);
    }
    let mut failed = None;
    for space in shared.living_spaces() {
        match space.replica.renew_keys_if_due().await {
            Ok(applied) => stream::tell(events, &space, applied),
            Err(error) => drop(failed.get_or_insert(error.to_string())),
        }
    }
    failed.map_or(Ok(()), Err)
}
