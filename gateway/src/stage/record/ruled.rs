//! Matches of rules in SecLang, in the words of events.

use hangu_inspect::Category;
use hangu_inspect::seclang::{Match, Severity};

/// The category of a rule, by the tags that the Core Rule Set gives.
pub fn category(tags: &[String]) -> Category {
    const TAGS: [(&str, Category); 9] = [
        ("attack-sqli", Category::Sql),
        ("attack-xss", Category::CrossSite),
        ("attack-lfi", Category::Traversal),
        ("attack-rfi", Category::Remote),
        ("attack-ssrf", Category::Remote),
        ("attack-rce", Category::Command),
        ("attack-injection", Category::Code),
        ("attack-reputation", Category::Scanner),
        ("attack-fixation", Category::CrossSite),
    ];
    let named = TAGS
        .iter()
        .find(|(begin, _)| tags.iter().any(|tag| tag.starts_with(begin)));
    named.map_or(Category::Protocol, |(_, category)| *category)
}

/// What a severity adds to an anomaly score, as the Core Rule Set counts.
pub const fn score(severity: Option<Severity>) -> u32 {
    match severity {
        Some(Severity::Emergency | Severity::Alert | Severity::Critical) => 5,
        Some(Severity::Error) => 4,
        Some(Severity::Warning) => 3,
        Some(Severity::Notice) => 2,
        Some(Severity::Info | Severity::Debug) | None => 0,
    }
}

/// The score of all of them.
pub fn sum(matches: &[Match]) -> u32 {
    let scores = matches.iter().map(|matched| score(matched.severity));
    scores.fold(0, u32::saturating_add)
}
