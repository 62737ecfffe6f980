//! One value that is there whole, outside of any document: a field of a form in parts, a header, a parameter.

use crate::action::Action;
use crate::kind::Counts;
use crate::label::Rule;
use crate::level::Level;
use crate::mask::{self, Edits, Put};
use crate::rules::Rules;
use crate::shape;
use crate::value::narrow;

/// What was found and masked of single values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) found: Counts,
    pub(crate) masked: Counts,
}

/// Masks a value that is what its label says; `None` where it is not, and its own shape is to be looked at.
pub(crate) fn mask_value(
    rules: &Rules,
    level: Level,
    rule: Rule,
    text: &str,
    tally: &mut Tally,
) -> Option<String> {
    let value = shape::trim(text);
    let chars: Vec<char> = value.chars().map(narrow).collect();
    let plain: String = chars.iter().collect();
    let kind = (!plain.is_empty()).then(|| shape::kind(rule, &plain))??;
    let action = rules.action(level, kind);
    tally.found.add(kind);
    if action == Action::Pass {
        return Some(text.to_owned());
    }
    tally.masked.add(kind);
    let edits = rules
        .keyed(action, kind, &chars)
        .unwrap_or_else(|| mask::apply(action, &chars));
    let start = text.len() - text.trim_start().len();
    let (head, tail) = text.split_at_checked(start)?;
    let after = tail.get(value.len()..).unwrap_or_default();
    let original: Vec<char> = value.chars().collect();
    Some([head, &write(&original, edits), after].concat())
}

/// Characters with edits made.
pub(crate) fn write(chars: &[char], edits: Edits) -> String {
    let mut out = String::new();
    let mut at = 0;
    for edit in edits {
        out.extend(chars.get(at..edit.at).unwrap_or_default());
        match edit.put {
            Put::Stars(count) => out.extend(std::iter::repeat_n('*', count)),
            Put::Text(text) => out.push_str(&text),
        }
        at = edit.at + edit.over;
    }
    out.extend(chars.get(at..).unwrap_or_default());
    out
}
