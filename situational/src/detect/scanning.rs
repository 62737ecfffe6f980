//! Scanning: many different paths that lead nowhere, and requests that inspection takes for attacks.

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
    scores: Table<Source, Pail>,
}

impl Scanning {
    pub(super) fn new(watched: usize) -> Self {
        Self {
            paths: Table::new(watched),
            scores: Table::new(watched),
        }
    }

    pub(super) fn observe(
        &mut self,
        seen: &Seen<'_>,
        settings: &settings::Scanning,
        found: &mut Vec<Detection>,
    ) {
        self.paths(seen, settings, found);
        self.scores(seen, settings, found);
    }

    pub(super) fn take_crowded(&mut self) -> bool {
        self.paths.take_crowded() | self.scores.take_crowded()
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
