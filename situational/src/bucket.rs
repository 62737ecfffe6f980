//! The leaky bucket that most detectors are made of.

use crate::settings::Bucket;
use crate::span::millis;
use crate::table::Fading;

/// Events remembered as evidence; chosen: enough to see the pattern, small enough to keep by the thousand.
const EVENTS: usize = 24;
/// Different things remembered in one bucket; beyond it a repetition may count again. Chosen.
const THINGS: usize = 512;

/// One bucket: how full it is, and what was poured.
#[derive(Debug, Default)]
pub(crate) struct Pail {
    level: f64,
    at: u64,
    leak: f64,
    since: u64,
    poured: u32,
    /// Of what was poured, how much was not the gateway's own refusal.
    foreign: f64,
    things: Vec<u64>,
    events: Vec<u64>,
    alarm_until: u64,
}

/// What was in a bucket that overflowed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Overflow {
    pub(crate) events: Vec<u64>,
    pub(crate) poured: u32,
    /// Seconds from the first to the last.
    pub(crate) seconds: u64,
    /// The share that was not the gateway's own refusal, 0 to 1.
    pub(crate) foreign: f64,
}

/// What is poured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pour {
    pub(crate) event: u64,
    pub(crate) now: u64,
    pub(crate) amount: f64,
    /// What it is, if it is to count only once.
    pub(crate) thing: Option<u64>,
    /// False for what only the gateway itself refused.
    pub(crate) foreign: bool,
}

impl Pail {
    /// Pours, and empties the bucket if that makes it overflow.
    pub(crate) fn pour(&mut self, pour: Pour, bucket: &Bucket) -> Option<Overflow> {
        let now = pour.now.max(self.at);
        self.leak = 1.0 / millis(bucket.leak) as f64;
        self.level = self.level_at(now);
        self.at = now;
        if self.level <= 0.0 {
            self.start(now);
        }
        if let Some(thing) = pour.thing {
            match self.things.binary_search(&thing) {
                Ok(_) => return None,
                Err(_) if self.things.len() >= THINGS => {}
                Err(place) => self.things.insert(place, thing),
            }
        }
        self.level += pour.amount;
        self.poured = self.poured.saturating_add(1);
        if pour.foreign {
            self.foreign += 1.0;
        }
        if self.events.len() == EVENTS {
            self.events.remove(EVENTS / 2);
        }
        self.events.push(pour.event);
        if self.level <= f64::from(bucket.capacity.get()) {
            return None;
        }
        let overflow = Overflow {
            events: std::mem::take(&mut self.events),
            poured: self.poured,
            seconds: (now - self.since).div_ceil(1_000),
            foreign: self.foreign / f64::from(self.poured.max(1)),
        };
        self.start(now);
        Some(overflow)
    }

    /// Remembers that it overflowed.
    pub(crate) fn alarm(&mut self, until: u64) {
        self.alarm_until = self.alarm_until.max(until);
    }

    pub(crate) fn alarmed(&self, now: u64) -> bool {
        now < self.alarm_until
    }

    pub(crate) fn level_at(&self, now: u64) -> f64 {
        (self.level - now.saturating_sub(self.at) as f64 * self.leak).max(0.0)
    }

    fn start(&mut self, now: u64) {
        self.level = 0.0;
        self.since = now;
        self.poured = 0;
        self.foreign = 0.0;
        self.things = Vec::new();
        self.events = Vec::new();
    }
}

impl Fading for Pail {
    fn worth(&self, now: u64) -> f64 {
        if self.alarmed(now) {
            f64::INFINITY
        } else {
            self.level_at(now)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const BUCKET: Bucket = Bucket {
        capacity: NonZeroU32::new(5).unwrap(),
        leak: Duration::from_secs(10),
    };

    #[test]
    fn one_more_than_it_holds_overflows_with_what_was_poured() {
        let mut pail = Pail::default();
        assert!((0..5).all(|event| pail.pour(one(event, 1_000, None), &BUCKET).is_none()));
        let overflow = pail.pour(one(5, 2_000, None), &BUCKET).unwrap();
        assert_eq!(
            (overflow.events, overflow.poured, overflow.seconds),
            (vec![0, 1, 2, 3, 4, 5], 6, 1)
        );
        assert!(pail.pour(one(6, 2_000, None), &BUCKET).is_none());
    }

    #[test]
    fn what_comes_no_faster_than_it_leaks_never_overflows() {
        let mut pail = Pail::default();
        assert!((0..1_000).all(|event| {
            pail.pour(one(event, event * 10_000, None), &BUCKET)
                .is_none()
        }));
    }

    #[test]
    fn the_same_thing_again_does_not_count() {
        let mut pail = Pail::default();
        assert!((0..100).all(|event| {
            pail.pour(one(event, 1_000, Some(event % 5)), &BUCKET)
                .is_none()
        }));
        assert!(pail.pour(one(100, 1_000, Some(99)), &BUCKET).is_some());
    }

    #[test]
    fn evidence_and_things_are_bounded() {
        let wide = Bucket {
            capacity: NonZeroU32::new(1_000_000).unwrap(),
            ..BUCKET
        };
        let mut pail = Pail::default();
        for event in 0..10_000 {
            assert!(pail.pour(one(event, 0, Some(event)), &wide).is_none());
        }
        assert_eq!((pail.events.len(), pail.things.len()), (EVENTS, THINGS));
        assert_eq!((pail.events[0], pail.events[EVENTS - 1]), (0, 9_999));
    }

    proptest! {
        #[test]
        fn a_span_that_pours_less_than_the_capacity_is_silent(times in prop::collection::vec(0u64..1_000_000, 0..5)) {
            let mut times = times;
            times.sort_unstable();
            let mut pail = Pail::default();
            for (event, now) in times.into_iter().enumerate() {
                prop_assert!(pail.pour(one(event as u64, now, None), &BUCKET).is_none());
            }
        }
    }

    fn one(event: u64, now: u64, thing: Option<u64>) -> Pour {
        Pour {
            event,
            now,
            amount: 1.0,
            thing,
            foreign: true,
        }
    }
}
