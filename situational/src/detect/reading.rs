//! Mass reading: the data of many different people, read by one caller.

use std::hash::BuildHasher;

use super::{Detection, HOUR, Seen};
use crate::distinct::Distinct;
use crate::entity::Entity;
use crate::rule::{Rule, Words};
use crate::settings;
use crate::table::{Fading, Table};

const DAY: u64 = 24 * HOUR;
/// People counted exactly; above, the count is an estimate.
const EXACT: usize = 1_024;
/// The most people that one response adds when it does not say who they are; chosen, to bound the work.
const PER_RESPONSE: u32 = 20_000;
/// Events kept as evidence.
const EVENTS: usize = 24;

#[derive(Debug)]
pub(super) struct Reading {
    readers: Table<Entity, Reader>,
}

/// What one caller has read.
#[derive(Debug)]
struct Reader {
    hour: Span,
    day: Span,
    events: Vec<u64>,
}

/// The people of one window, and how many times the threshold has been told already.
#[derive(Debug)]
struct Span {
    people: Distinct,
    told: u64,
}

impl Reading {
    pub(super) fn new(watched: usize) -> Self {
        Self {
            readers: Table::new(watched),
        }
    }

    pub(super) fn observe(
        &mut self,
        seen: &Seen<'_>,
        settings: &settings::Reading,
        found: &mut Vec<Detection>,
    ) {
        let personal = seen.observation.personal;
        if personal.subjects == 0 && personal.hashes.is_empty() {
            return;
        }
        let (now, asker) = (seen.observation.time_ms, seen.asker());
        let Some(reader) = self.readers.entry(&asker, now, Reader::new) else {
            return;
        };
        if personal.hashes.is_empty() {
            // The same page again shows the same people.
            let resource = seen.resource();
            for nth in 0..personal.subjects.min(PER_RESPONSE) {
                reader.add(seen.hasher.hash_one((resource, nth)), now);
            }
        } else {
            for hash in personal.hashes {
                reader.add(seen.hasher.hash_one(hash), now);
            }
        }
        if reader.events.len() == EVENTS {
            reader.events.remove(EVENTS / 2);
        }
        reader.events.push(seen.observation.event);
        let hourly = settings
            .callers
            .get(seen.observation.caller)
            .unwrap_or(&settings.people_per_hour)
            .get();
        let daily = u64::from(hourly) * u64::from(settings.people_per_day.get())
            / u64::from(settings.people_per_hour.get());
        let windows = [
            (
                Rule::MassReading,
                &mut reader.hour,
                u64::from(hourly),
                "一小时",
                "an hour",
            ),
            (
                Rule::MassReadingDay,
                &mut reader.day,
                daily,
                "一天",
                "a day",
            ),
        ];
        for (rule, span, limit, zh, en) in windows {
            let people = span.people.count(now);
            let times = people / (limit + 1);
            if times > span.told {
                let about = if people > EXACT as u64 {
                    ("约 ", "about ")
                } else {
                    ("", "")
                };
                found.push(Detection {
                    time_ms: now,
                    rule,
                    entity: asker.clone(),
                    description: Words::new(
                        format!("“{asker}”{zh}内读取了{}{people} 人的个人信息，阈值 {limit} 人", about.0),
                        format!("`{asker}` read data of {}{people} people within {en}; the threshold is {limit}", about.1),
                    ),
                    events: reader.events.clone(),
                    foreign: 1.0,
                });
            }
            // An estimate wavers; only a clear fall makes the same number worth telling again.
            if times > span.told || people < span.told * (limit + 1) * 3 / 4 {
                span.told = times;
            }
        }
    }

    pub(super) fn take_crowded(&mut self) -> bool {
        self.readers.take_crowded()
    }
}

impl Reader {
    fn new() -> Self {
        let span = |window| Span {
            people: Distinct::new(window, EXACT),
            told: 0,
        };
        Self {
            hour: span(HOUR),
            day: span(DAY),
            events: Vec::new(),
        }
    }

    fn add(&mut self, person: u64, now: u64) {
        self.hour.people.add(person, now);
        self.day.people.add(person, now);
    }
}

impl Fading for Reader {
    fn worth(&self, now: u64) -> f64 {
        self.day.people.worth(now)
    }
}
