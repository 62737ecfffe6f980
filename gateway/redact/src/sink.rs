//! What becomes of values: counted, and written as their actions leave them.

use std::sync::Arc;

use crate::action::{Action, Actions};
use crate::copy::Copy;
use crate::find::Hit;
use crate::kind::{Counts, Kind};
use crate::level::Level;
use crate::mask;
use crate::people::People;
use crate::rules::Rules;

/// What becomes of values, and how many there were.
#[derive(Debug)]
pub(crate) struct Sink {
    rules: Arc<Rules>,
    pub(crate) actions: Actions,
    /// Within a JSON string, where stars may stand; outside, a number must stay a number.
    pub(crate) in_string: bool,
    pub(crate) found: Counts,
    pub(crate) masked: Counts,
    /// Whom the body tells of, where there is a key to tell people apart.
    pub(crate) people: Option<Box<People>>,
}

impl Sink {
    pub(crate) fn new(rules: Arc<Rules>, level: Level, in_string: bool) -> Self {
        Self {
            actions: rules.actions(level),
            people: rules
                .person_key()
                .map(|key| Box::new(People::new(Arc::clone(key)))),
            rules,
            in_string,
            found: Counts::default(),
            masked: Counts::default(),
        }
    }

    /// Counts a value, masked if its action does not pass it.
    pub(crate) fn add(&mut self, kind: Kind) -> Action {
        let action = self.actions.get(kind);
        self.found.add(kind);
        if action != Action::Pass {
            self.masked.add(kind);
        }
        action
    }

    /// Notes whom a value identifies.
    #[inline]
    pub(crate) fn note(&mut self, kind: Kind, value: &[u8]) {
        if let Some(people) = &mut self.people {
            people.note(kind, std::str::from_utf8(value).unwrap_or_default());
        }
    }

    /// Counts a value and writes what its action leaves of it.
    pub(crate) fn write(
        &mut self,
        hit: &Hit,
        text: &[u8],
        place_of: &impl Fn(usize) -> usize,
        copy: &mut Copy<'_>,
    ) {
        let action = self.add(hit.kind);
        let value = text.get(hit.start..hit.end).unwrap_or_default();
        self.note(hit.kind, value);
        match action {
            Action::Pass => {}
            _ if !self.in_string && text.get(hit.start..hit.end).is_some_and(is_number) => {
                self.write_number(action, hit, text, place_of, copy);
            }
            Action::Keep { head, tail }
                if hit.end - hit.start > usize::from(head) + usize::from(tail) =>
            {
                let from = (hit.start + usize::from(head)).min(hit.first);
                let to = hit
                    .end
                    .saturating_sub(usize::from(tail))
                    .max(hit.last)
                    .max(from);
                copy.replace(place_of(from), place_of(to), b'*', to - from);
            }
            Action::Local { head } if hit.first < hit.end => {
                let from = (hit.start + usize::from(head)).min(hit.first);
                copy.replace(place_of(from), place_of(hit.first), b'*', 3);
            }
            Action::Drop => copy.replace(place_of(hit.start), place_of(hit.end), b'*', 3),
            other @ (Action::Keep { .. }
            | Action::Hide { .. }
            | Action::Line { .. }
            | Action::Local { .. }
            | Action::Surname
            | Action::Hidden
            | Action::District
            | Action::City
            | Action::Groups { .. }
            | Action::Digits { .. }
            | Action::Round { .. }
            | Action::Band
            | Action::Shift
            | Action::Token
            | Action::Seal
            | Action::Encrypt
            | Action::Null
            | Action::Remove) => {
                let chars: Vec<char> = text
                    .get(hit.start..hit.end)
                    .unwrap_or_default()
                    .iter()
                    .map(|&byte| char::from(byte))
                    .collect();
                let edits = match self.rules.keyed(other, hit.kind, &chars) {
                    Some(edits) => edits,
                    // Stands behind its province, which belongs to it.
                    None => mask::apply(without_province(other, hit.kind), &chars),
                };
                for edit in edits {
                    let from = place_of(hit.start + edit.at);
                    copy.put(from, place_of(hit.start + edit.at + edit.over), &edit.put);
                }
            }
        }
    }

    /// Writes what an action leaves of a number outside strings: a number.
    fn write_number(
        &mut self,
        action: Action,
        hit: &Hit,
        text: &[u8],
        place_of: &impl Fn(usize) -> usize,
        copy: &mut Copy<'_>,
    ) {
        // Stars would break the document, zeros in front are no JSON number, and `-0` is read as a fraction.
        let start = if text.get(..hit.start) == Some(b"-") {
            0
        } else {
            hit.start
        };
        if action == Action::Null {
            copy.put(
                place_of(start),
                place_of(hit.end),
                &mask::Put::Text("null".to_owned()),
            );
        } else {
            copy.replace(place_of(start), place_of(hit.end), b'0', 1);
        }
    }
}

fn without_province(action: Action, kind: Kind) -> Action {
    if let (Action::Keep { head, tail }, Kind::Plate) = (action, kind) {
        let head = head.saturating_sub(1);
        return Action::Keep { head, tail };
    }
    action
}

/// Tells whether a text has only characters of JSON numbers.
pub(crate) fn is_number(text: &[u8]) -> bool {
    !text.is_empty()
        && text
            .iter()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'))
}
