//! Moves small chunks, which came with small commits, from the database into packs.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use super::alive;
use crate::files::{FilesError, Inner};

/// How long small chunks gather before they are moved: long enough that a burst of saves becomes
/// one pack, short enough that the database stays small.
const GATHER: Duration = Duration::from_secs(30);

/// Wait after a failure, as when the disk is full.
const AFTER_FAILURE: Duration = Duration::from_secs(60);

pub(super) async fn run(inner: Weak<Inner>, wake: Arc<Notify>) {
    loop {
        wake.notified().await;
        tokio::time::sleep(GATHER).await;
        while let Err(error) = drain_all(&inner).await {
            tracing::warn!(%error, "small chunks stay in the database for now");
            tokio::time::sleep(AFTER_FAILURE).await;
        }
        if inner.strong_count() == 0 {
            return;
        }
    }
}

async fn drain_all(inner: &Weak<Inner>) -> Result<(), FilesError> {
    while let Some(files) = alive(inner) {
        if files.drain_once().await? == 0 {
            return Ok(());
        }
    }
    Ok(())
}
