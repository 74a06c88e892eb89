//! When to try again: exponential waits with jitter, and never sooner than the server asked.
//!
//! A pure state type: time is passed in, so a test covers hours at once.

use std::time::{Duration, Instant};

/// The longest wait after the first failure.
const FIRST: Duration = Duration::from_millis(500);
/// The longest wait ever chosen here; long enough to spare a broken server, short enough that a
/// device is back within a minute after the server is.
const LONGEST: Duration = Duration::from_secs(60);
/// What a server may ask for at most with `Retry-After`: a wrong header must not stop sync for days.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);

/// The state of retrying one thing.
#[derive(Debug, Clone)]
pub struct Backoff {
    failures: u32,
    retry_at: Option<Instant>,
    random: u64,
}

impl Backoff {
    /// Begins without failures. The seed spreads the retries of many devices (SC-117): take it from
    /// the system's randomness.
    pub fn new(seed: u64) -> Self {
        Self {
            failures: 0,
            retry_at: None,
            random: seed,
        }
    }

    /// Notes a failure and says when to try again. `asked` is what the server wants, if it said so.
    pub fn failed(&mut self, now: Instant, asked: Option<Duration>) -> Instant {
        let exponent = self.failures.min(16);
        self.failures = self.failures.saturating_add(1);
        let limit = FIRST.saturating_mul(1 << exponent).min(LONGEST);
        // Between half and all of the limit: spread, but never at once.
        let wait = limit.mul_f64(0.5 + 0.5 * self.fraction());
        let asked = asked.unwrap_or_default().min(LONGEST_ASKED);
        let at = now
            + if asked.is_zero() {
                wait
            } else {
                asked + wait.min(asked / 4 + FIRST)
            };
        self.retry_at = Some(at);
        at
    }

    /// Notes a success: the next failure counts as the first.
    pub fn succeeded(&mut self) {
        self.failures = 0;
        self.retry_at = None;
    }

    /// Forgets the wait but not the failures: for when something changed (network is back, a person
    /// asks).
    pub fn hurry(&mut self) {
        self.retry_at = None;
    }

    /// Whether a try is allowed now.
    pub fn is_ready(&self, now: Instant) -> bool {
        self.retry_at.is_none_or(|at| at <= now)
    }

    /// When the next try is allowed; none while nothing failed.
    pub fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// How many times it failed since the last success.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// The next pseudo-random number in 0..1 (splitmix64, Steele et al. 2014).
    fn fraction(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sc117_waits_grow_with_jitter_up_to_a_minute() {
        let start = Instant::now();
        let mut backoff = Backoff::new(1);
        for failure in 0..200u32 {
            let limit = FIRST.saturating_mul(1 << failure.min(16)).min(LONGEST);
            let wait = backoff.failed(start, None) - start;
            assert!(
                wait >= limit / 2 && wait <= limit,
                "failure {failure}: {wait:?}"
            );
        }
        assert_eq!(backoff.failures(), 200);
    }

    #[test]
    fn sc117_a_thousand_devices_do_not_come_back_together() {
        let start = Instant::now();
        let mut waits: Vec<Duration> = (0..1000)
            .map(|seed| Backoff::new(seed).failed(start, None) - start)
            .collect();
        waits.sort();
        let spread = waits[990] - waits[10];
        assert!(spread > Duration::from_millis(200), "{spread:?}");
    }

    #[test]
    fn sc117_retry_after_is_honoured_but_bounded() {
        let start = Instant::now();
        let mut backoff = Backoff::new(7);
        let wait = backoff.failed(start, Some(Duration::from_secs(20))) - start;
        assert!(
            wait >= Duration::from_secs(20) && wait < Duration::from_secs(26),
            "{wait:?}"
        );
        let wait = backoff.failed(start, Some(Duration::from_secs(u64::MAX / 4))) - start;
        assert!(wait <= 2 * LONGEST_ASKED, "{wait:?}");
    }

    #[test]
    fn a_success_starts_anew_and_haste_keeps_the_count() {
        let start = Instant::now();
        let mut backoff = Backoff::new(3);
        assert!(backoff.is_ready(start));
        for _ in 0..6 {
            backoff.failed(start, None);
        }
        assert!(!backoff.is_ready(start));
        backoff.hurry();
        assert!(backoff.is_ready(start));
        assert_eq!(backoff.failures(), 6);
        backoff.succeeded();
        assert!(backoff.failed(start, None) - start <= FIRST);
    }
}
