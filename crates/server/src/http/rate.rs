//! Token buckets: how often something may happen per key.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// With more keys than this, those with a full bucket are forgotten: they are as good as new.
const SWEEP_ABOVE: usize = 16_384;

/// One bucket per key. Time is an argument, so tests need not wait.
#[derive(Debug)]
pub(crate) struct Buckets<K> {
    per_second: f64,
    burst: f64,
    buckets: Mutex<HashMap<K, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl<K: Hash + Eq> Buckets<K> {
    /// Buckets that fill with `per_second` and hold `burst`.
    pub(crate) fn new(per_second: f64, burst: u32) -> Self {
        Self {
            per_second,
            burst: f64::from(burst),
            buckets: Mutex::default(),
        }
    }

    /// Takes one token.
    ///
    /// # Errors
    /// When there is none: how long until there is.
    pub(crate) fn take(&self, key: K, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() > SWEEP_ABOVE {
            buckets.retain(|_, bucket| self.level(bucket, now) < self.burst);
        }
        let full = Bucket {
            tokens: self.burst,
            filled: now,
        };
        let bucket = buckets.entry(key).or_insert(full);
        *bucket = Bucket {
            tokens: self.level(bucket, now),
            filled: now,
        };
        if bucket.tokens < 1.0 {
            return Err(Duration::from_secs_f64(
                (1.0 - bucket.tokens) / self.per_second,
            ));
        }
        bucket.tokens -= 1.0;
        Ok(())
    }

    /// Whether there is a token to take, without taking it.
    ///
    /// # Errors
    /// When there is none: how long until there is.
    pub(crate) fn wait(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let level = buckets.get(key).map_or(self.burst, |b| self.level(b, now));
        if level < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - level) / self.per_second));
        }
        Ok(())
    }

    fn level(&self, bucket: &Bucket, now: Instant) -> f64 {
        let elapsed = now.saturating_duration_since(bucket.filled).as_secs_f64();
        (bucket.tokens + elapsed * self.per_second).min(self.burst)
    }
}

/// Who counts as one address: an IPv4 address, or the /64 that one IPv6 user usually has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct AddressKey(IpAddr);

impl AddressKey {
    /// The key of an address.
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                Self(IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)))
            }
            v4 @ IpAddr::V4(_) => Self(v4),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills() {
        let buckets = Buckets::new(10.0, 2);
        let start = Instant::now();
        assert!(buckets.take('a', start).is_ok());
        assert!(buckets.take('a', start).is_ok());
        let wait = buckets.take('a', start).unwrap_err();
        assert_eq!(wait, Duration::from_millis(100));
        assert!(buckets.take('b', start).is_ok(), "each key has its own");
        assert!(buckets.take('a', start + wait).is_ok());
    }

    #[test]
    fn full_buckets_are_forgotten() {
        let buckets = Buckets::new(1.0, 1);
        let start = Instant::now();
        for key in 0..=SWEEP_ABOVE {
            buckets.take(key, start).unwrap();
        }
        buckets.take(0, start + Duration::from_secs(2)).unwrap();
        assert_eq!(buckets.buckets.lock().unwrap().len(), 1);
    }

    #[test]
    fn one_ipv6_user_is_one_address() {
        let key = |text: &str| AddressKey::of(text.parse().unwrap());
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:10.0.0.1"), key("10.0.0.1"));
    }
}
