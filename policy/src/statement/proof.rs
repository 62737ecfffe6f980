//! Proves or refutes statements.

use std::collections::HashMap;
use std::rc::Rc;

use super::callers::{Holding, Members};
use super::cell::{Cell, Sample};
use super::exclusion;
use super::formula::{Given, Row, Writer};
use super::names::Names;
use super::parse;
use super::place::{Atlas, Place, Shelves};
use super::ranges::Ranges;
use super::space::{Dim, Space};
use super::verdict::{Finding, Obstacle, Verdict, Witness};
use super::world::{Certificates, World};
use super::written::{Charge, Claim, Demand, Methods, Name, Need, Scope, Statement, Who};
use crate::analysis::held::{Held, json, with_values};
use crate::analysis::sample::{Candidates, find};
use crate::analysis::survey::Survey;
use crate::decision::{Decision, Effect, Grounds};
use crate::engine::snapshot::{Policy, Snapshot};
use crate::language::expression::Expr;
use crate::language::model::Combination;
use crate::language::path::Style;
use crate::obligation::Obligations;
use crate::source::{Mistake, Source};
use crate::symbol::Symbol;

/// Judges every statement of the sources about a policy, and about the world that stands before it where one is given.
///
/// # Errors
///
/// Every mistake in the statements: sentences that cannot be read, names that neither the policy nor the world knows.
pub fn prove(
    snapshot: &Snapshot,
    sources: &[Source<'_>],
    world: Option<&World>,
) -> Result<Vec<Finding>, Vec<Mistake>> {
    let statements = parse::read(sources)?;
    let Some(first) = statements.first() else {
        return Ok(Vec::new());
    };
    let policy = snapshot.policy();
    let space = Space::new(policy, world).map_err(|unfit| {
        let place = first.passage.mistake(0, unfit.message, unfit.help);
        vec![place]
    })?;
    let memberships = memberships(policy, &space);
    let names = Names::new(policy, &space, world);
    let mut mistakes = Vec::new();
    for statement in &statements {
        names.check(statement, &mut mistakes);
        if memberships.is_none() && statement.claim.names_callers() {
            let message = "the model asks for a caller's roles within something that is neither department, zone nor host";
            mistakes.push(
                statement
                    .passage
                    .mistake(0, message, "write `g(r.sub, p.sub, r.dom)`"),
            );
        }
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let atlas = Atlas::new(policy, &space, world);
    let mut prover = Prover {
        snapshot,
        policy,
        space: &space,
        memberships: memberships.unwrap_or_default(),
        shelves: Shelves::new(policy, &space),
        writer: Writer::new(policy, &space),
        members: Members::default(),
        rows: HashMap::new(),
        kept: 0,
    };
    Ok(statements
        .iter()
        .map(|statement| prover.finding(&atlas, statement))
        .collect())
}

impl Claim {
    fn names_callers(&self) -> bool {
        match self {
            Self::Exclude { .. } => true,
            Self::Requests(scope, _) => scope.who != Who::Anyone,
        }
    }
}

/// A role section that is asked about callers, with the slot of its domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Membership {
    pub(super) graph: usize,
    domain: Option<usize>,
}

/// Every section that is asked about callers; `None` if one is asked within what is open at a place.
fn memberships(policy: &Policy, space: &Space) -> Option<Vec<Membership>> {
    let mut found = Vec::new();
    let mut odd = false;
    let matcher = policy.model.conjuncts.iter();
    for conjunct in matcher.chain(policy.rules.all_conditions()) {
        conjunct.expr.visit(&mut |part| {
            let Expr::Role {
                graph,
                subject,
                domain,
                ..
            } = part
            else {
                return;
            };
            if !matches!(**subject, Expr::Fact(slot) if Some(slot) == space.sub) {
                return;
            }
            let domain = match domain.as_deref() {
                None => None,
                Some(Expr::Fact(slot)) if space.dim(*slot) == Dim::Place => Some(*slot),
                Some(_) => {
                    odd = true;
                    return;
                }
            };
            let membership = Membership {
                graph: *graph,
                domain,
            };
            if !found.contains(&membership) {
                found.push(membership);
            }
        });
    }
    (!odd).then_some(found)
}

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

/// The rows that may apply at a place, in order.
type Rows<'a> = Rc<Vec<Row<'a>>>;

/// Most rows that are kept between statements; chosen, some hundred bytes each.
const MOST_KEPT: usize = 300_000;

struct Prover<'a> {
    snapshot: &'a Snapshot,
    policy: &'a Policy,
    space: &'a Space,
    memberships: Vec<Membership>,
    shelves: Shelves<'a>,
    writer: Writer<'a>,
    members: Members<'a>,
    rows: HashMap<Vec<(usize, Given<'a>)>, Rows<'a>>,
    kept: usize,
}

/// One statement on its way to a verdict.
struct Hearing<'a> {
    charge: Option<Charge>,
    cases: usize,
    /// Cells that may still be split.
    left: usize,
    /// The first thing that could not be seen through.
    stuck: Option<Stuck<'a>>,
}

#[derive(Clone, Copy)]
struct Stuck<'a> {
    row: Option<usize>,
    clause: &'a str,
}

/// Most cells that are split for one statement; chosen so that a statement takes at most about a second.
const MOST_SPLITS: usize = 100_000;
/// Most cells that are split below one row.
const MOST_BELOW: usize = 20_000;

impl<'a> Prover<'a> {
    fn finding(&mut self, atlas: &'a Atlas<'a>, statement: &'a Statement) -> Finding {
        let (verdict, (message, message_zh)) = match &statement.claim {
            Claim::Requests(scope, demand) => {
                let verdict = self.requests(atlas, scope, demand);
                let told = verdict.told();
                (verdict, told)
            }
            Claim::Exclude { roles, departments } => {
                let verdict = exclusion::judge(self.policy, &self.memberships, roles, departments);
                let told = verdict.told_of_roles();
                (verdict, told)
            }
        };
        let place = statement.passage.mistake(0, "", "");
        Finding {
            file: place.file,
            line: place.line,
            column: place.column,
            statement: statement
                .passage
                .text
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
            verdict,
            message,
            message_zh,
        }
    }

    fn requests(&mut self, atlas: &'a Atlas<'a>, scope: &'a Scope, demand: &'a Demand) -> Verdict {
        let charge = match demand {
            Demand::Carries(charge) => Some(*charge),
            Demand::Refused | Demand::Needs(_) => None,
        };
        let mut hearing = Hearing {
            charge,
            cases: 0,
            left: MOST_SPLITS,
            stuck: None,
        };
        let Some(places) = atlas.places(scope, &self.shelves) else {
            return Verdict::Undecided {
                because: Obstacle {
                    rule: String::new(),
                    clause: String::new(),
                },
            };
        };
        for place in &places {
            let floor = place.entry.and_then(|entry| entry.redact);
            if matches!(charge, Some(Charge::Redact(level)) if floor >= Some(level)) {
                hearing.cases += 1;
                continue;
            }
            let region = self.region(place, scope, demand);
            if let Some(witness) = self.search(&mut hearing, place, &region) {
                return Verdict::Refuted {
                    witness: Box::new(witness),
                };
            }
        }
        match hearing.stuck {
            None => Verdict::Proved {
                cases: hearing.cases,
            },
            Some(stuck) => Verdict::Undecided {
                because: Obstacle {
                    rule: stuck.row.map(|row| self.line(row)).unwrap_or_default(),
                    clause: stuck.clause.to_owned(),
                },
            },
        }
    }

    fn line(&self, row: usize) -> String {
        let view = self.policy.rules.view(row);
        view.map_or_else(String::new, |rule| format!("{}:{}", rule.file, rule.line))
    }

    /// The requests that arrive at a place and that the statement forbids.
    fn region(&self, place: &Place<'a>, scope: &'a Scope, demand: &'a Demand) -> Vec<Cell<'a>> {
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
                cell.keep_route(&super::routes::pattern(&pattern.text, Style::Colon))
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

    /// The rows that may apply at a place.
    fn rows_at(&mut self, place: &Place<'a>) -> Rows<'a> {
        if let Some(known) = self.rows.get(&place.given) {
            return Rc::clone(known);
        }
        let department = place
            .given
            .iter()
            .find(|(slot, _)| Some(*slot) == self.space.dom);
        let candidates = self.shelves.rows(department.map(|(_, given)| given));
        let writer = &mut self.writer;
        let rows: Vec<Row<'a>> = candidates
            .into_iter()
            .filter_map(|row| writer.row(row, &place.given))
            .collect();
        self.kept += rows.len();
        let rows = Rc::new(rows);
        if self.kept <= MOST_KEPT {
            self.rows.insert(place.given.clone(), Rc::clone(&rows));
        }
        rows
    }

    /// Looks for an allowed request in a region that breaks the statement.
    fn search(
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
                let shares = |route| super::routes::both(&cell.route, route).is_some();
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

/// Whether a decision about a request of the region breaks the statement.
fn breaks(charge: Option<Charge>, decision: &Decision) -> bool {
    let allowed = decision.effect == Effect::Allow
        && match decision.grounds {
            Grounds::Rules | Grounds::NoRuleMatched => true,
            Grounds::ExplicitDeny => false,
        };
    allowed && charge.is_none_or(|charge| charge.worth(&decision.obligations) != Worth::Enough)
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
