//! Keeps what this device's links into sealed spaces show as the spaces are.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use hythe_model::NodeId;
use hythe_space::{LinkGrant, SigningKey};
use tokio::sync::Notify;

use super::links::granted;
use super::shared::{Shared, Space};
use crate::link::capsules::{CapsuleError, Dirty, Maker};
use crate::net::Backoff;
use crate::state::SpaceNumber;

/// What changed since what links show was made last.
#[derive(Default)]
pub struct Changed {
    wake: Notify,
    spaces: Mutex<BTreeMap<SpaceNumber, Dirty>>,
}

impl Changed {
    /// These nodes of a space changed.
    pub fn note(&self, space: SpaceNumber, nodes: impl IntoIterator<Item = NodeId>) {
        self.add(space, Dirty::Nodes(nodes.into_iter().collect()));
    }

    /// Everything of a space may have changed.
    pub fn note_all(&self, space: SpaceNumber) {
        self.add(space, Dirty::All);
    }

    fn add(&self, space: SpaceNumber, more: Dirty) {
        let mut spaces = self.spaces.lock().unwrap_or_else(PoisonError::into_inner);
        let there = spaces
            .entry(space)
            .or_insert_with(|| Dirty::Nodes(Default::default()));
        match (there, more) {
            (Dirty::Nodes(nodes), Dirty::Nodes(more)) => nodes.extend(more),
            (there, Dirty::All) => *there = Dirty::All,
            (Dirty::All, _) => {}
        }
        drop(spaces);
        self.wake.notify_one();
    }

    fn take(&self) -> BTreeMap<SpaceNumber, Dirty> {
        std::mem::take(&mut *self.spaces.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Makes anew what links show, whenever something changed, until the daemon ends. What changed while
/// no daemon ran is found by making all of it at first.
pub async fn keep(shared: Arc<Shared>) {
    let mut backoff = Backoff::new(shared.seed());
    for space in shared.living_spaces() {
        shared.capsules.note_all(space.number);
    }
    loop {
        shared.capsules.wake.notified().await;
        let mut failed = false;
        for (number, dirty) in shared.capsules.take() {
            if let Err(error) = refresh(&shared, number, &dirty).await {
                tracing::debug!("what links show is not made anew yet: {error}");
                failed = true;
                shared.capsules.add(number, dirty);
            }
        }
        if failed {
            tokio::time::sleep_until(backoff.failed(Instant::now(), None).into()).await;
        } else {
            backoff.succeeded();
        }
    }
}

async fn refresh(shared: &Shared, number: SpaceNumber, dirty: &Dirty) -> Result<(), CapsuleError> {
    let Some(space) = shared.space(number) else {
        return Ok(());
    };
    let sealed = space.replica.standing().is_some_and(|one| !one.open);
    if !sealed || space.is_over() || !space.may_write() {
        return Ok(());
    }
    for grant in granted(shared, &space).await? {
        make(shared, &space, &grant, dirty).await?;
    }
    Ok(())
}

/// Makes what one link shows.
///
/// # Errors
/// See [`CapsuleError`].
pub async fn make(
    shared: &Shared,
    space: &Space,
    grant: &LinkGrant,
    dirty: &Dirty,
) -> Result<(), CapsuleError> {
    let signing = SigningKey::from_seed(&shared.device.signing);
    let maker = Maker::of(&space.replica, &shared.api, &shared.state, signing).await?;
    maker.refresh(grant, dirty).await
}
