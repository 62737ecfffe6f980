//! A bounded table of things that fade.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

use foldhash::quality::RandomState;

/// Least time between two sweeps of a full table, in milliseconds; chosen so that a flood costs little.
const SWEEP_PAUSE: u64 = 1_000;

/// Something whose importance fades with time.
pub(crate) trait Fading {
    /// How much would be lost by forgetting it at `now`; 0 if nothing.
    fn worth(&self, now: u64) -> f64;
}

/// At most `capacity` things by key.
///
/// When it is full, what has faded goes; if that does not help, what is worth at most one (a single event) goes too.
/// What is worth more stays, and newcomers are not taken in; [`Table::crowded`] then says so.
#[derive(Debug)]
pub(crate) struct Table<K, V> {
    map: HashMap<K, V, RandomState>,
    capacity: usize,
    sweep_from: u64,
    crowded: bool,
}

impl<K: Hash + Eq, V: Fading> Table<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            map: HashMap::default(),
            capacity,
            sweep_from: 0,
            crowded: false,
        }
    }

    pub(crate) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.map.get(key)
    }

    pub(crate) fn get_mut<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.map.get_mut(key)
    }

    /// What is kept under `key`, made now if there is room.
    pub(crate) fn entry<Q>(&mut self, key: &Q, now: u64, make: impl FnOnce() -> V) -> Option<&mut V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        if !self.map.contains_key(key) {
            if !self.has_room(now) {
                self.crowded = true;
                return None;
            }
            self.map.insert(key.to_owned(), make());
        }
        self.map.get_mut(key)
    }

    /// True once if a newcomer was turned away or a single event forgotten since the last call.
    pub(crate) fn take_crowded(&mut self) -> bool {
        std::mem::take(&mut self.crowded)
    }

    fn has_room(&mut self, now: u64) -> bool {
        if self.map.len() < self.capacity {
            return true;
        }
        if now < self.sweep_from {
            return false;
        }
        self.sweep_from = now.saturating_add(SWEEP_PAUSE);
        self.map.retain(|_, value| value.worth(now) > 0.0);
        if self.map.len() >= self.capacity {
            self.crowded = true;
            self.map.retain(|_, value| value.worth(now) > 1.0);
        }
        self.map.len() < self.capacity
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }
}
