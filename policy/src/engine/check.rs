//! What is left to ask of a row once the index has found it.

use std::sync::Arc;

use super::index::Asked;
use super::interpret::{Case, compare};
use super::snapshot::Policy;
use crate::facts::Fact;
use crate::language::expression::Expr;
use crate::language::regexp::Expression;
use crate::language::syntax::Comparison;
use crate::rules::sheet::Slot;
use crate::symbol::Symbol;
use crate::truth::Truth;

/// One question about a request; 8 bytes, stored beside those of neighbouring rows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Check {
    /// The row never applies.
    Never,
    Equal {
        slot: u8,
        symbol: Symbol,
    },
    /// The caller of this membership has the role.
    Role {
        membership: u8,
        role: Symbol,
    },
    /// The value is one of these words.
    Words {
        slot: u8,
        words: u32,
    },
    Regex {
        slot: u8,
        regex: u32,
    },
    Int {
        slot: u8,
        comparison: Comparison,
        /// Constants have 32 bits in this language.
        bound: i32,
    },
    Flag {
        slot: u8,
        wanted: bool,
    },
    /// A conjunct of the matcher, by the interpreter.
    Conjunct(u32),
    /// A conjunct of the row's condition, by the interpreter.
    Part {
        field: u16,
        part: u32,
    },
}

impl Check {
    /// The compiled form of an expression, `None` if it has to be interpreted, `Some(None)` if it always
    /// holds.
    pub(crate) fn of(expr: &Expr) -> Option<Option<Self>> {
        let narrow = |slot: &usize| u8::try_from(*slot).ok();
        match expr {
            Expr::Bool(true) => Some(None),
            Expr::Bool(false) => Some(Some(Self::Never)),
            Expr::Fact(slot) => Some(Some(Self::Flag {
                slot: narrow(slot)?,
                wanted: true,
            })),
            Expr::Not(inner) => {
                let Expr::Fact(slot) = &**inner else {
                    return None;
                };
                Some(Some(Self::Flag {
                    slot: narrow(slot)?,
                    wanted: false,
                }))
            }
            Expr::Compare(comparison, left, right) => match (&**left, &**right) {
                (Expr::Fact(slot), Expr::Int(bound)) => Some(Some(Self::Int {
                    slot: narrow(slot)?,
                    comparison: *comparison,
                    bound: i32::try_from(*bound).ok()?,
                })),
                (Expr::Int(bound), Expr::Fact(slot)) => Some(Some(Self::Int {
                    slot: narrow(slot)?,
                    comparison: comparison.mirrored(),
                    bound: i32::try_from(*bound).ok()?,
                })),
                _ => None,
            },
            Expr::Int(_)
            | Expr::Text(_)
            | Expr::Policy(_)
            | Expr::All(_)
            | Expr::Any(_)
            | Expr::Arithmetic(..)
            | Expr::Role { .. }
            | Expr::Match { .. }
            | Expr::Condition(_) => None,
        }
    }

    /// The same question where its regex has another number.
    pub(crate) fn moved(self, number: impl FnOnce(u32) -> u32) -> Self {
        if let Self::Regex { slot, regex } = self {
            let regex = number(regex);
            return Self::Regex { slot, regex };
        }
        self
    }

    pub(crate) fn ask(
        &self,
        policy: &Policy,
        regexes: &[Arc<Expression>],
        asked: &Asked<'_>,
        row: Slot,
    ) -> Truth {
        match *self {
            Self::Never => Truth::False,
            Self::Equal { slot, symbol } => (asked.symbol(slot.into()) == symbol).into(),
            Self::Role { membership, role } => asked.holds(membership.into(), role).into(),
            Self::Words { slot, words } => (asked.words(slot.into()) & words != 0).into(),
            Self::Regex { slot, regex } => {
                match (regexes.get(regex as usize), asked.fact(slot.into())) {
                    (Some(known), Fact::Text(text)) => known.is_match(text).into(),
                    _ => Truth::Unknown,
                }
            }
            Self::Int {
                slot,
                comparison,
                bound,
            } => compare(comparison, asked.fact(slot.into()), Fact::Int(bound.into())),
            Self::Flag { slot, wanted } => match asked.fact(slot.into()) {
                Fact::Bool(known) => (known == wanted).into(),
                Fact::Missing | Fact::Text(_) | Fact::Int(_) => Truth::Unknown,
            },
            Self::Conjunct(at) => {
                let case = Case {
                    policy,
                    facts: asked.facts,
                    row: policy.rules.position(row) as usize,
                };
                let conjunct = policy.model.conjuncts.get(at as usize);
                conjunct.map_or(Truth::Unknown, |conjunct| case.truth(&conjunct.expr))
            }
            Self::Part { field, part } => {
                let case = Case {
                    policy,
                    facts: asked.facts,
                    row: policy.rules.position(row) as usize,
                };
                let condition = policy
                    .rules
                    .condition(policy.rules.field(case.row, field.into()));
                let conjunct = condition.and_then(|conjuncts| conjuncts.get(part as usize));
                conjunct.map_or(Truth::Unknown, |conjunct| case.truth(&conjunct.expr))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_has_eight_bytes() {
        assert_eq!(size_of::<Check>(), 8);
    }
}
