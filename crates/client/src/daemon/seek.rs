//! When to look for a folder that is not at its place, and what came of it: a pure state type, with
//! time passed in.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::disk::Moved;

/// How long until what was found is looked at again: it may have been moved on.
const CONFIRM: Duration = Duration::from_secs(30);

/// Pauses between searches that find nothing: soon after the first, which may have come while the
/// folder was being moved, then ever more rarely.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// The search for one folder, from when it was missed.
#[derive(Debug)]
pub struct Seek {
    hint: Option<PathBuf>,
    found: Option<Moved>,
    next: Option<Instant>,
    pause: Duration,
}

impl Seek {
    /// Begins at once. `hint` is where the folder may be: where an open handle was followed to.
    pub fn new(hint: Option<PathBuf>) -> Self {
        Self {
            hint,
            found: None,
            next: None,
            pause: FIRST_PAUSE,
        }
    }

    /// Where to look first, if a search is due. The next one is not due before this one's
    /// [`Self::end`] was told, and not for a while if it never is.
    pub fn begin(&mut self, now: Instant) -> Option<Option<PathBuf>> {
        if self.next.is_some_and(|at| at > now) {
            return None;
        }
        self.next = Some(now + LONGEST_PAUSE);
        let found = self.found.as_ref().map(|moved| moved.path.clone());
        Some(found.or_else(|| self.hint.clone()))
    }

    /// Takes note of what a search found.
    pub fn end(&mut self, now: Instant, found: Option<Moved>) {
        let pause = match found {
            Some(_) => CONFIRM,
            None => self.pause,
        };
        if found.is_none() {
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
        self.next = Some(now + pause);
        self.found = found;
    }

    /// Where the folder was found.
    pub fn found(&self) -> Option<&Moved> {
        self.found.as_ref()
    }

    /// When [`Self::begin`] should be asked again.
    pub fn next_wakeup(&self) -> Option<Instant> {
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(path: &str) -> Moved {
        Moved {
            path: path.into(),
            same: true,
        }
    }

    #[test]
    fn the_first_search_is_at_once_and_begins_where_the_handle_led() {
        let now = Instant::now();
        let mut seek = Seek::new(Some("/led/here".into()));
        assert_eq!(seek.begin(now), Some(Some("/led/here".into())));
        assert_eq!(seek.begin(now), None, "one at a time");
    }

    #[test]
    fn searches_that_find_nothing_get_rare_and_never_end() {
        let mut now = Instant::now();
        let mut seek = Seek::new(None);
        let mut before = Duration::ZERO;
        for _ in 0..20 {
            assert_eq!(seek.begin(now), Some(None));
            seek.end(now, None);
            let next = seek.next_wakeup().unwrap();
            assert!(next - now >= before && next - now <= LONGEST_PAUSE);
            assert_eq!(seek.begin(next - Duration::from_nanos(1)), None);
            (before, now) = (next - now, next);
        }
        assert_eq!(before, LONGEST_PAUSE);
    }

    #[test]
    fn what_was_found_is_looked_at_first_and_forgotten_when_it_is_gone() {
        let now = Instant::now();
        let mut seek = Seek::new(None);
        seek.begin(now);
        seek.end(now, Some(moved("/there")));
        assert_eq!(seek.found(), Some(&moved("/there")));
        let next = seek.next_wakeup().unwrap();
        assert_eq!(seek.begin(next), Some(Some("/there".into())));
        seek.end(next, None);
        assert_eq!(seek.found(), None);
    }
}
