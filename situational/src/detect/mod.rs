//! The detectors, and the watch they keep together.

mod guessing;
mod reading;
mod refusals;
mod scanning;

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::quality::RandomState;
use serde::{Deserialize, Serialize};

use crate::distinct::Distinct;
use crate::entity::{Entity, Source};
use crate::observation::{Cause, Observation};
use crate::rule::{Rule, Words};
use crate::settings::Settings;
use crate::table::Table;

/// Time over which the callers behind an address are counted, in milliseconds.
const HOUR: u64 = 3_600_000;
/// Callers told apart behind one address; more makes no difference to what is done.
const CALLERS: usize = 256;

/// A rule that has just been met.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// When, in Unix milliseconds.
    pub time_ms: u64,
    /// Which rule.
    pub rule: Rule,
    /// About whom.
    pub entity: Entity,
    /// What happened, in a sentence.
    pub description: Words,
    /// The events that show it, oldest first; a sample if there are many.
    pub events: Vec<u64>,
    /// The share of what was counted that was not merely refused by the gateway itself, 0 to 1.
    pub foreign: f64,
}

/// The detectors with what they remember, owned by one thread.
#[derive(Debug)]
pub struct Watch {
    settings: Arc<Settings>,
    guessing: guessing::Guessing,
    scanning: scanning::Scanning,
    reading: reading::Reading,
    refusals: refusals::Refusals,
    /// Who uses an address, so that one shared by many is known as such.
    users: Table<Source, Distinct>,
    hasher: RandomState,
}

/// One observation with what every detector needs of it.
struct Seen<'a> {
    observation: &'a Observation<'a>,
    source: Source,
    hasher: &'a RandomState,
}

impl Watch {
    /// A watch that has seen nothing.
    pub fn new(settings: Arc<Settings>) -> Self {
        let watched = usize::try_from(settings.watched.get()).unwrap_or(usize::MAX);
        Self {
            settings,
            guessing: guessing::Guessing::new(watched),
            scanning: scanning::Scanning::new(watched),
            reading: reading::Reading::new(watched),
            refusals: refusals::Refusals::new(watched),
            users: Table::new(watched),
            hasher: RandomState::default(),
        }
    }

    /// Uses other thresholds from now on; what has been seen is kept. The number watched stays as it was.
    pub fn set(&mut self, settings: Arc<Settings>) {
        self.settings = settings;
    }

    /// Takes in one event and returns the rules that it completes; for almost every event none.
    pub fn observe(&mut self, observation: &Observation<'_>) -> Vec<Detection> {
        let mut found = Vec::new();
        let seen = Seen {
            observation,
            source: observation.address.into(),
            hasher: &self.hasher,
        };
        match observation.cause() {
            // What we limit, ban or break ourselves says nothing about the client that it had not said before.
            Some(Cause::Limited | Cause::Banned | Cause::Fault) => return found,
            None if !observation.caller.is_empty() => {
                let user = seen.hash(observation.caller);
                let fresh = || Distinct::new(HOUR, CALLERS);
                if let Some(users) = self.users.entry(&seen.source, observation.time_ms, fresh) {
                    users.add(user, observation.time_ms);
                }
            }
            None
            | Some(
                Cause::Denied
                | Cause::Unidentified
                | Cause::BadCredential
                | Cause::Inspected
                | Cause::Malformed
                | Cause::NotFound,
            ) => {}
        }
        self.guessing
            .observe(&seen, &self.settings.guessing, &mut found);
        self.scanning
            .observe(&seen, &self.settings.scanning, &mut found);
        self.reading
            .observe(&seen, &self.settings.reading, &mut found);
        self.refusals
            .observe(&seen, &self.settings.refusals, &mut found);
        for (part, full) in [
            ("sign-ins", self.guessing.take_crowded()),
            ("scanning", self.scanning.take_crowded()),
            ("reading", self.reading.take_crowded()),
            ("refusals", self.refusals.take_crowded()),
            ("addresses", self.users.take_crowded()),
        ] {
            if full {
                found.push(crowded(part, observation));
            }
        }
        found
    }

    /// How many different callers used the address within the last hour, up to about 256.
    pub fn callers_behind(&mut self, source: &Source, now: u64) -> u64 {
        self.users
            .get_mut(source)
            .map_or(0, |users| users.count(now))
    }
}

impl Seen<'_> {
    fn hash(&self, text: &str) -> u64 {
        self.hasher.hash_one(text)
    }

    /// What was asked for, as one number.
    fn resource(&self) -> u64 {
        self.hasher.hash_one((
            self.observation.portal,
            self.observation.path,
            self.observation.resource,
        ))
    }

    /// Who asked: the caller, or the address if nobody was identified.
    fn asker(&self) -> Entity {
        match self.observation.caller {
            "" => Entity::Address(self.source),
            caller => Entity::Caller(caller.to_owned()),
        }
    }
}

fn crowded(part: &str, observation: &Observation<'_>) -> Detection {
    Detection {
        time_ms: observation.time_ms,
        rule: Rule::WatchFull,
        entity: Entity::Gateway(part.to_owned()),
        description: Words::new(
            format!("监测“{part}”的对象数已达上限，新对象暂不监测；可调高 `watched`"),
            format!(
                "the watch on {part} has as many as it can hold and leaves out newcomers; raise `watched`"
            ),
        ),
        events: vec![observation.event],
        foreign: 0.0,
    }
}

#[cfg(test)]
mod tests;
