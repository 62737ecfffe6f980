//! Proves or refutes statements.

use std::collections::HashMap;
use std::rc::Rc;

use super::callers::Members;
use super::exclusion;
use super::formula::{Given, Row};
use super::names::Names;
use super::parse;
use super::place::{Atlas, Place, Shelves};
use super::space::{Dim, Space};
use super::verdict::{Finding, Obstacle, Verdict};
use super::world::World;
use super::writer::Writer;
use super::written::{Charge, Claim, Demand, Scope, Statement, Who};
use crate::analysis::patience::Patience;
use crate::engine::snapshot::{Policy, Snapshot};
use crate::language::expression::Expr;
use crate::said;
use crate::source::{Mistake, Source};

mod region;
mod search;

use search::Hearing;

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
    within(snapshot, sources, world, &Patience::endless())
}

/// As [`prove`], as long as there is patience: once it is lost the statements behind are left out. Between two
/// statements is when it is asked for, since the cases of one are bounded.
///
/// # Errors
///
/// As [`prove`].
pub fn within(
    snapshot: &Snapshot,
    sources: &[Source<'_>],
    world: Option<&World>,
    patience: &Patience<'_>,
) -> Result<Vec<Finding>, Vec<Mistake>> {
    let statements = parse::read(sources)?;
    let Some(first) = statements.first() else {
        return Ok(Vec::new());
    };
    let policy = snapshot.policy();
    let space = Space::new(policy, world)
        .map_err(|(message, help)| vec![first.passage.mistake(0, message, help)])?;
    let memberships = memberships(policy, &space);
    let names = Names::new(policy, &space, world);
    let mut mistakes = Vec::new();
    for statement in &statements {
        names.check(statement, &mut mistakes);
        if memberships.is_none() && statement.claim.names_callers() {
            let message = said!(
                "the model asks for a caller's roles within something that is neither department, zone nor host",
                "模型询问访问者角色的范围既不是部门，也不是区域或主机"
            );
            mistakes.push(statement.passage.mistake(
                0,
                message,
                said!(
                    "write `g(r.sub, p.sub, r.dom)`",
                    "写成 `g(r.sub, p.sub, r.dom)`"
                ),
            ));
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
        .take_while(|_| !patience.is_lost())
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
        let (line, column) = statement.passage.place(0);
        Finding {
            file: statement.passage.file.clone(),
            line,
            column,
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
        let mut hearing = Hearing::new(charge);
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
}
