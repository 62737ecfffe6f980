//! The steps that change which policy decides, and for whom.

use super::{Ledger, demanding, misplaced};
use crate::lifecycle::bundle::BundleId;
use crate::lifecycle::change::{Canary, ChangeId, Kind, Stage};
use crate::lifecycle::reach::LONGEST_EMERGENCY_MS;
use crate::lifecycle::record::{Emergency, Record};
use crate::lifecycle::refusal::Refused;

impl Ledger {
    pub(super) fn found(&mut self, record: &Record, bundle: BundleId) -> Result<(), Refused> {
        if !self.changes.is_empty() {
            return Err(Refused::Founded);
        }
        self.insert(record, bundle, None, Kind::Founding, Stage::Live)?;
        self.edit(record.change, |change| change.settled = true);
        self.lived.push(record.change);
        Ok(())
    }

    pub(super) fn canary(&mut self, id: ChangeId, canary: &Canary) -> Result<(), Refused> {
        canary.check()?;
        self.try_out(id, Stage::Canary(canary.clone()))
    }

    /// Shadow and canary alike come after approval: a canary decides for real, and a shadow shows what
    /// it would have decided for real people.
    pub(super) fn try_out(&mut self, id: ChangeId, stage: Stage) -> Result<(), Refused> {
        self.advances(id)?;
        self.candidate = Some(id);
        self.edit(id, |change| change.stage = stage);
        Ok(())
    }

    pub(super) fn promote(&mut self, id: ChangeId) -> Result<(), Refused> {
        self.advances(id)?;
        self.candidate = None;
        self.retire(Stage::Superseded);
        // An emergency that nobody approved is nothing to return to.
        if self.live().is_ok_and(|live| !live.settled) {
            self.lived.pop();
        }
        self.lived.push(id);
        self.edit(id, |change| {
            change.stage = Stage::Live;
            change.settled = true;
        });
        Ok(())
    }

    pub(super) fn take_back(&mut self, id: ChangeId, why: &str) -> Result<(), Refused> {
        let change = self.change(id)?;
        if !matches!(change.stage, Stage::Shadow | Stage::Canary(_)) {
            return Err(misplaced(change, "`shadow` or `canary`"));
        }
        self.candidate = None;
        let why = why.to_owned();
        self.edit(id, |change| change.stage = Stage::RolledBack { why });
        Ok(())
    }

    pub(super) fn emergency(&mut self, record: &Record, begun: &Emergency) -> Result<(), Refused> {
        let (live, base) = (self.live()?, self.base()?);
        if let Some(owed) = self.owes_review(&record.by.id) {
            return Err(Refused::ReviewOwed(owed));
        }
        let (id, follows) = (record.change, !live.settled);
        if base.bundle != begun.parent {
            return Err(Refused::NeedsRebase {
                change: id,
                parent: begun.parent,
                live: base.bundle,
            });
        }
        if begun.bundle == live.bundle || begun.bundle == begun.parent {
            return Err(Refused::NothingChanges);
        }
        demanding(id, &begun.needed)?;
        let since_ms = self.since(record.at_ms)?;
        let latest_ms = since_ms.saturating_add(LONGEST_EMERGENCY_MS);
        let until_ms = begun.until_ms;
        if begun.since_ms != since_ms || until_ms <= record.at_ms || until_ms > latest_ms {
            return Err(Refused::EmergencyTime {
                after_ms: record.at_ms,
                latest_ms,
            });
        }
        let kind = Kind::Emergency { since_ms, until_ms };
        let parent = Some(begun.parent);
        self.insert(record, begun.bundle, parent, kind, Stage::Live)?;
        self.pause();
        self.retire(Stage::Superseded);
        if follows {
            self.lived.pop();
        }
        self.lived.push(id);
        self.edit(id, |change| {
            change.reach = Some(begun.reach.clone());
            change.needed = Some(begun.needed.clone());
            change.review_owed = true;
        });
        Ok(())
    }

    pub(super) fn expire(&mut self, id: ChangeId, at_ms: u64) -> Result<(), Refused> {
        if self.run_out(at_ms) != Some(id) {
            return Err(Refused::NotDue(id));
        }
        let base = self.before()?.id;
        self.pause();
        self.lived.pop();
        self.edit(id, |change| change.stage = Stage::Expired);
        self.edit(base, |change| change.stage = Stage::Live);
        Ok(())
    }

    pub(super) fn restore(
        &mut self,
        record: &Record,
        bundle: BundleId,
        parent: BundleId,
    ) -> Result<(), Refused> {
        self.stands_on(record.change, parent)?;
        if self.before()?.bundle != bundle {
            let live = self.before()?.bundle;
            return Err(Refused::NeedsRebase {
                change: record.change,
                parent: bundle,
                live,
            });
        }
        self.insert(record, bundle, Some(parent), Kind::Rollback, Stage::Live)?;
        self.pause();
        let why = record.reason.clone();
        self.retire(Stage::RolledBack { why });
        // The one returned to stays superseded: its place is taken by the return, so that the next
        // return goes one further back.
        self.lived.pop();
        self.lived.pop();
        self.lived.push(record.change);
        self.edit(record.change, |change| change.settled = true);
        Ok(())
    }

    /// Whether a change may go into shadow, canary or live now.
    pub(super) fn advances(&self, id: ChangeId) -> Result<(), Refused> {
        let change = self.change(id)?;
        if change.stage == Stage::Review {
            return Err(Refused::Approvals {
                change: id,
                have: change.approvals.len(),
                needed: change.needed.as_ref().map_or(1, |needed| needed.approvals),
                missing: change.missing(),
            });
        }
        if !matches!(
            change.stage,
            Stage::Approved | Stage::Shadow | Stage::Canary(_)
        ) {
            return Err(misplaced(change, "`approved`, `shadow` or `canary`"));
        }
        self.on_live(change)?;
        match self.candidate {
            Some(other) if other != id => Err(Refused::CandidateBusy(other)),
            Some(_) | None => Ok(()),
        }
    }

    /// Gives the live change another stage.
    pub(super) fn retire(&mut self, stage: Stage) {
        if let Some(live) = self.lived.last().copied() {
            self.edit(live, |change| change.stage = stage);
        }
    }

    /// What is live changes below a candidate, which must not decide on top of something else. It stays
    /// approved: it may go on where its parent is live again.
    pub(super) fn pause(&mut self) {
        if let Some(candidate) = self.candidate.take() {
            self.edit(candidate, |change| change.stage = Stage::Approved);
        }
    }
}
