//! Counts how many of something are under way per key, and lets no more than a limit in.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// A door per key, through which at most `limit` may be at a time.
#[derive(Debug)]
pub(crate) struct Gate<K> {
    limit: usize,
    inside: Mutex<HashMap<K, usize>>,
}

/// One who is inside; leaves when dropped.
#[derive(Debug)]
pub(crate) struct Pass<K: Hash + Eq> {
    gate: Arc<Gate<K>>,
    key: K,
}

impl<K: Hash + Eq + Clone> Gate<K> {
    /// A gate with a limit per key.
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            inside: Mutex::default(),
        })
    }

    /// Lets one more in, unless the key's limit is reached.
    pub(crate) fn enter(self: &Arc<Self>, key: K) -> Option<Pass<K>> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let count = inside.entry(key.clone()).or_insert(0);
        if *count >= self.limit {
            return None;
        }
        *count += 1;
        Some(Pass {
            gate: Arc::clone(self),
            key,
        })
    }
}

impl<K: Hash + Eq> Drop for Pass<K> {
    fn drop(&mut self) {
        let mut inside = self
            .gate
            .inside
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = inside.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                // Keys come from the network: none may stay behind.
                inside.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_own_limit_and_leaves_nothing_behind() {
        let gate = Gate::new(2);
        let a = gate.enter('a').unwrap();
        let b = gate.enter('a').unwrap();
        assert!(gate.enter('a').is_none());
        assert!(gate.enter('b').is_some());
        drop(a);
        let c = gate.enter('a').unwrap();
        drop((b, c));
        assert!(gate.inside.lock().unwrap().is_empty());
    }
}
