//! Why: the rows that applied, and those that failed one condition only.
//!
//! Every row is read by the interpreter, without the index, so an explanation is also a second opinion.

use serde::Serialize;

use super::index::{Hit, Hits};
use super::interpret::Case;
use super::snapshot::Policy;
use crate::decision::Decision;
use crate::facts::Fact;
use crate::language::expression::{Conjunct, Expr};
use crate::rules::view::RuleView;
use crate::source::size;
use crate::truth::Truth;

/// Why a request is decided as it is.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation<'s> {
    /// The decision itself.
    pub decision: Decision,
    /// Every row that applied, in the order of the files, whether or not it made the decision.
    pub matched: Vec<RuleView<'s>>,
    /// Rows that fail exactly one condition, in the order of the files.
    pub nearest: Vec<Miss<'s>>,
    /// How many more such rows there are than `nearest` holds.
    pub omitted: usize,
}

/// A row that nearly applied.
#[derive(Debug, Clone, Serialize)]
pub struct Miss<'s> {
    /// The row.
    pub rule: RuleView<'s>,
    /// The condition that it fails, as written.
    pub failed: &'s str,
    /// What this condition looked at: names as rules write them, and their values.
    pub values: Vec<(String, String)>,
}

/// Most near misses that are listed; chosen for reading.
const LISTED: usize = 32;

/// Near misses by row and position of the failed condition, and how many were left out.
#[derive(Default)]
pub(crate) struct Near {
    misses: Vec<(usize, usize)>,
    omitted: usize,
}

pub(crate) fn read(policy: &Policy, facts: &[Fact<'_>]) -> (Hits, Near) {
    let (mut hits, mut near) = (Hits::default(), Near::default());
    for row in 0..policy.rules.len() {
        let Some(head) = policy.rules.head(row) else {
            continue;
        };
        let case = Case { policy, facts, row };
        let mut verdict = Truth::True;
        let mut failed = None;
        let mut failures = 0;
        for (at, conjunct) in conjuncts(policy, row).enumerate() {
            let truth = case.truth(&conjunct.expr);
            if truth == Truth::False {
                failures += 1;
                failed = Some(at);
            }
            verdict = verdict.and(truth);
            if failures > 1 {
                break;
            }
        }
        hits.take(
            verdict,
            head.effect,
            Hit {
                row: size(row),
                cost: head.cost,
            },
        );
        match failed {
            Some(at) if failures == 1 && near.misses.len() < LISTED => near.misses.push((row, at)),
            Some(_) if failures == 1 => near.omitted += 1,
            Some(_) | None => {}
        }
    }
    (hits, near)
}

/// The conditions of a row, with its own condition taken apart.
pub(crate) fn conjuncts(policy: &Policy, row: usize) -> impl Iterator<Item = &Conjunct> {
    policy.model.conjuncts.iter().flat_map(move |conjunct| {
        let own = if let Expr::Condition(field) = conjunct.expr {
            policy.rules.condition(policy.rules.field(row, field))
        } else {
            None
        };
        own.unwrap_or(std::slice::from_ref(conjunct))
    })
}

pub(crate) fn explain<'s>(
    policy: &'s Policy,
    facts: &[Fact<'_>],
    decision: Decision,
    applied: &[Hit],
    near: &Near,
) -> Explanation<'s> {
    let nearest = near.misses.iter().filter_map(|(row, at)| {
        let conjunct = conjuncts(policy, *row).nth(*at)?;
        let values = values(policy, facts, *row, &conjunct.expr);
        Some(Miss {
            rule: policy.rules.view(*row)?,
            failed: &conjunct.text,
            values,
        })
    });
    Explanation {
        decision,
        matched: applied
            .iter()
            .filter_map(|hit| policy.rules.view(hit.row as usize))
            .collect(),
        nearest: nearest.collect(),
        omitted: near.omitted,
    }
}

/// What a condition looks at, each name once.
pub(crate) fn values(
    policy: &Policy,
    facts: &[Fact<'_>],
    row: usize,
    expr: &Expr,
) -> Vec<(String, String)> {
    let mut values: Vec<(String, String)> = Vec::new();
    expr.visit(&mut |part| {
        let (name, value) = match part {
            Expr::Fact(slot) => {
                let name = policy
                    .model
                    .schema
                    .slots
                    .get(*slot)
                    .map_or("", |slot| &*slot.name);
                let value = match facts.get(*slot) {
                    Some(Fact::Text(text)) => (*text).to_owned(),
                    Some(Fact::Int(number)) => number.to_string(),
                    Some(Fact::Bool(known)) => known.to_string(),
                    Some(Fact::Missing) | None => "(missing)".to_owned(),
                };
                (name.to_owned(), value)
            }
            Expr::Policy(field) | Expr::Condition(field) => {
                let name = policy.model.policy.get(*field).map_or("", |name| &**name);
                (
                    format!("p.{name}"),
                    policy.rules.field(row, *field).to_owned(),
                )
            }
            Expr::Bool(_)
            | Expr::Int(_)
            | Expr::Text(_)
            | Expr::Not(_)
            | Expr::All(_)
            | Expr::Any(_)
            | Expr::Compare(..)
            | Expr::Arithmetic(..)
            | Expr::Role { .. }
            | Expr::Match { .. } => return,
        };
        if !values.iter().any(|(known, _)| *known == name) {
            values.push((name, value));
        }
    });
    values
}
