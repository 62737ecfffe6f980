//! Whom a row concerns, where who holds a role depends on a domain that nobody said.

use std::collections::BTreeSet;

use super::held::{Held, Request, facts};
use super::reach::caller_slot;
use super::survey::Survey;
use crate::engine::explain::conjuncts;
use crate::engine::interpret::Case;
use crate::engine::snapshot::Policy;
use crate::language::expression::Expr;
use crate::language::syntax::Comparison;
use crate::truth::Truth;

pub(super) fn applies(policy: &Policy, row: usize, request: &Request) -> bool {
    let facts = facts(request);
    let case = Case {
        policy,
        facts: &facts,
        row,
    };
    conjuncts(policy, row).all(|conjunct| case.truth(&conjunct.expr) != Truth::False)
}

/// Tells whether a row may apply to a request in some domain, where the request names none.
pub(super) fn possible(survey: &Survey<'_>, row: usize, request: &Request, caller: usize) -> bool {
    let open = |slot: usize| matches!(request.get(slot), None | Some(Held::Missing));
    let Some((slot, names)) = domains(survey, row, caller).filter(|(slot, _)| open(*slot)) else {
        return true;
    };
    let mut request = request.clone();
    names.into_iter().chain(["\n"]).any(|name| {
        if let Some(place) = request.get_mut(slot) {
            *place = Held::Text(name.to_owned());
        }
        applies(survey.policy, row, &request)
    })
}

/// Callers that a row's columns admit, whatever else the request says; `None` for everybody.
///
/// Who holds a role depends on the domain, so every domain that the policy names and the row admits is asked, and one
/// that it does not name.
pub(super) fn concerned<'p>(survey: &Survey<'p>, row: usize) -> Option<Vec<&'p str>> {
    let policy = survey.policy;
    let slot = caller_slot(policy, survey)?;
    let mut requests = vec![vec![Held::Missing; policy.model.schema.slots.len()]];
    if let Some((domain, names)) = domains(survey, row, slot) {
        let template = requests.pop().unwrap_or_default();
        for name in names.into_iter().chain(["\n"]) {
            let mut request = template.clone();
            if let Some(place) = request.get_mut(domain) {
                *place = Held::Text(name.to_owned());
            }
            if applies(policy, row, &request) {
                requests.push(request);
            }
        }
    }
    let mut admits = |name: &str| {
        requests.iter_mut().any(|request| {
            if let Some(place) = request.get_mut(slot) {
                *place = Held::Text(name.to_owned());
            }
            applies(policy, row, request)
        })
    };
    // Nobody is called this, so whoever admits it admits everybody.
    if admits("\n") {
        return None;
    }
    let callers = survey.callers(slot).into_iter();
    Some(callers.filter(|name| admits(name)).collect())
}

/// The slot of the domain in which the roles of this slot's callers are asked, and every domain that is told from the
/// others; none where the row asks anything else of the domain than whether it is a name.
fn domains<'p>(
    survey: &Survey<'p>,
    row: usize,
    caller: usize,
) -> Option<(usize, BTreeSet<&'p str>)> {
    let policy = survey.policy;
    let mut asked = BTreeSet::new();
    for conjunct in conjuncts(policy, row) {
        conjunct.expr.visit(&mut |part| {
            if let Expr::Role {
                subject,
                domain: Some(domain),
                ..
            } = part
                && matches!(**subject, Expr::Fact(slot) if slot == caller)
            {
                asked.insert(if let Expr::Fact(slot) = **domain {
                    Some(slot)
                } else {
                    None
                });
            }
        });
    }
    let slot = asked.pop_first().flatten().filter(|_| asked.is_empty())?;
    let mut names = survey.domains();
    let (mut seen, mut understood) = (0_usize, 0_usize);
    let named = |expr: &Expr| matches!(*expr, Expr::Fact(known) if known == slot);
    for conjunct in conjuncts(policy, row) {
        conjunct.expr.visit(&mut |part| {
            if named(part) {
                seen += 1;
            } else if let Expr::Role {
                subject,
                domain: Some(domain),
                ..
            } = part
            {
                understood += usize::from(named(domain) && !named(subject));
            } else if let Expr::Compare(Comparison::Equal | Comparison::Unequal, left, right) = part
            {
                let other = match (named(left), named(right)) {
                    (true, false) => right,
                    (false, true) => left,
                    (true, true) | (false, false) => return,
                };
                if let Expr::Policy(field) = **other {
                    names.insert(policy.rules.field(row, field));
                    understood += 1;
                }
            }
        });
    }
    (seen == understood).then_some((slot, names))
}
