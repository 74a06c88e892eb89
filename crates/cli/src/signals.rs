//! Being asked to end.

use tokio::signal::unix::{SignalKind, signal};

use crate::error::Trouble;

/// Ctrl-C and SIGTERM, listened for from the moment this is made.
pub struct Ending {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Ending {
    /// Begins to listen: from now on neither signal kills the program.
    pub fn listen() -> Result<Self, Trouble> {
        let failed = |error| Trouble::failed("Signals cannot be handled.").because(error);
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
        })
    }

    /// Waits for something that may take long, unless asked to end meanwhile: then it is dropped
    /// where it stands, and nothing is returned.
    pub async fn unless<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.asked() => None,
        }
    }

    /// Returns when one came.
    pub async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => (),
            _ = self.terminate.recv() => (),
        }
    }
}
