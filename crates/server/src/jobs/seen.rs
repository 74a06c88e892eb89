//! Writes down where and when devices were last seen, seldom: it is nothing to wake a disk for.

use std::sync::Weak;
use std::time::Duration;

use super::alive;
use crate::files::Inner;

/// How old what is written down may be; answers are always from memory and up to date.
const EVERY: Duration = Duration::from_secs(60);

pub(super) async fn run(inner: Weak<Inner>) {
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(files) = alive(&inner) else { return };
        if let Err(error) = files.flush_visits().await {
            tracing::warn!(%error, "where devices were last seen was not written down");
        }
    }
}
