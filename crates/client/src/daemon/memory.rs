//! When memory that a burst of work left with the allocator goes back to the system: a pure state
//! type, with time passed in.
//!
//! A pass over 10,000 new files leaves 40 MiB behind that are free, and that the C library keeps in
//! case there is more, or that hold pages of the state; of a daemon that then has nothing to do
//! that is two thirds.

use std::time::{Duration, Instant};

/// Work of fewer steps leaves little behind.
const BURST: usize = 256;

/// Bursts come in rows; memory in use between two of them had better stay.
const AFTER: Duration = Duration::from_secs(2);

/// What was left behind, if anything.
#[derive(Debug, Default)]
pub struct Leftovers {
    due: Option<Instant>,
}

impl Leftovers {
    /// A pass did so many steps.
    pub fn passed(&mut self, now: Instant, steps: usize) {
        if steps >= BURST {
            self.transferred(now);
        }
    }

    /// A large file was transferred.
    pub fn transferred(&mut self, now: Instant) {
        self.due = Some(now + AFTER);
    }

    /// Whether it is time to give memory back; asked when nothing runs. Says so once.
    pub fn is_due(&mut self, now: Instant) -> bool {
        self.due.take_if(|due| *due <= now).is_some()
    }

    /// When to ask again.
    pub fn next_wakeup(&self) -> Option<Instant> {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_goes_back_once_a_while_after_the_last_burst() {
        let (mut left, now) = (Leftovers::default(), Instant::now());
        left.passed(now, BURST - 1);
        assert_eq!(left.next_wakeup(), None);
        left.passed(now, BURST);
        assert!(!left.is_due(now));
        left.transferred(now + AFTER / 2);
        assert!(!left.is_due(now + AFTER), "there was more meanwhile");
        assert!(left.is_due(now + 2 * AFTER));
        assert!(!left.is_due(now + 2 * AFTER) && left.next_wakeup().is_none());
    }
}
