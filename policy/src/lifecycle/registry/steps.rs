//! One method for each step.

use super::Registry;
use crate::lifecycle::actor::Actor;
use crate::lifecycle::bundle::{Bundle, BundleId};
use crate::lifecycle::change::{Canary, ChangeId};
use crate::lifecycle::failed::Failed;
use crate::lifecycle::reach::{LONGEST_EMERGENCY_MS, Needed, Reach};
use crate::lifecycle::record::{Emergency, Step};
use crate::lifecycle::refusal::Refused;
use crate::lifecycle::store::Store;

impl<S: Store> Registry<S> {
    /// Begins the record with the first policy, which nobody has to approve.
    ///
    /// # Errors
    ///
    /// A record that has begun, or a bundle that does not load.
    pub fn found(
        &mut self,
        bundle: &Bundle,
        by: &Actor,
        reason: &str,
        now_ms: u64,
    ) -> Result<ChangeId, Failed> {
        bundle.snapshot().map_err(Failed::Mistakes)?;
        let step = Step::Founded {
            bundle: bundle.id(),
        };
        self.begin(step, Some(bundle), by, reason, now_ms)
    }

    /// Writes a change on top of what is live. It need not load yet.
    ///
    /// # Errors
    ///
    /// [`Refused`], or a store that fails.
    pub fn draft(
        &mut self,
        bundle: &Bundle,
        by: &Actor,
        reason: &str,
        now_ms: u64,
    ) -> Result<ChangeId, Failed> {
        self.sure()?;
        let step = Step::Drafted {
            bundle: bundle.id(),
            parent: self.live()?.bundle,
        };
        self.begin(step, Some(bundle), by, reason, now_ms)
    }

    /// Writes a change anew on top of what is live; back to draft, approvals lapse.
    ///
    /// # Errors
    ///
    /// As [`Self::draft`].
    pub fn revise(
        &mut self,
        id: ChangeId,
        bundle: &Bundle,
        by: &Actor,
        reason: &str,
        now_ms: u64,
    ) -> Result<(), Failed> {
        self.sure()?;
        let step = Step::Revised {
            bundle: bundle.id(),
            parent: self.live()?.bundle,
        };
        self.step(id, step, Some(bundle), by, reason, now_ms)
    }

    /// Hands a draft to review: it must load, its tests must hold, and its reach tells whose approval it
    /// needs.
    ///
    /// # Errors
    ///
    /// As [`Self::draft`], and what the bundle does not hold.
    pub fn submit(
        &mut self,
        id: ChangeId,
        by: &Actor,
        reason: &str,
        now_ms: u64,
    ) -> Result<(), Failed> {
        self.sure()?;
        let change = self.change(id)?;
        let bundle = change.bundle;
        // Judged once with a reach that asks for least, so that nobody waits for a comparison in vain.
        self.judge(id, self.submission(Reach::none()), by, reason, now_ms)?;
        let after = self.bundle(&bundle)?;
        let snapshot = after.snapshot().map_err(Failed::Mistakes)?;
        let failing = after.failing_cases(&snapshot);
        if !failing.is_empty() {
            return Err(Failed::Cases(failing));
        }
        // On top of an emergency the comparison is with what was live before it: what nobody has approved
        // yet is approved along with this change.
        let settled = self.ledger.base()?.bundle;
        let reach = self.reach_from(&settled, &after, &snapshot)?;
        self.step(id, self.submission(reach), None, by, reason, now_ms)
    }

    fn submission(&self, reach: Reach) -> Step {
        let needed = self.settings.needed(&reach);
        Step::Submitted { reach, needed }
    }

    /// Approves the bundle that was looked at.
    ///
    /// # Errors
    ///
    /// As [`Self::draft`].
    pub fn approve(
        &mut self,
        id: ChangeId,
        bundle: &BundleId,
        by: &Actor,
        reason: &str,
        now_ms: u64,
    ) -> Result<(), Failed> {
        let step = Step::Approved { bundle: *bundle };
        self.step(id, step, None, by, reason, now_ms)
    }

    /// Refuses a change in review, for good.
    ///
    /// # Errors
    ///
    /// As [`Self::draft`].
    pub fn reject(
        &mut self,
        id: ChangeId,
        by: &Actor,
        reason: &str,
        now_ms: u64,
    ) -> Result<(), Failed> {
        self.step(id, Step::Rejected, None, by, reason, now_ms)
    }

    /// Takes back one's own change before it is live, for good.
    ///
    /// # Errors
    ///
    /// As [`Self::draft`].
    pub fn withdraw(
        &mut self,
        id: ChangeId,
        by: &Actor,
        reason: &str,
        now_ms: u64,
    ) -> Result<(), Failed> {
        self.step(id, Step::Withdrawn, None, by, reason, now_ms)
    }

    /// Puts an approved change beside the live one, for comparison only.
    ///
    /// # Errors
    ///
    /// As [`Self::draft`].
    pub fn shadow(
        &mut self,
        id: ChangeId,
        by: &Actor,
        reason: &str,
        now_ms: u64,
    ) -> Result<(), Failed> {
        self.step(id, Step::Shadowed, None, by, reason, now_ms)
    }

    /// Lets an approved change decide for some, or for others than before.
    ///
    /// # Errors
    ///
    /// As [`Self::draft`].
    pub fn canary(
        &mut self,
        id: ChangeId,
        canary: Canary,
        by: &Actor,
        reason: &str,
        now_ms: u64,
    ) -> Result<(), Failed> {
        self.step(id, Step::Canaried(canary), None, by, reason, now_ms)
    }

    /// Lets an approved change decide for everybody.
    ///
    /// # Errors
    ///
    /// As [`Self::draft`].
    pub fn promote(
        &mut self,
        id: ChangeId,
        by: &Actor,
        reason: &str,
        now_ms: u64,
    ) -> Result<(), Failed> {
        self.step(id, Step::Promoted, None, by, reason, now_ms)
    }

    /// Takes a change back from shadow or canary, for good; the gateway does so on a verdict of the
    /// [`Rollout`](crate::lifecycle::rollout::Rollout).
    ///
    /// # Errors
    ///
    /// As [`Self::draft`].
    pub fn take_back(
        &mut self,
        id: ChangeId,
        by: &Actor,
        why: &str,
        now_ms: u64,
    ) -> Result<(), Failed> {
        self.step(id, Step::TakenBack, None, by, why, now_ms)
    }

    /// Makes a policy live at once, until `until_ms` unless it is approved meanwhile. It must load and the
    /// check must hold; its tests need not. One emergency that follows another goes back to what was live
    /// before both, and ends within the time that the first one had.
    ///
    /// # Errors
    ///
    /// As [`Self::draft`].
    pub fn emergency(
        &mut self,
        bundle: &Bundle,
        until_ms: u64,
        by: &Actor,
        reason: &str,
        now_ms: u64,
    ) -> Result<ChangeId, Failed> {
        self.sure()?;
        let since_ms = self.ledger.since(now_ms)?;
        let longest = self.settings.emergency_ms.min(LONGEST_EMERGENCY_MS);
        let latest_ms = since_ms.saturating_add(longest);
        if until_ms > latest_ms {
            return Err(Refused::EmergencyTime {
                after_ms: now_ms,
                latest_ms,
            }
            .into());
        }
        let parent = self.ledger.base()?.bundle;
        let id = bundle.id();
        let step = |needed: Needed, reach: Reach| {
            Step::Emergency(Box::new(Emergency {
                bundle: id,
                parent,
                since_ms,
                until_ms,
                reach,
                needed,
            }))
        };
        let least = Reach::none();
        let first = step(self.settings.needed(&least), least);
        self.judge(self.ledger.next(), first, by, reason, now_ms)?;
        let snapshot = bundle.snapshot().map_err(Failed::Mistakes)?;
        let reach = self.reach_from(&parent, bundle, &snapshot)?;
        let step = step(self.settings.needed(&reach), reach);
        self.begin(step, Some(bundle), by, reason, now_ms)
    }

    /// Returns to the policy that was live before this one.
    ///
    /// # Errors
    ///
    /// As [`Self::draft`].
    pub fn roll_back(&mut self, by: &Actor, reason: &str, now_ms: u64) -> Result<ChangeId, Failed> {
        self.sure()?;
        let step = Step::Restored {
            bundle: self.ledger.before()?.bundle,
            parent: self.live()?.bundle,
        };
        self.begin(step, None, by, reason, now_ms)
    }

    /// Notes that somebody other than its author looked at an emergency that ended without approval.
    ///
    /// # Errors
    ///
    /// As [`Self::draft`].
    pub fn review(
        &mut self,
        id: ChangeId,
        by: &Actor,
        reason: &str,
        now_ms: u64,
    ) -> Result<(), Failed> {
        self.step(id, Step::Reviewed, None, by, reason, now_ms)
    }

    /// Ends what has run out; what comes back is the emergency that ended. The caller asks as often as an
    /// end may be late, and before anything is served.
    ///
    /// # Errors
    ///
    /// A store that fails; whoever serves must then go back to the parent without it.
    pub fn tend(&mut self, now_ms: u64) -> Result<Option<ChangeId>, Failed> {
        self.sure()?;
        let Some(id) = self.ledger.run_out(now_ms) else {
            return Ok(None);
        };
        let gateway = Actor::gateway();
        let why = "已到期且无人批准 · it has run out and nobody approved it";
        self.step(id, Step::Expired, None, &gateway, why, now_ms)?;
        Ok(Some(id))
    }
}
