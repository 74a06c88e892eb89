//! Notices within one process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::broadcast;

use super::{BACKLOG, Notice, Notifier};

/// Hands notices to every task of this process that listens.
pub struct Local {
    sender: broadcast::Sender<Notice>,
    revocations: Revocations,
}

/// How often somebody may have lost rights: what was found valid before counts no more when it has
/// grown.
#[derive(Clone, Default)]
pub struct Revocations(Arc<AtomicU64>);

impl Revocations {
    /// The count now.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Somebody lost rights.
    pub fn grow(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Local {
    /// The count that grows before anybody hears of a removal.
    pub fn revocations(&self) -> &Revocations {
        &self.revocations
    }
}

impl Default for Local {
    fn default() -> Self {
        Self {
            sender: broadcast::channel(BACKLOG).0,
            revocations: Revocations::default(),
        }
    }
}

impl Notifier for Local {
    fn publish(&self, notices: Vec<Notice>) {
        for notice in notices {
            // First: who hears of it asks for rights anew, and must not be told the old ones.
            if notice.revokes() {
                self.revocations.grow();
            }
            // An error means only that nobody listens.
            let _nobody = self.sender.send(notice);
        }
    }

    fn subscribe(&self) -> broadcast::Receiver<Notice> {
        self.sender.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use hythe_model::AccountId;

    use super::*;

    #[test]
    fn sc151_whoever_hears_of_a_removal_finds_the_count_grown() {
        let local = Local::default();
        let mut heard = local.subscribe();
        let account = AccountId([1; 32]);
        local.publish(vec![Notice::Spaces { account }]);
        assert_eq!(local.revocations().count(), 0);
        local.publish(vec![Notice::Standing { account }, Notice::Lost]);
        assert_eq!(local.revocations().count(), 2);
        assert_eq!(heard.try_recv(), Ok(Notice::Spaces { account }));
    }
}
