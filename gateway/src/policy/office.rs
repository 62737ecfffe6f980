//! Where policy changes are kept and put into force: the record of changes, and the snapshot that follows it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hangu_policy::lifecycle::registry::Due;
use hangu_policy::lifecycle::rollout::Mode;
use hangu_policy::lifecycle::rollout::successes::{PLACES, Successes};
use hangu_policy::lifecycle::rollout::watch::Verdict;
use hangu_policy::lifecycle::store::sqlite::SqliteStore;
use hangu_policy::lifecycle::{
    Actor, Anchor, Bundle, Canary, ChangeId, Failed, Refused, Registry, Rollout, SigningKey, Stage,
};
use hangu_policy::{Said, said};

use crate::config::{self, Mistake, unreadable, unusable};
use crate::gateway::Gateway;
use crate::keys;
use crate::policy::Policy;
use crate::policy::trial::Trial;
use crate::snapshot::Snapshot;

/// The record of changes.
pub type Record = Registry<SqliteStore>;

/// Why a step was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The record says why.
    #[error(transparent)]
    Failed(#[from] Failed),
    /// The policy does not fit the configuration in force.
    #[error("the policy does not fit the configuration")]
    Unfit(Vec<Mistake>),
    /// The step was taken, but its place could not be noted outside the store.
    #[error("the end of the policy record could not be noted: {0}")]
    Anchor(String),
}

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Self {
        Self::Failed(refused.into())
    }
}

/// What the gateway did by itself about a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// An emergency ran out.
    Expired(ChangeId),
    /// A candidate was taken back.
    TakenBack(ChangeId, String),
}

/// Keeps the record of changes and the policy in force together.
pub struct Office {
    /// Guards the record; whoever holds it changes the snapshot as well.
    record: Mutex<Record>,
    /// File with the end of the record, outside the store.
    anchor: PathBuf,
    /// Draws who belongs to a canary.
    lot: [u8; 32],
    successes: Arc<Successes>,
}

impl Office {
    /// Opens the record below the state folder; where there is none, it is founded with `first`.
    ///
    /// # Errors
    /// Whatever is not as it was written, or cannot be used.
    pub fn open(
        state: &Path,
        review: &config::Review,
        first: &Bundle,
        now_ms: u64,
    ) -> Result<Self, Mistake> {
        let wrong =
            |error: &dyn std::fmt::Display| Mistake::of_file(&store(state), unusable(error));
        let lot_file = state.join("keys").join("canary.key");
        let lot = keys::load_or_make(&lot_file, || keys::random(32))
            .map_err(|error| Mistake::of_file(&lot_file, unusable(&error)))?;
        let lot = <[u8; 32]>::try_from(lot.as_slice()).map_err(|_| {
            Mistake::of_file(&lot_file, said!("it should have 32 bytes", "应为 32 字节"))
        })?;
        let mut record = open_record(state, review)?;
        if record.live().is_err() {
            record
                .found(
                    first,
                    &Actor::gateway(),
                    "首次启动时的文件 · the files of the first start",
                    now_ms,
                )
                .map_err(|error| wrong(&error))?;
        }
        record.tend(now_ms).map_err(|error| wrong(&error))?;
        let office = Self {
            record: Mutex::new(record),
            anchor: anchor(state),
            lot,
            successes: Arc::new(Successes::new(PLACES)),
        };
        office
            .read(|record| office.note(record))
            .map_err(|error| wrong(&error))?;
        Ok(office)
    }

    /// The policy that the record below the state folder names as live; `None` where there is no record yet.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn live(state: &Path, review: &config::Review) -> Result<Option<Bundle>, Mistake> {
        let file = store(state);
        if !file.exists() {
            return Ok(None);
        }
        let wrong = |error: Failed| Mistake::of_file(&file, unusable(&error));
        let mut record = open_record(state, review)?;
        let Ok(live) = record.live().map(|change| change.bundle) else {
            return Ok(None);
        };
        record.bundle(&live).map(Some).map_err(wrong)
    }

    /// Reads the record.
    pub fn read<R>(&self, read: impl FnOnce(&mut Record) -> R) -> R {
        read(&mut self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether steps would be taken, and the configuration in force can serve what they lead to.
    ///
    /// # Errors
    /// Why not.
    pub fn rehearse<R>(
        &self,
        gateway: &Gateway,
        now_ms: u64,
        steps: impl FnOnce(&mut Record) -> Result<R, Fault>,
    ) -> Result<(), Fault> {
        self.read(|record| {
            record.rehearse(|record| {
                steps(record)?;
                let now = gateway.snapshot.load();
                let Some(next) = self.following(&now, record, now_ms)? else {
                    return Ok(());
                };
                let candidate = next.candidate.as_ref();
                for policy in [&next.live].into_iter().chain(candidate) {
                    now.fits(policy).map_err(Fault::Unfit)?;
                }
                Ok(())
            })
        })
    }

    /// Takes steps and puts what they lead to into force. It waits for the disk.
    ///
    /// # Errors
    /// Where a step may not be taken, nothing has changed.
    pub fn act<R>(
        &self,
        gateway: &Gateway,
        now_ms: u64,
        steps: impl FnOnce(&mut Record) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        self.read(|record| {
            let done = steps(record);
            // Several steps may have been taken before one was refused.
            let noted = self.note(record);
            let enforced = self.enforce(gateway, record, now_ms);
            let done = done?;
            enforced.and(noted).map(|()| done)
        })
    }

    /// Compiles a policy and holds it against the configuration in force.
    ///
    /// # Errors
    /// Every mistake.
    pub fn suits(gateway: &Gateway, bundle: Bundle) -> Result<(), Fault> {
        let now = gateway.snapshot.load();
        let policy = Policy::compile(bundle, Some(&now.policy)).map_err(Fault::Unfit)?;
        now.fits(&policy).map_err(Fault::Unfit)
    }

    /// Puts what the record asks for into a snapshot that is about to be served first.
    ///
    /// # Errors
    /// What of it cannot be served.
    pub fn first(&self, snapshot: Snapshot, now_ms: u64) -> Result<Snapshot, Vec<Mistake>> {
        let wrong = |error: Fault| match &error {
            Fault::Unfit(mistakes) => mistakes.clone(),
            Fault::Failed(_) | Fault::Anchor(_) => {
                vec![Mistake::of_file(&self.anchor, unusable(&error))]
            }
        };
        let next = self
            .read(|record| self.following(&snapshot, record, now_ms))
            .map_err(wrong)?;
        let Some(next) = next else {
            return Ok(snapshot);
        };
        for policy in [&next.live].into_iter().chain(&next.candidate) {
            snapshot.fits(policy)?;
        }
        Ok(snapshot.with_trial(Arc::new(next)))
    }

    /// Swaps the snapshot where the record has moved on. It does so even where the configuration does not fit, and
    /// says so: the record names what was approved, and what it replaces is no longer that.
    fn enforce(&self, gateway: &Gateway, record: &mut Record, now_ms: u64) -> Result<(), Fault> {
        let _alone = gateway
            .changing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let now = gateway.snapshot.load_full();
        let Some(next) = self.following(&now, record, now_ms)? else {
            return Ok(());
        };
        for mistake in now.fits(&next.live).err().into_iter().flatten() {
            tracing::error!(%mistake, "the live policy does not fit the configuration");
        }
        let (revision, bundle) = (&next.live.revision, &next.live.bundle_id);
        tracing::info!(%revision, %bundle, "policy in force");
        gateway
            .snapshot
            .store(Arc::new(now.with_trial(Arc::new(next))));
        Ok(())
    }

    /// What the record asks for at a time; none where it is in force already.
    ///
    /// An emergency that has run out is not asked for any more, whether or not its end could be written down.
    fn following(
        &self,
        now: &Snapshot,
        record: &mut Record,
        now_ms: u64,
    ) -> Result<Option<Trial>, Fault> {
        let over = ends(record, now_ms);
        let live = if over {
            let before = record.lived().nth(1).ok_or(Refused::NothingBefore)?;
            before.bundle
        } else {
            record.live()?.bundle
        };
        let tried = record.candidate().filter(|_| !over).map(|change| {
            let mode = if let Stage::Canary(canary) = &change.stage {
                Mode::Canary(canary.clone())
            } else {
                Mode::Shadow
            };
            (change.id, change.bundle, mode)
        });
        let present = now.trial.as_ref();
        let same = present.is_some_and(|trial| {
            let candidate = trial
                .rollout
                .candidate()
                .map(|(id, mode)| (id, mode.clone()));
            let wanted = tried.as_ref().map(|(id, _, mode)| (*id, mode.clone()));
            trial.live.bundle_id == live && candidate == wanted
        });
        if same {
            return Ok(None);
        }
        let known = [&now.policy].into_iter();
        let known = known.chain(present.and_then(|trial| trial.candidate.as_ref()));
        let mut compiled = |id| -> Result<Arc<Policy>, Fault> {
            if let Some(policy) = known.clone().find(|policy| policy.bundle_id == id) {
                return Ok(Arc::clone(policy));
            }
            let policy =
                Policy::compile(record.bundle(&id)?, Some(&now.policy)).map_err(Fault::Unfit)?;
            Ok(Arc::new(policy))
        };
        let live = compiled(live)?;
        let mut rollout = Rollout::steady(Arc::clone(&live.compiled), Arc::clone(&self.successes));
        let mut candidate = None;
        if let Some((id, bundle, mode)) = tried {
            let tried = compiled(bundle)?;
            let review = now.configuration.policy.review.as_ref();
            let limits = review.map_or_else(Default::default, |review| review.rollback);
            rollout =
                rollout.with_candidate(id, Arc::clone(&tried.compiled), mode, &self.lot, limits);
            candidate = Some(tried);
        }
        Ok(Some(Trial {
            rollout,
            live,
            candidate,
        }))
    }

    /// Does what time and the candidate's refusals ask for, and tells what was written down. It waits for the disk.
    ///
    /// What cannot be written is out of force all the same, and written with the next attempt.
    pub fn tend(&self, gateway: &Gateway, now_ms: u64) -> Vec<Done> {
        let mut done = Vec::new();
        let trial = gateway.snapshot.load().trial.clone();
        let verdict = trial.as_ref().and_then(|trial| {
            let (id, _) = trial.rollout.candidate()?;
            let Verdict::RollBack { why } = trial.rollout.verdict()?;
            Some((id, why.to_string()))
        });
        if verdict.is_none() && !self.read(|record| ends(record, now_ms)) {
            return done;
        }
        let tended = self.act(gateway, now_ms, |record| {
            let taken_back = verdict.map_or(Ok(()), |(id, why)| {
                record.take_back(id, &Actor::gateway(), &why, now_ms)?;
                done.push(Done::TakenBack(id, why));
                Ok(())
            });
            let ended = record.tend(now_ms)?;
            done.extend(ended.map(Done::Expired));
            taken_back
        });
        if let Err(error) = tended {
            tracing::error!(%error, "the record of policy changes could not be written");
        }
        done
    }

    /// Takes over settings from a new configuration.
    pub fn configure(&self, review: &config::Review) {
        self.read(|record| record.configure(review.approval.clone()));
    }

    fn note(&self, record: &mut Record) -> Result<(), Fault> {
        let anchor = record.anchor();
        let text = serde_json::to_vec(&anchor).map_err(|error| Fault::Anchor(error.to_string()))?;
        keys::write_private(&self.anchor, &text).map_err(|error| Fault::Anchor(error.to_string()))
    }
}

/// Lets a change decide for some.
///
/// # Errors
/// A share or departments that cannot be.
pub fn canary(departments: Vec<String>, share: u8) -> Result<Canary, Fault> {
    Ok(Canary::new(departments, share)?)
}

/// Whether the live policy is an emergency that has run out.
fn ends(record: &Record, now_ms: u64) -> bool {
    let due = record.due(now_ms);
    due.iter().any(|due| matches!(due, Due::Ends { .. }))
}

/// The file of the record.
fn store(state: &Path) -> PathBuf {
    state.join("policy.db")
}

/// The file with the end of the record.
fn anchor(state: &Path) -> PathBuf {
    state.join("policy.anchor")
}

/// Opens the record and verifies all of it.
fn open_record(state: &Path, review: &config::Review) -> Result<Record, Mistake> {
    let file = store(state);
    let wrong = |error: &dyn std::fmt::Display| Mistake::of_file(&file, unusable(error));
    let key_file = state.join("keys").join("policy.key");
    let key = keys::load_or_make(&key_file, || {
        SigningKey::generate_pkcs8().map_err(|error| error.to_string())
    })
    .map_err(|error| Mistake::of_file(&key_file, unusable(&error)))?;
    let key = SigningKey::from_pkcs8(&key)
        .map_err(|error| Mistake::of_file(&key_file, unusable(&error)))?;
    let noted = read_anchor(&anchor(state))?;
    let store = SqliteStore::open(&file).map_err(|error| wrong(&error))?;
    Registry::open(store, key, &[], review.approval.clone(), noted).map_err(|error| wrong(&error))
}

fn read_anchor(file: &Path) -> Result<Option<Anchor>, Mistake> {
    let wrong = |said: Said| Mistake::of_file(file, said);
    match fs::read(file) {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| {
            wrong(said!(
                "it does not tell the end of the policy record: {error}",
                "其中没有记明策略记录的末尾：{error}"
            ))
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(wrong(unreadable(&error))),
    }
}
