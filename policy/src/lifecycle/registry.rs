//! The record of changes with its store, its key and its rules: one method for each step.

use super::actor::Actor;
use super::bundle::{Bundle, BundleId};
use super::chain::{bundle, read};
use super::change::{Canary, Change, ChangeId};
use super::failed::Failed;
use super::key::{PublicKey, SigningKey};
use super::ledger::Ledger;
use super::reach::{LONGEST_EMERGENCY_MS, Needed, Reach, Settings};
use super::record::{Anchor, Record, Step, VERSION};
use super::refusal::Refused;
use super::store::Store;
use crate::engine::snapshot::Snapshot;

/// Something that time asks for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Due {
    /// A live emergency has run out; [`Registry::tend`] goes back to its parent.
    Ends {
        /// The emergency.
        change: ChangeId,
    },
    /// An emergency that somebody other than its author has yet to look at.
    Review {
        /// The emergency.
        change: ChangeId,
        /// When it ends or ended, in milliseconds since 1970.
        until_ms: u64,
    },
}

/// What must hold of a policy beyond loading: the mistakes, or none.
pub type Check = Box<dyn Fn(&Bundle, &Snapshot) -> Vec<String> + Send + Sync>;

/// The record of changes.
pub struct Registry<S> {
    store: S,
    key: SigningKey,
    trusted: Vec<PublicKey>,
    settings: Settings,
    check: Option<Check>,
    ledger: Ledger,
    head: Anchor,
    /// An append failed and may have been done all the same; the store is read before the next step.
    doubt: bool,
}

impl<S: Store> Registry<S> {
    /// Opens a store and verifies all of it: signatures, chain, every step, every bundle.
    ///
    /// `retired` are public keys that signed earlier records. `anchor` is a place noted outside the store
    /// after an earlier append; without one, a store that was set back as a whole cannot be told.
    ///
    /// # Errors
    ///
    /// Whatever is not as it was written, and where.
    pub fn open(
        mut store: S,
        key: SigningKey,
        retired: &[PublicKey],
        settings: Settings,
        anchor: Option<Anchor>,
    ) -> Result<Self, Failed> {
        let mut trusted = vec![key.public()?];
        trusted.extend_from_slice(retired);
        let (ledger, head) = read(&mut store, &trusted, anchor)?;
        Ok(Self {
            store,
            key,
            trusted,
            settings,
            check: None,
            ledger,
            head,
            doubt: false,
        })
    }

    /// Adds what must hold of every policy before it is reviewed or goes live in an emergency.
    #[must_use]
    pub fn with_check(mut self, check: Check) -> Self {
        self.check = Some(check);
        self
    }

    /// Reads what other processes appended meanwhile.
    ///
    /// # Errors
    ///
    /// As [`Self::open`]; what was known before stays.
    pub fn refresh(&mut self) -> Result<(), Failed> {
        let (ledger, head) = read(&mut self.store, &self.trusted, Some(self.head))?;
        (self.ledger, self.head, self.doubt) = (ledger, head, false);
        Ok(())
    }

    /// The present end of the record, to be noted outside the store.
    pub fn anchor(&self) -> Anchor {
        self.head
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Replaces the settings; changes under review keep what was asked of them.
    pub fn configure(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// The live change.
    ///
    /// # Errors
    ///
    /// [`Refused::NotFounded`] before the first policy.
    pub fn live(&self) -> Result<&Change, Refused> {
        self.ledger.live()
    }

    /// The change in shadow or canary, if there is one.
    pub fn candidate(&self) -> Option<&Change> {
        self.ledger.candidate()
    }

    /// One change.
    ///
    /// # Errors
    ///
    /// [`Refused::Unknown`].
    pub fn change(&self, id: ChangeId) -> Result<&Change, Refused> {
        self.ledger.change(id)
    }

    /// Every change, the first one first.
    pub fn changes(&self) -> impl DoubleEndedIterator<Item = &Change> {
        self.ledger.changes()
    }

    /// What was live and can be returned to one after the other, the live change first. Nothing is ever
    /// dropped from it, so it holds the last ten and all before.
    pub fn lived(&self) -> impl Iterator<Item = &Change> {
        self.ledger.lived()
    }

    /// A bundle that some change names.
    ///
    /// # Errors
    ///
    /// One that is not kept, or no longer what its name says.
    pub fn bundle(&mut self, id: &BundleId) -> Result<Bundle, Failed> {
        let number = self.head.records;
        bundle(&mut self.store, id)?.ok_or(Failed::Lost { number, id: *id })
    }

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
        self.sound(bundle)?;
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

    /// Hands a draft to review: it must load, its tests and the check must hold, and its reach tells whose
    /// approval it needs.
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
        let (bundle, parent) = (change.bundle, change.parent.ok_or(Refused::NotFounded)?);
        // Judged once with a reach that asks for least, so that nobody waits for a comparison in vain.
        self.judge(id, self.submission(Reach::none()), by, reason, now_ms)?;
        let after = self.bundle(&bundle)?;
        let snapshot = self.sound(&after)?;
        let failing = after.failing_cases(&snapshot);
        if !failing.is_empty() {
            return Err(Failed::Cases(failing));
        }
        let reach = self.reach_from(&parent, &after, &snapshot)?;
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
    /// [`Rollout`](super::rollout::Rollout).
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
        let step = |needed: Needed, reach: Reach| Step::Emergency {
            bundle: id,
            parent,
            since_ms,
            until_ms,
            reach,
            needed,
        };
        let least = Reach::none();
        let first = step(self.settings.needed(&least), least);
        self.judge(self.ledger.next(), first, by, reason, now_ms)?;
        let snapshot = self.sound(bundle)?;
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

    /// What time asks for.
    pub fn due(&self, now_ms: u64) -> Vec<Due> {
        let ends = self.ledger.run_out(now_ms);
        let reviews = self.changes().filter(|change| change.review_owed);
        let reviews = reviews.map(|change| Due::Review {
            change: change.id,
            until_ms: change.until_ms().unwrap_or(change.created_ms),
        });
        ends.map(|change| Due::Ends { change })
            .into_iter()
            .chain(reviews)
            .collect()
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
        let why = "it has run out and nobody approved it";
        self.step(id, Step::Expired, None, &gateway, why, now_ms)?;
        Ok(Some(id))
    }

    /// What a bundle would change if it replaced another; for showing it before it is submitted.
    ///
    /// # Errors
    ///
    /// A bundle that does not load, or a parent that is not kept.
    pub fn reach(&mut self, parent: &BundleId, after: &Bundle) -> Result<Reach, Failed> {
        let snapshot = after.snapshot().map_err(Failed::Mistakes)?;
        self.reach_from(parent, after, &snapshot)
    }

    fn reach_from(
        &mut self,
        parent: &BundleId,
        after: &Bundle,
        snapshot: &Snapshot,
    ) -> Result<Reach, Failed> {
        let before = self.bundle(parent)?;
        let old = before.snapshot().map_err(Failed::Mistakes)?;
        let protected = &self.settings.protected;
        Ok(Reach::between(
            (&before, &old),
            (after, snapshot),
            protected,
        ))
    }

    /// Whether a bundle may be served at all.
    fn sound(&self, bundle: &Bundle) -> Result<Snapshot, Failed> {
        let snapshot = bundle.snapshot().map_err(Failed::Mistakes)?;
        let failing = self.check.as_ref().map(|check| check(bundle, &snapshot));
        match failing {
            Some(failing) if !failing.is_empty() => Err(Failed::Statements(failing)),
            Some(_) | None => Ok(snapshot),
        }
    }

    fn sure(&mut self) -> Result<(), Failed> {
        if self.doubt { self.refresh() } else { Ok(()) }
    }

    fn begin(
        &mut self,
        step: Step,
        bundle: Option<&Bundle>,
        by: &Actor,
        reason: &str,
        now_ms: u64,
    ) -> Result<ChangeId, Failed> {
        self.sure()?;
        let id = self.ledger.next();
        self.step(id, step, bundle, by, reason, now_ms)?;
        Ok(id)
    }

    fn record(&self, id: ChangeId, step: Step, by: &Actor, reason: &str, now_ms: u64) -> Record {
        Record {
            version: VERSION,
            number: self.head.records.saturating_add(1),
            previous: self.head.hash,
            at_ms: now_ms,
            change: id,
            by: by.clone(),
            reason: reason.to_owned(),
            step,
        }
    }

    /// Whether a step would be taken.
    fn judge(
        &self,
        id: ChangeId,
        step: Step,
        by: &Actor,
        reason: &str,
        now_ms: u64,
    ) -> Result<Ledger, Refused> {
        let mut next = self.ledger.clone();
        next.apply(&self.record(id, step, by, reason, now_ms))?;
        Ok(next)
    }

    fn step(
        &mut self,
        id: ChangeId,
        step: Step,
        bundle: Option<&Bundle>,
        by: &Actor,
        reason: &str,
        now_ms: u64,
    ) -> Result<(), Failed> {
        self.sure()?;
        let record = self.record(id, step, by, reason, now_ms);
        let mut next = self.ledger.clone();
        next.apply(&record)?;
        let number = record.number;
        let sealed = record
            .seal(&self.key)
            .map_err(|source| Failed::Broken { number, source })?;
        let body = bundle.map(|bundle| (bundle.id(), bundle.encode()));
        let body = body.as_ref().map(|(id, body)| (id, body.as_slice()));
        if let Err(error) = self.store.append(&sealed, body) {
            self.doubt = true;
            return Err(error.into());
        }
        self.ledger = next;
        self.head = Anchor {
            records: number,
            hash: sealed.hash(),
        };
        Ok(())
    }
}
