//! Whether a candidate refuses people who used to get in.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// When a candidate is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Callers that must have been refused at least. Defaults to 5, chosen.
    pub least: u64,
    /// Share of callers, in per cent, that must be exceeded. Defaults to 2, chosen.
    pub share: u8,
    /// Time over which is counted, in milliseconds; between half of it and all of it is seen. Defaults to
    /// 10 minutes, chosen.
    pub window_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            least: 5,
            share: 2,
            window_ms: 10 * 60 * 1000,
        }
    }
}

/// What must be done about a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It must be taken back.
    RollBack {
        /// Why.
        why: Refusals,
    },
}

/// Callers refused by the candidate whom the live policy would have let in, and did before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Refusals {
    /// Callers refused.
    pub refused: u64,
    /// Callers for whom the candidate decided, those refused included.
    pub asked: u64,
    /// Time over which was counted, in milliseconds.
    pub window_ms: u64,
}

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            refused,
            asked,
            window_ms,
        } = self;
        let seconds = window_ms / 1000;
        write!(
            f,
            "{seconds} 秒内拒绝了 {asked} 位曾获准访问者中的 {refused} 位 · it refused {refused} of {asked} callers who used to get in, within {seconds} s"
        )
    }
}

/// Counts callers, each once: one client that tries again and again takes no policy back.
#[derive(Debug)]
pub(super) struct Watch {
    limits: Limits,
    /// Guards both halves, which a count must see together. Only requests that a candidate decides for
    /// callers who used to get in take it.
    window: Mutex<Window>,
    tripped: AtomicBool,
}

#[derive(Debug, Default)]
struct Window {
    began_ms: u64,
    now: Half,
    before: Half,
    verdict: Option<Verdict>,
}

#[derive(Debug, Default)]
struct Half {
    asked: HashSet<u64>,
    refused: HashSet<u64>,
}

/// Callers counted in half a window; beyond, the first ones stand for all. Chosen: at most 2 MiB.
const COUNTED: usize = 1 << 15;

impl Watch {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            window: Mutex::default(),
            tripped: AtomicBool::new(false),
        }
    }

    /// Whether a verdict was made.
    pub(super) fn tripped(&self) -> bool {
        self.tripped.load(Ordering::Acquire)
    }

    /// The verdict, from the moment it was made.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        if !self.tripped() {
            return None;
        }
        let window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        window.verdict
    }

    /// Notes what the candidate said to a caller whom the live policy lets in, now and before.
    pub(super) fn note(&self, now_ms: u64, caller: u64, allowed: bool) {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        window.turn(now_ms, self.limits.window_ms / 2);
        let half = &mut window.now;
        if half.asked.len() >= COUNTED && !half.asked.contains(&caller) {
            return;
        }
        half.asked.insert(caller);
        if allowed {
            return;
        }
        half.refused.insert(caller);
        let why = window.refusals(self.limits.window_ms);
        let many = why.refused >= self.limits.least;
        let share =
            why.refused.saturating_mul(100) > why.asked.saturating_mul(self.limits.share.into());
        if many && share && !self.tripped() {
            window.verdict = Some(Verdict::RollBack { why });
            self.tripped.store(true, Ordering::Release);
        }
    }
}

impl Window {
    /// Drops what is too old. A clock that goes back keeps the present half open.
    fn turn(&mut self, now_ms: u64, half_ms: u64) {
        let passed = now_ms.saturating_sub(self.began_ms);
        if passed < half_ms.max(1) {
            return;
        }
        let now = std::mem::take(&mut self.now);
        self.before = if passed < half_ms.max(1).saturating_mul(2) {
            now
        } else {
            Half::default()
        };
        self.began_ms = now_ms;
    }

    fn refusals(&self, window_ms: u64) -> Refusals {
        let both = |one: &HashSet<u64>, other: &HashSet<u64>| one.union(other).count() as u64;
        Refusals {
            refused: both(&self.now.refused, &self.before.refused),
            asked: both(&self.now.asked, &self.before.asked),
            window_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(least: u64, share: u8) -> Watch {
        Watch::new(Limits {
            least,
            share,
            window_ms: 1000,
        })
    }

    #[test]
    fn a_verdict_is_made_once_when_enough_callers_are_refused() {
        let watch = watch(3, 10);
        for caller in 0..20 {
            watch.note(1, caller, true);
        }
        watch.note(2, 0, false);
        watch.note(2, 1, false);
        assert_eq!(watch.verdict(), None);
        watch.note(3, 2, false);
        let why = Refusals {
            refused: 3,
            asked: 20,
            window_ms: 1000,
        };
        assert_eq!(watch.verdict(), Some(Verdict::RollBack { why }));
        watch.note(4, 3, false);
        assert_eq!(watch.verdict(), Some(Verdict::RollBack { why }));
        assert!(watch.tripped());
    }

    #[test]
    fn one_caller_who_tries_again_and_again_is_one_caller() {
        let watch = watch(2, 0);
        for at in 0..400 {
            watch.note(at, 7, false);
        }
        assert!(!watch.tripped());
    }

    #[test]
    fn a_share_that_is_not_exceeded_makes_no_verdict() {
        let watch = watch(2, 50);
        watch.note(1, 1, true);
        watch.note(1, 2, true);
        watch.note(1, 3, false);
        watch.note(1, 4, false);
        assert!(!watch.tripped(), "2 of 4 are not more than 50 per cent");
        watch.note(1, 5, false);
        assert!(watch.tripped());
    }

    #[test]
    fn refusals_outside_the_window_do_not_count() {
        let watch = watch(3, 0);
        watch.note(1_000_000, 1, false);
        watch.note(1_000_001, 2, false);
        watch.note(1_001_100, 3, false);
        watch.note(1_001_200, 4, false);
        assert!(!watch.tripped());
        watch.note(1_001_300, 5, false);
        assert!(watch.tripped());
    }

    #[test]
    fn a_clock_that_goes_back_is_no_reason_to_forget() {
        let watch = watch(2, 0);
        watch.note(1_000_000, 1, false);
        watch.note(5, 2, false);
        assert!(watch.tripped());
    }
}
