//! What people decide about findings while the gateway runs: marks, and exceptions with an end.
//!
//! ```text
//! record ─► past ─► scope (the narrowest), reach (what it would have let through)
//!                     │
//!           exception: proposed ─► approved by others ─► grants ─► inspection of every request
//! ```
//!
//! Reading order: [`exception`] is the life of one, [`scope`] where it holds, [`past`] what the record says of each
//! [`sighting`], [`mark`] what people say, [`store`] where both are kept, [`grants`] what requests read. Without its
//! store there are no exceptions.

pub mod exception;
pub mod grants;
pub mod mark;
pub mod past;
pub mod scope;
pub mod sighting;
pub mod store;
pub mod tend;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;

use self::exception::{Deed, Granted, Refused, State, Step, Terms};
use self::grants::{Grant, Grants};
use self::mark::{Mark, Verdict};
use self::past::Past;
use self::store::{Entry, Store, StoreError};
use crate::journal::Journal;

/// The store's name in the state folder.
pub const FILE: &str = "triage.db";
/// Exceptions that may wait or be in force at once. Chosen: nobody has an eye on more.
pub const MOST: usize = 1_000;

/// Marks and exceptions.
pub struct Triage {
    path: PathBuf,
    grants: Arc<Grants>,
    /// Guards the store and what is known of it alike; whoever holds it changes the grants as well.
    desk: Mutex<Desk>,
    /// Guards what was read of the record; taken for as long as it takes to read on.
    past: Mutex<Past>,
}

/// The store and what is known of it.
struct Desk {
    store: Result<Store, String>,
    book: Book,
}

/// Everything that is known.
#[derive(Debug, Default)]
pub struct Book {
    /// The last entry.
    last: u64,
    /// Exceptions by number.
    exceptions: BTreeMap<u64, Granted>,
    /// The last mark of each rule, by event.
    marks: HashMap<u64, BTreeMap<String, Mark>>,
}

/// Why something was not done.
#[derive(Debug, Error)]
pub enum Fault {
    /// There is no exception with this number.
    #[error("there is no such exception")]
    Unknown,
    /// It may not be done.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// There are too many.
    #[error("{MOST} exceptions wait or are in force; end some of them")]
    Full,
    /// The store cannot be used, so there are no exceptions.
    #[error("the store of marks and exceptions cannot be used, so no exception is in force: {0}")]
    Store(String),
}

impl Book {
    /// Exceptions by number.
    pub fn exceptions(&self) -> impl DoubleEndedIterator<Item = &Granted> {
        self.exceptions.values()
    }

    /// The exception with this number.
    ///
    /// # Errors
    /// Where there is none.
    pub fn exception(&self, id: u64) -> Result<&Granted, Fault> {
        self.exceptions.get(&id).ok_or(Fault::Unknown)
    }

    /// What was last said of a rule's finding in an event.
    pub fn mark(&self, event: u64, rule: &str) -> Option<&Mark> {
        let mark = self.marks.get(&event)?.get(rule)?;
        (mark.mark != Verdict::None).then_some(mark)
    }

    /// Every last mark.
    pub fn marks(&self) -> impl Iterator<Item = &Mark> {
        let marks = self.marks.values().flat_map(BTreeMap::values);
        marks.filter(|mark| mark.mark != Verdict::None)
    }

    fn take(&mut self, number: u64, entry: Entry) {
        self.last = number;
        match entry {
            Entry::Exception(terms) => {
                let granted = Granted {
                    id: number,
                    terms: *terms,
                    steps: Vec::new(),
                };
                self.exceptions.insert(number, granted);
            }
            Entry::Step(exception, step) => {
                if let Some(known) = self.exceptions.get_mut(&exception) {
                    known.steps.push(step);
                }
            }
            Entry::Mark(mark) => {
                let marks = self.marks.entry(mark.event).or_default();
                marks.insert(mark.rule.clone(), mark);
            }
        }
    }

    fn in_force(&self, now_ms: u64) -> impl Iterator<Item = Grant> {
        let all = self.exceptions.values();
        let held = all.filter(move |one| one.state(now_ms) == State::InForce);
        held.filter_map(|one| {
            Some(Grant {
                id: one.id,
                scope: one.terms.scope.clone(),
                exception: one.terms.scope.exception()?,
                until_ms: one.terms.until_ms,
            })
        })
    }
}

impl Triage {
    /// Opens the store below a state folder and puts what it has into force. Where it cannot be used, nothing is in
    /// force, and every call says so.
    pub fn open(path: PathBuf, grants: Arc<Grants>, now_ms: u64) -> Self {
        let triage = Self {
            path,
            grants,
            desk: Mutex::new(Desk {
                store: Err("it was not opened".to_owned()),
                book: Book::default(),
            }),
            past: Mutex::default(),
        };
        // What is wrong is logged, and told to whoever asks.
        let _told = triage.read(now_ms, |_| ());
        triage
    }

    /// What is known now, also of what another process wrote.
    ///
    /// # Errors
    /// While the store cannot be used.
    pub fn read<R>(&self, now_ms: u64, read: impl FnOnce(&Book) -> R) -> Result<R, Fault> {
        let mut desk = self.desk();
        self.refresh(&mut desk, now_ms)?;
        Ok(read(&desk.book))
    }

    /// Whether a step could be taken now.
    ///
    /// # Errors
    /// Why not.
    pub fn may(&self, id: u64, what: Deed, by: &str, now_ms: u64) -> Result<Granted, Fault> {
        self.read(now_ms, |book| {
            let known = book.exception(id)?;
            known.may(what, by, now_ms)?;
            Ok(known.clone())
        })?
    }

    /// Takes a step; what it leads to is in force before this returns.
    ///
    /// # Errors
    /// Why not; then nothing has changed, unless the store broke down over it.
    pub fn step(&self, id: u64, step: Step) -> Result<Granted, Fault> {
        let now_ms = step.at_ms;
        let written = self.write(now_ms, |book| {
            book.exception(id)?.may(step.what, &step.by, now_ms)?;
            Ok(Entry::Step(id, step))
        });
        written?;
        self.read(now_ms, |book| book.exception(id).cloned())?
    }

    /// Whether there is room for another exception.
    ///
    /// # Errors
    /// Where there is none.
    pub fn has_room(&self, now_ms: u64) -> Result<(), Fault> {
        self.read(now_ms, |book| room(book, now_ms))?
    }

    /// Keeps an exception that waits for approval.
    ///
    /// # Errors
    /// Where there are too many, or the store broke down.
    pub fn propose(&self, terms: Terms) -> Result<Granted, Fault> {
        let now_ms = terms.created_ms;
        let id = self.write(now_ms, |book| {
            room(book, now_ms)?;
            Ok(Entry::Exception(Box::new(terms)))
        })?;
        self.read(now_ms, |book| book.exception(id).cloned())?
    }

    /// Keeps what somebody said.
    ///
    /// # Errors
    /// When the store broke down.
    pub fn mark(&self, mark: Mark) -> Result<(), Fault> {
        self.write(mark.at_ms, |_| Ok(Entry::Mark(mark)))
            .map(|_| ())
    }

    /// Notes exceptions whose time is up, and gives them.
    ///
    /// # Errors
    /// While the store cannot be used.
    pub fn expire(&self, now_ms: u64) -> Result<Vec<Granted>, Fault> {
        let overdue: Vec<u64> = self.read(now_ms, |book| {
            let overdue = book.exceptions().filter(|one| one.is_overdue(now_ms));
            overdue.map(|one| one.id).collect()
        })?;
        let expire = |id| {
            let step = Step {
                what: Deed::Expire,
                by: "gateway".to_owned(),
                reason: "已到期 · its time is up".to_owned(),
                at_ms: now_ms,
            };
            self.step(id, step)
        };
        overdue.into_iter().map(expire).collect()
    }

    /// Looks at what was recorded, up to now.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn past<R>(
        &self,
        journal: &Journal,
        look: impl FnOnce(&Past) -> R,
    ) -> Result<R, hangu_audit::ReadError> {
        let mut past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        past.look(journal)?;
        Ok(look(&past))
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends what `entry` makes of all that is known, and gives its number.
    fn write(
        &self,
        now_ms: u64,
        entry: impl FnOnce(&Book) -> Result<Entry, Fault>,
    ) -> Result<u64, Fault> {
        let mut desk = self.desk();
        self.refresh(&mut desk, now_ms)?;
        let entry = entry(&desk.book)?;
        let last = desk.book.last;
        let Ok(store) = &mut desk.store else {
            return Err(Fault::Store("it was closed".to_owned()));
        };
        match store.append(last, &entry) {
            Ok(number) => {
                desk.book.take(number, entry);
                self.grants.put(desk.book.in_force(now_ms));
                Ok(number)
            }
            // Whoever asks again finds what the other process wrote.
            Err(error @ StoreError::Conflict) => Err(Fault::Store(error.to_string())),
            Err(error) => Err(self.broken(&mut desk, &error)),
        }
    }

    /// Reads what is new in the store, and opens it anew where it was broken.
    fn refresh(&self, desk: &mut Desk, now_ms: u64) -> Result<(), Fault> {
        if desk.store.is_err() {
            match Store::open(&self.path) {
                Ok(store) => desk.store = Ok(store),
                Err(error) => return Err(self.broken(desk, &error)),
            }
        }
        let last = desk.book.last;
        let read = match &mut desk.store {
            Ok(store) => store.after(last),
            Err(why) => return Err(Fault::Store(why.clone())),
        };
        match read {
            Ok(new) if new.is_empty() => Ok(()),
            Ok(new) => {
                for (number, entry) in new {
                    desk.book.take(number, entry);
                }
                self.grants.put(desk.book.in_force(now_ms));
                Ok(())
            }
            Err(error) => Err(self.broken(desk, &error)),
        }
    }

    /// Takes every exception out of force: what cannot be read back is not relied on.
    fn broken(&self, desk: &mut Desk, error: &StoreError) -> Fault {
        let why = format!("{}: {error}", self.path.display());
        if !matches!(&desk.store, Err(known) if *known == why) {
            tracing::error!(%error, path = %self.path.display(), "marks and exceptions cannot be read; no exception is in force");
        }
        desk.book = Book::default();
        desk.store = Err(why.clone());
        self.grants.put([]);
        Fault::Store(why)
    }
}

fn room(book: &Book, now_ms: u64) -> Result<(), Fault> {
    let open = |one: &&Granted| matches!(one.state(now_ms), State::Pending | State::InForce);
    if book.exceptions().filter(open).count() < MOST {
        Ok(())
    } else {
        Err(Fault::Full)
    }
}

#[cfg(test)]
mod tests;
