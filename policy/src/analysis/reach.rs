//! Who can do a thing, and what somebody can do, over requests of which only a part is given.
//!
//! What is not given counts as unknown, and three-valued logic does the rest: an answer is definite, or holds
//! under conditions that are named, or is no.

use serde::Serialize;
use serde_json::Value as Json;

use super::concern::possible;
use super::held::{Held, facts, read};
use super::patience::Patience;
use super::survey::Survey;
use crate::decision::Effect;
use crate::engine::explain::conjuncts;
use crate::engine::interpret::Case;
use crate::engine::snapshot::{Policy, Snapshot};
use crate::facts::Shape;
use crate::language::model::Combination;
use crate::rules::view::RuleView;
use crate::truth::Truth;

/// How sure an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Whatever is not given, it is allowed.
    Yes,
    /// Allowed under the conditions that are named.
    Perhaps,
    /// Whatever is not given, it is denied.
    No,
}

/// What is known about one caller.
#[derive(Debug, Clone, Serialize)]
pub struct Who<'s> {
    /// The caller; `None` is everybody whom the policy does not name.
    pub who: Option<&'s str>,
    /// The answer.
    pub answer: Answer,
    /// Rows that allow, each with what must hold.
    pub allowed_by: Vec<Grant<'s>>,
    /// Rows that deny, each with what must hold.
    pub denied_by: Vec<Grant<'s>>,
}

/// A row and the conditions that are open.
#[derive(Debug, Clone, Serialize)]
pub struct Grant<'s> {
    /// The row.
    pub rule: RuleView<'s>,
    /// Conditions that hang on what is not given, as written; empty if the row applies anyhow.
    pub when: Vec<&'s str>,
}

/// Who can do what a partial request says; its field for the caller (the member that roles are asked of) is
/// ignored. Callers whose answer is no are left out.
///
/// # Errors
///
/// Names and types that the model does not have; a model that asks for no roles and no subject.
pub fn who<'s>(snapshot: &'s Snapshot, request: &Json) -> Result<Vec<Who<'s>>, String> {
    let mut found = Vec::new();
    let mut take = |who| {
        found.push(who);
        true
    };
    who_within(snapshot, request, &Patience::endless(), &mut take)?;
    Ok(found)
}

/// As [`who`], one caller after the other, until `take` says that it is enough or patience is lost.
pub(crate) fn who_within<'s>(
    snapshot: &'s Snapshot,
    request: &Json,
    patience: &Patience<'_>,
    take: &mut dyn FnMut(Who<'s>) -> bool,
) -> Result<(), String> {
    let policy = snapshot.policy();
    let survey = Survey::new(policy);
    let mut request = read(policy, request).map_err(|said| said.en)?;
    let slot = caller_slot(policy, &survey)
        .ok_or("the model has no caller: `r.sub` or the member of a role")?;
    let named = survey.callers(slot).into_iter().map(Some);
    for caller in named.chain([None]) {
        if patience.is_lost() {
            break;
        }
        // No policy names this, since a name holds no line feed.
        let name = caller.unwrap_or("\n");
        if let Some(place) = request.get_mut(slot) {
            *place = Held::Text(name.to_owned());
        }
        let (allowed_by, denied_by) = grants(policy, &request);
        let answer = answer(policy.model.combination, &allowed_by, &denied_by);
        let who = Who {
            who: caller,
            answer,
            allowed_by,
            denied_by,
        };
        if answer != Answer::No && !take(who) {
            break;
        }
    }
    Ok(())
}

/// What a partial request can be completed to: every row that allows and may apply, with what is open, and
/// the rows that deny in its way. Rows that are denied whatever is open are left out.
///
/// # Errors
///
/// As [`who`].
pub fn what<'s>(snapshot: &'s Snapshot, request: &Json) -> Result<Who<'s>, String> {
    let policy = snapshot.policy();
    let request = read(policy, request).map_err(|said| said.en)?;
    let (mut allowed_by, mut denied_by) = grants(policy, &request);
    let survey = Survey::new(policy);
    let slot = caller_slot(policy, &survey);
    if let Some(slot) = slot {
        let may =
            |grant: &Grant<'_>| possible(&survey, grant.rule.ordinal.0 as usize, &request, slot);
        allowed_by.retain(may);
        denied_by.retain(may);
    }
    let answer = answer(policy.model.combination, &allowed_by, &denied_by);
    let who = slot.and_then(|slot| request.get(slot)).and_then(|held| {
        let Held::Text(name) = held else { return None };
        // The name as the policy has it lives as long as the answer.
        survey
            .callers(slot?)
            .into_iter()
            .find(|known| known == name)
    });
    Ok(Who {
        who,
        answer,
        allowed_by,
        denied_by,
    })
}

/// The slot of the caller: what roles are asked of, or a field called `sub`.
pub(crate) fn caller_slot(policy: &Policy, survey: &Survey<'_>) -> Option<usize> {
    let subject = policy
        .model
        .schema
        .fields
        .iter()
        .find(|field| *field.name == *"sub");
    let subject = subject.and_then(|field| match field.shape {
        Shape::Scalar(slot) => Some(slot),
        Shape::Map { .. } => None,
    });
    subject.or_else(|| survey.role_columns().first().map(|(_, slot, _)| *slot))
}

fn answer(combination: Combination, allowed: &[Grant<'_>], denied: &[Grant<'_>]) -> Answer {
    let surely = |grants: &[Grant<'_>]| grants.iter().any(|grant| grant.when.is_empty());
    // The first row decides: sure only if what comes before it cannot deny.
    let first = |grants: &[Grant<'_>]| {
        grants
            .iter()
            .filter(|grant| grant.when.is_empty())
            .map(|grant| grant.rule.ordinal)
            .min()
    };
    match combination {
        Combination::AllowOverride if surely(allowed) => Answer::Yes,
        Combination::AllowOverride if allowed.is_empty() => Answer::No,
        Combination::AllowOverride => Answer::Perhaps,
        Combination::DenyOverride if denied.is_empty() => Answer::Yes,
        Combination::DenyOverride if surely(denied) => Answer::No,
        Combination::DenyOverride => Answer::Perhaps,
        Combination::AllowAndDeny if surely(denied) || allowed.is_empty() => Answer::No,
        Combination::AllowAndDeny if surely(allowed) && denied.is_empty() => Answer::Yes,
        Combination::AllowAndDeny => Answer::Perhaps,
        Combination::FirstMatch if allowed.is_empty() => Answer::No,
        Combination::FirstMatch if denied.is_empty() && first(allowed).is_some() => Answer::Yes,
        Combination::FirstMatch => Answer::Perhaps,
    }
}

/// The rows that apply or may apply.
pub(super) fn grants<'s>(policy: &'s Policy, request: &[Held]) -> (Vec<Grant<'s>>, Vec<Grant<'s>>) {
    let facts = facts(request);
    let (mut allowed, mut denied) = (Vec::new(), Vec::new());
    for row in 0..policy.rules.len() {
        let case = Case {
            policy,
            facts: &facts,
            row,
        };
        let mut open = Vec::new();
        let mut applies = true;
        for conjunct in conjuncts(policy, row) {
            match case.truth(&conjunct.expr) {
                Truth::True => {}
                Truth::Unknown => open.push(&*conjunct.text),
                Truth::False => {
                    applies = false;
                    break;
                }
            }
        }
        let (true, Some(rule)) = (applies, policy.rules.view(row)) else {
            continue;
        };
        let list = if rule.effect == Effect::Allow {
            &mut allowed
        } else {
            &mut denied
        };
        list.push(Grant { rule, when: open });
    }
    (allowed, denied)
}
