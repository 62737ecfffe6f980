//! A table cut into pieces, so that threads rarely wait for each other.

use std::hash::{BuildHasher, Hash};
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::quality::RandomState;

/// Pieces of a table; chosen, well above the number of threads that a gateway runs.
pub(crate) const SHARDS: usize = 64;

/// One lock to a cache line, so that neighbours do not slow each other down.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard<T>(Mutex<T>);

#[derive(Debug)]
pub(crate) struct Shards<T> {
    shards: Box<[Shard<T>]>,
    /// Seeded at random, so that nobody outside can aim keys at one shard.
    hasher: RandomState,
}

impl<T: Default> Shards<T> {
    pub(crate) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            hasher: RandomState::default(),
        }
    }

    /// The locked piece that `key` belongs to.
    ///
    /// `None` never happens, as the index is taken modulo the number of pieces; callers treat it as a refusal.
    pub(crate) fn lock<Q: Hash + ?Sized>(&self, key: &Q) -> Option<MutexGuard<'_, T>> {
        let index = usize::try_from(self.hasher.hash_one(key) >> 32).unwrap_or(0) % SHARDS;
        self.shards.get(index).map(|shard| held(&shard.0))
    }

    /// Every piece in turn.
    pub(crate) fn each(&self) -> impl Iterator<Item = MutexGuard<'_, T>> {
        self.shards.iter().map(|shard| held(&shard.0))
    }
}

/// Takes the lock even if a thread died holding it: nothing done under it can stop half-way.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
