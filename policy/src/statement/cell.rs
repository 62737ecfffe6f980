//! A set of requests at one place: a product of sets, one for each fact.

use std::rc::Rc;

use smallvec::SmallVec;

use super::callers::{Members, Texts};
use super::formula::{Clause, Formula, Given, Row};
use super::ranges::Ranges;
use super::routes::{self, Found, Route};
use super::space::{Dim, Space};
use crate::analysis::held::{Held, Request};
use crate::decision::Effect;
use crate::engine::snapshot::Policy;
use crate::truth::Truth;

/// What a formula must come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    True,
    False,
    NotFalse,
    NotTrue,
}

impl Want {
    fn flipped(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::NotFalse => Self::NotTrue,
            Self::NotTrue => Self::NotFalse,
        }
    }

    fn meets(self, truth: Truth) -> bool {
        match self {
            Self::True => truth == Truth::True,
            Self::False => truth == Truth::False,
            Self::NotFalse => truth != Truth::False,
            Self::NotTrue => truth != Truth::True,
        }
    }

    /// Whether a fact that is given has to hold.
    fn is_positive(self) -> bool {
        matches!(self, Self::True | Self::NotFalse)
    }

    /// What a row's conditions must come to for it to apply, and for it not to.
    pub(super) fn applying(effect: Effect) -> (Self, Self) {
        match effect {
            Effect::Allow => (Self::True, Self::NotTrue),
            Effect::Deny => (Self::NotFalse, Self::False),
        }
    }
}

/// A set of requests.
#[derive(Debug, Clone)]
pub(super) struct Cell<'a> {
    pub(super) methods: u64,
    ints: SmallVec<[Ranges; 6]>,
    /// Truth values that can be true, and those that can be false.
    can_hold: u64,
    can_fail: u64,
    pub(super) route: Route<'a>,
    avoid: SmallVec<[Route<'a>; 2]>,
    texts: SmallVec<[Texts<'a>; 1]>,
    /// Rows along which it was split already.
    pub(super) parted: SmallVec<[usize; 4]>,
    /// The set may hold requests that it should not: the clause that is not expressed, with its row.
    pub(super) doubt: Option<(usize, &'a str)>,
}

/// What a cell holds.
pub(super) enum Sample {
    Request(Request),
    Empty,
    /// The search was given up.
    TooMany,
}

/// Most parts that one row splits a cell into; beyond, the part is kept whole with a doubt.
const MOST_PARTS: usize = 256;

impl<'a> Cell<'a> {
    /// Every request.
    pub(super) fn whole(space: &Space) -> Self {
        Self {
            methods: space.all_methods(),
            ints: space.universe().collect(),
            can_hold: u64::MAX,
            can_fail: u64::MAX,
            route: routes::everything(),
            avoid: SmallVec::new(),
            texts: space.texts.iter().map(|_| Texts::default()).collect(),
            parted: SmallVec::new(),
            doubt: None,
        }
    }

    pub(super) fn keep_methods(&mut self, methods: u64) -> bool {
        self.methods &= methods;
        self.methods != 0
    }

    pub(super) fn keep_numbers(&mut self, fact: usize, values: &Ranges) -> bool {
        let Some(range) = self.ints.get_mut(fact) else {
            return true;
        };
        *range = range.intersect(values);
        !range.is_empty()
    }

    pub(super) fn keep_flag(&mut self, fact: usize, wanted: bool) -> bool {
        let bit = bit(fact);
        let (kept, dropped) = if wanted {
            (&self.can_hold, &mut self.can_fail)
        } else {
            (&self.can_fail, &mut self.can_hold)
        };
        let left = kept & bit != 0;
        *dropped &= !bit;
        left
    }

    pub(super) fn keep_route(&mut self, route: &Route<'a>) -> bool {
        match routes::both(&self.route, route) {
            Some(shared) => {
                self.route = shared;
                true
            }
            None => false,
        }
    }

    pub(super) fn leave_route(&mut self, route: &Route<'a>) -> bool {
        if routes::both(&self.route, route).is_some() && !self.avoid.contains(route) {
            self.avoid.push(Rc::clone(route));
        }
        true
    }

    pub(super) fn text(&mut self, at: usize) -> Option<&mut Texts<'a>> {
        self.texts.get_mut(at)
    }

    /// The requests of this cell to which a row applies.
    pub(super) fn under(self, row: &Row<'a>) -> Vec<Self> {
        let (applies, _) = Want::applying(row.effect);
        let mut cells = vec![self];
        for clause in &row.clauses {
            cells = each(cells, clause, row.row, applies);
            if cells.is_empty() {
                break;
            }
        }
        cells
    }

    /// The requests of this cell to which a row does not apply, in parts that do not overlap.
    pub(super) fn without(mut self, row: &Row<'a>) -> Vec<Self> {
        let (applies, fails) = Want::applying(row.effect);
        self.parted.push(row.row);
        let mut left = Vec::new();
        let mut inside = vec![self];
        for clause in &row.clauses {
            left.extend(each(inside.clone(), clause, row.row, fails));
            inside = each(inside, clause, row.row, applies);
            if inside.is_empty() {
                break;
            }
        }
        left
    }

    /// The parts for which a formula comes to what is wanted.
    fn assume(
        self,
        formula: &Formula<'a>,
        want: Want,
        doubt: (usize, &'a str),
        out: &mut Vec<Self>,
    ) {
        let mut cell = self;
        let positive = want.is_positive();
        let left = match formula {
            Formula::Known(truth) => want.meets(*truth),
            Formula::Int { fact, values } if positive => cell.keep_numbers(*fact, values),
            Formula::Int { fact, values } => cell.keep_numbers(*fact, &values.complement()),
            Formula::Flag { fact } => cell.keep_flag(*fact, positive),
            Formula::Method(methods) => {
                cell.keep_methods(if positive { *methods } else { !*methods })
            }
            Formula::Path(route) if positive => cell.keep_route(route),
            Formula::Path(route) => cell.leave_route(route),
            Formula::Is { text, name } => cell.text(*text).is_none_or(|set| {
                if positive {
                    set.be(name)
                } else {
                    set.not_be(name)
                }
            }),
            Formula::Holds { text, holding } => cell.text(*text).is_none_or(|set| {
                if positive {
                    set.hold(*holding)
                } else {
                    set.lack(*holding)
                }
            }),
            Formula::Opaque => {
                cell.doubt.get_or_insert(doubt);
                true
            }
            Formula::Not(inner) => return cell.assume(inner, want.flipped(), doubt, out),
            Formula::All(parts) if positive => return cell.all(parts, want, doubt, out),
            Formula::Any(parts) if !positive => return cell.all(parts, want, doubt, out),
            Formula::All(parts) | Formula::Any(parts) => {
                if out.len() + parts.len() > MOST_PARTS {
                    cell.doubt.get_or_insert(doubt);
                    out.push(cell);
                    return;
                }
                for part in parts {
                    cell.clone().assume(part, want, doubt, out);
                }
                return;
            }
        };
        if left {
            out.push(cell);
        }
    }

    fn all(self, parts: &[Formula<'a>], want: Want, doubt: (usize, &'a str), out: &mut Vec<Self>) {
        let mut cells = vec![self];
        for part in parts {
            let mut next = Vec::new();
            for cell in cells {
                if next.len() > MOST_PARTS {
                    let mut cell = cell;
                    cell.doubt.get_or_insert(doubt);
                    next.push(cell);
                } else {
                    cell.assume(part, want, doubt, &mut next);
                }
            }
            cells = next;
        }
        out.append(&mut cells);
    }

    /// Whether a request of the same place is in the cell, doubts aside.
    pub(super) fn admits(&self, policy: &Policy, space: &Space, request: &[Held]) -> bool {
        request
            .iter()
            .enumerate()
            .all(|(slot, held)| match (space.dim(slot), held) {
                (Dim::Missing, Held::Missing) | (Dim::Place, Held::Text(_)) => true,
                (Dim::Path, Held::Text(path)) => routes::exactly(path).is_some_and(|path| {
                    let meets = |route: &Route<'_>| routes::both(route, &path).is_some();
                    meets(&self.route) && !self.avoid.iter().any(meets)
                }),
                (Dim::Method, Held::Text(method)) => {
                    space.methods_of([method.as_str()]) & self.methods != 0
                }
                (Dim::Text(at), Held::Text(text)) => {
                    self.texts.get(at).is_some_and(|set| set.fits(policy, text))
                }
                (Dim::Int(fact), Held::Int(number)) => {
                    let number = Ranges::between(*number, *number);
                    self.ints
                        .get(fact)
                        .is_some_and(|range| !range.intersect(&number).is_empty())
                }
                (Dim::Flag(fact), Held::Bool(known)) => {
                    let set = if *known { self.can_hold } else { self.can_fail };
                    set & bit(fact) != 0
                }
                _ => false,
            })
    }

    /// A request of the cell, with the facts of its place.
    pub(super) fn sample(
        &self,
        policy: &'a Policy,
        space: &Space,
        given: &[(usize, Given<'a>)],
        members: &mut Members<'a>,
    ) -> Sample {
        let path = match routes::find(&self.route, &self.avoid) {
            Found::Path(path) => path,
            Found::None if space.path.is_some() => return Sample::Empty,
            Found::None => String::new(),
            Found::TooMany => return Sample::TooMany,
        };
        let mut request: Request = vec![Held::Missing; policy.model.schema.slots.len()];
        for (slot, place) in request.iter_mut().enumerate() {
            let held = match space.dim(slot) {
                Dim::Missing => Some(Held::Missing),
                Dim::Place => {
                    let given = given.iter().find(|(known, _)| *known == slot);
                    given.map(|(_, value)| Held::Text(value.text().to_owned()))
                }
                Dim::Path => Some(Held::Text(path.clone())),
                Dim::Method => {
                    let first =
                        usize::try_from(self.methods.trailing_zeros()).unwrap_or(usize::MAX);
                    space
                        .methods
                        .get(first)
                        .map(|method| Held::Text(method.clone()))
                }
                Dim::Text(at) => self
                    .texts
                    .get(at)
                    .and_then(|set| set.find(policy, members))
                    .map(Held::Text),
                Dim::Int(fact) => self
                    .ints
                    .get(fact)
                    .and_then(Ranges::plainest)
                    .map(Held::Int),
                Dim::Flag(fact) => {
                    let bit = bit(fact);
                    match (self.can_fail & bit != 0, self.can_hold & bit != 0) {
                        (true, _) => Some(Held::Bool(false)),
                        (false, true) => Some(Held::Bool(true)),
                        (false, false) => None,
                    }
                }
            };
            match held {
                Some(held) => *place = held,
                None => return Sample::Empty,
            }
        }
        Sample::Request(request)
    }
}

fn each<'a>(cells: Vec<Cell<'a>>, clause: &Clause<'a>, row: usize, want: Want) -> Vec<Cell<'a>> {
    let mut parts = Vec::with_capacity(cells.len());
    for cell in cells {
        cell.assume(&clause.formula, want, (row, clause.text), &mut parts);
    }
    parts
}

fn bit(fact: usize) -> u64 {
    u32::try_from(fact)
        .ok()
        .and_then(|fact| 1_u64.checked_shl(fact))
        .unwrap_or(0)
}
