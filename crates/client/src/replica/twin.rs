//! Whether another copy of this device is in use (SC-141).
//!
//! Of one device one process writes at a time: whoever copies its home and starts both makes two
//! that take their turns in one author's chain. Nothing is lost by that, since the server puts them
//! in order, but what the log says of who wrote what is no longer true, and removing the device
//! removes both. So a process that has read its log once and then meets a change set of this very
//! device that it never sent knows that it has a twin, and does nothing more, for ever. To write, one
//! must have folded what the other wrote: so in a space one of them always stays in use.
//!
//! What was there before the first reading proves nothing: the state may be lost, or come from a
//! backup (SC-089, SC-142).

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use hythe_model::HeaderHash;
use hythe_space::ChangeSet;

use super::apply::Placed;
use super::{Replica, ReplicaError};
use crate::state::StateError;

/// The setting that says so, for ever.
const KEY: &str = "twin";

/// The next step of a device that can do nothing more as the one it is.
pub(crate) const AS_NEW_DEVICE: &str = "make this a new device: `hythe unsync` its folders, \
    `hythe daemon stop`, move Hythe's home aside, then `hythe connect` and `hythe sync` as at \
    first.";

/// How many are remembered: one is under way at a time, and the next one's acceptance ends all before.
const REMEMBERED: usize = 64;

/// What this process has sent of late.
#[derive(Default)]
pub(crate) struct Sent(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Whether the log was read to its head since this process began it.
    read: bool,
    /// The newest last. Also those that seemed to be refused: an answer may be misread.
    sent: VecDeque<HeaderHash>,
}

impl Sent {
    /// Notes a change set that may come to be in the log from now on.
    pub(crate) fn note(&self, change_set: &ChangeSet) {
        self.note_hash(change_set.hash());
    }

    fn note_hash(&self, change_set: HeaderHash) {
        self.with(|known| {
            if known.sent.len() == REMEMBERED {
                known.sent.pop_front();
            }
            known.sent.push_back(change_set);
        });
    }

    /// The log was read to its head.
    pub(super) fn has_read(&self) {
        self.with(|known| known.read = true);
    }

    /// The log is read from its start again.
    pub(super) fn reads_anew(&self) {
        self.with(|known| known.read = false);
    }

    /// Whether nobody here sent this one, which the log shows as this device's.
    fn is_foreign(&self, change_set: HeaderHash) -> bool {
        self.with(|known| known.read && !known.sent.contains(&change_set))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Known) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Replica {
    /// Refuses to go on where a twin was met, now or ever.
    pub(super) fn check_alone(&self) -> Result<(), ReplicaError> {
        match self.session.state.read(|rows| rows.setting(KEY))? {
            Some(_) => Err(ReplicaError::Twin),
            None => Ok(()),
        }
    }

    /// Looks for change sets of this device that it did not send, before any of them is folded.
    pub(super) async fn look_for_twin(&self, entries: &[Placed]) -> Result<(), ReplicaError> {
        let device = self.session.device.device;
        for entry in entries {
            let hash = entry.change_set.hash();
            let own = entry.change_set.header().author == device;
            if own && self.sent.is_foreign(hash) && !self.was_given_up(hash)? {
                tracing::warn!(position = %entry.head.cursor, "another copy of this device writes");
                let noted = self.session.state.write(|tx| tx.set_setting(KEY, &[1]));
                noted.await?;
                return Err(ReplicaError::Twin);
            }
        }
        Ok(())
    }

    /// Whether a process before this one sent it and never learnt what became of it.
    fn was_given_up(&self, change_set: HeaderHash) -> Result<bool, StateError> {
        let own = self.session.state.read(|rows| rows.own(self.number))?;
        let Some(own) = own else {
            return Ok(false);
        };
        let underway = own
            .underway
            .and_then(|bytes| ChangeSet::decode(&bytes).ok());
        Ok(own.previous == change_set || underway.is_some_and(|sent| sent.hash() == change_set))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sc141_only_what_nobody_sent_and_came_after_the_first_reading_is_foreign() {
        let sent = Sent::default();
        let (first, second) = (HeaderHash([1; 32]), HeaderHash([2; 32]));
        assert!(!sent.is_foreign(first), "it may be from before a backup");
        sent.has_read();
        assert!(sent.is_foreign(first));
        sent.note_hash(second);
        assert!(!sent.is_foreign(second), "it was sent from here");
        assert!(!sent.is_foreign(second), "it may be read twice");
        sent.reads_anew();
        assert!(!sent.is_foreign(first));
    }
}
