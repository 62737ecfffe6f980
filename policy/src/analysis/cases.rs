//! Tests beside the rules: what they say, and which rows and conditions they reach.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::held::{Request, facts, read, with_values};
use super::patience::Patience;
use crate::decision::{Decision, Effect};
use crate::engine::explain::conjuncts;
use crate::engine::interpret::Case as Judged;
use crate::engine::snapshot::Snapshot;
use crate::source::{Mistake, Source, size};
use crate::truth::Truth;
use crate::{Said, said};

/// A test: one line of a `*.policy-test.jsonl` file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The request, an array or an object as `decide` reads it.
    #[serde(rename = "r")]
    pub request: Json,
    /// Whether it must be allowed.
    #[serde(rename = "exp")]
    pub expected: bool,
    /// A text that the obligations of some row of the decision must hold; empty for none.
    #[serde(default, rename = "obl")]
    pub obligation: String,
    /// What it shows, for people.
    #[serde(default)]
    pub name: String,
}

/// A test that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Line in the file of tests, counted from 1.
    pub line: usize,
    /// The test's name; empty if it has none.
    pub name: String,
    /// What is wrong.
    pub message: String,
    /// What is wrong, in Chinese.
    pub message_zh: String,
}

impl Failure {
    /// What is wrong, in both languages.
    pub fn said(&self) -> Said {
        Said {
            en: self.message.clone(),
            zh: self.message_zh.clone(),
        }
    }
}

/// How much of the policy the tests reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Rows.
    pub rows: usize,
    /// Rows that some test makes apply.
    pub rows_applied: usize,
    /// Rows that none does, `file:line`.
    pub rows_missed: Vec<String>,
    /// Conditions of rows, taken apart.
    pub conditions: usize,
    /// Conditions that tests saw true and saw false where everything before them held.
    pub conditions_both_ways: usize,
    /// The others, as `file:line: condition (only true)`.
    pub conditions_missed: Vec<String>,
}

/// What the tests say.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Tests that were run.
    pub run: usize,
    /// Those that do not hold.
    pub failures: Vec<Failure>,
    /// What they reach.
    pub coverage: Coverage,
}

/// Reads a file of tests: one JSON object a line, each with the number of its line. Blank lines are passed over.
///
/// # Errors
///
/// Every line that is no test.
pub fn read_all(source: Source<'_>) -> Result<Vec<(usize, Case)>, Vec<Mistake>> {
    let (mut cases, mut mistakes) = (Vec::new(), Vec::new());
    let lines = source.text.lines().enumerate();
    for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        match serde_json::from_str(line) {
            Ok(case) => cases.push((number + 1, case)),
            Err(error) => mistakes.push(Mistake::new(
                source.name,
                (size(number + 1), size(error.column())),
                said!("{error}", "这一行不是用例：{error}"),
                said!(
                    r#"write {{"r": request, "exp": true or false, "obl": "text"}}"#,
                    r#"写成 `{{"r": 请求, "exp": true 或 false, "obl": "文本"}}`"#
                ),
            )),
        }
    }
    if mistakes.is_empty() {
        Ok(cases)
    } else {
        Err(mistakes)
    }
}

/// Runs tests and measures what they reach.
pub fn run(snapshot: &Snapshot, cases: &[(usize, Case)]) -> Report {
    let patience = Patience::endless();
    Report {
        run: cases.len(),
        failures: failures_within(snapshot, cases, &patience),
        coverage: coverage_within(snapshot, cases, &patience),
    }
}

/// Runs tests; those that do not hold.
pub fn failures(snapshot: &Snapshot, cases: &[(usize, Case)]) -> Vec<Failure> {
    failures_within(snapshot, cases, &Patience::endless())
}

/// As [`failures`], as far as the patience goes.
pub(crate) fn failures_within(
    snapshot: &Snapshot,
    cases: &[(usize, Case)],
    patience: &Patience<'_>,
) -> Vec<Failure> {
    let mut failures = Vec::new();
    for (line, case) in cases.iter().take_while(|_| !patience.is_lost()) {
        let verdict = read(snapshot.policy(), &case.request)
            .and_then(|request| verdict(snapshot, case, &request));
        if let Err(said) = verdict {
            failures.push(Failure {
                line: *line,
                name: case.name.clone(),
                message: said.en,
                message_zh: said.zh,
            });
        }
    }
    failures
}

/// Whether one test holds; the error says why not.
fn verdict(snapshot: &Snapshot, case: &Case, request: &Request) -> Result<(), Said> {
    let decision = with_values(snapshot.policy(), request, |values| snapshot.decide(values));
    let decision = decision.map_err(|error| error.said())?;
    let allowed = decision.effect == Effect::Allow;
    if allowed != case.expected {
        let rows = places(snapshot, &decision);
        let by = match rows.as_slice() {
            [] => said!("no row", "没有适用的规则"),
            rows => Said {
                en: rows.join(", "),
                zh: rows.join("、"),
            },
        };
        return Err(if allowed {
            said!("expected denied, is allowed by {by}", "应拒绝，实为放行，依据：{by}"; by = by)
        } else {
            said!("expected allowed, is denied by {by}", "应放行，实为拒绝，依据：{by}"; by = by)
        });
    }
    let column = snapshot.policy().model.obligation_field;
    let holds = |wanted: &str| {
        decision.rules.iter().any(|id| {
            column.is_some_and(|column| {
                snapshot
                    .policy()
                    .rules
                    .field(id.0 as usize, column)
                    .contains(wanted)
            })
        })
    };
    if !case.obligation.is_empty() && !holds(&case.obligation) {
        return Err(said!(
            "no row of the decision asks for `{}`",
            "判定依据的规则都没有附带 `{}`",
            case.obligation
        ));
    }
    Ok(())
}

/// Whether every test holds.
pub(super) fn hold(snapshot: &Snapshot, cases: &[(usize, Case)]) -> bool {
    cases.iter().all(|(_, case)| {
        read(snapshot.policy(), &case.request)
            .is_ok_and(|request| verdict(snapshot, case, &request).is_ok())
    })
}

fn places(snapshot: &Snapshot, decision: &Decision) -> Vec<String> {
    let rows = decision.rules.iter().filter_map(|id| snapshot.rule(*id));
    rows.map(|row| format!("{}:{}", row.file, row.line))
        .collect()
}

/// What tests reach, as far as the patience goes.
pub(crate) fn coverage_within(
    snapshot: &Snapshot,
    cases: &[(usize, Case)],
    patience: &Patience<'_>,
) -> Coverage {
    let policy = snapshot.policy();
    let requests: Vec<Request> = cases
        .iter()
        .filter_map(|(_, case)| read(policy, &case.request).ok())
        .collect();
    let mut coverage = Coverage {
        rows: policy.rules.len(),
        rows_applied: 0,
        rows_missed: Vec::new(),
        conditions: 0,
        conditions_both_ways: 0,
        conditions_missed: Vec::new(),
    };
    for row in 0..policy.rules.len() {
        if patience.is_lost() {
            break;
        }
        let Some(view) = policy.rules.view(row) else {
            continue;
        };
        let place = format!("{}:{}", view.file, view.line);
        let parts: Vec<_> = conjuncts(policy, row).collect();
        // Conditions of the row itself come from its own text and not from the matcher.
        let own = |at: usize| {
            parts.get(at).is_some_and(|part| {
                !policy
                    .model
                    .conjuncts
                    .iter()
                    .any(|known| std::ptr::eq(known, *part))
            })
        };
        let mut seen = vec![(false, false); parts.len()];
        let mut applied = false;
        for request in &requests {
            let facts = facts(request);
            let case = Judged {
                policy,
                facts: &facts,
                row,
            };
            let values: Vec<Truth> = parts.iter().map(|part| case.truth(&part.expr)).collect();
            applied |= values.iter().all(|value| *value == Truth::True);
            for (at, seen) in seen.iter_mut().enumerate() {
                let others = values.iter().enumerate().take(at);
                if others.into_iter().all(|(_, value)| *value == Truth::True) {
                    seen.0 |= values.get(at) == Some(&Truth::True);
                    seen.1 |= values.get(at) == Some(&Truth::False);
                }
            }
        }
        if applied {
            coverage.rows_applied += 1;
        } else {
            coverage.rows_missed.push(place.clone());
        }
        for (at, (part, seen)) in parts.iter().zip(&seen).enumerate() {
            if !own(at) || &*part.text == "true" {
                continue;
            }
            coverage.conditions += 1;
            let only = match seen {
                (true, true) => {
                    coverage.conditions_both_ways += 1;
                    continue;
                }
                (true, false) => "only true",
                (false, true) => "only false",
                (false, false) => "never reached",
            };
            coverage
                .conditions_missed
                .push(format!("{place}: {} ({only})", part.text));
        }
    }
    coverage
}
