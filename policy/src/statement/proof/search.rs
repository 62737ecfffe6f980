//! Looks for an allowed request in a region, until one is found or none is left.

use super::Prover;
use crate::analysis::held::{Held, json, with_values};
use crate::analysis::sample::{Candidates, find};
use crate::analysis::survey::Survey;
use crate::decision::{Decision, Effect, Grounds};
use crate::language::model::Combination;
use crate::obligation::Obligations;
use crate::statement::cell::{Cell, Sample};
use crate::statement::formula::Row;
use crate::statement::place::Place;
use crate::statement::routes;
use crate::statement::space::Dim;
use crate::statement::verdict::Witness;
use crate::statement::written::Charge;

/// What a row's obligations are worth to a statement about what every allow carries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Worth {
    Silent,
    Short,
    Enough,
}

impl Charge {
    fn worth(self, obligations: &Obligations) -> Worth {
        match self {
            Self::Redact(level) => match obligations.redact {
                None => Worth::Silent,
                Some(known) if known < level => Worth::Short,
                Some(_) => Worth::Enough,
            },
            Self::LogFull if obligations.log_full => Worth::Enough,
            Self::LogFull => Worth::Silent,
        }
    }
}

/// One statement on its way to a verdict.
pub(super) struct Hearing<'a> {
    charge: Option<Charge>,
    /// Sets of requests that were looked at.
    pub(super) cases: usize,
    /// Cells that may still be split.
    left: usize,
    /// The first thing that could not be seen through.
    pub(super) stuck: Option<Stuck<'a>>,
}

/// What could not be seen through: a row, and its clause unless the cases were too many.
#[derive(Clone, Copy)]
pub(super) struct Stuck<'a> {
    pub(super) row: Option<usize>,
    pub(super) clause: &'a str,
}

impl Hearing<'_> {
    pub(super) fn new(charge: Option<Charge>) -> Self {
        Self {
            charge,
            cases: 0,
            left: MOST_SPLITS,
            stuck: None,
        }
    }
}

/// Most cells that are split for one statement; chosen so that a statement takes at most about a second.
const MOST_SPLITS: usize = 100_000;
/// Most cells that are split below one row.
const MOST_BELOW: usize = 20_000;

impl<'a> Prover<'a> {
    /// Looks for an allowed request in a region that breaks the statement.
    pub(super) fn search(
        &mut self,
        hearing: &mut Hearing<'a>,
        place: &Place<'a>,
        region: &[Cell<'a>],
    ) -> Option<Witness> {
        if region.is_empty() {
            return None;
        }
        hearing.cases += region.len();
        let rows = self.rows_at(place);
        let before = hearing.stuck.is_some();
        if self.policy.model.combination == Combination::DenyOverride {
            for cell in region {
                let found = self.close(hearing, place, &rows, cell.clone(), None);
                if found.is_some() {
                    return found;
                }
            }
        }
        for row in rows.iter().filter(|row| row.effect == Effect::Allow) {
            if hearing
                .charge
                .is_some_and(|charge| charge.worth(&self.cost(row.row)) == Worth::Enough)
            {
                continue;
            }
            for cell in region {
                let shares = |route| routes::both(&cell.route, route).is_some();
                if cell.methods & row.methods == 0 || !row.route.as_ref().is_none_or(shares) {
                    continue;
                }
                for part in cell.clone().under(row) {
                    let found = self.close(hearing, place, &rows, part, Some(row.row));
                    if found.is_some() {
                        return found;
                    }
                }
            }
        }
        match hearing.stuck {
            Some(Stuck { row: Some(row), .. }) if !before => {
                self.guess(hearing, place, region, row)
            }
            Some(_) | None => None,
        }
    }

    fn cost(&self, row: usize) -> Obligations {
        let head = self.policy.rules.head(row);
        head.and_then(|head| self.policy.rules.cost(head.cost))
            .cloned()
            .unwrap_or_default()
    }

    /// Empties a cell by splitting it along the rows that stand against its requests, or finds one that breaks the
    /// statement.
    fn close(
        &mut self,
        hearing: &mut Hearing<'a>,
        place: &Place<'a>,
        rows: &[Row<'a>],
        cell: Cell<'a>,
        base: Option<usize>,
    ) -> Option<Witness> {
        let mut open = vec![cell];
        let mut below = MOST_BELOW;
        while let Some(cell) = open.pop() {
            let stuck = |row, clause| Stuck { row, clause };
            let request =
                match cell.sample(self.policy, self.space, &place.given, &mut self.members) {
                    Sample::Request(request) => request,
                    Sample::Empty => continue,
                    Sample::TooMany => {
                        hearing.stuck.get_or_insert(stuck(base, ""));
                        continue;
                    }
                };
            hearing.cases += 1;
            let Some(decision) = self.decide(&request) else {
                hearing.stuck.get_or_insert(stuck(base, ""));
                continue;
            };
            if breaks(hearing.charge, &decision) {
                return Some(self.witness(place, &request, &decision));
            }
            let against = |id: &&crate::RuleId| {
                let row = id.0 as usize;
                let stands = match (decision.effect, hearing.charge) {
                    (Effect::Deny, _) | (Effect::Allow, None) => true,
                    (Effect::Allow, Some(charge)) => charge.worth(&self.cost(row)) == Worth::Enough,
                };
                stands && !cell.parted.contains(&row)
            };
            let blocker = decision.rules.iter().find(against).map(|id| id.0 as usize);
            let blocker =
                blocker.and_then(|row| rows.binary_search_by_key(&row, |known| known.row).ok());
            let Some(blocker) = blocker.and_then(|at| rows.get(at)) else {
                let (row, clause) = cell
                    .doubt
                    .map_or((base, ""), |(row, clause)| (Some(row), clause));
                hearing.stuck.get_or_insert(stuck(row, clause));
                continue;
            };
            if hearing.left == 0 || below == 0 {
                hearing.stuck.get_or_insert(stuck(Some(blocker.row), ""));
                return None;
            }
            hearing.left -= 1;
            below -= 1;
            open.extend(cell.without(blocker));
        }
        None
    }

    fn decide(&self, request: &[Held]) -> Option<Decision> {
        with_values(self.policy, request, |values| self.snapshot.decide(values)).ok()
    }

    /// Tries requests that the row in the way suggests: what the sets do not express may still be found.
    fn guess(
        &self,
        hearing: &Hearing<'a>,
        place: &Place<'a>,
        region: &[Cell<'a>],
        row: usize,
    ) -> Option<Witness> {
        let survey = Survey::new(self.policy);
        let mut candidates = Candidates::of(&survey, &[row]);
        for (slot, given) in &place.given {
            if let Some(values) = candidates.0.get_mut(*slot) {
                *values = vec![Held::Text(given.text().to_owned())];
            }
        }
        for (slot, values) in candidates.0.iter_mut().enumerate() {
            if self.space.dim(slot) == Dim::Missing {
                *values = vec![Held::Missing];
            }
        }
        let mut found = None;
        find(self.policy, &[], &candidates, &mut |request| {
            let inside = region
                .iter()
                .any(|cell| cell.admits(self.policy, self.space, request));
            let decision = if inside { self.decide(request) } else { None };
            let Some(decision) = decision.filter(|decision| breaks(hearing.charge, decision))
            else {
                return false;
            };
            found = Some(self.witness(place, request, &decision));
            true
        });
        found
    }

    fn witness(&self, place: &Place<'a>, request: &[Held], decision: &Decision) -> Witness {
        Witness {
            portal: place.portal.map(|portal| portal.name.clone()),
            from: place.zone.map(|zone| zone.name.clone()),
            request: json(self.policy, request),
            obligations: decision.obligations.to_string(),
            rules: decision
                .rules
                .iter()
                .map(|id| self.line(id.0 as usize))
                .collect(),
        }
    }
}

/// Whether a decision about a request of the region breaks the statement.
fn breaks(charge: Option<Charge>, decision: &Decision) -> bool {
    let allowed = decision.effect == Effect::Allow
        && match decision.grounds {
            Grounds::Rules | Grounds::NoRuleMatched => true,
            Grounds::ExplicitDeny => false,
        };
    allowed && charge.is_none_or(|charge| charge.worth(&decision.obligations) != Worth::Enough)
}
