//! How far a transfer is, readable while it runs.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one transfer or of several that are shown as one.
#[derive(Debug, Default)]
pub struct Progress {
    done_bytes: AtomicU64,
    network_bytes: AtomicU64,
}

impl Progress {
    /// Bytes of the file that need no more work, holes and unchanged parts included.
    pub fn done_bytes(&self) -> u64 {
        self.done_bytes.load(Ordering::Relaxed)
    }

    /// Sealed bytes that were sent or received.
    pub fn network_bytes(&self) -> u64 {
        self.network_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn did(&self, bytes: u64) {
        self.done_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn transferred(&self, bytes: u64) {
        self.network_bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}
