//! Evaluates expressions as they are written, for whatever is not compiled and for explanations.

use super::snapshot::Policy;
use crate::facts::Fact;
use crate::language::expression::Expr;
use crate::language::syntax::{Arithmetic, Comparison};
use crate::truth::Truth;

/// One row against one request.
#[derive(Clone, Copy)]
pub(crate) struct Case<'s> {
    pub(crate) policy: &'s Policy,
    pub(crate) facts: &'s [Fact<'s>],
    pub(crate) row: usize,
}

impl<'s> Case<'s> {
    pub(crate) fn truth(&self, expr: &'s Expr) -> Truth {
        match expr {
            Expr::Not(inner) => self.truth(inner).not(),
            Expr::All(parts) => self.all(parts.iter()),
            Expr::Any(parts) => {
                let mut any = Truth::False;
                for part in parts {
                    any = any.or(self.truth(part));
                    if any == Truth::True {
                        break;
                    }
                }
                any
            }
            Expr::Compare(comparison, left, right) => {
                compare(*comparison, self.value(left), self.value(right))
            }
            Expr::Role {
                graph,
                subject,
                role,
                domain,
            } => self.role(
                *graph,
                self.value(subject),
                self.value(role),
                domain.as_ref().map(|domain| self.value(domain)),
            ),
            Expr::Match {
                way,
                value,
                pattern,
            } => match (self.value(value), self.value(pattern)) {
                (Fact::Text(value), Fact::Text(pattern)) => {
                    self.policy.patterns.compare(*way, pattern, value)
                }
                _ => Truth::Unknown,
            },
            Expr::Condition(field) => {
                let text = self.policy.rules.field(self.row, *field);
                match self.policy.rules.condition(text) {
                    Some(conjuncts) => self.all(conjuncts.iter().map(|conjunct| &conjunct.expr)),
                    None => Truth::Unknown,
                }
            }
            Expr::Bool(_)
            | Expr::Int(_)
            | Expr::Text(_)
            | Expr::Fact(_)
            | Expr::Policy(_)
            | Expr::Arithmetic(..) => match self.value(expr) {
                Fact::Bool(known) => known.into(),
                Fact::Missing | Fact::Text(_) | Fact::Int(_) => Truth::Unknown,
            },
        }
    }

    fn all(&self, parts: impl Iterator<Item = &'s Expr>) -> Truth {
        let mut all = Truth::True;
        for part in parts {
            all = all.and(self.truth(part));
            if all == Truth::False {
                break;
            }
        }
        all
    }

    pub(crate) fn value(&self, expr: &'s Expr) -> Fact<'s> {
        match expr {
            Expr::Bool(known) => Fact::Bool(*known),
            Expr::Int(number) => Fact::Int(*number),
            Expr::Text(text) => Fact::Text(text),
            Expr::Fact(slot) => self.facts.get(*slot).copied().unwrap_or(Fact::Missing),
            Expr::Policy(field) => Fact::Text(self.policy.rules.field(self.row, *field)),
            Expr::Arithmetic(operator, left, right) => {
                match (self.value(left), self.value(right)) {
                    (Fact::Int(left), Fact::Int(right)) => {
                        calculate(*operator, left, right).map_or(Fact::Missing, Fact::Int)
                    }
                    _ => Fact::Missing,
                }
            }
            Expr::Not(_)
            | Expr::All(_)
            | Expr::Any(_)
            | Expr::Compare(..)
            | Expr::Role { .. }
            | Expr::Match { .. }
            | Expr::Condition(_) => match self.truth(expr) {
                Truth::True => Fact::Bool(true),
                Truth::False => Fact::Bool(false),
                Truth::Unknown => Fact::Missing,
            },
        }
    }

    fn role(
        &self,
        graph: usize,
        subject: Fact<'_>,
        role: Fact<'_>,
        domain: Option<Fact<'_>>,
    ) -> Truth {
        let (Fact::Text(subject), Fact::Text(role)) = (subject, role) else {
            return Truth::Unknown;
        };
        let domain = match domain {
            None => "",
            Some(Fact::Text(domain)) => domain,
            Some(Fact::Missing | Fact::Int(_) | Fact::Bool(_)) => return Truth::Unknown,
        };
        if subject == role {
            return Truth::True;
        }
        let symbols = &self.policy.symbols;
        let Some(graph) = self.policy.rules.graph(graph) else {
            return Truth::Unknown;
        };
        let reached = graph.reach(symbols.find(subject), symbols.find(domain));
        reached.binary_search(&symbols.find(role)).is_ok().into()
    }
}

pub(crate) fn compare(comparison: Comparison, left: Fact<'_>, right: Fact<'_>) -> Truth {
    let order = match (left, right) {
        (Fact::Text(left), Fact::Text(right)) => left.cmp(right),
        (Fact::Int(left), Fact::Int(right)) => left.cmp(&right),
        (Fact::Bool(left), Fact::Bool(right)) => left.cmp(&right),
        _ => return Truth::Unknown,
    };
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::Unequal => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
    .into()
}

/// What leaves 64 bits is unknown rather than wrapped.
fn calculate(operator: Arithmetic, left: i64, right: i64) -> Option<i64> {
    match operator {
        Arithmetic::Plus => left.checked_add(right),
        Arithmetic::Minus => left.checked_sub(right),
        Arithmetic::Times => left.checked_mul(right),
        Arithmetic::Remainder => left.checked_rem(right),
    }
}
