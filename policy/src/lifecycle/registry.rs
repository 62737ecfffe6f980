//! The record of changes with its store, its key and its rules: one method for each step.

mod steps;

use super::actor::Actor;
use super::bundle::{Bundle, BundleId};
use super::chain::{bundle, read};
use super::change::{Change, ChangeId};
use super::failed::Failed;
use super::key::{PublicKey, SigningKey};
use super::ledger::Ledger;
use super::reach::{Reach, Settings};
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

/// The record of changes.
pub struct Registry<S> {
    store: S,
    key: SigningKey,
    trusted: Vec<PublicKey>,
    settings: Settings,
    ledger: Ledger,
    head: Anchor,
    /// An append failed and may have been done all the same; the store is read before the next step.
    doubt: bool,
    /// While steps are rehearsed: the bundles that they bring, which nobody keeps.
    rehearsal: Option<Vec<(BundleId, Bundle)>>,
}

/// Steps that are judged and not kept. However they end, the record is as it was.
struct Rehearsal<'a, S> {
    registry: &'a mut Registry<S>,
    before: Ledger,
}

impl<S> Drop for Rehearsal<'_, S> {
    fn drop(&mut self) {
        self.registry.ledger = std::mem::take(&mut self.before);
        self.registry.rehearsal = None;
    }
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
            ledger,
            head,
            doubt: false,
            rehearsal: None,
        })
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

    /// Takes steps and forgets them: whether they would be taken, and what they would lead to.
    ///
    /// # Errors
    ///
    /// As the steps.
    pub fn rehearse<R, E: From<Failed>>(
        &mut self,
        steps: impl FnOnce(&mut Self) -> Result<R, E>,
    ) -> Result<R, E> {
        self.sure()?;
        self.rehearsal = Some(Vec::new());
        let rehearsal = Rehearsal {
            before: self.ledger.clone(),
            registry: self,
        };
        steps(&mut *rehearsal.registry)
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
        let mut rehearsed = self.rehearsal.iter().flatten();
        if let Some((_, bundle)) = rehearsed.find(|(known, _)| known == id) {
            return Ok(bundle.clone());
        }
        let number = self.head.records;
        bundle(&mut self.store, id)?.ok_or(Failed::Lost { number, id: *id })
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
        let old = before
            .snapshot_near(after, snapshot)
            .map_err(Failed::Mistakes)?;
        let protected = &self.settings.protected;
        Ok(Reach::between(
            (&before, &old),
            (after, snapshot),
            protected,
        ))
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
        if let Some(rehearsed) = &mut self.rehearsal {
            rehearsed.extend(bundle.map(|bundle| (bundle.id(), bundle.clone())));
            self.ledger = next;
            return Ok(());
        }
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
