//! Callers who were let in, in bounded memory.

use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::quality::RandomState;

/// Remembers callers by a keyed hash. When two callers fall into one place the later one stays: what is
/// forgotten makes a [verdict](super::watch::Verdict) less likely and never more.
pub struct Successes {
    /// A hash in each place, 0 for none.
    places: Box<[AtomicU64]>,
    state: RandomState,
}

/// Places that suit a gateway: 512 KiB, chosen.
pub const PLACES: usize = 1 << 16;

impl Successes {
    /// Room for so many callers, 8 bytes each; at least one.
    pub fn new(places: usize) -> Self {
        Self {
            places: (0..places.max(1)).map(|_| AtomicU64::new(0)).collect(),
            state: RandomState::default(),
        }
    }

    /// Remembers a caller who was let in.
    pub fn remember(&self, caller: &str) {
        let mark = self.mark(caller);
        if let Some(place) = self.place(mark)
            // Callers come back: reading first spares the other processors' caches.
            && place.load(Ordering::Relaxed) != mark
        {
            place.store(mark, Ordering::Relaxed);
        }
    }

    /// Whether a caller was let in before and is not forgotten.
    pub fn knows(&self, caller: &str) -> bool {
        let mark = self.mark(caller);
        self.place(mark)
            .is_some_and(|place| place.load(Ordering::Relaxed) == mark)
    }

    /// What stands for a caller while this memory lives; never 0.
    pub(super) fn mark(&self, caller: &str) -> u64 {
        self.state.hash_one(caller) | 1
    }

    fn place(&self, mark: u64) -> Option<&AtomicU64> {
        let count = self.places.len() as u64;
        let at = (mark >> 1).checked_rem(count)?;
        self.places.get(usize::try_from(at).ok()?)
    }
}

impl Default for Successes {
    fn default() -> Self {
        Self::new(PLACES)
    }
}

impl fmt::Debug for Successes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Successes({} places)", self.places.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_callers_who_were_let_in_are_known() {
        let successes = Successes::new(1024);
        successes.remember("u:ann");
        assert!(successes.knows("u:ann"));
        assert!(!successes.knows("u:bo"));
    }

    #[test]
    fn memory_without_room_forgets_the_earlier_caller() {
        let successes = Successes::new(0);
        successes.remember("u:ann");
        successes.remember("u:bo");
        assert_eq!(
            (successes.knows("u:ann"), successes.knows("u:bo")),
            (false, true)
        );
    }
}
