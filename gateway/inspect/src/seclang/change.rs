//! What rules do when met: variables, controls, and texts filled in.

use std::borrow::Cow;

use super::action::{Assignment, Change, Control, Variable};
use super::evaluate::FILLED;
use super::expand::{Piece, RuleField, Text};
use super::operator::number;
use super::ruleset::{Compiled, Link, Rule};
use super::state::TxValue;
use super::store::Entry;
use super::target::{Collection, Selector, Target};
use super::transaction::Transaction;

/// Variables of `ENV` that rules may set in one exchange. Chosen.
const ENVIRONMENT: usize = 256;

/// Bytes of a message that is filled in; more of it is never shown.
const SHOWN: usize = 1024;

impl<'r> Transaction<'r, '_> {
    /// Does what a condition does when met.
    pub(super) fn act(&mut self, rule: &'r Rule, link: &'r Link) {
        for change in &link.changes {
            self.change(rule, change);
        }
        for control in &link.controls {
            self.control(control);
        }
    }

    fn control(&mut self, compiled: &'r Compiled) {
        match &compiled.control {
            Control::Engine(engine) => self.engine = *engine,
            Control::RemoveRules(_) => self.removed.add_rules(&compiled.rules),
            Control::RemoveTargets(..) => {
                if let Some(target) = compiled.target() {
                    self.removed.add_targets(&compiled.rules, target);
                }
            }
            Control::ForceRequestBody => self.force_body = true,
            Control::Processor(processor) => self.processor = Some(*processor),
            Control::RequestBody(read) => self.read_request_body = *read,
            Control::ResponseBody(read) => self.read_response_body = *read,
            Control::Nothing => {}
        }
    }

    fn change(&mut self, rule: &'r Rule, change: &'r Change) {
        match change {
            Change::Set { place, how, value } => self.assign(rule, place, *how, value),
            Change::Unset(place) => match place {
                Variable::Slot(slot) => self.tx.set(*slot, TxValue::Unset),
                Variable::Named { collection, name } => {
                    let name = self.filled(name, rule, FILLED).to_ascii_lowercase();
                    self.unset(*collection, &name);
                }
            },
            Change::Expire { place, seconds } => {
                let Variable::Named { collection, name } = place else {
                    return;
                };
                let name = self.filled(name, rule, FILLED).to_ascii_lowercase();
                let seconds = u64::try_from(self.number_of(seconds)).unwrap_or(0);
                let end = self
                    .connection
                    .now
                    .saturating_add(std::time::Duration::from_secs(seconds));
                self.stored_change(*collection, &name, |entry| {
                    entry.map(|(value, _)| (value, Some(end)))
                });
            }
            Change::Open { collection, key } => {
                let key = self.filled(key, rule, FILLED).into_owned();
                if self.stored.get(*collection).is_none() {
                    let record = self
                        .rules
                        .store
                        .open(*collection, &key, self.connection.now);
                    self.stored.0.push((*collection, key, record));
                }
            }
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a hundred collections, of which few are special"
    )]
    fn assign(&mut self, rule: &'r Rule, place: &'r Variable, how: Assignment, value: &'r Text) {
        let named = match place {
            Variable::Slot(slot) => {
                let after = match how {
                    Assignment::To => self.value_of(rule, value),
                    Assignment::Plus | Assignment::Minus => {
                        let before = self.tx.get(*slot).number();
                        TxValue::Number(add(before, how, self.number_of(value)))
                    }
                };
                self.tx.set(*slot, after);
                return;
            }
            Variable::Named { collection, name } => (*collection, name),
        };
        let (collection, name) = named;
        let name = self.filled(name, rule, FILLED).to_ascii_lowercase();
        let text = self.filled(value, rule, FILLED).into_owned();
        let changed = |before: &[u8]| match how {
            Assignment::To => text.clone(),
            Assignment::Plus | Assignment::Minus => add(number(before), how, number(&text))
                .to_string()
                .into_bytes(),
        };
        match collection {
            Collection::Tx => {
                let before = self.tx.named(&self.rules.names, &name);
                let after = changed(&before.bytes());
                self.tx
                    .set_named(&self.rules.names, &name, TxValue::of(Cow::Owned(after)));
            }
            Collection::Env => {
                let before = self
                    .environment
                    .iter()
                    .position(|(known, _)| *known == name);
                let value = before
                    .map(|at| self.environment.swap_remove(at).1)
                    .unwrap_or_default();
                if self.environment.len() < ENVIRONMENT {
                    self.environment.push((name, changed(&value)));
                }
            }
            stored => self.stored_change(stored, &name, |entry| {
                let (before, end) = entry.unwrap_or_default();
                Some((changed(&before), end))
            }),
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a hundred collections, of which few are special"
    )]
    fn unset(&mut self, collection: Collection, name: &[u8]) {
        match collection {
            Collection::Tx => self.tx.set_named(&self.rules.names, name, TxValue::Unset),
            Collection::Env => self.environment.retain(|(known, _)| known != name),
            stored => self.stored_change(stored, name, |_| None),
        }
    }

    /// Changes a variable in the store, and in the copy this exchange reads.
    fn stored_change(
        &mut self,
        collection: Collection,
        name: &[u8],
        change: impl FnOnce(Option<Entry>) -> Option<Entry>,
    ) {
        let Some((_, key, record)) = self
            .stored
            .0
            .iter_mut()
            .find(|(known, _, _)| *known == collection)
        else {
            return;
        };
        let mut after = None;
        self.rules
            .store
            .change(collection, key, self.connection.now, name, |before| {
                after = change(before);
                after.clone()
            });
        match after {
            Some(entry) => record.insert(name.to_vec(), entry),
            None => record.remove(name),
        };
    }

    fn value_of(&self, rule: &'r Rule, value: &'r Text) -> TxValue<'r> {
        match value.0.as_slice() {
            [Piece::Fixed(text)] => TxValue::of(Cow::Borrowed(text)),
            [Piece::Slot(slot)] => self.tx.get(*slot).clone(),
            _ => TxValue::of(Cow::Owned(self.filled(value, rule, FILLED).into_owned())),
        }
    }

    /// Returns the number a text stands for.
    pub(super) fn number_of(&self, text: &Text) -> i64 {
        match text.0.as_slice() {
            [Piece::Fixed(text)] => number(text),
            [Piece::Slot(slot)] => self.tx.get(*slot).number(),
            [] => 0,
            pieces => {
                let mut out = Vec::new();
                for piece in pieces {
                    self.fill(&mut out, piece, None, 64);
                }
                number(&out)
            }
        }
    }

    /// Returns a message, filled in.
    pub(super) fn expanded(&self, text: &Text, rule: &Rule) -> Vec<u8> {
        self.filled(text, rule, SHOWN).into_owned()
    }

    /// Returns a text, filled in as far as `most` bytes.
    pub(super) fn filled<'t>(&self, text: &'t Text, rule: &Rule, most: usize) -> Cow<'t, [u8]> {
        if let Some(fixed) = text.fixed() {
            return Cow::Borrowed(fixed);
        }
        let mut out = Vec::new();
        for piece in &text.0 {
            self.fill(&mut out, piece, Some(rule), most);
        }
        Cow::Owned(out)
    }

    fn fill(&self, out: &mut Vec<u8>, piece: &Piece, rule: Option<&Rule>, most: usize) {
        let room = most.saturating_sub(out.len());
        let mut add = |bytes: &[u8]| out.extend_from_slice(crate::text::span(bytes, 0, room));
        match piece {
            Piece::Fixed(text) => add(text),
            Piece::Slot(slot) => add(&self.tx.get(*slot).bytes()),
            Piece::Value(target) => self.first_value(target, add),
            Piece::Rule(field) => {
                let Some(rule) = rule else { return };
                match field {
                    RuleField::Id => add(rule.id.to_string().as_bytes()),
                    RuleField::Message => add(rule
                        .message
                        .as_ref()
                        .and_then(Text::fixed)
                        .unwrap_or_default()),
                    RuleField::Severity => {
                        let number = rule.severity.map(|severity| severity.number().to_string());
                        add(number.unwrap_or_default().as_bytes());
                    }
                }
            }
        }
    }

    /// Gives the first value of a target: what a text means by `%{…}`.
    fn first_value(&self, target: &Target, mut give: impl FnMut(&[u8])) {
        if target.collection == Collection::MatchedVar && matches!(target.selector, Selector::All) {
            if let Some(matched) = self.matched.last() {
                match matched.value {
                    super::state::MatchedValue::Text(text) => give(self.texts.bytes(text)),
                    super::state::MatchedValue::Number(n) => give(n.to_string().as_bytes()),
                }
            }
        } else if target.collection.is_live() {
            if let Some((_, value)) = self.live_values(target).first() {
                give(value);
            }
        } else if let Some(value) = self
            .values
            .matching(target)
            .first()
            .and_then(|id| self.values.get(*id))
        {
            give(self.texts.bytes(value.text));
        }
    }
}

fn add(before: i64, how: Assignment, by: i64) -> i64 {
    match how {
        Assignment::Minus => before.saturating_sub(by),
        Assignment::To | Assignment::Plus => before.saturating_add(by),
    }
}
