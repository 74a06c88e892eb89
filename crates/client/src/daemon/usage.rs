//! What the account uses of its quota and when it is deleted, as the server told lately.

use std::time::{Duration, Instant};

use hythe_control::UsageStatus;
use tokio::sync::Mutex;

use crate::net::Api;

/// How old an answer may be: whoever asks every second costs no request every second.
const HOLDS: Duration = Duration::from_secs(5);

/// How long whoever asks for the status waits for it at most. It is worth no more.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the server says of the account; none of it where it does not answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Told {
    /// What it uses of its quota.
    pub usage: Option<UsageStatus>,
    /// When it is deleted, as its owner asked for.
    pub removal_ms: Option<i64>,
}

/// The last answer of the server.
#[derive(Default)]
pub struct Usage(Mutex<Option<(Instant, Told)>>);

impl Usage {
    /// What the server says now, or said a moment ago.
    pub async fn ask(&self, api: &Api) -> Told {
        let mut known = self.0.lock().await;
        if let Some((at, told)) = *known
            && at.elapsed() < HOLDS
        {
            return told;
        }
        let both = async { tokio::join!(api.spaces(), api.account()) };
        // Without an answer the status says everything else.
        let told = match tokio::time::timeout(PATIENCE, both).await {
            Ok((list, profile)) => Told {
                usage: list
                    .ok()
                    .and_then(|list| list.usage)
                    .map(|usage| UsageStatus {
                        used_bytes: usage.used_bytes,
                        limit_bytes: usage.limit_bytes,
                    }),
                removal_ms: profile.ok().and_then(|profile| profile.removal_ms),
            },
            Err(_) => Told::default(),
        };
        *known = Some((Instant::now(), told));
        told
    }
}
