//! How much crosses each zone, second by second, for the console.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::observation::{Observation, Outcome};

/// Seconds kept: one hour.
const SECONDS: usize = 3_600;
/// Zones counted; a configuration has a handful. Chosen.
const ZONES: usize = 64;

/// Allowed and refused requests of each zone over the last hour.
#[derive(Debug, Default)]
pub struct Traffic {
    zones: BTreeMap<String, Ring>,
}

/// The requests of one zone in one span of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrafficPoint {
    /// The beginning of the span, in Unix milliseconds.
    pub t_ms: u64,
    /// The zone that the requests came from.
    pub zone: String,
    /// How many were forwarded.
    pub allowed: u64,
    /// How many were not.
    pub refused: u64,
}

#[derive(Debug)]
struct Ring {
    /// Second, allowed, refused; the place is the second modulo the length.
    seconds: Box<[(u64, u32, u32)]>,
    allowed: u64,
    refused: u64,
}

impl Traffic {
    pub(crate) fn observe(&mut self, observation: &Observation<'_>) {
        if !self.zones.contains_key(observation.zone) {
            if self.zones.len() >= ZONES {
                return;
            }
            self.zones.insert(observation.zone.to_owned(), Ring::new());
        }
        if let Some(ring) = self.zones.get_mut(observation.zone) {
            ring.count(
                observation.time_ms / 1_000,
                observation.outcome == Outcome::Allowed,
            );
        }
    }

    /// The requests of each zone in spans of `step` seconds that end at or before `now` (Unix milliseconds), oldest
    /// first, at most an hour; the span that is still running comes last and is not whole.
    pub fn series(&self, now: u64, step: u64, spans: u64) -> Vec<TrafficPoint> {
        let step = step.clamp(1, SECONDS as u64);
        let spans = spans.clamp(1, SECONDS as u64 / step);
        let last = now / 1_000 / step;
        let mut points = Vec::new();
        for span in last.saturating_sub(spans - 1)..=last {
            for (zone, ring) in &self.zones {
                let (allowed, refused) = ring.sum(span * step, step);
                points.push(TrafficPoint {
                    t_ms: span * step * 1_000,
                    zone: zone.clone(),
                    allowed,
                    refused,
                });
            }
        }
        points
    }

    /// All requests of each zone since the start: its name, allowed, refused.
    pub fn totals(&self) -> impl Iterator<Item = (&str, u64, u64)> {
        self.zones
            .iter()
            .map(|(zone, ring)| (zone.as_str(), ring.allowed, ring.refused))
    }
}

impl Ring {
    fn new() -> Self {
        Self {
            seconds: vec![(0, 0, 0); SECONDS].into(),
            allowed: 0,
            refused: 0,
        }
    }

    fn count(&mut self, second: u64, allowed: bool) {
        self.allowed += u64::from(allowed);
        self.refused += u64::from(!allowed);
        let Some(place) = self.seconds.get_mut(place(second)) else {
            return;
        };
        if place.0 > second {
            return;
        }
        if place.0 < second {
            *place = (second, 0, 0);
        }
        let count = if allowed { &mut place.1 } else { &mut place.2 };
        *count = count.saturating_add(1);
    }

    fn sum(&self, from: u64, length: u64) -> (u64, u64) {
        (from..from.saturating_add(length))
            .filter_map(|second| {
                self.seconds
                    .get(place(second))
                    .filter(|place| place.0 == second)
            })
            .fold((0, 0), |(allowed, refused), place| {
                (allowed + u64::from(place.1), refused + u64::from(place.2))
            })
    }
}

fn place(second: u64) -> usize {
    usize::try_from(second % SECONDS as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Cause;

    const NOW: u64 = 1_790_000_000_000;

    #[test]
    fn every_request_is_in_exactly_one_span_of_its_zone() {
        let mut traffic = Traffic::default();
        for n in 0..600u64 {
            let mut seen = Observation::plain([203, 0, 113, 1].into(), NOW + n * 100);
            seen.zone = if n % 2 == 0 { "internet" } else { "extranet" };
            if n % 10 == 0 {
                seen.outcome = Outcome::Refused {
                    reason: "denied",
                    cause: Cause::Denied,
                };
            }
            traffic.observe(&seen);
        }
        let series = traffic.series(NOW + 59_999, 10, 6);
        assert_eq!(series.len(), 12);
        assert_eq!(
            series[0],
            TrafficPoint {
                t_ms: NOW,
                zone: "extranet".into(),
                allowed: 50,
                refused: 0
            }
        );
        assert_eq!(
            series[1],
            TrafficPoint {
                t_ms: NOW,
                zone: "internet".into(),
                allowed: 40,
                refused: 10
            }
        );
        assert_eq!(
            series
                .iter()
                .map(|point| point.allowed + point.refused)
                .sum::<u64>(),
            600
        );
        assert_eq!(
            traffic.totals().collect::<Vec<_>>(),
            [("extranet", 300, 0), ("internet", 240, 60)]
        );
    }

    #[test]
    fn what_is_older_than_an_hour_does_not_come_back() {
        let mut traffic = Traffic::default();
        traffic.observe(&Observation::plain([203, 0, 113, 1].into(), NOW));
        traffic.observe(&Observation::plain(
            [203, 0, 113, 1].into(),
            NOW + 3_600_000,
        ));
        traffic.observe(&Observation::plain([203, 0, 113, 1].into(), NOW));
        let sum = |now| {
            traffic
                .series(now, 60, 60)
                .iter()
                .map(|point| point.allowed)
                .sum::<u64>()
        };
        assert_eq!(
            (sum(NOW), sum(NOW + 3_600_000), sum(NOW + 7_200_000)),
            (0, 1, 0)
        );
        assert_eq!(traffic.series(0, 0, 0).len(), 1);
        assert_eq!(traffic.series(u64::MAX, u64::MAX, u64::MAX).len(), 1);
    }
}
