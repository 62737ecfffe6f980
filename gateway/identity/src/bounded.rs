//! A map that never grows beyond its bound and forgets what was not asked for of late.
//!
//! Second chance: each entry carries a mark that a reader sets; when room is needed, a hand goes round, takes the mark
//! from those that have one and drops the first that has none. Readers share the lock; only writers exclude.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::{BuildHasher, Hash},
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

/// Number of shards; readers of different keys rarely meet. Chosen.
const SHARDS: usize = 32;

/// A bounded map in shards. Its hashes are keyed per process, so nobody outside can aim at one bucket.
#[derive(Debug)]
pub(crate) struct Bounded<K, V> {
    // Each lock guards one shard; sharding keeps writers from stopping all readers.
    shards: Vec<RwLock<Shard<K, V>>>,
    hasher: RandomState,
    per_shard: usize,
}

#[derive(Debug)]
struct Shard<K, V> {
    places: HashMap<K, usize>,
    slots: Vec<Slot<K, V>>,
    hand: usize,
}

#[derive(Debug)]
struct Slot<K, V> {
    key: K,
    value: V,
    asked: AtomicBool,
}

impl<K: Hash + Eq + Clone, V: Clone> Bounded<K, V> {
    /// A map for about `capacity` entries, at least one a shard.
    pub(crate) fn new(capacity: usize) -> Self {
        let shards = SHARDS.min(capacity.max(1));
        let shard = || {
            RwLock::new(Shard {
                places: HashMap::new(),
                slots: Vec::new(),
                hand: 0,
            })
        };
        Self {
            shards: std::iter::repeat_with(shard).take(shards).collect(),
            hasher: RandomState::new(),
            per_shard: capacity.max(1).div_ceil(shards),
        }
    }

    /// The value under `key`, if `usable` says that it may still be used.
    pub(crate) fn get(&self, key: &K, usable: impl FnOnce(&V) -> bool) -> Option<V> {
        let shard = self
            .shard(key)?
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let slot = shard.slots.get(*shard.places.get(key)?)?;
        if !usable(&slot.value) {
            return None;
        }
        // Written only when it changes, so that readers of a hot entry do not pass its cache line around.
        if !slot.asked.load(Ordering::Relaxed) {
            slot.asked.store(true, Ordering::Relaxed);
        }
        Some(slot.value.clone())
    }

    /// Puts a value under `key`. When the map is full, a value that `spent` says is of no more use goes first, then one
    /// that was not asked for since the hand last passed.
    pub(crate) fn put(&self, key: K, value: V, spent: impl Fn(&V) -> bool) {
        let Some(shard) = self.shard(&key) else {
            return;
        };
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        let shard = &mut *shard;
        let slot = Slot {
            key: key.clone(),
            value,
            asked: AtomicBool::new(false),
        };
        if let Some(place) = shard.places.get(&key) {
            if let Some(old) = shard.slots.get_mut(*place) {
                *old = slot;
            }
            return;
        }
        if shard.slots.len() < self.per_shard {
            shard.places.insert(key, shard.slots.len());
            shard.slots.push(slot);
            return;
        }
        let place = shard.make_room(spent);
        if let Some(old) = shard.slots.get_mut(place) {
            shard.places.remove(&old.key);
            *old = slot;
            shard.places.insert(key, place);
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            shard.places.clear();
            shard.slots.clear();
            shard.hand = 0;
        }
    }

    /// Number of entries, spent ones included.
    pub(crate) fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| {
                shard
                    .read()
                    .unwrap_or_else(PoisonError::into_inner)
                    .slots
                    .len()
            })
            .sum()
    }

    /// Whether there is no entry.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, key: &K) -> Option<&RwLock<Shard<K, V>>> {
        // The upper half: the map inside the shard uses a hasher of its own.
        let hash = self.hasher.hash_one(key) >> 32;
        let index = usize::try_from(hash)
            .unwrap_or_default()
            .checked_rem(self.shards.len())?;
        self.shards.get(index)
    }
}

impl<K, V> Shard<K, V> {
    /// The place to overwrite: at most two rounds, because the first takes every mark away.
    fn make_room(&mut self, spent: impl Fn(&V) -> bool) -> usize {
        let count = self.slots.len().max(1);
        for _ in 0..count * 2 {
            let place = self.hand % count;
            self.hand = (self.hand + 1) % count;
            if let Some(slot) = self.slots.get_mut(place)
                && (spent(&slot.value) || !std::mem::take(slot.asked.get_mut()))
            {
                return place;
            }
        }
        self.hand
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(map: &Bounded<u32, u32>, key: u32) -> Option<u32> {
        map.get(&key, |_| true)
    }

    #[test]
    fn it_never_holds_more_than_its_bound() {
        let map = Bounded::new(64);
        for key in 0..10_000 {
            map.put(key, key, |_| false);
        }
        assert!(map.len() <= 64, "{}", map.len());
        assert!(
            (0..10_000)
                .filter(|key| get(&map, *key) == Some(*key))
                .count()
                <= 64
        );
    }

    #[test]
    fn what_is_asked_for_outlives_what_is_not() {
        let map = Bounded::new(SHARDS * 8);
        map.put(7, 7, |_| false);
        for key in 100..100_000 {
            assert_eq!(get(&map, 7), Some(7), "gone after {key}");
            map.put(key, key, |_| false);
        }
    }

    #[test]
    fn spent_values_make_room_first() {
        let map = Bounded {
            shards: vec![RwLock::new(Shard {
                places: HashMap::new(),
                slots: Vec::new(),
                hand: 0,
            })],
            hasher: RandomState::new(),
            per_shard: 3,
        };
        for key in 0..3 {
            map.put(key, key, |_| false);
            get(&map, key);
        }
        map.put(9, 9, |value| *value == 1);
        assert_eq!(
            [0, 1, 2, 9].map(|key| get(&map, key)),
            [Some(0), None, Some(2), Some(9)]
        );
    }

    #[test]
    fn a_value_that_is_not_usable_is_not_given_and_a_new_one_replaces_it() {
        let map = Bounded::new(4);
        map.put(1, 10, |_| false);
        assert_eq!(map.get(&1, |value| *value > 10), None);
        map.put(1, 11, |_| false);
        assert_eq!(map.get(&1, |value| *value > 10), Some(11));
        assert_eq!(map.len(), 1);
        map.clear();
        assert!(map.is_empty());
    }
}
