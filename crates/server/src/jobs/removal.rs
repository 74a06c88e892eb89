//! Removes accounts and spaces whose waiting time is over, and what ended links showed.

use std::sync::Weak;
use std::time::Duration;

use super::alive;
use crate::clock::now_ms;
use crate::files::Inner;

/// How often is looked: waiting times are days.
const EVERY: Duration = Duration::from_secs(60 * 60);

pub(super) async fn run(inner: Weak<Inner>) {
    loop {
        let Some(files) = alive(&inner) else { return };
        match files.remove_due().await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "accounts were removed"),
            Err(error) => tracing::warn!(%error, "accounts that are due were not removed"),
        }
        match files.end_due(now_ms()).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "spaces ended"),
            Err(error) => tracing::warn!(%error, "spaces that are due were not removed"),
        }
        if let Err(error) = files.forget_ended_links(now_ms()).await {
            tracing::warn!(%error, "what ended links showed was not removed");
        }
        drop(files);
        tokio::time::sleep(EVERY).await;
    }
}
