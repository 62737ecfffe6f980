//! Scanning: many different paths that lead nowhere, records tried one by one, and requests that inspection takes for
//! attacks.
//!
//! Whoever has signed in answers for itself: what it tries in vain is held against the caller, not against an address
//! that a whole office may share.

use super::{Detection, Seen};
use crate::bucket::{Pail, Pour};
use crate::entity::{Entity, Source};
use crate::observation::{Cause, Outcome};
use crate::rule::{Rule, Words};
use crate::settings;
use crate::table::Table;

#[derive(Debug)]
pub(super) struct Scanning {
    paths: Table<Source, Pail>,
    records: Table<String, Pail>,
    scores: Table<Source, Pail>,
}

impl Scanning {
    pub(super) fn new(watched: usize) -> Self {
        Self {
            paths: Table::new(watched),
            records: Table::new(watched),
            scores: Table::new(watched),
        }
    }

    pub(super) fn observe(
        &mut self,
        seen: &Seen<'_>,
        settings: &settings::Scanning,
        found: &mut Vec<Detection>,
    ) {
        match seen.observation.caller {
            "" => self.paths(seen, settings, found),
            caller if seen.observation.scanner => {
                self.records(seen, caller, settings, found);
                self.paths(seen, settings, found);
            }
            caller => self.records(seen, caller, settings, found),
        }
        self.scores(seen, settings, found);
    }

    pub(super) fn take_crowded(&mut self) -> bool {
        self.paths.take_crowded() | self.records.take_crowded() | self.scores.take_crowded()
    }

    fn paths(
        &mut self,
        seen: &Seen<'_>,
        settings: &settings::Scanning,
        found: &mut Vec<Detection>,
    ) {
        let (now, source) = (seen.observation.time_ms, seen.source);
        // A portal's own answer, or the scanner's own name, is evidence from outside; our refusals are not.
        let foreign = match seen.observation.outcome {
            Outcome::Allowed if matches!(seen.observation.status, 400 | 403 | 404 | 405) => true,
            Outcome::Refused {
                cause: Cause::NotFound | Cause::Malformed | Cause::Inspected,
                ..
            } => seen.observation.scanner,
            Outcome::Allowed if seen.observation.scanner => true,
            Outcome::Allowed | Outcome::Refused { .. } => return,
        };
        let weight = if seen.observation.scanner {
            settings.scanner_weight.get()
        } else {
            1
        };
        let pour = Pour {
            event: seen.observation.event,
            now,
            amount: f64::from(weight),
            thing: Some(seen.hash(seen.observation.path)),
            foreign,
        };
        let Some(pail) = self.paths.entry(&source, now, Pail::default) else {
            return;
        };
        if let Some(over) = pail.pour(pour, &settings.paths) {
            found.push(Detection {
                time_ms: now,
                rule: Rule::PathScanning,
                entity: Entity::Address(source),
                description: Words::new(
                    format!(
                        "地址 {source} 在 {} 秒内探测 {} 个不同的无效路径",
                        over.seconds, over.poured
                    ),
                    format!(
                        "{source} tried {} different paths that lead nowhere within {} s",
                        over.poured, over.seconds
                    ),
                ),
                events: over.events,
                foreign: over.foreign,
            });
        }
    }

    fn records(
        &mut self,
        seen: &Seen<'_>,
        caller: &str,
        settings: &settings::Scanning,
        found: &mut Vec<Detection>,
    ) {
        let in_vain = matches!(seen.observation.status, 403 | 404);
        if seen.observation.outcome != Outcome::Allowed || !in_vain {
            return;
        }
        let now = seen.observation.time_ms;
        let pour = Pour {
            event: seen.observation.event,
            now,
            amount: 1.0,
            thing: Some(seen.resource()),
            foreign: true,
        };
        let Some(pail) = self.records.entry(caller, now, Pail::default) else {
            return;
        };
        if let Some(over) = pail.pour(pour, &settings.records) {
            let (portal, poured, seconds) = (seen.observation.portal, over.poured, over.seconds);
            found.push(Detection {
                time_ms: now,
                rule: Rule::RecordProbing,
                entity: Entity::Caller(caller.to_owned()),
                description: Words::new(
                    format!("“{caller}”在 {seconds} 秒内试探 {poured} 项不存在或无权的记录，最近在 {portal}"),
                    format!("`{caller}` tried {poured} records that are not there or not for it within {seconds} s, lately at {portal}"),
                ),
                events: over.events,
                foreign: over.foreign,
            });
        }
    }

    fn scores(
        &mut self,
        seen: &Seen<'_>,
        settings: &settings::Scanning,
        found: &mut Vec<Detection>,
    ) {
        let findings = seen.observation.findings;
        if findings.score == 0 {
            return;
        }
        let (now, source) = (seen.observation.time_ms, seen.source);
        // One request adds half the capacity at most: one alone is never a campaign, whatever its score.
        let most = f64::from(settings.score.capacity.get()) / 2.0;
        let amount = f64::from(findings.score).min(most);
        let pour = Pour {
            event: seen.observation.event,
            now,
            amount,
            thing: None,
            foreign: true,
        };
        let Some(pail) = self.scores.entry(&source, now, Pail::default) else {
            return;
        };
        if let Some(over) = pail.pour(pour, &settings.score) {
            let kinds = findings.categories.join(", ");
            found.push(Detection {
                time_ms: now,
                rule: Rule::AttackProbing,
                entity: Entity::Address(source),
                description: Words::new(
                    format!(
                        "地址 {source} 在 {} 秒内发出 {} 个攻击请求，最近类型：{kinds}",
                        over.seconds, over.poured
                    ),
                    format!(
                        "{} attack requests from {source} within {} s, lately: {kinds}",
                        over.poured, over.seconds
                    ),
                ),
                events: over.events,
                foreign: over.foreign,
            });
        }
    }
}
