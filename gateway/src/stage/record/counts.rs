//! Counts of personal data, as events tell them.

use hangu_redact::{Counts, Level, Summary};
use smallvec::SmallVec;

use crate::exchange::Exchange;

/// What a level of redaction that was tried would have masked, as a note: `would-redact:L3 mobile=2`.
pub(super) fn tried((level, masked): &(Level, Counts)) -> Option<String> {
    noted_counts("would-redact", *level, masked)
}

/// Personal data in the request, where it is redacted, as a note: `request-redacted:L2 mobile=1`.
pub(super) fn asked(exchange: &Exchange) -> Option<String> {
    let level = exchange.decision.as_ref()?.redact_requests?;
    let mut counts = exchange
        .asked_counts
        .as_deref()
        .copied()
        .unwrap_or_default();
    if let Some(sent) = &exchange.sent {
        counts += sent.redacted();
    }
    noted_counts("request-redacted", level, &counts)
}

fn noted_counts(what: &str, level: Level, counts: &Counts) -> Option<String> {
    let kinds = counts.iter().filter(|(_, count)| *count > 0);
    let kinds = kinds.map(|(kind, count)| format!(" {kind}={count}"));
    let kinds: String = kinds.collect();
    (!kinds.is_empty()).then(|| format!("{what}:{level}{kinds}"))
}

/// Personal data in the answer, by kind: in its head and its body.
pub(super) fn redactions(
    exchange: &Exchange,
    body: Option<&Summary>,
) -> SmallVec<[(&'static str, u64); 5]> {
    let mut counts = body.map(|body| body.counts).unwrap_or_default();
    if let Some(head) = &exchange.head_counts {
        counts += **head;
    }
    let found = counts.iter().filter(|(_, count)| *count > 0);
    found.map(|(kind, count)| (kind.as_str(), count)).collect()
}
