//! How many different things within a window, in bounded memory.

use std::collections::HashMap;

use foldhash::quality::RandomState;

use crate::table::Fading;

/// Counts different hashes seen within a sliding window.
///
/// Adaptive sampling after Wegman (Flajolet 1990): everything is kept until `most` hashes are, then only those with
/// `depth` leading zero bits, each standing for 2^`depth`. Exact up to `most`; above, the standard error is
/// 1.2 / √`most`, which is under 4 % for 1024. Hashes must be spread evenly.
#[derive(Debug)]
pub(crate) struct Distinct {
    /// When each was last seen, and how many it stands for.
    seen: HashMap<u64, (u64, u32), RandomState>,
    sum: u64,
    depth: u32,
    most: usize,
    window: u64,
    swept: u64,
}

impl Distinct {
    /// Counts over `window` milliseconds, keeping at most `most` hashes.
    pub(crate) fn new(window: u64, most: usize) -> Self {
        Self {
            seen: HashMap::default(),
            sum: 0,
            depth: 0,
            most,
            window,
            swept: 0,
        }
    }

    pub(crate) fn add(&mut self, hash: u64, now: u64) {
        if hash.leading_zeros() < self.depth {
            return;
        }
        let weight = 1 << self.depth;
        let place = self.seen.entry(hash).or_insert((now, 0));
        place.0 = place.0.max(now);
        if place.1 < weight {
            self.sum += u64::from(weight - place.1);
            place.1 = weight;
        }
        while self.seen.len() > self.most && self.depth < 31 {
            self.deepen();
        }
    }

    /// About how many different hashes the window up to `now` holds; up to a sixteenth of the window more.
    pub(crate) fn count(&mut self, now: u64) -> u64 {
        if now >= self.swept.saturating_add(self.window / 16) {
            self.swept = now;
            let window = self.window;
            let sum = &mut self.sum;
            self.seen.retain(|_, (at, weight)| {
                let stays = at.saturating_add(window) > now;
                if !stays {
                    *sum -= u64::from(*weight);
                }
                stays
            });
            // New ones are sampled more finely again; those still kept go on standing for as many as they did.
            while self.depth > 0 && self.seen.len() < self.most / 4 {
                self.depth -= 1;
                if self.seen.is_empty() {
                    self.depth = 0;
                }
            }
        }
        self.sum
    }

    fn deepen(&mut self) {
        self.depth += 1;
        let (depth, full) = (self.depth, 1 << self.depth);
        self.seen.retain(|hash, _| hash.leading_zeros() >= depth);
        for (_, weight) in self.seen.values_mut() {
            *weight = full.max(*weight);
        }
        self.sum = self
            .seen
            .values()
            .map(|(_, weight)| u64::from(*weight))
            .sum();
    }
}

impl Fading for Distinct {
    fn worth(&self, now: u64) -> f64 {
        let stays = |at: &u64| at.saturating_add(self.window) > now;
        if self.seen.values().any(|(at, _)| stays(at)) {
            self.sum as f64
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use super::*;

    const HOUR: u64 = 3_600_000;

    #[test]
    fn it_is_exact_until_it_samples_and_then_within_a_few_per_cent() {
        let hasher = foldhash::quality::FixedState::with_seed(7);
        for (count, tolerance) in [
            (1u64, 0.0),
            (300, 0.0),
            (1_024, 0.0),
            (5_000, 0.15),
            (200_000, 0.15),
        ] {
            let mut distinct = Distinct::new(HOUR, 1_024);
            for round in 0..2 {
                for i in 0..count {
                    distinct.add(hasher.hash_one(i), round);
                }
            }
            let error = (distinct.count(2) as f64 / count as f64 - 1.0).abs();
            assert!(error <= tolerance, "{count}: {error}");
            assert!(distinct.seen.len() <= 1_024);
        }
    }

    #[test]
    fn the_standard_error_is_as_stated() {
        let mut squares = 0.0;
        for seed in 0..60 {
            let hasher = foldhash::quality::FixedState::with_seed(seed);
            let mut distinct = Distinct::new(HOUR, 1_024);
            (0..20_000u32).for_each(|i| distinct.add(hasher.hash_one(i), 1));
            squares += (distinct.count(1) as f64 / 20_000.0 - 1.0).powi(2);
        }
        let error = (squares / 60.0f64).sqrt();
        assert!(error < 0.05, "{error}");
    }

    #[test]
    fn what_has_left_the_window_no_longer_counts() {
        let hasher = foldhash::quality::FixedState::with_seed(7);
        let mut distinct = Distinct::new(HOUR, 64);
        (0..10_000u64).for_each(|i| distinct.add(hasher.hash_one(i), i));
        assert!(distinct.count(10_000) > 5_000);
        assert_eq!(distinct.count(2 * HOUR), 0);
        (0..60u64).for_each(|i| distinct.add(hasher.hash_one(i), 2 * HOUR));
        assert_eq!(distinct.count(2 * HOUR + 1), 60);
    }
}
