//! Repeated refusals: one caller refused many different things, one address with many bad credentials.

use super::{Detection, Seen};
use crate::bucket::{Pail, Pour};
use crate::entity::{Entity, Source};
use crate::observation::Cause;
use crate::rule::{Rule, Words};
use crate::settings;
use crate::table::Table;

#[derive(Debug)]
pub(super) struct Refusals {
    denied: Table<Entity, Pail>,
    rejected: Table<Source, Pail>,
}

impl Refusals {
    pub(super) fn new(watched: usize) -> Self {
        Self {
            denied: Table::new(watched),
            rejected: Table::new(watched),
        }
    }

    pub(super) fn observe(
        &mut self,
        seen: &Seen<'_>,
        settings: &settings::Refusals,
        found: &mut Vec<Detection>,
    ) {
        let (now, event) = (seen.observation.time_ms, seen.observation.event);
        let pour = Pour {
            event,
            now,
            amount: 1.0,
            thing: None,
            foreign: false,
        };
        match seen.observation.cause() {
            // A page that asks for the same thing again and again is broken, not curious.
            Some(Cause::Denied) => {
                let (asker, pour) = (
                    seen.asker(),
                    Pour {
                        thing: Some(seen.resource()),
                        ..pour
                    },
                );
                let Some(pail) = self.denied.entry(&asker, now, Pail::default) else {
                    return;
                };
                if let Some(over) = pail.pour(pour, &settings.denials) {
                    let (zone, poured, seconds) =
                        (seen.observation.zone, over.poured, over.seconds);
                    found.push(Detection {
                        time_ms: now,
                        rule: Rule::RepeatedDenials,
                        description: Words::new(
                            format!("“{asker}”在 {seconds} 秒内从 {zone} 区访问 {poured} 项不同资源，均被策略拒绝"),
                            format!("policy refused `{asker}` {poured} different things within {seconds} s, from {zone}"),
                        ),
                        entity: asker,
                        events: over.events,
                        foreign: over.foreign,
                    });
                }
            }
            // Failed passwords are counted as such.
            Some(Cause::BadCredential) if seen.observation.sign_in.is_none() => {
                let source = seen.source;
                let Some(pail) = self.rejected.entry(&source, now, Pail::default) else {
                    return;
                };
                if let Some(over) = pail.pour(pour, &settings.credentials) {
                    found.push(Detection {
                        time_ms: now,
                        rule: Rule::RejectedCredentials,
                        entity: Entity::Address(source),
                        description: Words::new(
                            format!(
                                "地址 {source} 在 {} 秒内出示 {} 次无效凭证",
                                over.seconds, over.poured
                            ),
                            format!(
                                "{} invalid credentials from {source} within {} s",
                                over.poured, over.seconds
                            ),
                        ),
                        events: over.events,
                        foreign: over.foreign,
                    });
                }
            }
            Some(
                Cause::BadCredential
                | Cause::Unidentified
                | Cause::Limited
                | Cause::Banned
                | Cause::Inspected
                | Cause::Malformed
                | Cause::NotFound
                | Cause::Fault,
            )
            | None => {}
        }
    }

    pub(super) fn take_crowded(&mut self) -> bool {
        self.denied.take_crowded() | self.rejected.take_crowded()
    }
}
