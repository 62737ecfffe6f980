//! How many at once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;

use foldhash::quality::RandomState;

use crate::shards::{SHARDS, Shards};

/// Counts what is going on at the moment for each key, in bounded memory.
#[derive(Debug, Clone)]
pub struct Concurrency<K: Hash + Eq> {
    shards: Arc<Shards<Counts<K>>>,
    shard_capacity: usize,
}

/// Why nothing more may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    /// The key already has as many as it may.
    #[error("`{max}` are already in progress, which is the most at once")]
    Key {
        /// The most at once.
        max: NonZeroU32,
    },
    /// More different keys are active than the table holds; new ones are refused rather than left uncounted.
    #[error("too many different callers are active to count one more")]
    Table,
}

/// The lock around this guards the counts of one shard, so that a count is read and raised in one step.
#[derive(Debug)]
struct Counts<K>(HashMap<K, u32, RandomState>);

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<K: Hash + Eq + Clone> Concurrency<K> {
    /// Room for about `capacity` keys that have something in progress (rounded up to a multiple of 64).
    pub fn new(capacity: usize) -> Self {
        Self {
            shards: Arc::new(Shards::new()),
            shard_capacity: capacity.div_ceil(SHARDS).max(1),
        }
    }

    /// Begins one more for `key`; it ends when the guard is dropped.
    ///
    /// # Errors
    /// If `max` are in progress already, or there is no room to count another key.
    pub fn enter(&self, key: K, max: NonZeroU32) -> Result<Guard<K>, Busy> {
        let mut counts = self.shards.lock(&key).ok_or(Busy::Table)?;
        let full = counts.0.len() >= self.shard_capacity;
        match counts.0.entry(key.clone()) {
            Entry::Occupied(count) if *count.get() >= max.get() => return Err(Busy::Key { max }),
            Entry::Occupied(mut count) => *count.get_mut() += 1,
            Entry::Vacant(_) if full => return Err(Busy::Table),
            Entry::Vacant(place) => {
                place.insert(1);
            }
        }
        drop(counts);
        Ok(Guard {
            shards: Arc::clone(&self.shards),
            key,
        })
    }

    /// How many `key` has in progress.
    pub fn active(&self, key: &K) -> u32 {
        self.shards
            .lock(key)
            .and_then(|counts| counts.0.get(key).copied())
            .unwrap_or(0)
    }

    /// How many keys have something in progress.
    pub fn keys(&self) -> usize {
        self.shards.each().map(|counts| counts.0.len()).sum()
    }
}

/// One in progress; dropping it ends it, whichever way the request ends.
#[must_use = "dropping the guard at once ends what it stands for"]
pub struct Guard<K: Hash + Eq> {
    shards: Arc<Shards<Counts<K>>>,
    key: K,
}

impl<K: Hash + Eq> Drop for Guard<K> {
    fn drop(&mut self) {
        let Some(mut counts) = self.shards.lock(&self.key) else {
            return;
        };
        match counts.0.get_mut(&self.key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                counts.0.remove(&self.key);
            }
        }
    }
}

impl<K: Hash + Eq + fmt::Debug> fmt::Debug for Guard<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Guard").field(&self.key).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_guard_is_dropped() {
        let concurrency = Concurrency::new(64);
        let first = concurrency.enter("zhang", n(2)).unwrap();
        let second = concurrency.enter("zhang", n(2)).unwrap();
        assert_eq!(
            concurrency.enter("zhang", n(2)).unwrap_err(),
            Busy::Key { max: n(2) }
        );
        assert!(concurrency.enter("li", n(2)).is_ok());
        drop(first);
        let third = concurrency.enter("zhang", n(2)).unwrap();
        drop((second, third));
        assert_eq!((concurrency.active(&"zhang"), concurrency.keys()), (0, 0));
    }

    #[test]
    fn a_full_table_refuses_new_keys_and_still_serves_the_known() {
        let concurrency = Concurrency::new(1);
        let held: Vec<_> = (0..10_000)
            .filter_map(|key| concurrency.enter(key, n(9)).ok())
            .collect();
        assert!(held.len() <= SHARDS);
        let known = held[0].key;
        assert!(concurrency.enter(known, n(9)).is_ok());
        let refused = (0..10_000)
            .find(|key| concurrency.active(key) == 0)
            .unwrap();
        assert_eq!(concurrency.enter(refused, n(9)).unwrap_err(), Busy::Table);
        drop(held);
        assert!(concurrency.enter(refused, n(9)).is_ok());
    }

    #[test]
    fn threads_never_hold_more_than_the_most_and_leave_nothing_behind() {
        let concurrency = Concurrency::new(64);
        let (inside, refused) = (AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                let concurrency = concurrency.clone();
                let (inside, refused) = (&inside, &refused);
                scope.spawn(move || {
                    for _ in 0..5_000 {
                        match concurrency.enter(1u8, n(3)) {
                            Ok(_guard) => {
                                assert!(inside.fetch_add(1, Ordering::SeqCst) < 3);
                                std::hint::spin_loop();
                                inside.fetch_sub(1, Ordering::SeqCst);
                            }
                            Err(_) => {
                                refused.fetch_add(1, Ordering::Relaxed);
                            }
                        }
                    }
                });
            }
        });
        assert_eq!(concurrency.keys(), 0);
    }

    #[test]
    fn a_guard_may_be_dropped_by_another_thread_after_the_counter_is_gone() {
        let concurrency = Concurrency::new(64);
        let guard = concurrency.enter(String::from("zhang"), n(1)).unwrap();
        drop(concurrency);
        std::thread::spawn(move || drop(guard)).join().unwrap();
    }

    fn n(value: u32) -> NonZeroU32 {
        NonZeroU32::new(value).unwrap()
    }
}
