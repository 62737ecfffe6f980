//! What inspection saw in a request and its answer, as its event tells it.

use std::borrow::Cow;

use hangu_audit::event::Finding;
use hangu_inspect::seclang::Match;
use hangu_inspect::{Category, Place, Verdict};

use super::event::masked;
use super::ruled;
use crate::exchange::Exchange;

/// One thing that was seen.
pub(super) struct Noted {
    rule: Cow<'static, str>,
    score: u32,
    category: Category,
    technique: Option<&'static str>,
    place: String,
    evidence: String,
}

impl Noted {
    /// As events have it.
    pub(super) fn finding(&self) -> Finding<'_> {
        Finding {
            rule: &self.rule,
            score: self.score,
            category: self.category.as_str(),
            technique: self.technique,
            place: &self.place,
            evidence: Some(&self.evidence),
        }
    }
}

/// Everything that was seen, personal data in it masked; nothing is allocated where there is nothing.
pub(super) fn noted(exchange: &Exchange) -> Vec<Noted> {
    let mut noted = Vec::new();
    of(&exchange.verdict, &mut noted, place);
    noted.extend(exchange.departures.iter().map(|departure| Noted {
        rule: Cow::Borrowed("not-described"),
        score: 5,
        category: Category::Protocol,
        technique: None,
        place: "openapi".to_owned(),
        evidence: masked(departure).into_owned(),
    }));
    let ruled = exchange.ruled.iter();
    noted.extend(ruled.map(|matched| by_rule(matched, ruled::score(matched.severity))));
    noted.extend(exchange.shadowed.iter().map(|matched| by_rule(matched, 0)));
    if let Some(leaks) = &exchange.leaks {
        of(leaks, &mut noted, |_| "response".to_owned());
    }
    noted
}

fn by_rule(matched: &Match, score: u32) -> Noted {
    Noted {
        rule: Cow::Owned(matched.rule.to_string()),
        score,
        category: ruled::category(&matched.tags),
        technique: None,
        place: masked(&matched.place).into_owned(),
        evidence: masked(&matched.data).into_owned(),
    }
}

fn of(verdict: &Verdict, noted: &mut Vec<Noted>, place: impl Fn(&Place) -> String) {
    noted.extend(verdict.findings.iter().map(|finding| Noted {
        rule: Cow::Borrowed(finding.rule.as_str()),
        // What is quoted is spoken of: it says what was seen, and adds nothing.
        score: if finding.observed || finding.quoted {
            0
        } else {
            finding.score
        },
        category: finding.category,
        technique: Some(finding.technique),
        place: place(&finding.place),
        evidence: masked(&finding.evidence).into_owned(),
    }));
}

/// Where a finding stands, in a word and a name that is masked.
fn place(place: &Place) -> String {
    match serde_json::to_value(place) {
        Ok(serde_json::Value::Object(map)) => {
            let text = |key: &str| map.get(key).and_then(|v| v.as_str()).unwrap_or_default();
            match text("name") {
                "" => text("in").to_owned(),
                name => format!("{}:{}", text("in"), masked(name)),
            }
        }
        Ok(_) | Err(_) => String::new(),
    }
}
