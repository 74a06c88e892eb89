//! What the account uses of its quota, when it is deleted and what waits in its spaces, as the server told
//! lately.

use std::time::{Duration, Instant};

use hythe_control::{InboxStatus, UsageStatus};
use hythe_wire::space::{SpaceList, SpaceView};
use tokio::sync::Mutex;

use super::shared::Shared;

/// How old an answer may be: whoever asks every second costs no request every second.
const HOLDS: Duration = Duration::from_secs(5);

/// How long whoever asks for the status waits for it at most. It is worth no more.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the server says of the account; none of it where it does not answer.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// What it uses of its quota.
    pub usage: Option<UsageStatus>,
    /// When it is deleted, as its owner asked for.
    pub removal_ms: Option<i64>,
    /// Sealed spaces into which files were put that are not taken in.
    pub inboxes: Vec<InboxStatus>,
}

/// The last answer of the server.
#[derive(Default)]
pub struct Usage(Mutex<Option<(Instant, Told)>>);

impl Usage {
    /// What the server says now, or said a moment ago.
    pub async fn ask(&self, shared: &Shared) -> Told {
        let mut known = self.0.lock().await;
        if let Some((at, told)) = &*known
            && at.elapsed() < HOLDS
        {
            return told.clone();
        }
        let both = async { tokio::join!(shared.api.spaces(), shared.api.account()) };
        // Without an answer the status says everything else.
        let told = match tokio::time::timeout(PATIENCE, both).await {
            Ok((list, profile)) => Told {
                removal_ms: profile.ok().and_then(|profile| profile.removal_ms),
                ..list
                    .map(|list| of_spaces(shared, &list))
                    .unwrap_or_default()
            },
            Err(_) => Told::default(),
        };
        *known = Some((Instant::now(), told.clone()));
        told
    }
}

fn of_spaces(shared: &Shared, list: &SpaceList) -> Told {
    let inboxes = list.spaces.iter().filter_map(|view| inbox(shared, view));
    Told {
        usage: list.usage.map(|usage| UsageStatus {
            used_bytes: usage.used_bytes,
            limit_bytes: usage.limit_bytes,
        }),
        removal_ms: None,
        inboxes: inboxes.collect(),
    }
}

fn inbox(shared: &Shared, view: &SpaceView) -> Option<InboxStatus> {
    let (waiting, refused) = (view.waiting, view.refused);
    let space = shared.living_space(view.id)?;
    (waiting + refused > 0).then(|| InboxStatus {
        space: space.name(),
        waiting,
        refused,
    })
}
