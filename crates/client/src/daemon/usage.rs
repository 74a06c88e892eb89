//! What the account uses of its quota, as the server told lately.

use std::time::{Duration, Instant};

use hythe_control::UsageStatus;
use tokio::sync::Mutex;

use crate::net::Api;

/// How old an answer may be: whoever asks every second costs no request every second.
const HOLDS: Duration = Duration::from_secs(5);

/// How long whoever asks for the status waits for it at most. It is worth no more.
const PATIENCE: Duration = Duration::from_secs(2);

/// The last answer of the server.
#[derive(Default)]
pub struct Usage(Mutex<Option<(Instant, Option<UsageStatus>)>>);

impl Usage {
    /// What the account uses; none where the server does not say.
    pub async fn ask(&self, api: &Api) -> Option<UsageStatus> {
        let mut known = self.0.lock().await;
        if let Some((at, usage)) = *known
            && at.elapsed() < HOLDS
        {
            return usage;
        }
        let asked = tokio::time::timeout(PATIENCE, api.spaces()).await;
        // Without an answer the status says everything else.
        let list = asked.ok().and_then(Result::ok);
        let usage = list.and_then(|list| list.usage).map(|usage| UsageStatus {
            used_bytes: usage.used_bytes,
            limit_bytes: usage.limit_bytes,
        });
        *known = Some((Instant::now(), usage));
        usage
    }
}
