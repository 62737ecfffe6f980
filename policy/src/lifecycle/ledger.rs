//! The state machine: what the records so far add up to, and which step may follow.
//!
//! It knows no clock, no key, no store and no settings, so that reading a store back judges every step
//! exactly as taking it did.

mod reviewed;
mod served;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::actor::{Role, reasoned};
use super::bundle::BundleId;
use super::change::{Change, ChangeId, Entry, Kind, Stage};
use super::reach::Needed;
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
            | Step::Emergency(_)
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
            Step::Emergency(begun) => self.emergency(record, begun)?,
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
}

fn misplaced(change: &Change, wanted: &'static str) -> Refused {
    Refused::Stage {
        change: change.id,
        stage: change.stage.name(),
        wanted,
    }
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
