//! The server's clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in milliseconds since 1970. Shown and used for expiry; nothing is ordered by it (SC-165).
pub fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
