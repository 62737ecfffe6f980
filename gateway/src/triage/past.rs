//! What the record says of findings: the newest events, and of them those in which something was seen.
//!
//! The log only grows, so what was read is kept and each look reads on from there.

use std::collections::{BTreeSet, VecDeque};

use hangu_audit::ReadError;
use serde::{Deserialize, Serialize};

use super::scope::Scope;
use super::sighting::{Fate, Sighting, sighting};
use crate::journal::Journal;

/// Events that the first look reads. Chosen: some seconds of one processor at most.
const WINDOW: u64 = 100_000;
/// Events with findings that are kept. Chosen: some ten megabytes.
const KEPT: usize = 10_000;
/// Events that are read at once.
const PAGE: usize = 20_000;

/// The newest events with findings.
#[derive(Debug, Default)]
pub struct Past {
    /// The newest first.
    sightings: VecDeque<Sighting>,
    /// The newest event that was read.
    newest: Option<u64>,
    window: Window,
}

/// Which part of the record is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Window {
    /// Events that were read.
    pub events: u64,
    /// When the oldest that is still known was, in milliseconds since the epoch; 0 where there is none.
    pub from_ms: u64,
    /// When the newest was.
    pub to_ms: u64,
    /// Whether the record goes back further.
    pub more: bool,
}

/// What an exception would have let through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Requests with a finding that it covers.
    pub covered: u64,
    /// Of those, refused as attacks and no more so: nothing that the record has would have refused them.
    pub let_through: u64,
    /// Of those, refused as attacks for other findings as well.
    pub still_refused: u64,
    /// Of those, not refused as attacks in any case.
    pub not_refused: u64,
    /// Callers of what it would have let through.
    pub callers: u64,
    /// Addresses of what it would have let through.
    pub addresses: u64,
    /// Findings among those that somebody marked as a real attack.
    pub marked_attacks: u64,
}

/// What a look read, the newest first.
#[derive(Default)]
struct Fresh {
    found: Vec<Sighting>,
    read: u64,
    newest: Option<u64>,
    /// Times of the newest and the oldest event.
    span: Option<(u64, u64)>,
    /// Whether it reached what was known.
    joined: bool,
    /// Whether it came to the beginning of the record.
    whole: bool,
}

impl Past {
    /// Reads what was recorded since the last look.
    ///
    /// # Errors
    /// When the log cannot be read; what was known stays.
    pub fn look(&mut self, journal: &Journal) -> Result<(), ReadError> {
        let mut fresh = Fresh::default();
        let mut before = None;
        while !fresh.joined && !fresh.whole && fresh.read < WINDOW && fresh.found.len() < KEPT {
            let page = journal.read_back(before, PAGE)?;
            fresh.whole = page.len() < PAGE;
            before = page.last().map(|(number, _)| *number);
            let (first, last) = (page.first(), page.last());
            if let (Some((_, first)), Some((_, last))) = (first, last) {
                let newest = fresh
                    .span
                    .map_or_else(|| time_of(&first.event), |(newest, _)| newest);
                fresh.span = Some((newest, time_of(&last.event)));
            }
            for (number, record) in page {
                if self.newest.is_some_and(|known| number <= known) {
                    fresh.joined = true;
                    break;
                }
                fresh.newest = fresh.newest.or(Some(number));
                fresh.read += 1;
                fresh.found.extend(sighting(number, &record.event));
            }
        }
        self.take(fresh);
        Ok(())
    }

    fn take(&mut self, fresh: Fresh) {
        if fresh.read == 0 {
            return;
        }
        let (to_ms, from_ms) = fresh.span.unwrap_or_default();
        self.newest = fresh.newest;
        if fresh.joined {
            self.window.events = self.window.events.saturating_add(fresh.read);
            self.window.to_ms = to_ms;
        } else {
            self.sightings.clear();
            self.window = Window {
                events: fresh.read,
                from_ms,
                to_ms,
                more: !fresh.whole,
            };
        }
        for one in fresh.found.into_iter().rev() {
            self.sightings.push_front(one);
        }
        if self.sightings.len() > KEPT {
            self.sightings.truncate(KEPT);
            // What is older is not known any more.
            let oldest = self.sightings.back().map_or(0, |oldest| oldest.time_ms);
            self.window.from_ms = oldest;
            self.window.more = true;
        }
    }

    /// Which part of the record is known.
    pub const fn window(&self) -> Window {
        self.window
    }

    /// The newest first.
    pub fn sightings(&self) -> impl Iterator<Item = &Sighting> {
        self.sightings.iter()
    }

    /// What an exception would have done, and the newest requests that it would have let through.
    ///
    /// `threshold` is the portal's. `is_attack` says whether somebody marked a rule's finding in an event as a real
    /// attack.
    pub fn reach(
        &self,
        scope: &Scope,
        threshold: u32,
        samples: usize,
        is_attack: impl Fn(u64, &str) -> bool,
    ) -> (Counted, Vec<&Sighting>) {
        let mut counted = Counted::default();
        let (mut callers, mut addresses) = (BTreeSet::new(), BTreeSet::new());
        let mut shown = Vec::new();
        for one in &self.sightings {
            let Some(fate) = one.fate(scope, threshold) else {
                continue;
            };
            counted.covered += 1;
            match fate {
                Fate::StillRefused => counted.still_refused += 1,
                Fate::NotRefused => counted.not_refused += 1,
                Fate::LetThrough => {
                    counted.let_through += 1;
                    callers.insert(one.caller.as_str());
                    addresses.insert(one.address.as_str());
                    counted.marked_attacks += u64::from(is_attack(one.number, &scope.rule));
                    if shown.len() < samples {
                        shown.push(one);
                    }
                }
            }
        }
        counted.callers = callers.len() as u64;
        counted.addresses = addresses.len() as u64;
        (counted, shown)
    }
}

/// When an event was, in milliseconds since the epoch; 0 where it cannot be read.
fn time_of(event: &[u8]) -> u64 {
    #[derive(Deserialize)]
    struct Timed {
        time: i64,
    }
    let timed = serde_json::from_slice::<Timed>(event);
    timed.map_or(0, |timed| u64::try_from(timed.time).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::super::sighting::tests::{scope, sighting};
    use super::*;

    #[test]
    fn what_would_have_passed_is_counted_by_caller_and_address_with_samples() {
        let mut past = Past::default();
        let union = [("sqli-union", 5, "query:q")];
        past.sightings.extend([
            sighting(5, "/a", Some("attack"), &union),
            sighting(4, "/a", Some("attack"), &union),
            sighting(3, "/a", None, &union),
            sighting(2, "/b", Some("attack"), &union),
            sighting(1, "/a", Some("attack"), &union),
        ]);
        let (counted, shown) = past.reach(&scope(), 5, 2, |event, rule| {
            event == 4 && rule == "sqli-union"
        });
        let expected = Counted {
            covered: 4,
            let_through: 3,
            still_refused: 0,
            not_refused: 1,
            callers: 2,
            addresses: 1,
            marked_attacks: 1,
        };
        assert_eq!(counted, expected);
        let shown: Vec<u64> = shown.iter().map(|one| one.number).collect();
        assert_eq!(shown, [5, 4]);
    }

    #[test]
    fn what_was_read_is_joined_to_what_is_read_later_and_the_oldest_is_forgotten() {
        let union = [("sqli-union", 5, "query:q")];
        let fresh = |numbers: std::ops::Range<u64>, joined| Fresh {
            found: numbers
                .clone()
                .rev()
                .map(|n| sighting(n, "/a", None, &union))
                .collect(),
            read: numbers.end - numbers.start,
            newest: Some(numbers.end - 1),
            span: Some(((numbers.end - 1) * 1000, numbers.start * 1000)),
            joined,
            whole: !joined,
        };
        let mut past = Past::default();
        past.take(fresh(1..11, false));
        past.take(Fresh::default());
        assert_eq!(past.newest, Some(10));
        past.take(fresh(11..21, true));
        let window = past.window();
        assert_eq!(
            (window.events, window.from_ms, window.to_ms, window.more),
            (20, 1_000, 20_000, false)
        );
        let numbers: Vec<u64> = past.sightings().map(|one| one.number).collect();
        assert_eq!(numbers, (1..21).rev().collect::<Vec<_>>());
        let many = KEPT as u64;
        past.take(fresh(21..21 + many, true));
        assert_eq!(past.sightings.len(), KEPT);
        assert_eq!((past.window().from_ms, past.window().more), (21_000, true));
        // More than can be read was recorded meanwhile: what is older is no continuation of it.
        past.take(fresh(40_000..40_010, false));
        assert_eq!((past.sightings.len(), past.window().events), (10, 10));
    }
}
