//! A request in which something was seen, as its event tells it, and what an exception would have made of it.

use std::collections::{BTreeMap, BTreeSet};

use hangu_audit::Timestamp;
use hangu_audit::event::{HTTP_ACTIVITY, Owned, OwnedFinding};
use memchr::memmem;

use super::scope::{self, Scope};

/// A request in which something was seen.
#[derive(Debug)]
pub struct Sighting {
    /// The event's number.
    pub number: u64,
    /// When, in milliseconds since the epoch.
    pub time_ms: u64,
    /// The request's id.
    pub request_id: String,
    /// The portal.
    pub portal: Option<String>,
    /// The zone that it came from.
    pub zone: Option<String>,
    /// The method.
    pub method: String,
    /// The path, masked.
    pub path: String,
    /// The caller.
    pub caller: String,
    /// The address.
    pub address: String,
    /// What the client was answered.
    pub status: u16,
    /// Why it was refused, where it was.
    pub refused: Option<String>,
    /// What was seen.
    pub findings: Vec<OwnedFinding>,
}

/// One request as an exception would have left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was refused and would not have been.
    LetThrough,
    /// It was refused and would have been still.
    StillRefused,
    /// It was not refused as an attack.
    NotRefused,
}

/// An event in which something was seen; nothing where there is nothing, or it is no request.
pub fn sighting(number: u64, event: &[u8]) -> Option<Sighting> {
    // Most events have none, and this costs a hundredth of reading them.
    memmem::find(event, b"\"findings\"")?;
    let event: Owned = serde_json::from_slice(event).ok()?;
    if event.class_uid != HTTP_ACTIVITY || event.unmapped.findings.is_empty() {
        return None;
    }
    let Timestamp(time) = event.time;
    let request = event.http_request.unwrap_or_default();
    Some(Sighting {
        number,
        time_ms: u64::try_from(time).unwrap_or(0),
        request_id: event.metadata.uid,
        portal: event.unmapped.portal,
        zone: event.src_endpoint.zone,
        method: request.http_method,
        path: request.url.path.unwrap_or_default(),
        caller: event.actor.map(|actor| actor.user.uid).unwrap_or_default(),
        address: event
            .src_endpoint
            .ip
            .map_or_else(String::new, |ip| ip.to_string()),
        status: event.http_response.map_or(0, |response| response.code),
        refused: event.status_code.filter(|_| event.status_id == 2),
        findings: event.unmapped.findings,
    })
}

impl Sighting {
    /// Whether it was refused as an attack.
    pub fn is_blocked(&self) -> bool {
        self.refused.as_deref() == Some("attack")
    }

    /// What would have become of it under an exception; `None` where that covers nothing in it.
    pub fn fate(&self, scope: &Scope, threshold: u32) -> Option<Fate> {
        let covered = |finding: &OwnedFinding| {
            let portal = self.portal.as_deref();
            finding.score > 0 && scope.covered(portal, &self.path, &finding.rule, &finding.place)
        };
        if !self.findings.iter().any(covered) {
            return None;
        }
        if !self.is_blocked() {
            return Some(Fate::NotRefused);
        }
        let left = || self.findings.iter().filter(|finding| !covered(finding));
        // Rules of files run last: where they are told of, it was one of them that refused.
        let by_files = left().any(|f| f.score > 0 && !scope::is_own(&f.rule));
        let refused = by_files || (left().any(|f| f.score > 0) && weigh(left()) >= threshold);
        Some(if refused {
            Fate::StillRefused
        } else {
            Fate::LetThrough
        })
    }
}

/// The least that findings add up to: what is sure counts once wherever it stands, what is not with others in its place.
fn weigh<'a>(findings: impl Iterator<Item = &'a OwnedFinding>) -> u32 {
    let mut rules = BTreeSet::new();
    let mut places = BTreeMap::<&str, BTreeMap<&str, u32>>::new();
    let mut sure = 0_u32;
    for finding in findings {
        if finding.score >= hangu_inspect::inspector::THRESHOLD {
            if rules.insert(finding.rule.as_str()) {
                sure = sure.saturating_add(finding.score);
            }
        } else {
            let here = places.entry(&finding.place).or_default();
            here.insert(&finding.rule, finding.score);
        }
    }
    let sums = places.values().map(|here| {
        // Markup as editors make it and markup are one: the lighter adds nothing then.
        let again = here.contains_key("xss-markup");
        let counted = here
            .iter()
            .filter(|(rule, _)| !again || **rule != "xss-embed");
        counted.fold(0_u32, |sum, (_, score)| sum.saturating_add(*score))
    });
    sure.saturating_add(sums.max().unwrap_or(0))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn finding(rule: &str, score: u32, place: &str) -> OwnedFinding {
        let json =
            serde_json::json!({ "rule": rule, "score": score, "category": "sql", "place": place });
        serde_json::from_value(json).unwrap()
    }

    /// A request in the portal `staff`.
    pub(in crate::triage) fn sighting(
        number: u64,
        path: &str,
        refused: Option<&str>,
        findings: &[(&str, u32, &str)],
    ) -> Sighting {
        let findings = findings
            .iter()
            .map(|(rule, score, place)| finding(rule, *score, place));
        Sighting {
            number,
            time_ms: number * 1000,
            request_id: String::new(),
            portal: Some("staff".to_owned()),
            zone: None,
            method: "GET".to_owned(),
            path: path.to_owned(),
            caller: format!("u:{}", number % 2),
            address: "203.0.113.9".to_owned(),
            status: 403,
            refused: refused.map(str::to_owned),
            findings: findings.collect(),
        }
    }

    /// An exception for one parameter there.
    pub(in crate::triage) fn scope() -> Scope {
        Scope {
            rule: "sqli-union".to_owned(),
            portal: "staff".to_owned(),
            path: Some("/a".to_owned()),
            parameter: Some("q".to_owned()),
        }
    }

    #[test]
    fn a_request_is_let_through_only_where_nothing_else_refuses_it() {
        let union = ("sqli-union", 5, "query:q");
        for (refused, more, fate) in [
            (Some("attack"), &[][..], Some(Fate::LetThrough)),
            (None, &[], Some(Fate::NotRefused)),
            (Some("denied"), &[], Some(Fate::NotRefused)),
            (
                Some("attack"),
                &[("sqli-union", 5, "query:p")],
                Some(Fate::StillRefused),
            ),
            (
                Some("attack"),
                &[("xss-script", 5, "query:q")],
                Some(Fate::StillRefused),
            ),
            (
                Some("attack"),
                &[("xss-script", 0, "query:q")],
                Some(Fate::LetThrough),
            ),
            (
                Some("attack"),
                &[("942100", 5, "ARGS:q")],
                Some(Fate::StillRefused),
            ),
            (
                Some("attack"),
                &[("sqli-hint", 2, "query:q")],
                Some(Fate::LetThrough),
            ),
            (
                Some("attack"),
                &[("sqli-hint", 2, "query:q"), ("xss-call", 3, "query:q")],
                Some(Fate::StillRefused),
            ),
            // In two places they do not add up.
            (
                Some("attack"),
                &[("sqli-hint", 2, "query:q"), ("xss-call", 3, "query:p")],
                Some(Fate::LetThrough),
            ),
            (
                Some("attack"),
                &[("xss-embed", 2, "query:q"), ("xss-markup", 3, "query:q")],
                Some(Fate::LetThrough),
            ),
        ] {
            let findings: Vec<_> = std::iter::once(union).chain(more.iter().copied()).collect();
            let one = sighting(1, "/a", refused, &findings);
            assert_eq!(one.fate(&scope(), 5), fate, "{refused:?} {more:?}");
        }
        let elsewhere = sighting(1, "/b", Some("attack"), &[union]);
        assert_eq!(elsewhere.fate(&scope(), 5), None);
        let observed = sighting(1, "/a", Some("attack"), &[("sqli-union", 0, "query:q")]);
        assert_eq!(observed.fate(&scope(), 5), None);
    }
}
