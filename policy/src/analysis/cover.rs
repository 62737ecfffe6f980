//! Whether one row applies wherever another does: exact for what the index can look up, otherwise careful.

use crate::engine::plan::Guard;
use crate::engine::snapshot::Policy;
use crate::language::expression::{Conjunct, Expr};
use crate::language::path::{Segment, Style, segments};
use crate::language::pattern::Way;
use crate::language::syntax::Comparison;

/// Whether `wide` applies to every request that `narrow` applies to; `false` if that is not known.
pub(crate) fn covers(policy: &Policy, wide: usize, narrow: usize) -> bool {
    let guards = policy.plan.guards.iter().zip(&policy.model.conjuncts);
    guards.into_iter().all(|(guard, conjunct)| {
        let text = |row: usize, field: usize| policy.rules.field(row, field);
        match guard {
            Guard::Equal(pair) => {
                let one = text(wide, pair.field);
                pair.any.as_deref() == Some(one) || one == text(narrow, pair.field)
            }
            Guard::Role(pair, membership) => {
                let (one, other) = (text(wide, pair.field), text(narrow, pair.field));
                pair.any.as_deref() == Some(one)
                    || one == other
                    || (pair.any.as_deref() != Some(other)
                        && membership.domain.is_none()
                        && holds(policy, membership.graph, other, one))
            }
            Guard::Match(pair, way) => {
                let (one, other) = (text(wide, pair.field), text(narrow, pair.field));
                pair.any.as_deref() == Some(one)
                    || one == other
                    || (pair.any.as_deref() != Some(other) && contains(policy, *way, one, other))
            }
            Guard::Condition(field) => {
                let own = |row: usize| {
                    policy
                        .rules
                        .condition(text(row, *field))
                        .unwrap_or_default()
                };
                let known = policy.rules.condition(text(wide, *field)).is_some();
                known
                    && own(wide)
                        .iter()
                        .all(|asked| own(narrow).iter().any(|given| implies(given, asked)))
                    || text(wide, *field) == text(narrow, *field)
            }
            Guard::Other => {
                let mut alike = true;
                conjunct.expr.visit(&mut |part| {
                    if let Expr::Policy(field) | Expr::Condition(field) = part {
                        alike &= text(wide, *field) == text(narrow, *field);
                    }
                });
                alike
            }
        }
    })
}

fn holds(policy: &Policy, graph: usize, member: &str, role: &str) -> bool {
    let symbols = &policy.symbols;
    policy.rules.graph(graph).is_some_and(|graph| {
        graph
            .reach(symbols.find(member), policy.no_domain)
            .binary_search(&symbols.find(role))
            .is_ok()
    })
}

/// Whether the first pattern matches whatever the second does.
fn contains(policy: &Policy, way: Way, wide: &str, narrow: &str) -> bool {
    match way {
        Way::Prefix => wide.strip_suffix('*').is_some_and(|prefix| {
            narrow
                .strip_suffix('*')
                .unwrap_or(narrow)
                .starts_with(prefix)
        }),
        Way::Path(style) => contains_path(wide, narrow, style),
        Way::Regex => {
            let words = |pattern: &str| {
                policy
                    .patterns
                    .expression(pattern)
                    .and_then(|known| known.words.as_ref())
            };
            match (policy.patterns.expression(wide), words(narrow)) {
                (Some(wide), Some(words)) => words.iter().all(|word| wide.is_match(word)),
                (None, _) | (_, None) => wide == ".*" || wide == "^.*$",
            }
        }
        Way::Address => false,
    }
}

pub(crate) fn contains_path(wide: &str, narrow: &str, style: Style) -> bool {
    let (mut one, mut other) = (segments(wide, style), segments(narrow, style));
    loop {
        match (one.next(), other.next()) {
            (Some(Segment::Tail), Some(_)) | (None, None) => return true,
            (Some(Segment::Literal(one)), Some(Segment::Literal(other))) if one == other => {}
            (Some(Segment::Parameter), Some(Segment::Literal(text))) if !text.is_empty() => {}
            (Some(Segment::Parameter), Some(Segment::Parameter)) => {}
            _ => return false,
        }
    }
}

/// Whether a condition that holds makes another one hold.
fn implies(given: &Conjunct, asked: &Conjunct) -> bool {
    if given.text == asked.text || matches!(asked.expr, Expr::Bool(true)) {
        return true;
    }
    let bound = |conjunct: &Conjunct| {
        let Expr::Compare(comparison, left, right) = &conjunct.expr else {
            return None;
        };
        match (&**left, &**right) {
            (Expr::Fact(slot), Expr::Int(number)) => Some((*comparison, *slot, *number)),
            _ => None,
        }
    };
    let (Some((how, slot, given)), Some((wanted, other, asked))) = (bound(given), bound(asked))
    else {
        return false;
    };
    if slot != other {
        return false;
    }
    // The values that a comparison leaves, as a closed interval.
    let interval = |comparison: Comparison, bound: i64| match comparison {
        Comparison::Equal => Some((bound, bound)),
        Comparison::Less => Some((i64::MIN, bound - 1)),
        Comparison::LessOrEqual => Some((i64::MIN, bound)),
        Comparison::Greater => Some((bound + 1, i64::MAX)),
        Comparison::GreaterOrEqual => Some((bound, i64::MAX)),
        Comparison::Unequal => None,
    };
    match (interval(how, given), interval(wanted, asked)) {
        (Some((low, high)), Some((least, most))) => least <= low && high <= most,
        (Some((low, high)), None) => asked < low || asked > high,
        (None, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_pattern_contains_another_or_not() {
        let table = [
            ("/*", "/a", true),
            ("/*", "/", true),
            ("/a/*", "/a", false),
            ("/a/*", "/a/", true),
            ("/a/*", "/a/b/*", true),
            ("/a/:id", "/a/7", true),
            ("/a/:id", "/a/", false),
            ("/a/:id", "/a/*", false),
            ("/a/7", "/a/:id", false),
            ("/:x/b", "/:y/b", true),
            ("/a", "/a/b", false),
        ];
        for (wide, narrow, expected) in table {
            assert_eq!(
                contains_path(wide, narrow, Style::Colon),
                expected,
                "{wide} {narrow}"
            );
        }
    }
}
