//! Who has been asking: the callers seen lately, for the console.

use std::collections::HashMap;

use foldhash::quality::RandomState;
use serde::Serialize;

use crate::entity::Source;
use crate::observation::{Observation, Outcome};

/// Addresses kept of one caller; chosen.
const ADDRESSES: usize = 8;

/// The callers seen lately, in bounded memory: the one seen longest ago leaves first.
#[derive(Debug)]
pub struct Callers {
    seen: HashMap<String, CallerSeen, RandomState>,
    most: usize,
}

/// What was seen of one caller since it appeared in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallerSeen {
    /// The caller's id.
    pub caller: String,
    /// Requests, refused ones included.
    pub requests: u64,
    /// Refused requests.
    pub refused: u64,
    /// People whose data it read, as the redactor counted them; the same one may count again.
    pub people_read: u64,
    /// When it was first seen, in Unix milliseconds.
    pub first_ms: u64,
    /// When it was last seen, in Unix milliseconds.
    pub last_ms: u64,
    /// Where it came from, the latest last.
    pub addresses: Vec<Source>,
}

impl Callers {
    /// A list of at most `most` callers.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            seen: HashMap::default(),
            most: most.max(1),
        }
    }

    pub(crate) fn observe(&mut self, observation: &Observation<'_>) {
        let (id, now) = (observation.caller, observation.time_ms);
        if id.is_empty() {
            return;
        }
        if !self.seen.contains_key(id) {
            self.make_room();
            let caller = CallerSeen {
                caller: id.to_owned(),
                requests: 0,
                refused: 0,
                people_read: 0,
                first_ms: now,
                last_ms: now,
                addresses: Vec::new(),
            };
            self.seen.insert(id.to_owned(), caller);
        }
        let Some(caller) = self.seen.get_mut(id) else {
            return;
        };
        caller.requests += 1;
        caller.refused += u64::from(matches!(observation.outcome, Outcome::Refused { .. }));
        caller.people_read = caller
            .people_read
            .saturating_add(observation.personal.subjects.into());
        caller.last_ms = caller.last_ms.max(now);
        let source = Source::from(observation.address);
        if caller.addresses.last() != Some(&source) {
            caller.addresses.retain(|known| *known != source);
            if caller.addresses.len() == ADDRESSES {
                caller.addresses.remove(0);
            }
            caller.addresses.push(source);
        }
    }

    /// The callers seen at or after `since`, the latest first, at most `limit`.
    pub fn list(&self, since: u64, limit: usize) -> Vec<&CallerSeen> {
        let mut list: Vec<_> = self
            .seen
            .values()
            .filter(|caller| caller.last_ms >= since)
            .collect();
        list.sort_by(|a, b| {
            b.last_ms
                .cmp(&a.last_ms)
                .then_with(|| a.caller.cmp(&b.caller))
        });
        list.truncate(limit);
        list
    }

    /// One caller.
    pub fn get(&self, id: &str) -> Option<&CallerSeen> {
        self.seen.get(id)
    }

    /// Makes room by letting an eighth leave at once, so that a stream of new callers pays for one sort in many.
    fn make_room(&mut self) {
        if self.seen.len() < self.most {
            return;
        }
        let mut times: Vec<u64> = self.seen.values().map(|caller| caller.last_ms).collect();
        let nth = times.len() / 8;
        let (_, oldest, _) = times.select_nth_unstable(nth);
        let oldest = *oldest;
        let mut leave = nth + 1;
        self.seen.retain(|_, caller| {
            let stays = leave == 0 || caller.last_ms > oldest;
            leave -= usize::from(!stays);
            stays
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Cause;

    #[test]
    fn a_caller_is_listed_with_its_counts_and_latest_addresses() {
        let mut callers = Callers::new(10);
        for n in 0..12u8 {
            let mut seen = Observation::plain([203, 0, 113, n].into(), u64::from(n));
            seen.caller = "clerk";
            if n % 3 == 0 {
                seen.outcome = Outcome::Refused {
                    reason: "denied",
                    cause: Cause::Denied,
                };
            }
            callers.observe(&seen);
            callers.observe(&Observation::plain([203, 0, 113, n].into(), u64::from(n)));
        }
        let list = callers.list(0, 10);
        assert_eq!(
            (
                list.len(),
                list[0].requests,
                list[0].refused,
                list[0].last_ms
            ),
            (1, 12, 4, 11)
        );
        let addresses: Vec<_> = list[0].addresses.iter().map(ToString::to_string).collect();
        assert_eq!(
            (
                addresses.len(),
                addresses[0].as_str(),
                addresses[7].as_str()
            ),
            (8, "203.0.113.4", "203.0.113.11")
        );
        assert!(callers.list(12, 10).is_empty());
    }

    #[test]
    fn the_list_is_bounded_and_keeps_the_latest() {
        let mut callers = Callers::new(100);
        for n in 0..10_000u64 {
            let id = format!("user-{n}");
            let mut seen = Observation::plain([203, 0, 113, 1].into(), n / 1_000);
            seen.caller = &id;
            callers.observe(&seen);
            assert!(callers.seen.len() <= 100);
            assert!(callers.get(&id).is_some());
        }
        assert!(callers.seen.len() > 80);
    }
}
