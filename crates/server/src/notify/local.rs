//! Notices within one process.

use tokio::sync::broadcast;

use super::{BACKLOG, Notice, Notifier};

/// Hands notices to every task of this process that listens.
pub struct Local(broadcast::Sender<Notice>);

impl Default for Local {
    fn default() -> Self {
        Self(broadcast::channel(BACKLOG).0)
    }
}

impl Notifier for Local {
    fn publish(&self, notices: Vec<Notice>) {
        for notice in notices {
            // An error means only that nobody listens.
            let _nobody = self.0.send(notice);
        }
    }

    fn subscribe(&self) -> broadcast::Receiver<Notice> {
        self.0.subscribe()
    }
}
