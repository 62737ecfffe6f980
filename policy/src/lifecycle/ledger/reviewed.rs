//! The steps from draft to approval.

use super::{Ledger, demanding, misplaced};
use crate::lifecycle::actor::Actor;
use crate::lifecycle::bundle::BundleId;
use crate::lifecycle::change::{Approval, Change, ChangeId, Kind, Stage};
use crate::lifecycle::reach::{Needed, Reach};
use crate::lifecycle::record::Record;
use crate::lifecycle::refusal::Refused;

impl Ledger {
    pub(super) fn draft(
        &mut self,
        record: &Record,
        bundle: BundleId,
        parent: BundleId,
    ) -> Result<(), Refused> {
        self.stands_on(record.change, parent)?;
        if bundle == parent {
            return Err(Refused::NothingChanges);
        }
        let parent = Some(parent);
        self.insert(record, bundle, parent, Kind::Ordinary, Stage::Draft)
    }

    pub(super) fn revise(
        &mut self,
        id: ChangeId,
        by: &Actor,
        bundle: BundleId,
        parent: BundleId,
    ) -> Result<(), Refused> {
        let change = self.authored(id, by)?;
        if !matches!(change.stage, Stage::Draft | Stage::Review | Stage::Approved) {
            return Err(misplaced(change, "`draft`, `review` or `approved`"));
        }
        self.stands_on(id, parent)?;
        if bundle == parent {
            return Err(Refused::NothingChanges);
        }
        self.edit(id, |change| {
            change.bundle = bundle;
            change.parent = Some(parent);
            change.stage = Stage::Draft;
            change.reach = None;
            change.needed = None;
            change.approvals.clear();
        });
        Ok(())
    }

    pub(super) fn submit(
        &mut self,
        id: ChangeId,
        by: &Actor,
        reach: &Reach,
        needed: &Needed,
    ) -> Result<(), Refused> {
        let change = self.authored(id, by)?;
        if change.stage != Stage::Draft {
            return Err(misplaced(change, "`draft`"));
        }
        self.on_live(change)?;
        demanding(id, needed)?;
        self.edit(id, |change| {
            change.stage = Stage::Review;
            change.reach = Some(reach.clone());
            change.needed = Some(needed.clone());
        });
        Ok(())
    }

    pub(super) fn approve(&mut self, record: &Record, bundle: BundleId) -> Result<(), Refused> {
        let (id, by) = (record.change, &record.by);
        let change = self.change(id)?;
        let emergency = change.stage == Stage::Live && change.unsettled_until().is_some();
        if change.stage != Stage::Review && !emergency {
            return Err(misplaced(change, "`review`, or a live emergency"));
        }
        if self.run_out(record.at_ms) == Some(id) {
            return Err(misplaced(change, "an emergency that has not run out"));
        }
        others(change, by)?;
        if change.bundle != bundle {
            let bundle = change.bundle;
            return Err(Refused::OtherBundle { change: id, bundle });
        }
        if change.approvals.iter().any(|given| given.by == by.id) {
            let by = by.id.clone();
            return Err(Refused::ApprovedTwice { change: id, by });
        }
        let approval = Approval {
            by: by.id.clone(),
            at_ms: record.at_ms,
            reason: record.reason.clone(),
        };
        self.edit(id, |change| {
            change.approvals.push(approval);
            if !change.is_approved() {
                return;
            }
            if emergency {
                change.settled = true;
                change.review_owed = false;
            } else {
                change.stage = Stage::Approved;
            }
        });
        Ok(())
    }

    pub(super) fn reject(&mut self, id: ChangeId, by: &Actor) -> Result<(), Refused> {
        let change = self.change(id)?;
        others(change, by)?;
        if !matches!(change.stage, Stage::Review | Stage::Approved) {
            return Err(misplaced(change, "`review` or `approved`"));
        }
        self.edit(id, |change| change.stage = Stage::Rejected);
        Ok(())
    }

    pub(super) fn withdraw(&mut self, id: ChangeId, by: &Actor) -> Result<(), Refused> {
        let change = self.authored(id, by)?;
        if !matches!(
            change.stage,
            Stage::Draft | Stage::Review | Stage::Approved | Stage::Shadow | Stage::Canary(_)
        ) {
            return Err(misplaced(change, "a stage before `live`"));
        }
        self.candidate = self.candidate.filter(|candidate| *candidate != id);
        self.edit(id, |change| change.stage = Stage::Withdrawn);
        Ok(())
    }

    pub(super) fn review(&mut self, id: ChangeId, by: &Actor) -> Result<(), Refused> {
        let change = self.change(id)?;
        others(change, by)?;
        if !change.review_owed {
            return Err(Refused::NoReviewOwed(id));
        }
        if change.stage == Stage::Live {
            return Err(misplaced(
                change,
                "an emergency that has ended; approve a live one",
            ));
        }
        self.edit(id, |change| change.review_owed = false);
        Ok(())
    }

    pub(super) fn authored(&self, id: ChangeId, by: &Actor) -> Result<&Change, Refused> {
        let change = self.change(id)?;
        if change.author == by.id {
            return Ok(change);
        }
        Err(Refused::NotAuthor {
            change: id,
            author: change.author.clone(),
        })
    }
}

fn others(change: &Change, by: &Actor) -> Result<(), Refused> {
    if change.author == by.id {
        return Err(Refused::OwnChange {
            change: change.id,
            author: change.author.clone(),
        });
    }
    Ok(())
}
