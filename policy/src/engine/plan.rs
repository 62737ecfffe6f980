//! What of a matcher can be looked up, and what must be evaluated.

use crate::facts::{Field, Kind, Schema, Shape};
use crate::language::expression::Expr;
use crate::language::model::Model;
use crate::language::pattern::Way;
use crate::language::syntax::Comparison;

/// What a conjunct of the matcher asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Guard {
    /// `r.x == p.y`
    Equal(Pair),
    /// `g(r.x, p.y)` or `g(r.x, p.y, r.z)`
    Role(Pair, Membership),
    /// `keyMatch2(r.x, p.y)` and the like.
    Match(Pair, Way),
    /// `eval(p.y)`
    Condition(usize),
    Other,
}

/// A fact of the request beside a column of the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) slot: usize,
    pub(crate) field: usize,
    /// A text in the column that stands for everything.
    pub(crate) any: Option<Box<str>>,
}

/// Whose roles are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) graph: usize,
    pub(crate) slot: usize,
    pub(crate) domain: Option<usize>,
}

/// How the index of a model is laid out.
#[derive(Debug)]
pub(crate) struct Plan {
    /// One for each conjunct.
    pub(crate) guards: Vec<Guard>,
    /// Conjuncts that are keys of the first lookup; at most [`KEYS`].
    pub(crate) keys: Vec<usize>,
    /// The conjunct that leads through the path tree, with how parameters are written.
    pub(crate) route: Option<usize>,
    /// The conjunct by which rows are sorted where the tree ends.
    pub(crate) role: Option<usize>,
    /// Every membership that rows ask for.
    pub(crate) memberships: Vec<Membership>,
}

/// Most conjuncts that make up the key of the first lookup.
pub(crate) const KEYS: usize = 4;

impl Plan {
    pub(crate) fn new(model: &Model) -> Self {
        let guards: Vec<Guard> = model
            .conjuncts
            .iter()
            .map(|conjunct| classify(&conjunct.expr, &model.schema))
            .collect();
        let first = |wanted: fn(&Guard) -> bool| guards.iter().position(wanted);
        let keys = guards
            .iter()
            .enumerate()
            .filter(|(_, guard)| matches!(guard, Guard::Equal(_)));
        let mut memberships = Vec::new();
        for guard in &guards {
            if let Guard::Role(_, membership) = guard
                && !memberships.contains(membership)
            {
                memberships.push(*membership);
            }
        }
        Self {
            keys: keys.map(|(at, _)| at).take(KEYS).collect(),
            route: first(|guard| matches!(guard, Guard::Match(_, Way::Path(_)))),
            role: first(|guard| matches!(guard, Guard::Role(..))),
            guards,
            memberships,
        }
    }
}

fn classify(expr: &Expr, schema: &Schema) -> Guard {
    match expr {
        Expr::Any(parts) => wild(parts, schema).unwrap_or(Guard::Other),
        Expr::Compare(Comparison::Equal, left, right) => match (&**left, &**right) {
            (Expr::Fact(slot), Expr::Policy(field)) | (Expr::Policy(field), Expr::Fact(slot)) => {
                pair(schema, *slot, *field).map_or(Guard::Other, Guard::Equal)
            }
            _ => Guard::Other,
        },
        Expr::Role {
            graph,
            subject,
            role,
            domain,
        } => {
            let (Expr::Fact(slot), Expr::Policy(field)) = (&**subject, &**role) else {
                return Guard::Other;
            };
            let domain = match domain.as_deref() {
                None => None,
                Some(Expr::Fact(domain)) if always(schema, *domain) => Some(*domain),
                Some(_) => return Guard::Other,
            };
            let membership = Membership {
                graph: *graph,
                slot: *slot,
                domain,
            };
            pair(schema, *slot, *field).map_or(Guard::Other, |pair| Guard::Role(pair, membership))
        }
        Expr::Match {
            way,
            value,
            pattern,
        } => match (&**value, &**pattern) {
            (Expr::Fact(slot), Expr::Policy(field)) => {
                pair(schema, *slot, *field).map_or(Guard::Other, |pair| Guard::Match(pair, *way))
            }
            _ => Guard::Other,
        },
        Expr::Condition(field) => Guard::Condition(*field),
        Expr::Bool(_)
        | Expr::Int(_)
        | Expr::Text(_)
        | Expr::Fact(_)
        | Expr::Policy(_)
        | Expr::Not(_)
        | Expr::All(_)
        | Expr::Compare(..)
        | Expr::Arithmetic(..) => Guard::Other,
    }
}

/// `p.y == "*" || …` in either order, where the rest asks about the same column.
fn wild(parts: &[Expr], schema: &Schema) -> Option<Guard> {
    let [one, other] = parts else { return None };
    let ((field, text), rest) = match (one.wildcard(), other.wildcard()) {
        (Some(wildcard), None) => (wildcard, other),
        (None, Some(wildcard)) => (wildcard, one),
        (None, None) | (Some(_), Some(_)) => return None,
    };
    let mut guard = classify(rest, schema);
    match &mut guard {
        Guard::Equal(pair) | Guard::Role(pair, _) | Guard::Match(pair, _)
            if pair.field == field && pair.any.is_none() =>
        {
            pair.any = Some(text.into());
        }
        Guard::Equal(_)
        | Guard::Role(..)
        | Guard::Match(..)
        | Guard::Condition(_)
        | Guard::Other => return None,
    }
    Some(guard)
}

/// An attribute may be missing, which no lookup can express; only whole fields are paired.
fn pair(schema: &Schema, slot: usize, field: usize) -> Option<Pair> {
    always(schema, slot).then_some(Pair {
        slot,
        field,
        any: None,
    })
}

fn always(schema: &Schema, slot: usize) -> bool {
    let scalar = |field: &Field| matches!(field.shape, Shape::Scalar(known) if known == slot);
    schema.fields.iter().any(scalar)
        && schema
            .slots
            .get(slot)
            .is_some_and(|slot| slot.kind == Kind::Text)
}
