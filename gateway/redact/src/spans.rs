//! What is changed of a text that is there whole, as places: for texts whose pieces stand apart in a document.

use std::sync::Arc;

use crate::action::Action;
use crate::kind::Kind;
use crate::label::Rule;
use crate::level::Level;
use crate::mask::{self, Put};
use crate::media::Media;
use crate::rules::Rules;
use crate::scan::Scan;
use crate::shape;
use crate::value::narrow;
use crate::whole::Tally;

/// Bytes `from..to` of a text, and what stands there instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) put: String,
}

/// Finds what is masked in a text: all of it if it is what its label says, else the values that are found in it.
pub(crate) fn spans(
    rules: &Arc<Rules>,
    level: Level,
    rule: Option<Rule>,
    text: &str,
    tally: &mut Tally,
) -> Vec<Span> {
    if let Some(spans) = rule.and_then(|rule| labelled(rules, level, rule, text, tally)) {
        return spans;
    }
    let mut spans = own(rules, level, text, tally);
    let mut out = Vec::new();
    let mut scan = Scan::new(Arc::clone(rules), level, Media::Text);
    let changes = scan.changes(text.as_bytes(), &mut out);
    tally.found += scan.sink.found;
    tally.masked += scan.sink.masked;
    for change in changes {
        let apart = |span: &Span| span.to <= change.from || span.from >= change.to;
        let put = out.get(change.out_from..change.out_to).unwrap_or_default();
        if spans.iter().all(apart) {
            spans.push(Span {
                from: change.from,
                to: change.to,
                put: String::from_utf8_lossy(put).into_owned(),
            });
        }
    }
    spans.sort_by_key(|span| span.from);
    spans
}

fn labelled(
    rules: &Rules,
    level: Level,
    rule: Rule,
    text: &str,
    tally: &mut Tally,
) -> Option<Vec<Span>> {
    let value = shape::trim(text);
    let chars: Vec<char> = value.chars().map(narrow).collect();
    let plain: String = chars.iter().collect();
    if plain.is_empty() || rules.labels().is_label(plain.as_bytes()) {
        return None;
    }
    let kind = shape::kind(rule, &plain)?;
    let action = rules.action(level, kind);
    tally.found.add(kind);
    if action == Action::Pass {
        return Some(Vec::new());
    }
    tally.masked.add(kind);
    let edits = rules
        .keyed(action, kind, &chars)
        .unwrap_or_else(|| mask::apply(action, &chars));
    let start = text.len() - text.trim_start().len();
    let places: Vec<usize> = value
        .char_indices()
        .map(|(at, _)| start + at)
        .chain([start + value.len()])
        .collect();
    let place = |at: usize| places.get(at).copied().unwrap_or(start + value.len());
    let span = |edit: mask::Edit| Span {
        from: place(edit.at),
        to: place(edit.at + edit.over),
        put: match edit.put {
            Put::Stars(count) => "*".repeat(count),
            Put::Text(text) => text,
        },
    };
    Some(edits.into_iter().map(span).collect())
}

/// The values of an operator's own kinds.
fn own(rules: &Arc<Rules>, level: Level, text: &str, tally: &mut Tally) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for kind in rules.own() {
        for (from, to) in kind.find(text.as_bytes()) {
            let value: Vec<char> = text.get(from..to).unwrap_or_default().chars().collect();
            let masked = value.iter().all(|&ch| ch == '*');
            if masked || spans.iter().any(|span| from < span.to && span.from < to) {
                continue;
            }
            tally.found.add(Kind::Custom);
            let action = kind.action(level);
            if action == Action::Pass {
                continue;
            }
            tally.masked.add(Kind::Custom);
            let edits = rules
                .keyed(action, Kind::Custom, &value)
                .unwrap_or_else(|| mask::apply(action, &value));
            let put = crate::whole::write(&value, edits);
            spans.push(Span { from, to, put });
        }
    }
    spans
}
