//! Whole requests, judged by rules.

use super::exchange::{Connection, Outcome, RequestHead};
use super::ruleset::RuleSet;
use crate::body::Completeness;
use crate::coding::inflate;
use crate::inspector::Settings;

/// Judges a request whose body is there, in its content coding. A body that cannot be inflated is read as it stands: it
/// is for the detectors to call it undecodable. Of one that was cut, rules see nothing: they would take a part for the
/// whole.
pub fn judge(
    rules: &RuleSet,
    connection: &Connection<'_>,
    head: &RequestHead<'_>,
    coding: Option<&str>,
    body: &[u8],
    completeness: Completeness,
) -> Outcome {
    let inflated = match completeness {
        Completeness::Whole => inflate(coding, body, completeness, &Settings::default()).ok(),
        Completeness::Truncated => None,
    };
    let body = match (&inflated, completeness) {
        (Some(inflated), _) => inflated,
        (None, Completeness::Whole) => body,
        (None, Completeness::Truncated) => &[],
    };
    let mut transaction = rules.begin(connection);
    transaction.request_head(head);
    transaction.request_body(body);
    transaction.finish()
}
