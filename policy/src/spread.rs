//! A hash map whose copies share what they have in common.
//!
//! Entries lie in shards of a few hundred, each behind an [`Arc`]; a change copies the shard it falls
//! into and the list of shards. Growth is linear hashing: one shard is split at a time, so that no single
//! insertion pays for all. A look-up costs the list, which stays in the cache, and the entry.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use foldhash::quality::RandomState;

/// Entries per shard before another shard is split off, on average; measured as a good compromise
/// between the copy of a shard and the copy of the list.
const AVERAGE: usize = 256;

/// Slots of a shard that just got its first entry; a power of two.
const FIRST_SLOTS: usize = 8;

type Slot<K, V> = Option<(K, V)>;

/// A map from `K` to `V`.
pub(crate) struct Spread<K, V> {
    shards: Arc<Vec<Shard<K, V>>>,
    len: usize,
    hasher: RandomState,
}

/// Open addressing with linear probing; the number of slots is zero or a power of two.
struct Shard<K, V> {
    slots: Arc<[Slot<K, V>]>,
    live: usize,
}

impl<K, V> Clone for Shard<K, V> {
    fn clone(&self) -> Self {
        Self {
            slots: Arc::clone(&self.slots),
            live: self.live,
        }
    }
}

impl<K, V> Clone for Spread<K, V> {
    fn clone(&self) -> Self {
        Self {
            shards: Arc::clone(&self.shards),
            len: self.len,
            hasher: self.hasher.clone(),
        }
    }
}

impl<K, V> Default for Spread<K, V> {
    fn default() -> Self {
        Self {
            shards: Arc::default(),
            len: 0,
            hasher: RandomState::default(),
        }
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Spread<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K, V> Spread<K, V> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Every entry, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let slots = self.shards.iter().flat_map(|shard| shard.slots.iter());
        slots.flatten().map(|(key, value)| (key, value))
    }

    /// Which of `count` shards a hash falls into; those not yet split take both halves.
    fn shard_of(hash: u64, count: usize) -> usize {
        let mask = count.next_power_of_two().wrapping_sub(1);
        let at = lower(hash) & mask;
        if at < count { at } else { at & (mask >> 1) }
    }
}

impl<K, V> Spread<K, V> {
    /// The value of a key.
    pub(crate) fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let shard = self.shards.get(Self::shard_of(hash, self.shards.len()))?;
        let mask = shard.slots.len().checked_sub(1)?;
        let mut at = upper(hash) & mask;
        while let Some((known, value)) = shard.slots.get(at)? {
            if known.borrow() == key {
                return Some(value);
            }
            at = (at + 1) & mask;
        }
        None
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Spread<K, V> {
    /// The value of a key, to be changed in this copy alone.
    pub(crate) fn get_mut<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let at = Self::shard_of(hash, self.shards.len());
        let shard = self.shards.get(at)?;
        let place = shard.place(hash, |known| known.borrow() == key)?;
        let shard = Arc::make_mut(&mut self.shards).get_mut(at)?;
        let slot = Arc::make_mut(&mut shard.slots).get_mut(place)?;
        slot.as_mut().map(|(_, value)| value)
    }

    /// Puts a value in and gives back the one that stood there.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        if let Some(known) = self.get_mut(&key) {
            return Some(std::mem::replace(known, value));
        }
        let hash = self.hasher.hash_one(&key);
        if self.len >= self.shards.len().saturating_mul(AVERAGE) {
            self.split();
        }
        let at = Self::shard_of(hash, self.shards.len());
        if let Some(shard) = Arc::make_mut(&mut self.shards).get_mut(at) {
            shard.put(hash, (key, value), &self.hasher);
            self.len += 1;
        }
        None
    }

    /// Takes an entry out.
    pub(crate) fn remove<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let at = Self::shard_of(hash, self.shards.len());
        let place = self
            .shards
            .get(at)?
            .place(hash, |known| known.borrow() == key)?;
        let shard = Arc::make_mut(&mut self.shards).get_mut(at)?;
        let (_, value) = shard.take(place, &self.hasher)?;
        self.len -= 1;
        Some(value)
    }

    /// Adds a shard and moves to it what belongs there from the one that had its part.
    fn split(&mut self) {
        let shards = Arc::make_mut(&mut self.shards);
        let count = shards.len() + 1;
        shards.push(Shard::empty());
        // The half whose upper bit is not set.
        let from = (count - 1) & ((count.next_power_of_two() >> 1).wrapping_sub(1));
        if from + 1 == count {
            return;
        }
        let Some(old) = shards
            .get_mut(from)
            .map(|shard| std::mem::replace(shard, Shard::empty()))
        else {
            return;
        };
        for entry in old.slots.iter().flatten() {
            let hash = self.hasher.hash_one(&entry.0);
            if let Some(shard) = shards.get_mut(Self::shard_of(hash, count)) {
                shard.put(hash, entry.clone(), &self.hasher);
            }
        }
    }
}

impl<K, V> Shard<K, V> {
    fn empty() -> Self {
        Self {
            slots: Arc::new([]),
            live: 0,
        }
    }

    fn place(&self, hash: u64, is: impl Fn(&K) -> bool) -> Option<usize> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = upper(hash) & mask;
        while let Some((known, _)) = self.slots.get(at)? {
            if is(known) {
                return Some(at);
            }
            at = (at + 1) & mask;
        }
        None
    }
}

impl<K: Clone + Hash, V: Clone> Shard<K, V> {
    /// Puts in an entry whose key is not there.
    fn put(&mut self, hash: u64, entry: (K, V), hasher: &RandomState) {
        if (self.live + 1) * 4 > self.slots.len() * 3 {
            let size = (self.slots.len() * 2).max(FIRST_SLOTS);
            let mut grown: Vec<Slot<K, V>> = vec![None; size];
            for entry in self.slots.iter().flatten() {
                settle(&mut grown, hasher.hash_one(&entry.0), entry.clone());
            }
            self.slots = grown.into();
        }
        settle(Arc::make_mut(&mut self.slots), hash, entry);
        self.live += 1;
    }

    /// Empties a slot and closes the gap, so that no probe stops short.
    fn take(&mut self, place: usize, hasher: &RandomState) -> Option<(K, V)> {
        let slots = Arc::make_mut(&mut self.slots);
        let mask = slots.len().checked_sub(1)?;
        let taken = slots.get_mut(place)?.take();
        let (mut gap, mut at) = (place, (place + 1) & mask);
        while let Some(Some((key, _))) = slots.get(at) {
            let home = upper(hasher.hash_one(key)) & mask;
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(gap) & mask {
                slots.swap(gap, at);
                gap = at;
            }
            at = (at + 1) & mask;
        }
        self.live -= usize::from(taken.is_some());
        taken
    }
}

/// Puts an entry into the first free slot from its own on.
fn settle<K, V>(slots: &mut [Slot<K, V>], hash: u64, entry: (K, V)) {
    let mask = slots.len().wrapping_sub(1);
    let mut at = upper(hash) & mask;
    while slots.get(at).is_some_and(Option::is_some) {
        at = (at + 1) & mask;
    }
    if let Some(slot) = slots.get_mut(at) {
        *slot = Some(entry);
    }
}

/// The bits that choose a shard.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the lower half is what is wanted"
)]
fn lower(hash: u64) -> usize {
    hash as u32 as usize
}

/// The bits that choose a slot, which must not be those that chose the shard.
fn upper(hash: u64) -> usize {
    lower(hash >> 32)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Insert(u16, u32),
        Change(u16, u32),
        Remove(u16),
        Keep,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            6 => (0_u16..900, any::<u32>()).prop_map(|(key, value)| Step::Insert(key, value)),
            1 => (0_u16..900, any::<u32>()).prop_map(|(key, value)| Step::Change(key, value)),
            4 => (0_u16..900).prop_map(Step::Remove),
            1 => Just(Step::Keep),
        ];
        proptest::collection::vec(step, 0..3_000)
    }

    fn content(map: &Spread<u16, u32>) -> BTreeMap<u16, u32> {
        map.iter().map(|(key, value)| (*key, *value)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn it_holds_what_a_plain_map_holds_and_copies_do_not_follow_it(steps in steps()) {
            let (mut map, mut plain) = (Spread::default(), BTreeMap::new());
            let mut kept: Vec<(Spread<u16, u32>, BTreeMap<u16, u32>)> = Vec::new();
            for step in steps {
                match step {
                    Step::Insert(key, value) => {
                        prop_assert_eq!(map.insert(key, value), plain.insert(key, value));
                    }
                    Step::Change(key, value) => {
                        let changed = map.get_mut(&key).map(|known| *known = value);
                        prop_assert_eq!(changed, plain.get_mut(&key).map(|known| *known = value));
                    }
                    Step::Remove(key) => prop_assert_eq!(map.remove(&key), plain.remove(&key)),
                    Step::Keep => kept.push((map.clone(), plain.clone())),
                }
            }
            kept.push((map, plain));
            for (map, plain) in &kept {
                prop_assert_eq!(map.len(), plain.len());
                prop_assert_eq!(&content(map), plain);
                prop_assert!((0..900).all(|key| map.get(&key) == plain.get(&key)));
            }
        }
    }

    #[test]
    fn it_grows_shard_by_shard_and_finds_everything() {
        let mut map = Spread::default();
        for key in 0..20_000_u32 {
            map.insert(key, key * 2);
        }
        assert!((0..20_000).all(|key| map.get(&key) == Some(&(key * 2))));
        assert_eq!(map.get(&20_000), None);
        assert!(map.shards.len() >= 20_000 / AVERAGE);
        let longest = map.shards.iter().map(|shard| shard.slots.len()).max();
        assert!(longest.unwrap() <= 4 * AVERAGE);
        for key in 0..20_000_u32 {
            assert_eq!(map.remove(&key), Some(key * 2));
        }
        assert!(map.is_empty());
        assert_eq!(map.iter().count(), 0);
    }
}
