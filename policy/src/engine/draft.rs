//! Turns rows into what the index is built from.

use std::collections::HashMap;

use regex::Regex;
use smallvec::SmallVec;

use super::check::Check;
use super::plan::{Guard, KEYS, Pair, Plan};
use crate::language::model::Model;
use crate::language::path::{Segment, segments};
use crate::language::pattern::{Patterns, Way};
use crate::rules::table::Rules;
use crate::source::size;
use crate::symbol::{Symbol, Symbols};

/// A row, taken apart.
#[derive(Debug)]
pub(crate) struct Draft<'r> {
    /// Which keys the row fixes, a bit for each.
    pub(crate) mask: u8,
    pub(crate) key: [Symbol; KEYS],
    /// `None` if the row takes any path.
    pub(crate) route: Option<Vec<Segment<'r>>>,
    pub(crate) role: Symbol,
    pub(crate) row: u32,
    pub(crate) checks: SmallVec<[Check; 6]>,
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
    pub(crate) vocabularies: Vec<Vocabulary>,
    pub(crate) regexes: Vec<Regex>,
    pub(crate) known: HashMap<&'r str, u32, foldhash::fast::RandomState>,
}

impl<'r> Drafter<'r> {
    pub(crate) fn draft(&mut self, row: usize) -> Draft<'r> {
        let plan = self.plan;
        let mut draft = Draft {
            mask: 0,
            key: [Symbol::ANY; KEYS],
            route: None,
            role: Symbol::ANY,
            row: size(row),
            checks: SmallVec::new(),
        };
        for (at, guard) in plan.guards.iter().enumerate() {
            match guard {
                Guard::Equal(pair) => {
                    if let Some(text) = self.text(row, pair) {
                        self.equal(&mut draft, at, pair, text);
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
                Guard::Match(pair, Way::Path(style)) if plan.route == Some(at) => {
                    draft.route = self
                        .text(row, pair)
                        .map(|text| segments(text, *style).collect());
                }
                Guard::Match(pair, way) => {
                    let Some(text) = self.text(row, pair) else {
                        continue;
                    };
                    let check = if *way == Way::Regex {
                        self.regex(pair, text)
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

    fn equal(&mut self, draft: &mut Draft<'r>, at: usize, pair: &Pair, text: &str) {
        let symbol = self.symbols.intern(text);
        let position = self.plan.keys.iter().position(|key| *key == at);
        if let Some(place) = position.and_then(|position| draft.key.get_mut(position)) {
            *place = symbol;
            draft.mask |= position.map_or(0, |position| 1 << position);
        } else {
            let check = u8::try_from(pair.slot).map(|slot| Check::Equal { slot, symbol });
            draft
                .checks
                .push(check.unwrap_or(Check::Conjunct(size(at))));
        }
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

    fn regex(&mut self, pair: &Pair, text: &'r str) -> Option<Check> {
        let slot = u8::try_from(pair.slot).ok()?;
        let expression = self.patterns.expression(text)?;
        if let Some(words) = &expression.words {
            let vocabulary = self.vocabularies.get_mut(pair.slot)?;
            let bits: Option<u32> = words
                .iter()
                .try_fold(0, |bits, word| Some(bits | bit(vocabulary, word)?));
            if let Some(words) = bits {
                return Some(Check::Words { slot, words });
            }
        }
        let next = size(self.regexes.len());
        let regex = *self.known.entry(text).or_insert(next);
        if regex == next {
            self.regexes.push(expression.regex.clone());
        }
        Some(Check::Regex { slot, regex })
    }
}

/// The bit of a word, given out if there is one left.
fn bit(vocabulary: &mut Vocabulary, word: &str) -> Option<u32> {
    if let Some((_, bit)) = vocabulary.iter().find(|(known, _)| **known == *word) {
        return Some(*bit);
    }
    let bit = 1_u32.checked_shl(size(vocabulary.len()))?;
    vocabulary.push((word.into(), bit));
    Some(bit)
}
