//! Findings, marks and exceptions as the console is told of them.

use std::collections::BTreeMap;

use hangu_inspect::Exempt;
use hangu_inspect::rules::CATALOGUE;
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem;
use crate::admin::problem::Problem;
use crate::gateway::Gateway;
use crate::triage::Book;
use crate::triage::exception::{Granted, State};
use crate::triage::mark::{Marked, Verdict};
use crate::triage::past::{Counted, Past, Window};
use crate::triage::scope::{self, Scope, Unexceptable};
use crate::triage::sighting::Sighting;

/// What the record cannot say of what an exception would have let through.
pub(super) const UNKNOWN: [&str; 4] = [
    // A request that is refused for its head is not read further, nor decided.
    "bodies-and-decisions",
    "masked-names",
    // Of each rule three findings are kept.
    "further-places",
    "window",
];
/// Events that one call gives at most.
const LISTED: usize = 200;

/// Which requests are wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    before: Option<u64>,
    limit: Option<usize>,
    rule: Option<String>,
    portal: Option<String>,
    outcome: Option<Outcome>,
    marked: Option<MarkedAs>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Blocked,
    Passed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum MarkedAs {
    Unmarked,
    FalsePositive,
    TruePositive,
}

/// What an exception would have done.
pub(super) struct Reach {
    pub(super) counted: Counted,
    pub(super) samples: Vec<Value>,
    pub(super) window: Window,
    pub(super) threshold: u32,
}

impl Filter {
    fn wants(&self, one: &Sighting, book: &Book) -> bool {
        let rule = |found: &str| self.rule.as_deref().is_none_or(|rule| rule == found);
        let marked = |rule: &str| {
            let mark = book.mark(one.number, rule).map(|mark| mark.mark);
            match self.marked {
                None => true,
                Some(MarkedAs::Unmarked) => mark.is_none(),
                Some(MarkedAs::FalsePositive) => mark == Some(Verdict::FalsePositive),
                Some(MarkedAs::TruePositive) => mark == Some(Verdict::TruePositive),
            }
        };
        let outcome = match self.outcome {
            None => true,
            Some(Outcome::Blocked) => one.is_blocked(),
            Some(Outcome::Passed) => one.refused.is_none(),
        };
        outcome
            && self.before.is_none_or(|before| one.number < before)
            && (self.portal.is_none() || self.portal == one.portal)
            && one
                .findings
                .iter()
                .any(|found| rule(&found.rule) && marked(&found.rule))
    }
}

/// The word of a mark.
pub(super) const fn word(mark: Verdict) -> &'static str {
    match mark {
        Verdict::FalsePositive => "false-positive",
        Verdict::TruePositive => "true-positive",
        Verdict::None => "none",
    }
}

/// A scope in one line, for events.
pub(super) fn line(scope: &Scope) -> String {
    let open = "*";
    format!(
        "{} {} {} {}",
        scope.rule,
        scope.portal,
        scope.path.as_deref().unwrap_or(open),
        scope.parameter.as_deref().unwrap_or(open),
    )
}

/// Looks at the recorded past together with what people said of it.
fn look<R>(
    gateway: &Gateway,
    now_ms: u64,
    look: impl FnOnce(&Past, &Book) -> R,
) -> Result<R, Problem> {
    let both = gateway.triage.past(&gateway.journal, |past| {
        gateway.triage.read(now_ms, |book| look(past, book))
    });
    let both = both.map_err(|error| Problem::failed(&error))?;
    both.map_err(|fault| problem(&fault))
}

/// A rule in a portal.
#[derive(Default)]
struct Row<'a> {
    category: &'a str,
    technique: Option<&'a str>,
    requests: u64,
    blocked: u64,
    last_ms: u64,
    marked: Marked,
}

/// Rules by portal, with counts and precision.
pub(super) fn rules(gateway: &Gateway, now_ms: u64) -> Result<Value, Problem> {
    look(gateway, now_ms, |past, book| {
        let mut rows: BTreeMap<(&str, &str), Row<'_>> = BTreeMap::new();
        for one in past.sightings() {
            let portal = one.portal.as_deref().unwrap_or_default();
            let mut known: Vec<&str> = Vec::new();
            for found in &one.findings {
                if known.contains(&found.rule.as_str()) {
                    continue;
                }
                known.push(&found.rule);
                let row = rows.entry((&found.rule, portal)).or_default();
                row.category = &found.category;
                row.technique = found.technique.as_deref();
                row.requests += 1;
                row.blocked += u64::from(one.is_blocked());
                row.last_ms = row.last_ms.max(one.time_ms);
            }
        }
        for mark in book.marks() {
            let row = rows.entry((&mark.rule, &mark.portal)).or_default();
            row.marked.count(mark.mark);
        }
        let rows = rows.into_iter().map(|((rule, portal), row)| {
            let own = CATALOGUE.iter().find(|own| own.id.as_str() == rule);
            let excepted = book.exceptions().filter(|one| {
                let scope = &one.terms.scope;
                scope.rule == rule && scope.portal == portal && one.state(now_ms) == State::InForce
            });
            json!({
                "rule": rule,
                "portal": portal,
                "own": own.is_some(),
                "summary": own.map(|own| own.summary),
                "category": own.map_or(row.category, |own| own.category.as_str()),
                "technique": row.technique.or_else(|| own.map(|own| own.technique)),
                "requests": row.requests,
                "blocked": row.blocked,
                "last_ms": (row.last_ms > 0).then_some(row.last_ms),
                "true_positives": row.marked.right,
                "false_positives": row.marked.wrong,
                "precision": row.marked.precision(),
                "exceptions": excepted.count(),
            })
        });
        json!({ "rules": rows.collect::<Vec<_>>(), "window": past.window() })
    })
}

/// Requests in which something was seen, newest first, and where to go on.
pub(super) fn events(gateway: &Gateway, filter: &Filter, now_ms: u64) -> Result<Value, Problem> {
    let limit = filter.limit.unwrap_or(50).clamp(1, LISTED);
    look(gateway, now_ms, |past, book| {
        let mut wanted = past.sightings().filter(|one| filter.wants(one, book));
        let listed: Vec<&Sighting> = wanted.by_ref().take(limit).collect();
        let more = wanted.next().and(listed.last()).map(|last| last.number);
        let events = listed.into_iter().map(|one| sighting(one, book));
        json!({ "events": events.collect::<Vec<_>>(), "next_before": more, "window": past.window() })
    })
}

/// One request in which something was seen, with what people said of it.
pub(super) fn sighting(one: &Sighting, book: &Book) -> Value {
    let findings = one.findings.iter().map(|found| {
        let scope = Scope::narrowest(one.portal.as_deref(), &one.path, &found.rule, &found.place);
        let mark = book.mark(one.number, &found.rule);
        json!({
            "rule": found.rule,
            "own": scope::is_own(&found.rule),
            "category": found.category,
            "score": found.score,
            "technique": found.technique,
            "place": found.place,
            "evidence": found.evidence,
            "unexceptable": scope.err().map(why),
            "mark": mark.map(|mark| json!({
                "mark": word(mark.mark),
                "note": mark.note,
                "by": mark.by,
                "at_ms": mark.at_ms,
            })),
        })
    });
    json!({
        "index": one.number,
        "time_ms": one.time_ms,
        "request_id": one.request_id,
        "portal": one.portal,
        "zone": one.zone,
        "method": one.method,
        "path": one.path,
        "caller": one.caller,
        "address": one.address,
        "status": one.status,
        "outcome": if one.refused.is_some() { "refused" } else { "allowed" },
        "reason": one.refused,
        "findings": findings.collect::<Vec<_>>(),
    })
}

const fn why(why: Unexceptable) -> &'static str {
    match why {
        Unexceptable::RuleFile => "rule-file",
        Unexceptable::NotDescribed => "not-described",
        Unexceptable::Response => "response",
        Unexceptable::Masked => "masked",
        Unexceptable::Nowhere => "nowhere",
    }
}

/// What an exception would have done in the recorded past.
pub(super) fn reach(
    gateway: &Gateway,
    scope: &Scope,
    threshold: u32,
    samples: usize,
    now_ms: u64,
) -> Result<Reach, Problem> {
    look(gateway, now_ms, |past, book| {
        let is_attack = |event, rule: &str| {
            let mark = book.mark(event, rule);
            mark.is_some_and(|mark| mark.mark == Verdict::TruePositive)
        };
        let (counted, shown) = past.reach(scope, threshold, samples, is_attack);
        let samples = shown.into_iter().map(|one| {
            json!({
                "index": one.number,
                "time_ms": one.time_ms,
                "caller": one.caller,
                "address": one.address,
                "method": one.method,
                "path": one.path,
            })
        });
        Reach {
            samples: samples.collect(),
            window: past.window(),
            counted,
            threshold,
        }
    })
}

/// An exception that was proposed.
pub(super) fn exception(one: &Granted, now_ms: u64) -> Value {
    let terms = &one.terms;
    json!({
        "id": one.id,
        "state": one.state(now_ms),
        "scope": terms.scope,
        "reason": terms.reason,
        "by": terms.by,
        "created_ms": terms.created_ms,
        "until_ms": terms.until_ms,
        "approvals": terms.approvals,
        "because": terms.because,
        "approved_by": one.approvers().collect::<Vec<_>>(),
        "event": terms.event,
        "reach": terms.reach,
        "steps": one.steps,
    })
}

/// Every exception. Where the store cannot be read, the configured ones, and why there are no others.
pub(super) fn exceptions(gateway: &Gateway, now_ms: u64) -> Value {
    let granted = gateway.triage.read(now_ms, |book| {
        let all = book.exceptions().rev();
        all.map(|one| exception(one, now_ms)).collect::<Vec<_>>()
    });
    let (granted, broken) = match granted {
        Ok(granted) => (granted, None),
        Err(fault) => (Vec::new(), Some(fault.to_string())),
    };
    let snapshot = gateway.snapshot.load();
    let configured = snapshot.portals.iter().flat_map(|portal| {
        let snapshot = &snapshot;
        portal.exceptions.iter().map(move |exempted| {
            let settings = &exempted.settings;
            let from = settings.from.and_then(|zone| snapshot.zone(zone));
            json!({
                "portal": portal.settings.name,
                "rule": settings.exception.subject.to_string(),
                "path": settings.path,
                "parameter": settings.exception.parameter,
                "from": from.map(|zone| zone.settings.name.as_str()),
                "mode": match settings.exception.exempt {
                    Exempt::Off => "off",
                    Exempt::Observe => "observe",
                },
                "until_ms": exempted.ends_ms,
                "ended": exempted.has_ended(now_ms),
                "reason": settings.reason,
            })
        })
    });
    let configured: Vec<Value> = configured.collect();
    json!({ "exceptions": granted, "configured": configured, "broken": broken })
}
