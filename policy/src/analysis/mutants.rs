//! Small faults put into a policy on purpose: tests that are worth something notice them.

use serde::Serialize;
use serde_json::Value as Json;

use super::cases::{Case, hold};
use super::change::flip;
use super::patience::Patience;
use crate::decision::Effect;
use crate::engine::plan::Guard;
use crate::engine::snapshot::Snapshot;
use crate::source::{Dialect, Mistake, Source};

/// A fault that no test notices.
#[derive(Debug, Clone, Serialize)]
pub struct Survivor {
    /// File of the row.
    pub file: String,
    /// Its line.
    pub line: u32,
    /// What was changed.
    pub change: String,
    /// A request that the fault decides otherwise; as a test it would notice. `None` if none was found, so
    /// that the fault may make no difference.
    pub sample: Option<Json>,
}

/// What came of the faults.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Faults that were tried.
    pub tried: usize,
    /// Faults that some test noticed.
    pub noticed: usize,
    /// The others.
    pub survivors: Vec<Survivor>,
    /// Faults beyond the limit, which were not tried.
    pub left_out: usize,
}

/// Most faults that are tried; chosen so that a policy of a few hundred rows takes seconds.
const MOST: usize = 3_000;

/// Puts one fault after the other into a policy and runs the tests on each: a row removed, its effect turned
/// round, a column opened, a condition dropped, a role taken away.
///
/// # Errors
///
/// Mistakes in the model or the rules as they stand.
pub fn mutate(
    model: Source<'_>,
    rules: &[Source<'_>],
    cases: &[(usize, Case)],
) -> Result<Report, Vec<Mistake>> {
    let snapshot = Snapshot::load(model, rules, Dialect::Strict)?;
    Ok(within(&snapshot, model, cases, &Patience::endless()))
}

/// As [`mutate`], of a policy that is loaded, as far as the patience goes.
pub(crate) fn within(
    snapshot: &Snapshot,
    model: Source<'_>,
    cases: &[(usize, Case)],
    patience: &Patience<'_>,
) -> Report {
    let table = Table::of(snapshot);
    let mut report = Report {
        tried: 0,
        noticed: 0,
        survivors: Vec::new(),
        left_out: 0,
    };
    table.each_fault(snapshot, &mut |at, change, fields| {
        if report.tried >= MOST || patience.is_lost() {
            report.left_out += 1;
            return;
        }
        let text = table.with(at, fields.as_deref());
        let source = Source {
            name: "faulty",
            text: &text,
        };
        // A fault that no longer loads shows nothing about the tests.
        let Ok(faulty) = Snapshot::load(model, &[source], Dialect::Strict) else {
            return;
        };
        report.tried += 1;
        if !hold(&faulty, cases) {
            report.noticed += 1;
            return;
        }
        let Some(line) = table.lines.get(at) else {
            return;
        };
        report.survivors.push(Survivor {
            file: line.file.clone(),
            line: line.line,
            change,
            sample: line.rule.and_then(|row| flip(snapshot, &faulty, row)),
        });
    });
    report
}

/// A policy as rows that can be written again.
struct Table {
    lines: Vec<Written>,
}

struct Written {
    kind: String,
    fields: Vec<String>,
    file: String,
    line: u32,
    /// Its place among the rules; `None` for a role.
    rule: Option<usize>,
}

/// Takes a row's place, what is done to it, and its fields afterwards; `None` if it is taken away.
type TakeFault<'a> = &'a mut dyn FnMut(usize, String, Option<Vec<String>>);

impl Table {
    fn of(snapshot: &Snapshot) -> Self {
        let owned = |fields: &[&str]| fields.iter().map(|field| (*field).to_owned()).collect();
        let rules = snapshot.rules().map(|row| Written {
            kind: "p".to_owned(),
            fields: owned(&row.fields),
            file: row.file.to_owned(),
            line: row.line,
            rule: Some(row.ordinal.0 as usize),
        });
        let roles = snapshot.roles().map(|row| Written {
            kind: row.section.to_owned(),
            fields: owned(&row.fields),
            file: row.file.to_owned(),
            line: row.line,
            rule: None,
        });
        Self {
            lines: rules.chain(roles).collect(),
        }
    }

    /// The whole text with one row changed or taken away.
    fn with(&self, at: usize, fields: Option<&[String]>) -> String {
        let mut text = String::new();
        for (known, line) in self.lines.iter().enumerate() {
            let fields = if known == at {
                fields
            } else {
                Some(line.fields.as_slice())
            };
            let Some(fields) = fields else { continue };
            text.push_str(&line.kind);
            for field in fields {
                text.push_str(",\"");
                text.push_str(&field.replace('"', "\"\""));
                text.push('"');
            }
            text.push('\n');
        }
        text
    }

    /// One fault after the other: all of them at once would take many times the memory of the policy.
    fn each_fault(&self, snapshot: &Snapshot, take: TakeFault<'_>) {
        let policy = snapshot.policy();
        for (at, line) in self.lines.iter().enumerate() {
            let Some(row) = line.rule else {
                take(at, "the role is taken away".to_owned(), None);
                continue;
            };
            take(at, "the row is removed".to_owned(), None);
            let with = |field: usize, text: &str| {
                let mut fields = line.fields.clone();
                if let Some(place) = fields.get_mut(field) {
                    text.clone_into(place);
                }
                fields
            };
            if let Some(column) = policy.model.effect_field {
                let denies = policy
                    .rules
                    .head(row)
                    .is_some_and(|head| head.effect == Effect::Deny);
                let mut fields = with(column, if denies { "allow" } else { "deny" });
                if let Some(place) = policy
                    .model
                    .obligation_field
                    .and_then(|column| fields.get_mut(column))
                {
                    place.clear();
                }
                take(at, "the effect is turned round".to_owned(), Some(fields));
            }
            for guard in &policy.plan.guards {
                let (Guard::Equal(pair) | Guard::Role(pair, _) | Guard::Match(pair, _)) = guard
                else {
                    continue;
                };
                let present = policy.rules.field(row, pair.field);
                let open = match (guard, pair.any.as_deref()) {
                    (_, Some(any)) => any,
                    (Guard::Match(..), None) => "/*",
                    (
                        Guard::Equal(_) | Guard::Role(..) | Guard::Condition(_) | Guard::Other,
                        None,
                    ) => continue,
                };
                if present != open {
                    let name = policy
                        .model
                        .policy
                        .get(pair.field)
                        .map_or("", |name| &**name);
                    let change = format!("`p.{name}` is `{open}` and no longer `{present}`");
                    take(at, change, Some(with(pair.field, open)));
                }
            }
            for column in &policy.model.condition_fields {
                let parts = policy
                    .rules
                    .condition(policy.rules.field(row, *column))
                    .unwrap_or_default();
                for (dropped, part) in parts
                    .iter()
                    .enumerate()
                    .filter(|(_, part)| &*part.text != "true")
                {
                    let kept: Vec<String> = parts
                        .iter()
                        .enumerate()
                        .filter(|(known, _)| *known != dropped)
                        .map(|(_, part)| format!("({})", part.text))
                        .collect();
                    let text = if kept.is_empty() {
                        "true".to_owned()
                    } else {
                        kept.join(" && ")
                    };
                    let change = format!("the condition `{}` is dropped", part.text);
                    take(at, change, Some(with(*column, &text)));
                }
            }
        }
    }
}
