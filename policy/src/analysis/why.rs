//! Why a request is decided as it is: every condition's value, and the smallest change that would allow it.

use serde::Serialize;
use serde_json::Value as Json;

use super::held::{Held, Request, allows, facts, json, read, with_values};
use super::patience::Patience;
use super::sample::Candidates;
use super::survey::Survey;
use crate::decision::{Decision, Effect};
use crate::engine::explain::{conjuncts, values};
use crate::engine::interpret::Case;
use crate::engine::snapshot::{Policy, Snapshot};
use crate::rules::view::RuleView;
use crate::truth::Truth;

/// Why a request is decided as it is.
#[derive(Debug, Serialize)]
pub struct Why<'s> {
    /// The decision itself.
    pub decision: Decision,
    /// The rows that apply, and after them those that fail the fewest conditions.
    pub rows: Vec<Account<'s>>,
    /// The smallest changes to the request that would make it an allow; empty if it is one, or if none was
    /// found among the values that the policy names.
    pub would_allow: Vec<Change>,
}

/// A row, condition by condition.
#[derive(Debug, Serialize)]
pub struct Account<'s> {
    /// The row.
    pub rule: RuleView<'s>,
    /// Whether it applies.
    pub applies: bool,
    /// How many conditions fail.
    pub failing: usize,
    /// Its conditions in order.
    pub clauses: Vec<Clause<'s>>,
}

/// A condition and its value.
#[derive(Debug, Serialize)]
pub struct Clause<'s> {
    /// As written.
    pub text: &'s str,
    /// `true`, `false` or `unknown`, which hangs on a fact that the request does not carry.
    pub value: &'static str,
    /// What it looked at: names as rules write them, and their values.
    pub saw: Vec<(String, String)>,
}

/// A change to a request.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct Change {
    /// Names as rules write them, with the present value and the one that would do.
    pub set: Vec<Setting>,
    /// The request after the change.
    pub request: Json,
}

/// One value that changes.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct Setting {
    /// The name, as in `r.ctx.aal`.
    pub name: String,
    /// What the request says.
    pub from: Json,
    /// What would do.
    pub to: Json,
}

/// Most rows that are accounted for; chosen for reading.
const SHOWN: usize = 12;

/// Explains a request, an array or an object as `decide` reads it.
///
/// # Errors
///
/// What cannot be judged.
pub fn why<'s>(snapshot: &'s Snapshot, request: &Json) -> Result<Why<'s>, String> {
    within(snapshot, request, &Patience::endless())
}

/// As [`why`], as far as the patience goes.
pub(crate) fn within<'s>(
    snapshot: &'s Snapshot,
    request: &Json,
    patience: &Patience<'_>,
) -> Result<Why<'s>, String> {
    let policy = snapshot.policy();
    let request = read(policy, request).map_err(|said| said.en)?;
    let decision = with_values(policy, &request, |values| snapshot.decide(values))
        .map_err(|e| e.to_string())?;
    let mut rows: Vec<Account<'s>> = (0..policy.rules.len())
        .take_while(|_| !patience.is_lost())
        .filter_map(|row| account(policy, &request, row))
        .collect();
    // Of rows that are as near, those that would turn the answer round come first.
    let same = |row: &Account<'_>| row.rule.effect == decision.effect;
    rows.sort_by_key(|row| (!row.applies, row.failing, same(row), row.rule.ordinal));
    rows.truncate(SHOWN.max(rows.iter().filter(|row| row.applies).count()));
    let would_allow = match decision.effect {
        Effect::Allow => Vec::new(),
        Effect::Deny => smallest(snapshot, &request, patience),
    };
    Ok(Why {
        decision,
        rows,
        would_allow,
    })
}

fn account<'s>(policy: &'s Policy, request: &[Held], row: usize) -> Option<Account<'s>> {
    let rule = policy.rules.view(row)?;
    let facts = facts(request);
    let case = Case {
        policy,
        facts: &facts,
        row,
    };
    let mut verdict = Truth::True;
    let mut clauses = Vec::new();
    for conjunct in conjuncts(policy, row) {
        let truth = case.truth(&conjunct.expr);
        verdict = verdict.and(truth);
        clauses.push(Clause {
            text: &conjunct.text,
            value: match truth {
                Truth::True => "true",
                Truth::False => "false",
                Truth::Unknown => "unknown",
            },
            saw: values(policy, &facts, row, &conjunct.expr),
        });
    }
    let applies = match rule.effect {
        Effect::Allow => verdict == Truth::True,
        Effect::Deny => verdict != Truth::False,
    };
    let failing = clauses
        .iter()
        .filter(|clause| clause.value == "false")
        .count();
    Some(Account {
        rule,
        applies,
        failing,
        clauses,
    })
}

/// Most changes that are listed.
const LISTED: usize = 5;

/// Most requests that are tried; chosen so that an answer comes within a second.
const TRIED: usize = 200_000;

/// The fewest values to change. Attributes are tried before names, since a caller can prove more and cannot
/// become somebody else.
fn smallest(snapshot: &Snapshot, request: &Request, patience: &Patience<'_>) -> Vec<Change> {
    let policy = snapshot.policy();
    let survey = Survey::new(policy);
    let allowing: Vec<usize> = (0..policy.rules.len())
        .take_while(|_| !patience.is_lost())
        .filter_map(|row| account(policy, request, row))
        .filter(|row| row.rule.effect == Effect::Allow && row.failing <= 3)
        .map(|row| row.rule.ordinal.0 as usize)
        .collect();
    let denying: Vec<usize> = (0..policy.rules.len())
        .take_while(|_| !patience.is_lost())
        .filter_map(|row| account(policy, request, row))
        .filter(|row| row.rule.effect == Effect::Deny && row.applies)
        .map(|row| row.rule.ordinal.0 as usize)
        .collect();
    let rows: Vec<usize> = allowing.into_iter().take(32).chain(denying).collect();
    let candidates = Candidates::of(&survey, &rows);
    let slots: Vec<usize> = {
        let mut slots: Vec<usize> = (0..request.len()).collect();
        let attribute = |slot: &usize| {
            policy
                .model
                .schema
                .slots
                .get(*slot)
                .is_some_and(|slot| slot.name.matches('.').count() > 1)
        };
        slots.sort_by_key(|slot| (!attribute(slot), *slot));
        slots
    };
    let mut tried = 0;
    for size in 1..=3 {
        let mut found = Vec::new();
        let mut chosen = Vec::new();
        let mut changed = request.clone();
        let mut walk = Walk {
            snapshot,
            request,
            candidates: &candidates,
            slots: &slots,
            patience,
            tried: &mut tried,
            found: &mut found,
        };
        walk.choose(size, 0, &mut chosen, &mut changed);
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

struct Walk<'a> {
    snapshot: &'a Snapshot,
    request: &'a Request,
    candidates: &'a Candidates,
    slots: &'a [usize],
    patience: &'a Patience<'a>,
    tried: &'a mut usize,
    found: &'a mut Vec<Change>,
}

impl Walk<'_> {
    fn choose(&mut self, size: usize, from: usize, chosen: &mut Vec<usize>, changed: &mut Request) {
        if size == 0 {
            *self.tried += 1;
            if allows(self.snapshot, changed) {
                self.keep(chosen, changed);
            }
            return;
        }
        for at in from..self.slots.len() {
            let Some(slot) = self.slots.get(at).copied() else {
                return;
            };
            let Some(before) = changed.get(slot).cloned() else {
                return;
            };
            let mut values = self.candidates.0.get(slot).cloned().unwrap_or_default();
            // The nearest number first: the least that a caller has to prove.
            if let Held::Int(present) = before {
                values.sort_by_key(|value| {
                    if let Held::Int(other) = value {
                        other.abs_diff(present)
                    } else {
                        u64::MAX
                    }
                });
            }
            chosen.push(slot);
            let known = self.found.len();
            for value in values {
                if value == before || *self.tried >= TRIED || self.found.len() >= LISTED {
                    continue;
                }
                if self.patience.is_lost() {
                    break;
                }
                if let Some(place) = changed.get_mut(slot) {
                    *place = value;
                }
                self.choose(size - 1, at + 1, chosen, changed);
                // One value for each choice of names is enough.
                if size == 1 && self.found.len() > known {
                    break;
                }
            }
            chosen.pop();
            if let Some(place) = changed.get_mut(slot) {
                *place = before;
            }
        }
    }

    fn keep(&mut self, chosen: &[usize], changed: &Request) {
        let policy = self.snapshot.policy();
        let setting = |slot: &usize| {
            let name = policy.model.schema.slots.get(*slot)?.name.to_string();
            let (from, to) = (self.request.get(*slot)?.json(), changed.get(*slot)?.json());
            Some(Setting { name, from, to })
        };
        let set: Vec<Setting> = chosen.iter().filter_map(setting).collect();
        let names = |change: &Change| {
            change
                .set
                .iter()
                .map(|setting| setting.name.clone())
                .collect::<Vec<_>>()
        };
        let change = Change {
            set,
            request: json(policy, changed),
        };
        if !self
            .found
            .iter()
            .any(|known| names(known) == names(&change))
        {
            self.found.push(change);
        }
    }
}
