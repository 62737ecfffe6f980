//! Finds a request to which given conditions apply, among the values that the policy itself suggests.

use super::held::{Held, Request, facts};
use super::survey::Survey;
use crate::engine::explain::conjuncts;
use crate::engine::interpret::Case;
use crate::engine::snapshot::Policy;
use crate::facts::Kind;
use crate::language::expression::Expr;
use crate::language::path::{Segment, Style, segments};
use crate::language::pattern::Way;
use crate::truth::Truth;

/// A condition of a row that must, or must not, hold.
pub(crate) struct Goal<'p> {
    pub(crate) row: usize,
    pub(crate) expr: &'p Expr,
    pub(crate) wanted: Truth,
}

/// Every condition of a row as a goal.
pub(crate) fn goals(policy: &Policy, row: usize) -> Vec<Goal<'_>> {
    let own = conjuncts(policy, row);
    own.map(|conjunct| Goal {
        row,
        expr: &conjunct.expr,
        wanted: Truth::True,
    })
    .collect()
}

/// Values worth trying, by slot.
pub(crate) struct Candidates(pub(crate) Vec<Vec<Held>>);

/// Most values tried in one slot.
const WIDEST: usize = 48;

/// Methods that a pattern may mean when its words cannot be read off.
pub(crate) const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

impl Candidates {
    /// The values that these rows suggest, and for each slot one that no row names.
    pub(crate) fn of(survey: &Survey<'_>, rows: &[usize]) -> Self {
        let slots = &survey.policy.model.schema.slots;
        let mut all = Self(vec![Vec::new(); slots.len()]);
        for row in rows {
            for conjunct in conjuncts(survey.policy, *row) {
                conjunct
                    .expr
                    .visit(&mut |part| all.suggest(survey, *row, part));
            }
        }
        all.merge_paths(survey.policy, rows);
        for (values, slot) in all.0.iter_mut().zip(slots) {
            match slot.kind {
                Kind::Text if values.is_empty() => values.push(Held::Text("x".to_owned())),
                Kind::Text => values.push(Held::Text("nobody".to_owned())),
                Kind::Int => values.push(Held::Int(0)),
                Kind::Bool => values.extend([Held::Bool(false), Held::Bool(true)]),
            }
            let mut seen = Vec::new();
            values.retain(|value| {
                let fresh = !seen.contains(value);
                if fresh {
                    seen.push(value.clone());
                }
                fresh
            });
            values.truncate(WIDEST);
        }
        all
    }

    /// Adds what other rows suggest behind these.
    pub(crate) fn join(&mut self, others: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&others.0) {
            for value in theirs {
                if mine.len() < WIDEST && !mine.contains(value) {
                    mine.push(value.clone());
                }
            }
        }
    }

    fn add(&mut self, slot: usize, value: Held) {
        if let Some(values) = self.0.get_mut(slot) {
            values.push(value);
        }
    }

    fn suggest(&mut self, survey: &Survey<'_>, row: usize, part: &Expr) {
        let policy = survey.policy;
        let text = |expr: &Expr| {
            if let Expr::Text(text) = expr {
                return Some(text.to_string());
            }
            let Expr::Policy(field) = expr else {
                return None;
            };
            let text = policy.rules.field(row, *field);
            (!policy.model.is_wildcard(*field, text)).then(|| text.to_owned())
        };
        if let Expr::Compare(_, left, right) = part {
            for (fact, other) in [(left, right), (right, left)] {
                let Expr::Fact(slot) = &**fact else { continue };
                if let Expr::Int(number) = &**other {
                    for value in [*number, number + 1, number - 1] {
                        self.add(*slot, Held::Int(value));
                    }
                } else if let Some(text) = text(other) {
                    self.add(*slot, Held::Text(text));
                }
            }
        }
        if let Expr::Role {
            graph,
            subject,
            role,
            domain,
        } = part
            && let (Expr::Fact(slot), Some(role)) = (&**subject, text(role))
        {
            for (member, within) in survey.holders(*graph, &role).iter().take(8) {
                self.add(*slot, Held::Text((*member).to_owned()));
                if let Some(Expr::Fact(domain)) = domain.as_deref() {
                    self.add(*domain, Held::Text((*within).to_owned()));
                }
            }
            self.add(*slot, Held::Text(role));
        }
        if let Expr::Match {
            way,
            value,
            pattern,
        } = part
            && let (Expr::Fact(slot), Some(pattern)) = (&**value, text(pattern))
        {
            for value in matching(policy, *way, &pattern) {
                self.add(*slot, Held::Text(value));
            }
        }
    }

    /// Paths that two patterns of these rows share.
    fn merge_paths(&mut self, policy: &Policy, rows: &[usize]) {
        for conjunct in &policy.model.conjuncts {
            conjunct.expr.visit(&mut |part| {
                let Expr::Match {
                    way: Way::Path(style),
                    value,
                    pattern,
                } = part
                else {
                    return;
                };
                let (Expr::Fact(slot), Expr::Policy(field)) = (&**value, &**pattern) else {
                    return;
                };
                let patterns: Vec<&str> = rows
                    .iter()
                    .map(|row| policy.rules.field(*row, *field))
                    .collect();
                let shared = |one: &str| -> Vec<String> {
                    patterns
                        .iter()
                        .filter_map(|other| merged(one, other, *style))
                        .collect()
                };
                let found: Vec<String> = patterns
                    .iter()
                    .take(8)
                    .flat_map(|one| shared(one))
                    .collect();
                if let Some(values) = self.0.get_mut(*slot) {
                    values.splice(0..0, found.into_iter().take(16).map(Held::Text));
                }
            });
        }
    }
}

/// Values that a pattern matches.
pub(crate) fn matching(policy: &Policy, way: Way, pattern: &str) -> Vec<String> {
    match way {
        Way::Prefix => vec![pattern.replace('*', "x"), pattern.replace('*', "")],
        Way::Path(style) => [
            merged(pattern, pattern, style),
            Some(pattern.replace("/*", "/")).filter(|_| pattern.ends_with("/*")),
        ]
        .into_iter()
        .flatten()
        .collect(),
        Way::Regex => match policy.patterns.expression(pattern) {
            Some(expression) => match &expression.words {
                Some(words) => words.iter().map(ToString::to_string).collect(),
                None => {
                    let bare = pattern.trim_start_matches('^').trim_end_matches('$');
                    let tried = METHODS.iter().copied().chain([bare]);
                    tried
                        .filter(|text| expression.is_match(text))
                        .map(str::to_owned)
                        .collect()
                }
            },
            None => Vec::new(),
        },
        Way::Address => vec![pattern.split('/').next().unwrap_or_default().to_owned()],
    }
}

/// A path that both patterns match, if there is one.
pub(crate) fn merged(one: &str, other: &str, style: Style) -> Option<String> {
    let (mut left, mut right) = (segments(one, style), segments(other, style));
    let mut path = String::new();
    loop {
        let (here, there) = (left.next(), right.next());
        let segment = match (here, there) {
            (None, None) => return Some(path),
            (Some(Segment::Tail), Some(Segment::Tail)) => {
                return Some(path + "/1");
            }
            (Some(Segment::Tail), Some(segment)) => {
                return rest(path, segment, right);
            }
            (Some(segment), Some(Segment::Tail)) => {
                return rest(path, segment, left);
            }
            (None, Some(_)) | (Some(_), None) => return None,
            (Some(Segment::Literal(one)), Some(Segment::Literal(other))) => {
                if one != other {
                    return None;
                }
                one
            }
            (Some(Segment::Literal(text)), Some(Segment::Parameter))
            | (Some(Segment::Parameter), Some(Segment::Literal(text))) => {
                if text.is_empty() {
                    return None;
                }
                text
            }
            (Some(Segment::Parameter), Some(Segment::Parameter)) => "1",
        };
        path.push('/');
        path.push_str(segment);
    }
}

/// The path completed with what one pattern still asks for.
fn rest<'a>(
    mut path: String,
    first: Segment<'a>,
    others: impl Iterator<Item = Segment<'a>>,
) -> Option<String> {
    for segment in std::iter::once(first).chain(others) {
        path.push('/');
        path.push_str(match segment {
            Segment::Literal(text) => text,
            Segment::Parameter | Segment::Tail => "1",
        });
    }
    Some(path)
}

/// Most partial requests that a search tries before it gives up.
const BUDGET: usize = 60_000;

/// A request that meets every goal, and for which `accept` holds as well.
pub(crate) fn find(
    policy: &Policy,
    goals: &[Goal<'_>],
    candidates: &Candidates,
    accept: &mut dyn FnMut(&[Held]) -> bool,
) -> Option<Request> {
    // A goal is tested as soon as the last slot that it looks at has a value.
    let mut due: Vec<Vec<&Goal<'_>>> = Vec::new();
    due.resize_with(candidates.0.len(), Vec::new);
    let mut constant = Vec::new();
    for goal in goals {
        let mut last = None;
        goal.expr.visit(&mut |part| {
            if let Expr::Fact(slot) = part {
                last = last.max(Some(*slot));
            } else if matches!(part, Expr::Condition(_)) {
                last = candidates.0.len().checked_sub(1);
            }
        });
        match last.and_then(|slot| due.get_mut(slot)) {
            Some(list) => list.push(goal),
            None => constant.push(goal),
        }
    }
    let mut search = Search {
        policy,
        due,
        candidates,
        budget: BUDGET,
        accept,
    };
    let mut request = vec![Held::Missing; candidates.0.len()];
    if !constant.iter().all(|goal| search.holds(goal, &request)) {
        return None;
    }
    search.descend(0, &mut request).then_some(request)
}

struct Search<'a, 'p> {
    policy: &'p Policy,
    due: Vec<Vec<&'a Goal<'p>>>,
    candidates: &'a Candidates,
    budget: usize,
    accept: &'a mut dyn FnMut(&[Held]) -> bool,
}

impl Search<'_, '_> {
    fn holds(&self, goal: &Goal<'_>, request: &[Held]) -> bool {
        let facts = facts(request);
        let case = Case {
            policy: self.policy,
            facts: &facts,
            row: goal.row,
        };
        case.truth(goal.expr) == goal.wanted
    }

    fn descend(&mut self, slot: usize, request: &mut Request) -> bool {
        let Some(values) = self.candidates.0.get(slot) else {
            return (self.accept)(request);
        };
        for value in values {
            if self.budget == 0 {
                return false;
            }
            self.budget -= 1;
            if let Some(place) = request.get_mut(slot) {
                *place = value.clone();
            }
            let due = self.due.get(slot).map_or(&[] as &[_], Vec::as_slice);
            if due.iter().all(|goal| self.holds(goal, request)) && self.descend(slot + 1, request) {
                return true;
            }
        }
        if let Some(place) = request.get_mut(slot) {
            *place = Held::Missing;
        }
        false
    }
}
