//! Rates by key: the generic cell rate algorithm (GCRA).
//!
//! A key is one number, its theoretical arrival time (TAT): the moment at which everything it has used will have come
//! back. A request of cost `c` moves it `c` intervals on, and passes if it then lies at most one window ahead. In any
//! span of time `t` a key thus gets at most `burst + t / interval` through; there is no window edge to exploit.
//!
//! **When the table is full.** A key whose TAT has passed is as good as new, and is dropped. A key that still owes
//! something is never dropped. A newcomer that finds no room shares one allowance with all other newcomers of its
//! shard: it may be limited too early, never too late, and [`Limiter::crowded`] counts each such check so that
//! somebody is told.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use foldhash::quality::RandomState;

use crate::rate::Rate;
use crate::shards::{SHARDS, Shards};

/// Least time between two sweeps of a full shard. Chosen: a sweep of 16,384 keys takes tens of microseconds, so that
/// a flood of new keys costs a few per cent of one core at most.
const SWEEP_PAUSE: u64 = 100_000_000;

/// What is left of a key's allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// How many may come at once.
    pub limit: u32,
    /// How long a spent burst takes to come back whole.
    pub window: Duration,
    /// How many more would pass now.
    pub remaining: u32,
    /// How long until everything has come back.
    pub reset: Duration,
}

/// The answer to one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Within the rate; the cost has been taken.
    Allowed(Allowance),
    /// Over the rate; nothing has been taken.
    Limited {
        /// What is left, which is less than the cost.
        allowance: Allowance,
        /// When the same request would pass; `None` if its cost exceeds the burst, so that it never will.
        retry_after: Option<Duration>,
    },
}

impl Outcome {
    /// True if the request is within its rate.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed(_))
    }

    /// What is left either way.
    pub fn allowance(&self) -> &Allowance {
        match self {
            Self::Allowed(allowance) | Self::Limited { allowance, .. } => allowance,
        }
    }
}

/// Rates for keys of one kind (addresses, callers with their rate class), in bounded memory.
#[derive(Debug)]
pub struct Limiter<K> {
    shards: Shards<Shard<K>>,
    shard_capacity: usize,
    crowded: AtomicU64,
}

/// A lock around this guards the times of its keys, so that two requests cannot both take the last unit.
#[derive(Debug)]
struct Shard<K> {
    times: HashMap<K, u64, RandomState>,
    /// The latest time seen. Threads arrive with slightly different clocks; time in a shard never runs backwards.
    latest: u64,
    sweep_from: u64,
    /// The time shared by keys that found no room.
    newcomers: u64,
}

impl<K> Default for Shard<K> {
    fn default() -> Self {
        Self {
            times: HashMap::default(),
            latest: 0,
            sweep_from: 0,
            newcomers: 0,
        }
    }
}

impl<K: Hash + Eq> Limiter<K> {
    /// A limiter that remembers about `capacity` keys that owe something (rounded up to a multiple of 64).
    pub fn new(capacity: usize) -> Self {
        Self {
            shards: Shards::new(),
            shard_capacity: capacity.div_ceil(SHARDS).max(1),
            crowded: AtomicU64::new(0),
        }
    }

    /// Takes `cost` from the allowance that `key` has under `rate`, if that much is left.
    ///
    /// `now` is the time since an origin that never changes while the limiter lives. A cost of 0 asks without taking.
    /// If a key comes back under another rate, what it owes is kept, but at most one window of the new rate.
    pub fn check<Q>(&self, key: &Q, rate: &Rate, now: Duration, cost: u32) -> Outcome
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let now = u64::try_from(now.as_nanos())
            .unwrap_or(u64::MAX / 2)
            .min(u64::MAX / 2);
        let Some(mut shard) = self.shards.lock(key) else {
            return Account {
                time: u64::MAX,
                now,
                rate,
            }
            .refuse(cost);
        };
        let shard = &mut *shard;
        shard.latest = shard.latest.max(now);
        let now = shard.latest;
        if let Some(time) = shard.times.get_mut(key) {
            let (after, outcome) = Account {
                time: *time,
                now,
                rate,
            }
            .take(cost);
            *time = after;
            return outcome;
        }
        if shard.make_room(self.shard_capacity) {
            let (after, outcome) = Account {
                time: now,
                now,
                rate,
            }
            .take(cost);
            if after > now {
                shard.times.insert(key.to_owned(), after);
            }
            return outcome;
        }
        self.crowded.fetch_add(1, Ordering::Relaxed);
        let (after, outcome) = Account {
            time: shard.newcomers,
            now,
            rate,
        }
        .take(cost);
        shard.newcomers = after.max(shard.newcomers);
        outcome
    }

    /// How many checks found no room for their key and were answered from a shared allowance.
    pub fn crowded(&self) -> u64 {
        self.crowded.load(Ordering::Relaxed)
    }

    /// How many keys are remembered.
    pub fn len(&self) -> usize {
        self.shards.each().map(|shard| shard.times.len()).sum()
    }

    /// True if no key is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets every key that owes nothing any more and gives memory back; for a timer.
    pub fn sweep(&self, now: Duration) {
        let now = u64::try_from(now.as_nanos())
            .unwrap_or(u64::MAX / 2)
            .min(u64::MAX / 2);
        for mut shard in self.shards.each() {
            shard.latest = shard.latest.max(now);
            shard.sweep();
            if shard.times.len() < shard.times.capacity() / 4 {
                let twice = shard.times.len() * 2;
                shard.times.shrink_to(twice);
            }
        }
    }
}

impl<K: Hash + Eq> Shard<K> {
    /// Makes room for one more key without dropping one that owes anything.
    ///
    /// Sweeps when the table would have to grow, and grows only if it is then more than half full; so the table is
    /// as large as the number of keys that owe something, and a sweep is paid for by the insertions before it.
    fn make_room(&mut self, capacity: usize) -> bool {
        let full = self.times.len() >= capacity;
        let would_grow = self.times.len() == self.times.capacity();
        if (full && self.latest >= self.sweep_from) || (would_grow && !full) {
            self.sweep();
            self.sweep_from = self.latest.saturating_add(SWEEP_PAUSE);
            let room = self.times.capacity() / 2;
            if would_grow && self.times.len() > room {
                self.times.reserve(
                    self.times
                        .len()
                        .min(capacity - self.times.len().min(capacity))
                        .max(1),
                );
            }
        }
        self.times.len() < capacity
    }

    fn sweep(&mut self) {
        let now = self.latest;
        self.times.retain(|_, time| *time > now);
    }
}

/// One key's time, under one rate, at one moment.
struct Account<'a> {
    time: u64,
    now: u64,
    rate: &'a Rate,
}

impl Account<'_> {
    /// The key's time afterwards, and the answer.
    fn take(self, cost: u32) -> (u64, Outcome) {
        let horizon = self.now.saturating_add(self.rate.window_nanos());
        let owed_until = self.time.clamp(self.now, horizon);
        let after = self
            .rate
            .interval_nanos()
            .checked_mul(u64::from(cost))
            .and_then(|c| owed_until.checked_add(c));
        match after {
            Some(after) if after <= horizon => (after, Outcome::Allowed(self.allowance(after))),
            Some(after) => {
                let possible = cost <= self.rate.burst().get();
                let retry_after = possible.then(|| Duration::from_nanos(after - horizon));
                (
                    owed_until,
                    Outcome::Limited {
                        allowance: self.allowance(owed_until),
                        retry_after,
                    },
                )
            }
            None => (
                owed_until,
                Outcome::Limited {
                    allowance: self.allowance(owed_until),
                    retry_after: None,
                },
            ),
        }
    }

    fn refuse(self, cost: u32) -> Outcome {
        let horizon = self.now.saturating_add(self.rate.window_nanos());
        let retry_after = (cost <= self.rate.burst().get()).then(|| self.rate.window());
        Outcome::Limited {
            allowance: self.allowance(horizon),
            retry_after,
        }
    }

    fn allowance(&self, owed_until: u64) -> Allowance {
        let owed = owed_until - self.now;
        let free = self.rate.window_nanos() - owed;
        Allowance {
            limit: self.rate.burst().get(),
            window: self.rate.window(),
            remaining: u32::try_from(free / self.rate.interval_nanos()).unwrap_or(u32::MAX),
            reset: Duration::from_nanos(owed),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::sync::atomic::AtomicU32;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_burst_passes_at_once_and_the_rest_at_the_rate() {
        let limiter = Limiter::<String>::new(1_000);
        let rate = rate(10, 1_000, 3);
        let at = |ms| limiter.check("zhang", &rate, Duration::from_millis(ms), 1);
        assert_eq!(
            (0..4).map(|_| at(0).is_allowed()).collect::<Vec<_>>(),
            [true, true, true, false]
        );
        assert!(!at(99).is_allowed());
        assert!(at(100).is_allowed());
        assert!(!at(100).is_allowed());
        assert!(
            limiter
                .check("li", &rate, Duration::from_millis(100), 1)
                .is_allowed()
        );
    }

    #[test]
    fn a_refusal_says_when_the_same_request_would_pass() {
        let limiter = Limiter::<u32>::new(1_000);
        let rate = rate(10, 1_000, 5);
        let now = Duration::from_secs(7);
        assert!(limiter.check(&1, &rate, now, 4).is_allowed());
        let Outcome::Limited {
            retry_after: Some(wait),
            allowance,
        } = limiter.check(&1, &rate, now, 3)
        else {
            panic!("three more are over five");
        };
        assert_eq!((wait, allowance.remaining), (Duration::from_millis(200), 1));
        assert!(
            !limiter
                .check(&1, &rate, now + wait - Duration::from_nanos(1), 3)
                .is_allowed()
        );
        assert!(limiter.check(&1, &rate, now + wait, 3).is_allowed());
    }

    #[test]
    fn a_cost_above_the_burst_is_refused_for_good() {
        let limiter = Limiter::<u32>::new(1_000);
        let outcome = limiter.check(&1, &rate(10, 1_000, 5), Duration::ZERO, 6);
        assert!(matches!(
            outcome,
            Outcome::Limited {
                retry_after: None,
                ..
            }
        ));
        let outcome = limiter.check(&1, &rate(1, 86_400_000, 300), Duration::ZERO, u32::MAX);
        assert!(matches!(
            outcome,
            Outcome::Limited {
                retry_after: None,
                ..
            }
        ));
    }

    #[test]
    fn a_clock_that_steps_back_forgives_nothing() {
        let limiter = Limiter::<u32>::new(1_000);
        let rate = rate(1, 1_000, 1);
        assert!(
            limiter
                .check(&1, &rate, Duration::from_secs(100), 1)
                .is_allowed()
        );
        assert!(
            !limiter
                .check(&1, &rate, Duration::from_secs(1), 1)
                .is_allowed()
        );
        assert!(
            !limiter
                .check(&1, &rate, Duration::from_nanos(100_999_999_999), 1)
                .is_allowed()
        );
        assert!(
            limiter
                .check(&1, &rate, Duration::from_secs(101), 1)
                .is_allowed()
        );
    }

    #[test]
    fn the_far_end_of_time_is_answered_and_not_overflowed() {
        let limiter = Limiter::<u32>::new(1_000);
        let slow = rate(1, 86_400_000, 400);
        for _ in 0..3 {
            assert!(limiter.check(&1, &slow, Duration::MAX, 100).is_allowed());
        }
        assert!(!limiter.check(&1, &slow, Duration::MAX, 101).is_allowed());
    }

    #[test]
    fn a_key_under_a_faster_rate_owes_at_most_one_window_of_it() {
        let limiter = Limiter::<u32>::new(1_000);
        let now = Duration::from_secs(5);
        assert!(
            limiter
                .check(&1, &rate(1, 86_400_000, 2), now, 2)
                .is_allowed()
        );
        let quick = rate(10, 1_000, 10);
        assert!(!limiter.check(&1, &quick, now, 1).is_allowed());
        assert!(
            limiter
                .check(&1, &quick, now + Duration::from_secs(1), 1)
                .is_allowed()
        );
    }

    #[test]
    fn a_flood_of_keys_neither_grows_the_table_nor_forgives_a_limited_key() {
        let limiter = Limiter::<u32>::new(6_400);
        let rate = rate(1, 3_600_000, 2);
        assert!(
            limiter
                .check(&u32::MAX, &rate, Duration::ZERO, 2)
                .is_allowed()
        );
        for key in 0..100_000 {
            let now = Duration::from_micros(u64::from(key));
            limiter.check(&key, &rate, now, 1);
            assert!(!limiter.check(&u32::MAX, &rate, now, 1).is_allowed());
        }
        assert!(limiter.len() <= 6_400, "{}", limiter.len());
        assert!(limiter.crowded() > 90_000);
    }

    #[test]
    fn keys_that_owe_nothing_make_room() {
        let limiter = Limiter::<u32>::new(6_400);
        let rate = rate(10, 1_000, 10);
        for key in 0..200_000 {
            let now = Duration::from_millis(u64::from(key));
            assert!(limiter.check(&key, &rate, now, 1).is_allowed());
        }
        assert_eq!(limiter.crowded(), 0);
        assert!(limiter.len() < 3_200, "{}", limiter.len());
        limiter.sweep(Duration::from_secs(1_000));
        assert!(limiter.is_empty());
    }

    #[test]
    fn newcomers_to_a_full_table_share_one_allowance_and_get_room_when_it_frees() {
        let limiter = Limiter::<u32>::new(64);
        let rate = rate(1, 1_000, 1);
        for key in 0..10_000 {
            limiter.check(&key, &rate, Duration::ZERO, 1);
        }
        let passed = (10_000..20_000)
            .filter(|key| limiter.check(key, &rate, Duration::ZERO, 1).is_allowed())
            .count();
        assert_eq!(passed, 0);
        let later = Duration::from_secs(2);
        let passed = (20_000..20_064)
            .filter(|key| limiter.check(key, &rate, later, 1).is_allowed())
            .count();
        assert!(passed >= 32, "{passed}");
    }

    #[test]
    fn threads_together_get_no_more_than_the_burst() {
        let limiter = Limiter::<u32>::new(1_000);
        let rate = rate(1, 3_600_000, 1_000);
        let passed = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        if limiter
                            .check(&1, &rate, Duration::from_secs(1), 1)
                            .is_allowed()
                        {
                            passed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(passed.into_inner(), 1_000);
    }

    proptest! {
        /// The model is a bucket of whole nanoseconds that fills with time: the same promise in other words.
        #[test]
        fn the_limiter_agrees_with_a_bucket_that_fills(
            count in 1u32..50, period_ms in 1u64..5_000, burst in 1u32..20,
            steps in prop::collection::vec((0u64..2_000_000_000, 0u32..25, 0u8..3), 1..200),
        ) {
            let limiter = Limiter::<u8>::new(1_000);
            let rate = rate(count, period_ms, burst);
            let mut model = [(rate.window_nanos(), 0u64); 3];
            let mut now = 0;
            for (step, cost, key) in steps {
                now += step;
                let (level, seen) = &mut model[usize::from(key)];
                *level = (*level + (now - *seen)).min(rate.window_nanos());
                *seen = now;
                let price = u64::from(cost) * rate.interval_nanos();
                let outcome = limiter.check(&key, &rate, Duration::from_nanos(now), cost);
                prop_assert_eq!(outcome.is_allowed(), price <= *level);
                if price <= *level {
                    *level -= price;
                } else if let Outcome::Limited { retry_after: Some(wait), .. } = outcome {
                    prop_assert_eq!(wait.as_nanos(), u128::from(price - *level));
                } else {
                    prop_assert!(price > rate.window_nanos());
                }
                let allowance = outcome.allowance();
                prop_assert_eq!(u64::from(allowance.remaining), *level / rate.interval_nanos());
                prop_assert_eq!(allowance.reset.as_nanos(), u128::from(rate.window_nanos() - *level));
            }
        }

        /// No placing of requests lets more through in a span than the burst and the span's share.
        #[test]
        fn no_span_lets_more_through_than_burst_and_rate(
            count in 1u32..20, burst in 1u32..10, steps in prop::collection::vec(0u64..300_000_000, 1..150),
        ) {
            let limiter = Limiter::<u8>::new(1_000);
            let rate = rate(count, 1_000, burst);
            let mut passed = Vec::new();
            let mut now = 0;
            for step in steps {
                now += step;
                if limiter.check(&0, &rate, Duration::from_nanos(now), 1).is_allowed() {
                    passed.push(now);
                }
            }
            for (i, from) in passed.iter().enumerate() {
                for (j, to) in passed.iter().enumerate().skip(i) {
                    let most = u64::from(burst) + (to - from) / rate.interval_nanos();
                    prop_assert!((j - i + 1) as u64 <= most);
                }
            }
        }
    }

    fn rate(count: u32, period_ms: u64, burst: u32) -> Rate {
        let n = |value| NonZeroU32::new(value).unwrap();
        Rate::new(n(count), Duration::from_millis(period_ms), n(burst)).unwrap()
    }
}
