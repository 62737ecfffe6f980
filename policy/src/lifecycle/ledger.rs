//! The state machine: what the records so far add up to, and which step may follow.
//!
//! It knows no clock, no key, no store and no settings, so that reading a store back judges every step
//! exactly as taking it did.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::actor::{Actor, Role, reasoned};
use super::bundle::BundleId;
use super::change::{Approval, Canary, Change, ChangeId, Entry, Kind, Stage};
use super::reach::{LONGEST_EMERGENCY_MS, Needed, Reach};
use super::record::{Record, Step};
use super::refusal::Refused;

/// How far a clock may go back before an emergency is ended for it, in milliseconds; chosen.
const CLOCK_SLACK_MS: u64 = 5 * 60 * 1000;

/// What the records add up to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    changes: BTreeMap<ChangeId, Arc<Change>>,
    /// Changes that were live and may be returned to, the live one last.
    lived: Vec<ChangeId>,
    /// The change in shadow or canary.
    candidate: Option<ChangeId>,
}

impl Ledger {
    pub(crate) fn changes(&self) -> impl DoubleEndedIterator<Item = &Change> {
        self.changes.values().map(|change| &**change)
    }

    pub(crate) fn change(&self, id: ChangeId) -> Result<&Change, Refused> {
        self.changes
            .get(&id)
            .map(|change| &**change)
            .ok_or(Refused::Unknown(id))
    }

    pub(crate) fn live(&self) -> Result<&Change, Refused> {
        let live = self.lived.last().ok_or(Refused::NotFounded)?;
        self.change(*live)
    }

    pub(crate) fn candidate(&self) -> Option<&Change> {
        self.candidate.and_then(|id| self.change(id).ok())
    }

    /// Changes that were live and can be returned to one after the other, the live one first.
    pub(crate) fn lived(&self) -> impl Iterator<Item = &Change> {
        let known = |id: &ChangeId| self.change(*id).ok();
        self.lived.iter().rev().filter_map(known)
    }

    pub(crate) fn next(&self) -> ChangeId {
        let last = self.changes.last_key_value().map_or(0, |(id, _)| id.0);
        ChangeId(last.saturating_add(1))
    }

    /// What an emergency goes back to: the live policy, or what an emergency that is live goes back to.
    pub(crate) fn base(&self) -> Result<&Change, Refused> {
        let live = self.live()?;
        if live.settled {
            return Ok(live);
        }
        self.lived().nth(1).ok_or(Refused::NothingBefore)
    }

    /// Since when one emergency has followed another, if one begins now.
    pub(crate) fn since(&self, now_ms: u64) -> Result<u64, Refused> {
        let live = self.live()?;
        Ok(match live.kind {
            Kind::Emergency { since_ms, .. } if !live.settled => since_ms,
            Kind::Emergency { .. } | Kind::Founding | Kind::Ordinary | Kind::Rollback => now_ms,
        })
    }

    /// What a return to the policy before would bring.
    pub(crate) fn before(&self) -> Result<&Change, Refused> {
        self.lived().nth(1).ok_or(Refused::NothingBefore)
    }

    /// An emergency by this person that awaits its review, those aside that the live one follows: whoever
    /// is putting out a fire may change the hose.
    fn owes_review(&self, author: &str) -> Option<ChangeId> {
        let since = |change: &Change| match change.kind {
            Kind::Emergency { since_ms, .. } => Some(since_ms),
            Kind::Founding | Kind::Ordinary | Kind::Rollback => None,
        };
        let live = self.live().ok().filter(|live| !live.settled);
        let going_on = live.and_then(since);
        let owed = |change: &&Change| {
            change.review_owed
                && change.author == author
                && (going_on.is_none() || since(change) != going_on)
        };
        self.changes().find(owed).map(|change| change.id)
    }

    /// The live emergency, if it has run out: its end has come, or the clock went back to before its
    /// beginning and can no longer tell.
    pub(crate) fn run_out(&self, now_ms: u64) -> Option<ChangeId> {
        let live = self.live().ok()?;
        let until = live.unsettled_until()?;
        let unsure = now_ms.saturating_add(CLOCK_SLACK_MS) < live.created_ms;
        (now_ms >= until || unsure).then_some(live.id)
    }

    /// Takes one step. After a refusal the ledger is as it was.
    pub(crate) fn apply(&mut self, record: &Record) -> Result<(), Refused> {
        let (id, by) = (record.change, &record.by);
        match &record.step {
            Step::Expired | Step::Founded { .. } => by.must_be(&[Role::Gateway])?,
            Step::TakenBack => by.must_be(&[Role::SecurityAdministrator, Role::Gateway])?,
            Step::Drafted { .. }
            | Step::Revised { .. }
            | Step::Submitted { .. }
            | Step::Approved { .. }
            | Step::Rejected
            | Step::Withdrawn
            | Step::Shadowed
            | Step::Canaried(_)
            | Step::Promoted
            | Step::Emergency { .. }
            | Step::Restored { .. }
            | Step::Reviewed => by.must_be(&[Role::SecurityAdministrator])?,
        }
        reasoned(&record.reason)?;
        match &record.step {
            Step::Founded { bundle } => self.found(record, *bundle)?,
            Step::Drafted { bundle, parent } => self.draft(record, *bundle, *parent)?,
            Step::Revised { bundle, parent } => self.revise(id, by, *bundle, *parent)?,
            Step::Submitted { reach, needed } => self.submit(id, by, reach, needed)?,
            Step::Approved { bundle } => self.approve(record, *bundle)?,
            Step::Rejected => self.reject(id, by)?,
            Step::Withdrawn => self.withdraw(id, by)?,
            Step::Shadowed => self.try_out(id, Stage::Shadow)?,
            Step::Canaried(canary) => self.canary(id, canary)?,
            Step::Promoted => self.promote(id)?,
            Step::TakenBack => self.take_back(id, &record.reason)?,
            Step::Emergency { .. } => self.emergency(record)?,
            Step::Expired => self.expire(id, record.at_ms)?,
            Step::Restored { bundle, parent } => self.restore(record, *bundle, *parent)?,
            Step::Reviewed => self.review(id, by)?,
        }
        let entry = Entry {
            record: record.number,
            at_ms: record.at_ms,
            by: by.clone(),
            what: record.step.name(),
            reason: record.reason.clone(),
        };
        if let Some(change) = self.changes.get_mut(&id) {
            Arc::make_mut(change).history.push(entry);
        }
        Ok(())
    }

    fn found(&mut self, record: &Record, bundle: BundleId) -> Result<(), Refused> {
        if !self.changes.is_empty() {
            return Err(Refused::Founded);
        }
        self.insert(record, bundle, None, Kind::Founding, Stage::Live)?;
        self.edit(record.change, |change| change.settled = true);
        self.lived.push(record.change);
        Ok(())
    }

    fn draft(
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

    fn revise(
        &mut self,
        id: ChangeId,
        by: &Actor,
        bundle: BundleId,
        parent: BundleId,
    ) -> Result<(), Refused> {
        let change = self.authored(id, by)?;
        match change.stage {
            Stage::Draft | Stage::Review | Stage::Approved => {}
            _ => return Err(misplaced(change, "`draft`, `review` or `approved`")),
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

    fn submit(
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

    fn approve(&mut self, record: &Record, bundle: BundleId) -> Result<(), Refused> {
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

    fn reject(&mut self, id: ChangeId, by: &Actor) -> Result<(), Refused> {
        let change = self.change(id)?;
        others(change, by)?;
        match change.stage {
            Stage::Review | Stage::Approved => {}
            _ => return Err(misplaced(change, "`review` or `approved`")),
        }
        self.edit(id, |change| change.stage = Stage::Rejected);
        Ok(())
    }

    fn withdraw(&mut self, id: ChangeId, by: &Actor) -> Result<(), Refused> {
        let change = self.authored(id, by)?;
        match change.stage {
            Stage::Draft | Stage::Review | Stage::Approved | Stage::Shadow | Stage::Canary(_) => {}
            _ => return Err(misplaced(change, "a stage before `live`")),
        }
        self.candidate = self.candidate.filter(|candidate| *candidate != id);
        self.edit(id, |change| change.stage = Stage::Withdrawn);
        Ok(())
    }

    fn canary(&mut self, id: ChangeId, canary: &Canary) -> Result<(), Refused> {
        canary.check()?;
        self.try_out(id, Stage::Canary(canary.clone()))
    }

    /// Shadow and canary alike come after approval: a canary decides for real, and a shadow shows what
    /// it would have decided for real people.
    fn try_out(&mut self, id: ChangeId, stage: Stage) -> Result<(), Refused> {
        self.advances(id)?;
        self.candidate = Some(id);
        self.edit(id, |change| change.stage = stage);
        Ok(())
    }

    fn promote(&mut self, id: ChangeId) -> Result<(), Refused> {
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

    fn take_back(&mut self, id: ChangeId, why: &str) -> Result<(), Refused> {
        let change = self.change(id)?;
        match change.stage {
            Stage::Shadow | Stage::Canary(_) => {}
            _ => return Err(misplaced(change, "`shadow` or `canary`")),
        }
        self.candidate = None;
        let why = why.to_owned();
        self.edit(id, |change| change.stage = Stage::RolledBack { why });
        Ok(())
    }

    fn emergency(&mut self, record: &Record) -> Result<(), Refused> {
        let Step::Emergency {
            bundle,
            parent,
            since_ms,
            until_ms,
            reach,
            needed,
        } = &record.step
        else {
            return Err(Refused::NotFounded);
        };
        let (live, base) = (self.live()?, self.base()?);
        if let Some(owed) = self.owes_review(&record.by.id) {
            return Err(Refused::ReviewOwed(owed));
        }
        let (id, base_bundle, chained) = (record.change, base.bundle, !live.settled);
        if base_bundle != *parent {
            return Err(Refused::NeedsRebase {
                change: id,
                parent: *parent,
                live: base_bundle,
            });
        }
        if *bundle == live.bundle || bundle == parent {
            return Err(Refused::NothingChanges);
        }
        demanding(id, needed)?;
        let since = self.since(record.at_ms)?;
        let latest_ms = since.saturating_add(LONGEST_EMERGENCY_MS);
        if *since_ms != since || *until_ms <= record.at_ms || *until_ms > latest_ms {
            return Err(Refused::EmergencyTime {
                after_ms: record.at_ms,
                latest_ms,
            });
        }
        let kind = Kind::Emergency {
            since_ms: since,
            until_ms: *until_ms,
        };
        self.insert(record, *bundle, Some(*parent), kind, Stage::Live)?;
        self.pause();
        self.retire(Stage::Superseded);
        if chained {
            self.lived.pop();
        }
        self.lived.push(id);
        self.edit(id, |change| {
            change.reach = Some(reach.clone());
            change.needed = Some(needed.clone());
            change.review_owed = true;
        });
        Ok(())
    }

    fn expire(&mut self, id: ChangeId, at_ms: u64) -> Result<(), Refused> {
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

    fn restore(
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

    fn review(&mut self, id: ChangeId, by: &Actor) -> Result<(), Refused> {
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

    /// Whether a change may go into shadow, canary or live now.
    fn advances(&self, id: ChangeId) -> Result<(), Refused> {
        let change = self.change(id)?;
        match change.stage {
            Stage::Approved | Stage::Shadow | Stage::Canary(_) => {}
            Stage::Review => {
                return Err(Refused::Approvals {
                    change: id,
                    have: change.approvals.len(),
                    needed: change.needed.as_ref().map_or(1, |needed| needed.approvals),
                    missing: change.missing(),
                });
            }
            _ => return Err(misplaced(change, "`approved`, `shadow` or `canary`")),
        }
        self.on_live(change)?;
        match self.candidate {
            Some(other) if other != id => Err(Refused::CandidateBusy(other)),
            Some(_) | None => Ok(()),
        }
    }

    fn on_live(&self, change: &Change) -> Result<(), Refused> {
        let parent = change.parent.ok_or(Refused::NotFounded)?;
        self.stands_on(change.id, parent)
    }

    fn stands_on(&self, change: ChangeId, parent: BundleId) -> Result<(), Refused> {
        let live = self.live()?.bundle;
        if parent == live {
            return Ok(());
        }
        Err(Refused::NeedsRebase {
            change,
            parent,
            live,
        })
    }

    fn authored(&self, id: ChangeId, by: &Actor) -> Result<&Change, Refused> {
        let change = self.change(id)?;
        if change.author == by.id {
            return Ok(change);
        }
        Err(Refused::NotAuthor {
            change: id,
            author: change.author.clone(),
        })
    }

    fn insert(
        &mut self,
        record: &Record,
        bundle: BundleId,
        parent: Option<BundleId>,
        kind: Kind,
        stage: Stage,
    ) -> Result<(), Refused> {
        let id = record.change;
        if id != self.next() || self.changes.contains_key(&id) {
            return Err(Refused::Numbered(id));
        }
        let change = Change {
            id,
            bundle,
            parent,
            author: record.by.id.clone(),
            reason: record.reason.clone(),
            created_ms: record.at_ms,
            kind,
            stage,
            reach: None,
            needed: None,
            approvals: Vec::new(),
            settled: false,
            review_owed: false,
            history: Vec::new(),
        };
        self.changes.insert(id, Arc::new(change));
        Ok(())
    }

    fn edit(&mut self, id: ChangeId, edit: impl FnOnce(&mut Change)) {
        if let Some(change) = self.changes.get_mut(&id) {
            edit(Arc::make_mut(change));
        }
    }

    /// Gives the live change another stage.
    fn retire(&mut self, stage: Stage) {
        if let Some(live) = self.lived.last().copied() {
            self.edit(live, |change| change.stage = stage);
        }
    }

    /// What is live changes below a candidate, which must not decide on top of something else. It stays
    /// approved: it may go on where its parent is live again.
    fn pause(&mut self) {
        if let Some(candidate) = self.candidate.take() {
            self.edit(candidate, |change| change.stage = Stage::Approved);
        }
    }
}

fn misplaced(change: &Change, wanted: &'static str) -> Refused {
    Refused::Stage {
        change: change.id,
        stage: change.stage.name(),
        wanted,
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

/// A change without approvals is never asked for, whatever settings say.
fn demanding(id: ChangeId, needed: &Needed) -> Result<(), Refused> {
    if needed.approvals > 0 {
        return Ok(());
    }
    Err(Refused::Approvals {
        change: id,
        have: 0,
        needed: 1,
        missing: Vec::new(),
    })
}
