//! Takes in what others put into sealed spaces, and keeps what this device says of their inboxes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use hythe_model::{KeyEpoch, LinkKind, Role, UploadId};
use hythe_wire::Code;
use tokio::sync::Notify;

use super::jobs::Teller;
use super::links::granted;
use super::shared::{Shared, Space};
use super::stream;
use crate::inbox::take::TakeError;
use crate::net::{ApiError, Backoff};
use crate::replica::ReplicaError;
use crate::state::SpaceNumber;

/// What wakes [`keep`].
#[derive(Default)]
pub struct Inboxes {
    wake: Notify,
    /// Spaces in which files may wait.
    spaces: Mutex<BTreeSet<SpaceNumber>>,
}

impl Inboxes {
    /// Files may wait in a space.
    pub fn note(&self, space: SpaceNumber) {
        self.lock().insert(space);
        self.wake.notify_one();
    }

    /// Keys or members may have changed, and with them what is to be said of inboxes.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    fn take(&self) -> BTreeSet<SpaceNumber> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<SpaceNumber>> {
        self.spaces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes in what waits, whenever something may, until the daemon ends.
pub async fn keep(shared: Arc<Shared>, events: Teller) {
    let mut backoff = Backoff::new(shared.seed());
    let mut told = BTreeMap::new();
    loop {
        shared.inboxes.wake.notified().await;
        let mut failed = false;
        for space in shared.living_spaces() {
            if let Err(error) = tell_card(&shared, &space, &mut told).await {
                tracing::debug!("the card of an inbox is not told yet: {error}");
                failed = true;
            }
        }
        for number in shared.inboxes.take() {
            let Some(space) = shared.space(number) else {
                continue;
            };
            if let Err(error) = take_in(&shared, &events, &space).await {
                tracing::debug!("what was put is not taken in yet: {error}");
                failed = true;
                shared.inboxes.note(number);
            }
        }
        if failed {
            shared.inboxes.wake();
            tokio::time::sleep_until(backoff.failed(Instant::now(), None).into()).await;
        } else {
            backoff.succeeded();
        }
    }
}

/// Tells how files are sealed for the inbox of a space, where the key is another than was told last
/// and somebody needs it.
async fn tell_card(
    shared: &Shared,
    space: &Space,
    told: &mut BTreeMap<SpaceNumber, (KeyEpoch, bool)>,
) -> Result<(), ReplicaError> {
    let Some(epoch) = space.replica.current_epoch() else {
        return Ok(());
    };
    if !space.may_write() {
        return Ok(());
    }
    let members = space.replica.members()?;
    let drops = members.iter().any(|one| one.role == Some(Role::Drop));
    if told.get(&space.number) == Some(&(epoch, drops)) {
        return Ok(());
    }
    let sealed = space.replica.standing().is_some_and(|one| !one.open);
    let through_links = sealed
        && granted(shared, space)
            .await?
            .iter()
            .any(|grant| grant.kind == LinkKind::Upload);
    if drops || through_links {
        space.replica.tell_card().await?;
    }
    told.insert(space.number, (epoch, drops));
    Ok(())
}

/// Takes in all that waits in a space.
async fn take_in(shared: &Shared, events: &Teller, space: &Space) -> Result<(), TakeError> {
    let sealed = space.replica.standing().is_some_and(|one| !one.open);
    let is_stopped = space.is_over() || space.is_claimed() || space.contradicted().is_some();
    if !sealed || is_stopped || !space.may_write() {
        return Ok(());
    }
    let mut before: Option<UploadId> = None;
    loop {
        let page = shared.api.inbox(space.id).await;
        let parcels = page.map_err(ReplicaError::Api)?.parcels;
        let first = parcels.first().map(|parcel| parcel.upload);
        // What was taken in or refused does not wait any more: else nothing goes forward.
        if first.is_none() || first == before {
            return Ok(());
        }
        before = first;
        stream::tell(events, space, space.replica.catch_up().await?);
        for parcel in &parcels {
            let tell = |applied| stream::tell(events, space, applied);
            match space.replica.take_in(parcel, tell).await {
                Ok(()) => {}
                Err(TakeError::Unfit(unfit)) => {
                    let upload = parcel.upload;
                    tracing::warn!(%upload, "a file that was put is refused: {unfit}");
                    refuse(shared, space, upload).await?;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// Says that a file cannot be taken in; another device may have said so.
async fn refuse(shared: &Shared, space: &Space, upload: UploadId) -> Result<(), ReplicaError> {
    match shared.api.refuse_parcel(space.id, upload).await {
        Err(ApiError::Refused(problem)) if problem.code == Code::NotFound => Ok(()),
        refused => Ok(refused?),
    }
}
