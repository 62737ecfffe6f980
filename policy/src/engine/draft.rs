//! Turns rows into what the index is built from.

use std::sync::Arc;

use smallvec::SmallVec;

use super::check::Check;
use super::plan::{Guard, KEYS, Pair, Plan};
use crate::language::model::Model;
use crate::language::path::{Segment, segments};
use crate::language::pattern::{Patterns, Way};
use crate::language::regexp::Expression;
use crate::rules::table::Rules;
use crate::source::size;
use crate::symbol::{Symbol, Symbols};

/// The values that a row fixes, by which rows are grouped.
pub(crate) type Key = [Symbol; KEYS];

/// A row, taken apart.
#[derive(Debug)]
pub(crate) struct Draft<'r> {
    /// `None` if the row takes any path.
    pub(crate) route: Option<Vec<Segment<'r>>>,
    pub(crate) role: Symbol,
    /// Its position over all files.
    pub(crate) row: usize,
    pub(crate) checks: SmallVec<[Check; 6]>,
    /// What [`Check::Regex`] counts in.
    pub(crate) regexes: SmallVec<[Arc<Expression>; 1]>,
}

/// The words that values of a slot are compared with, a bit for each.
pub(crate) type Vocabulary = Vec<(Box<str>, u32)>;

/// Makes drafts, and gathers what they refer to.
pub(crate) struct Drafter<'r> {
    pub(crate) plan: &'r Plan,
    pub(crate) model: &'r Model,
    pub(crate) rules: &'r Rules,
    pub(crate) patterns: &'r Patterns,
    pub(crate) symbols: &'r mut Symbols,
    /// By slot.
    pub(crate) vocabularies: Arc<Vec<Vocabulary>>,
}

impl<'r> Drafter<'r> {
    /// The values that a row fixes, each mentioned once more.
    pub(crate) fn key(&mut self, row: usize) -> Key {
        let mut key = [Symbol::ANY; KEYS];
        for (place, at) in key.iter_mut().zip(&self.plan.keys) {
            if let Some(Guard::Equal(pair)) = self.plan.guards.get(*at)
                && let Some(text) = self.text(row, pair)
            {
                *place = self.symbols.intern(text);
            }
        }
        key
    }

    /// Where a row that was drafted before stands in the index: values and path.
    pub(crate) fn address(&self, row: usize) -> (Key, Option<Vec<Segment<'r>>>) {
        let mut key = [Symbol::ANY; KEYS];
        for (place, at) in key.iter_mut().zip(&self.plan.keys) {
            if let Some(Guard::Equal(pair)) = self.plan.guards.get(*at)
                && let Some(text) = self.text(row, pair)
            {
                *place = self.symbols.find(text);
            }
        }
        (key, self.route(row))
    }

    /// Takes back the names that a row mentions.
    pub(crate) fn release(&mut self, row: usize) {
        for guard in &self.plan.guards {
            if let Guard::Equal(pair) | Guard::Role(pair, _) = guard
                && let Some(text) = self.text(row, pair)
            {
                self.symbols.release(text);
            }
        }
    }

    fn route(&self, row: usize) -> Option<Vec<Segment<'r>>> {
        match self.plan.route.and_then(|at| self.plan.guards.get(at)) {
            Some(Guard::Match(pair, Way::Path(style))) => {
                let text = self.text(row, pair)?;
                Some(segments(text, *style).collect())
            }
            Some(
                Guard::Match(..)
                | Guard::Equal(_)
                | Guard::Role(..)
                | Guard::Condition(_)
                | Guard::Other,
            )
            | None => None,
        }
    }

    /// What a row asks beside its key.
    pub(crate) fn draft(&mut self, row: usize) -> Draft<'r> {
        let plan = self.plan;
        let mut draft = Draft {
            route: self.route(row),
            role: Symbol::ANY,
            row,
            checks: SmallVec::new(),
            regexes: SmallVec::new(),
        };
        for (at, guard) in plan.guards.iter().enumerate() {
            match guard {
                Guard::Equal(_) if plan.keys.contains(&at) => {}
                Guard::Equal(pair) => {
                    if let Some(text) = self.text(row, pair) {
                        let symbol = self.symbols.intern(text);
                        let check =
                            u8::try_from(pair.slot).map(|slot| Check::Equal { slot, symbol });
                        draft
                            .checks
                            .push(check.unwrap_or(Check::Conjunct(size(at))));
                    }
                }
                Guard::Role(pair, membership) => {
                    let Some(text) = self.text(row, pair) else {
                        continue;
                    };
                    let role = self.symbols.intern(text);
                    if plan.role == Some(at) {
                        draft.role = role;
                        continue;
                    }
                    let number = plan
                        .memberships
                        .iter()
                        .position(|known| known == membership);
                    match number.and_then(|number| u8::try_from(number).ok()) {
                        Some(membership) => draft.checks.push(Check::Role { membership, role }),
                        None => draft.checks.push(Check::Conjunct(size(at))),
                    }
                }
                Guard::Match(_, Way::Path(_)) if plan.route == Some(at) => {}
                Guard::Match(pair, way) => {
                    let Some(text) = self.text(row, pair) else {
                        continue;
                    };
                    let check = if *way == Way::Regex {
                        self.regex(&mut draft, pair, text)
                    } else {
                        None
                    };
                    draft
                        .checks
                        .push(check.unwrap_or(Check::Conjunct(size(at))));
                }
                Guard::Condition(field) => self.condition(&mut draft, row, *field),
                Guard::Other => {
                    let Some(conjunct) = self.model.conjuncts.get(at) else {
                        continue;
                    };
                    match Check::of(&conjunct.expr) {
                        Some(check) => draft.checks.extend(check),
                        None => draft.checks.push(Check::Conjunct(size(at))),
                    }
                }
            }
        }
        draft
    }

    /// The row's text in a guard's column, unless it stands for everything.
    fn text(&self, row: usize, pair: &Pair) -> Option<&'r str> {
        let text = self.rules.field(row, pair.field);
        (pair.any.as_deref() != Some(text)).then_some(text)
    }

    fn condition(&self, draft: &mut Draft<'r>, row: usize, field: usize) {
        let Some(conjuncts) = self.rules.condition(self.rules.field(row, field)) else {
            draft.checks.push(Check::Never);
            return;
        };
        for (part, conjunct) in conjuncts.iter().enumerate() {
            match Check::of(&conjunct.expr) {
                Some(check) => draft.checks.extend(check),
                None => draft.checks.push(Check::Part {
                    field: u16::try_from(field).unwrap_or(u16::MAX),
                    part: size(part),
                }),
            }
        }
    }

    fn regex(&mut self, draft: &mut Draft<'r>, pair: &Pair, text: &str) -> Option<Check> {
        let slot = u8::try_from(pair.slot).ok()?;
        let expression = self.patterns.expression(text)?;
        if let Some(words) = &expression.words
            && let Some(words) = self.words(pair.slot, words)
        {
            return Some(Check::Words { slot, words });
        }
        draft.regexes.push(Arc::clone(expression));
        Some(Check::Regex {
            slot,
            regex: size(draft.regexes.len() - 1),
        })
    }

    /// The bits of words, those that have none getting one; `None` if there are not enough.
    fn words(&mut self, slot: usize, words: &[Box<str>]) -> Option<u32> {
        let known = |vocabulary: &Vocabulary, word: &str| {
            let found = vocabulary.iter().find(|(known, _)| **known == *word);
            found.map(|(_, bit)| *bit)
        };
        let mut bits = 0;
        for word in words {
            let vocabulary = self.vocabularies.get(slot)?;
            bits |= match known(vocabulary, word) {
                Some(bit) => bit,
                None => {
                    let bit = 1_u32.checked_shl(size(vocabulary.len()))?;
                    let vocabulary = Arc::make_mut(&mut self.vocabularies).get_mut(slot)?;
                    vocabulary.push((word.clone(), bit));
                    bit
                }
            };
        }
        Some(bits)
    }
}
