//! The requests that a statement forbids, as far as they arrive at a place.

use super::{Membership, Prover};
use crate::language::path::Style;
use crate::statement::callers::Holding;
use crate::statement::cell::Cell;
use crate::statement::formula::Given;
use crate::statement::place::Place;
use crate::statement::ranges::Ranges;
use crate::statement::routes;
use crate::statement::space::Dim;
use crate::statement::world::Certificates;
use crate::statement::written::{Demand, Methods, Name, Need, Scope, Who};
use crate::symbol::Symbol;

impl<'a> Prover<'a> {
    /// The requests that arrive at a place and that the statement forbids.
    pub(super) fn region(
        &self,
        place: &Place<'a>,
        scope: &'a Scope,
        demand: &'a Demand,
    ) -> Vec<Cell<'a>> {
        let space = self.space;
        let mut whole = Cell::whole(space);
        let methods = match &scope.methods {
            Methods::All => space.all_methods(),
            Methods::Read => space.methods_of(["GET", "HEAD"]),
            Methods::Write => space.methods_of(["POST", "PUT", "PATCH", "DELETE"]),
            Methods::These(names) => space.methods_of(names.iter().map(|name| name.text.as_str())),
        };
        let mut left = whole.keep_methods(methods);
        if let Some(entry) = place.entry {
            if let Some(aal) = space.int("aal") {
                left &= whole.keep_numbers(aal, &Ranges::between(entry.assurance.into(), i64::MAX));
            }
            if let (Some(cert), Some(presented)) =
                (space.certificate(), entry.certificates.always())
            {
                left &= whole.keep_flag(cert, presented);
            }
        }
        let mut cells = if left { vec![whole] } else { Vec::new() };
        match &scope.who {
            Who::Anyone => {}
            Who::But(names) => {
                for holding in names.iter().flat_map(|name| self.holdings(place, name)) {
                    keep(&mut cells, |cell| self.caller(cell, holding, false));
                }
            }
            Who::Named(names) => {
                let holdings: Vec<_> = names
                    .iter()
                    .flat_map(|name| self.holdings(place, name))
                    .collect();
                cells = spread(&cells, &holdings, |cell, holding| {
                    self.caller(cell, *holding, true)
                });
            }
        }
        if let Demand::Needs(needs) = demand {
            cells = spread(&cells, needs, |cell, need| match need {
                Need::Certificate { .. } => space
                    .certificate()
                    .is_some_and(|cert| cell.keep_flag(cert, false)),
                Need::Within {
                    fact, low, high, ..
                } => {
                    let missed = Ranges::between(*low, *high).complement();
                    space
                        .int(fact)
                        .is_some_and(|fact| cell.keep_numbers(fact, &missed))
                }
            });
        }
        if !scope.paths.is_empty() {
            cells = spread(&cells, &scope.paths, |cell, pattern| {
                cell.keep_route(&routes::pattern(&pattern.text, Style::Colon))
            });
        }
        spread(&cells, &place.routes, |cell, (within, avoid)| {
            cell.keep_route(within) && avoid.iter().all(|route| cell.leave_route(route))
        })
    }

    /// What it means to have a name at a place: being called so, and where there are roles, holding it.
    fn holdings(&self, place: &Place<'a>, name: &'a Name) -> Vec<Holding<'a>> {
        let symbols = &self.policy.symbols;
        let (role, symbol) = (name.text.as_str(), symbols.find(&name.text));
        let domain = |membership: &Membership| {
            let Some(slot) = membership.domain else {
                return self.policy.no_domain;
            };
            let given = place.given.iter().find(|(known, _)| *known == slot);
            match given {
                Some((_, Given::Named(text))) => symbols.find(text),
                Some((_, Given::Unnamed(_))) | None => Symbol::NONE,
            }
        };
        let holdings = self.memberships.iter().map(|membership| Holding {
            graph: membership.graph,
            role,
            symbol,
            domain: domain(membership),
        });
        let mut holdings: Vec<_> = holdings.collect();
        if holdings.is_empty() {
            // No section has this number, so only who is called so has the name.
            let (graph, domain) = (usize::MAX, Symbol::NONE);
            holdings.push(Holding {
                graph,
                role,
                symbol,
                domain,
            });
        }
        holdings
    }

    fn caller(&self, cell: &mut Cell<'a>, holding: Holding<'a>, holds: bool) -> bool {
        let Some(Dim::Text(at)) = self.space.sub.map(|sub| self.space.dim(sub)) else {
            return false;
        };
        cell.text(at).is_some_and(|set| {
            if holds {
                set.hold(holding)
            } else {
                set.lack(holding)
            }
        })
    }
}

impl Certificates {
    /// Whether every client presents one, or none does; `None` where it depends.
    fn always(self) -> Option<bool> {
        match self {
            Self::Off => Some(false),
            Self::Optional => None,
            Self::Required => Some(true),
        }
    }
}

fn keep<'a>(cells: &mut Vec<Cell<'a>>, mut narrow: impl FnMut(&mut Cell<'a>) -> bool) {
    cells.retain_mut(|cell| narrow(cell));
}

/// Each cell once for each way of narrowing it.
fn spread<'a, 'w, T>(
    cells: &[Cell<'a>],
    ways: &'w [T],
    narrow: impl Fn(&mut Cell<'a>, &'w T) -> bool,
) -> Vec<Cell<'a>> {
    let mut found = Vec::new();
    for cell in cells {
        for way in ways {
            let mut cell = cell.clone();
            if narrow(&mut cell, way) {
                found.push(cell);
            }
        }
    }
    found
}
