//! Models, rules and requests of policies.

use std::sync::OnceLock;

use hangu_policy::analysis::lint::lint;
use hangu_policy::analysis::reach::{self, Answer};
use hangu_policy::analysis::why::why;
use hangu_policy::compat::{Definitions, Extras, Policy, Question};
use hangu_policy::lifecycle::Bundle;
use hangu_policy::{Decision, Dialect, Effect, Snapshot, Source, Value};
use serde_json::Value as Json;

use crate::input;

/// Models and rules for each: the gateway's own, priorities, patterns, conditions of every kind; the last one is of the
/// other engines alone.
const POLICIES: [(&str, &str); 5] = [
    (
        include_str!("policy/gateway.conf"),
        include_str!("policy/gateway.csv"),
    ),
    (
        include_str!("policy/priority.conf"),
        include_str!("policy/priority.csv"),
    ),
    (
        include_str!("policy/patterns.conf"),
        include_str!("policy/patterns.csv"),
    ),
    (
        include_str!("policy/mixed.conf"),
        include_str!("policy/mixed.csv"),
    ),
    (
        include_str!("policy/others.conf"),
        include_str!("policy/others.csv"),
    ),
];

/// Requests that fit one of the models each.
const REQUESTS: &str = include_str!("policy/requests.jsonl");

/// Policies above this size in bytes are not handed to the analyses, which compare rows in pairs; chosen.
const ANALYSED: usize = 2_000;

/// Parts one text of an input from the next.
const PART: &str = "\n----\n";

/// An encoded bundle, as the record of policy changes keeps it: there is one encoding for what is decoded, and a
/// bundle that is small enough loads, with its tests, or says why not.
pub fn bundle(data: &[u8]) {
    let Ok(bundle) = Bundle::decode(data) else {
        return;
    };
    assert_eq!(bundle.encode(), data, "a bundle has one encoding");
    if data.len() <= ANALYSED
        && let Ok(snapshot) = bundle.snapshot()
    {
        let again = Bundle::decode(&bundle.encode()).expect("what was encoded is decoded");
        assert_eq!((again.id(), &again), (bundle.id(), &bundle));
        bundle.failing_cases(&snapshot);
    }
}

/// A model, then rules and requests where they are given: loads it in every dialect and asks it.
pub fn model(data: &[u8]) {
    let text = input::text(data);
    let mut parts = text.splitn(3, PART);
    let model = parts.next().unwrap_or_default();
    let rules = parts.next().unwrap_or(POLICIES[0].1);
    let requests = parts.next().unwrap_or(REQUESTS);
    every_dialect(model, rules, requests);
}

/// The number of a model, then rules.
pub fn rules(data: &[u8]) {
    let ((model, _), rest) = input::pick(data, &POLICIES);
    every_dialect(model, &input::text(rest), REQUESTS);
}

/// The number of a policy, then a request in JSON on each line.
pub fn request(data: &[u8]) {
    static LOADED: OnceLock<[(Option<Snapshot>, Vec<Policy>); POLICIES.len()]> = OnceLock::new();
    let loaded = LOADED
        .get_or_init(|| POLICIES.map(|(model, rules)| (load(model, rules), others(model, rules))));
    let ((strict, others), rest) = input::pick(data, loaded);
    for line in input::text(rest).lines() {
        ask(strict.as_ref(), others, line, Reading::Thorough);
    }
}

/// How much is asked about a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// The decision and its explanation.
    Quick,
    /// The analyses as well.
    Thorough,
}

fn every_dialect(model: &str, rules: &str, requests: &str) {
    let others = others(model, rules);
    let strict = load(model, rules);
    let reading = if model.len() + rules.len() < ANALYSED {
        Reading::Thorough
    } else {
        Reading::Quick
    };
    if let Some(strict) = &strict {
        let again = load(model, rules).map(|again| *again.revision());
        assert_eq!(again, Some(*strict.revision()), "a revision is a digest");
        if reading == Reading::Thorough {
            drop(lint(strict));
        }
    }
    for line in requests.lines() {
        ask(strict.as_ref(), &others, line, reading);
    }
}

const fn source(text: &str) -> Source<'_> {
    Source { name: "f", text }
}

fn load(model: &str, rules: &str) -> Option<Snapshot> {
    match Snapshot::load(source(model), &[source(rules)], Dialect::Strict) {
        Ok(snapshot) => Some(snapshot),
        Err(mistakes) => {
            assert!(!mistakes.is_empty(), "a refusal says why");
            for mistake in mistakes {
                assert!(mistake.line > 0 && mistake.column > 0, "{mistake}");
                let chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
                assert!(mistake.message_zh.contains(chinese), "{mistake:?}");
                assert_eq!(mistake.help.is_empty(), mistake.help_zh.is_empty());
            }
            None
        }
    }
}

fn others(model: &str, rules: &str) -> Vec<Policy> {
    let load = |dialect| Policy::load(source(model), &[source(rules)], dialect, &Extras::default());
    [Dialect::CasbinGo, Dialect::CasbinRs]
        .into_iter()
        .filter_map(|dialect| load(dialect).ok())
        .collect()
}

fn ask(strict: Option<&Snapshot>, others: &[Policy], line: &str, reading: Reading) {
    let Ok(Json::Array(values)) = serde_json::from_str(line) else {
        return;
    };
    for policy in others {
        let question = Question {
            values: &values,
            definitions: Definitions::default(),
            now: 0,
        };
        if let Ok(answer) = policy.decide(&question) {
            policy.rows(&answer).for_each(drop);
        }
    }
    if let Some(strict) = strict {
        ask_strict(strict, &values, reading);
    }
}

fn ask_strict(snapshot: &Snapshot, values: &[Json], reading: Reading) {
    let maps: Vec<_> = values.iter().map(entries).collect();
    let request: Option<Vec<Value<'_>>> = values
        .iter()
        .zip(&maps)
        .map(|(json, entries)| scalar(json).or(json.is_object().then_some(Value::Map(entries))))
        .collect();
    let Some(request) = request else { return };
    let decided = snapshot.decide(&request);
    let explained = snapshot.explain(&request);
    let stepped = snapshot.step_up(&request, "ctx.aal", 4);
    let decision = match (decided, explained) {
        (Ok(decided), Ok(explained)) => {
            assert_eq!(
                said(&decided),
                said(&explained.decision),
                "the index says what a plain reading says"
            );
            decided
        }
        (decided, explained) => {
            assert_eq!(decided.err(), explained.err(), "one reason");
            assert!(
                stepped.is_err(),
                "what cannot be judged cannot be stepped up"
            );
            return;
        }
    };
    if let Ok(Some(level)) = stepped {
        assert!(
            level <= 4 && decision.effect == Effect::Deny,
            "{decision:?}"
        );
    }
    if reading == Reading::Thorough {
        analyse(snapshot, values, &decision);
    }
    let effect = decision.effect;
    assert_eq!(effect == Effect::Allow, decision.into_permit().is_ok());
}

/// What the analyses say about a request that was decided: the same.
fn analyse(snapshot: &Snapshot, values: &[Json], decision: &Decision) {
    let json = Json::from(values);
    if let Ok(why) = why(snapshot, &json) {
        assert_eq!(
            said(&why.decision),
            said(decision),
            "why says what is decided"
        );
    }
    // What a request leaves out is open to these two, and missing to the decision.
    if let Ok(what) = reach::what(snapshot, &json) {
        match what.answer {
            Answer::Yes => assert_eq!(decision.effect, Effect::Allow, "what can"),
            Answer::No => assert_eq!(decision.effect, Effect::Deny, "what can"),
            Answer::Perhaps => {}
        }
    }
    drop(reach::who(snapshot, &json));
}

/// A decision without what it has only in memory.
fn said(decision: &Decision) -> Json {
    serde_json::to_value(decision).unwrap_or_default()
}

fn entries(json: &Json) -> Vec<(&str, Value<'_>)> {
    let members = json.as_object().into_iter().flatten();
    members
        .filter_map(|(name, value)| Some((name.as_str(), scalar(value)?)))
        .collect()
}

fn scalar(json: &Json) -> Option<Value<'_>> {
    match json {
        Json::String(text) => Some(Value::Str(text)),
        Json::Bool(known) => Some(Value::Bool(*known)),
        Json::Number(number) => number.as_i64().map(Value::Int),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policies_load_where_they_are_meant_to() {
        let loads = POLICIES.map(|(model, rules)| {
            let others = others(model, rules).len();
            (load(model, rules).is_some(), others)
        });
        assert_eq!(
            loads,
            [(true, 2), (true, 2), (true, 0), (true, 2), (false, 1)]
        );
    }
}
