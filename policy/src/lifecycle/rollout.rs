//! A candidate beside the live policy, on the path of requests.
//!
//! A rollout is immutable and belongs behind the caller's atomic pointer, like every other snapshot. Without
//! a candidate it adds one comparison to a decision, and an atomic store for a caller who is let in; nothing
//! is locked and nothing is allocated. What a candidate would have changed is kept in [`differences`], and
//! whether it must be taken back in [`watch`].

pub mod differences;
pub mod successes;
pub mod watch;

use std::sync::Arc;

use aws_lc_rs::hmac;

use super::change::{Canary, ChangeId};
use crate::decision::{Decision, Effect};
use crate::engine::snapshot::Snapshot;
use crate::facts::{Unjudged, Value};
use differences::{Difference, Differences, Flip, Report};
use successes::Successes;
use watch::{Limits, Verdict, Watch};

/// What a candidate may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing: it is evaluated and compared.
    Shadow,
    /// Decide for some callers.
    Canary(Canary),
}

/// Which policy made a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// The live one.
    Live,
    /// The one that is tried.
    Candidate,
}

/// A decision, and whether the other policy would have made another.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The decision.
    pub decision: Decision,
    /// Which policy made it.
    pub by: By,
    /// What differed, where both were asked.
    pub differed: Option<Difference>,
}

/// The live policy and what is tried beside it.
#[derive(Debug)]
pub struct Rollout {
    live: Arc<Snapshot>,
    successes: Arc<Successes>,
    candidate: Option<Candidate>,
}

#[derive(Debug)]
struct Candidate {
    change: ChangeId,
    snapshot: Arc<Snapshot>,
    mode: Mode,
    /// Draws the share: the same key and caller always fall on the same side.
    lot: hmac::Key,
    differences: Differences,
    watch: Watch,
}

impl Rollout {
    /// The live policy alone.
    pub fn steady(live: Arc<Snapshot>, successes: Arc<Successes>) -> Self {
        Self {
            live,
            successes,
            candidate: None,
        }
    }

    /// The live policy with a candidate.
    ///
    /// `key` is a secret of all gateways that share callers: it draws who belongs to the share, differently
    /// for each change, so that nobody is always the first to try.
    #[must_use]
    pub fn with_candidate(
        self,
        change: ChangeId,
        candidate: Arc<Snapshot>,
        mode: Mode,
        key: &[u8; 32],
        limits: Limits,
    ) -> Self {
        let master = hmac::Key::new(hmac::HMAC_SHA256, key);
        let own = hmac::sign(&master, &change.0.to_le_bytes());
        Self {
            candidate: Some(Candidate {
                change,
                snapshot: candidate,
                mode,
                lot: hmac::Key::new(hmac::HMAC_SHA256, own.as_ref()),
                differences: Differences::default(),
                watch: Watch::new(limits),
            }),
            ..self
        }
    }

    /// Decides a request by the policy that is the caller's at `now_ms`.
    ///
    /// A candidate in shadow never changes the decision. In a canary both policies are asked for the callers
    /// that the candidate decides for; after a verdict the live one decides for them at once.
    ///
    /// # Errors
    ///
    /// As [`Snapshot::decide`], by the policy that is the caller's.
    pub fn decide(
        &self,
        values: &[Value<'_>],
        caller: &str,
        department: &str,
        now_ms: u64,
    ) -> Result<Outcome, Unjudged> {
        let Some(candidate) = &self.candidate else {
            let decision = self.live.decide(values)?;
            self.remember(&decision, caller);
            return Ok(Outcome {
                decision,
                by: By::Live,
                differed: None,
            });
        };
        let decides = match &candidate.mode {
            _ if candidate.watch.tripped() => return self.by_live(values, caller, None),
            Mode::Shadow => By::Live,
            Mode::Canary(canary) if candidate.draws(canary, caller, department) => By::Candidate,
            Mode::Canary(_) => return self.by_live(values, caller, None),
        };
        let live = self.live.decide(values);
        let tried = candidate.snapshot.decide(values);
        let differed = candidate.compare(values, (caller, department), now_ms, &live, &tried);
        let decided = match decides {
            By::Live => live,
            By::Candidate => {
                if live.as_ref().is_ok_and(allows) && self.successes.knows(caller) {
                    let mark = self.successes.mark(caller);
                    let allowed = tried.as_ref().is_ok_and(allows);
                    candidate.watch.note(now_ms, mark, allowed);
                }
                // The request that makes the verdict already gets what those after it get.
                if candidate.watch.tripped() {
                    return self.by_live(values, caller, differed);
                }
                tried
            }
        };
        let decision = decided?;
        self.remember(&decision, caller);
        Ok(Outcome {
            decision,
            by: decides,
            differed,
        })
    }

    /// The live policy.
    pub fn live(&self) -> &Arc<Snapshot> {
        &self.live
    }

    /// The policy that made a decision, for explaining it.
    pub fn snapshot(&self, by: By) -> &Arc<Snapshot> {
        match (by, &self.candidate) {
            (By::Candidate, Some(candidate)) => &candidate.snapshot,
            (By::Candidate, None) | (By::Live, _) => &self.live,
        }
    }

    /// The candidate and what it may do, if there is one.
    pub fn candidate(&self) -> Option<(ChangeId, &Mode)> {
        let candidate = self.candidate.as_ref()?;
        Some((candidate.change, &candidate.mode))
    }

    /// What the candidate would have decided otherwise, if there is one.
    pub fn differences(&self) -> Option<Report> {
        Some(self.candidate.as_ref()?.differences.report())
    }

    /// What must be done about the candidate, until it is done. From the moment the verdict was made the live
    /// policy decides for everybody.
    pub fn verdict(&self) -> Option<Verdict> {
        self.candidate.as_ref()?.watch.verdict()
    }

    fn by_live(
        &self,
        values: &[Value<'_>],
        caller: &str,
        differed: Option<Difference>,
    ) -> Result<Outcome, Unjudged> {
        let decision = self.live.decide(values)?;
        self.remember(&decision, caller);
        Ok(Outcome {
            decision,
            by: By::Live,
            differed,
        })
    }

    fn remember(&self, decision: &Decision, caller: &str) {
        if allows(decision) {
            self.successes.remember(caller);
        }
    }
}

fn allows(decision: &Decision) -> bool {
    decision.effect == Effect::Allow
}

impl Candidate {
    /// Whether this caller is one of those for whom the candidate decides.
    fn draws(&self, canary: &Canary, caller: &str, department: &str) -> bool {
        let departments = canary.departments();
        if !departments.is_empty() && !departments.iter().any(|known| known == department) {
            return false;
        }
        let tag = hmac::sign(&self.lot, caller.as_bytes());
        let Some((drawn, _)) = tag.as_ref().split_first_chunk() else {
            return false;
        };
        u64::from_le_bytes(*drawn) % 100 < u64::from(canary.share())
    }

    fn compare(
        &self,
        values: &[Value<'_>],
        who: (&str, &str),
        now_ms: u64,
        live: &Result<Decision, Unjudged>,
        tried: &Result<Decision, Unjudged>,
    ) -> Option<Difference> {
        self.differences.compared();
        let flip = match (live, tried) {
            (Ok(live), Ok(tried)) => match (live.effect, tried.effect) {
                (Effect::Allow, Effect::Deny) => Flip::Lost,
                (Effect::Deny, Effect::Allow) => Flip::Gained,
                _ if live.obligations != tried.obligations => Flip::Costs,
                _ => return None,
            },
            (Err(_), Err(_)) => return None,
            (Ok(_), Err(_)) | (Err(_), Ok(_)) => Flip::Unjudged,
        };
        let rule = |decided: &Result<Decision, Unjudged>| {
            let decided = decided.as_ref().ok()?;
            decided.rules.first().copied()
        };
        let difference = Difference {
            live: rule(live),
            candidate: rule(tried),
            flip,
        };
        self.differences.note(difference, values, who, now_ms);
        Some(difference)
    }
}
