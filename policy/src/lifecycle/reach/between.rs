//! The reach of one policy's replacement by another.
//!
//! Rows and roles that differ come from [`diff`]; what they do is read from their texts. Wherever two rows
//! cannot be shown to have nothing to do with each other, they are taken to have. Two things are left out
//! on purpose: a better rate class takes no protection away, and a role that is given or taken counts as
//! its holders gaining or losing, not as obligations that differ.

use super::differing::{Differing, Standing, weakens};
use super::overlap::Overlap;
use super::{Audience, Protected, Reach, Widened};
use crate::analysis::change::{Kind, Region, diff};
use crate::analysis::reach::caller_slot;
use crate::analysis::survey::Survey;
use crate::decision::Effect;
use crate::engine::plan::Guard;
use crate::engine::snapshot::Snapshot;
use crate::language::expression::Expr;
use crate::lifecycle::bundle::{Bundle, Text};
use crate::rules::view::{RoleView, RuleId, RuleView};
use crate::source::size;

impl Reach {
    /// What replacing one policy by another changes.
    pub(in crate::lifecycle) fn between(
        before: (&Bundle, &Snapshot),
        after: (&Bundle, &Snapshot),
        protected: &[Protected],
    ) -> Self {
        let mut two = Two {
            before: before.1,
            after: after.1,
            protected,
            reach: Self::none(),
        };
        if before.0.statements != after.0.statements {
            two.reach.widened.insert(Widened::StatementsChanged);
        }
        let regions = diff(two.before, two.after);
        if regions.iter().any(|region| region.kind == Kind::Model) {
            two.reach.widened.insert(Widened::ModelChanged);
            two.everything();
            return two.reach;
        }
        two.rows(&regions, &after.0.model);
        two.roles(&regions);
        two.reach
    }
}

struct Two<'a> {
    before: &'a Snapshot,
    after: &'a Snapshot,
    protected: &'a [Protected],
    reach: Reach,
}

impl<'a> Two<'a> {
    fn everything(&mut self) {
        self.reach.gaining = Audience::Everybody;
        self.reach.losing = Audience::Everybody;
        self.reach.protected = self.protected.iter().map(Protected::name).collect();
    }

    fn gain(&mut self, callers: Option<usize>) {
        self.reach.gaining = self.reach.gaining.and(callers);
    }

    fn lose(&mut self, callers: Option<usize>) {
        self.reach.losing = self.reach.losing.and(callers);
    }

    fn rows(&mut self, regions: &[Region], model: &Text) {
        let mut rows: Vec<Differing<'a>> = regions
            .iter()
            .filter_map(|region| {
                let snapshot = match region.kind {
                    Kind::RowRemoved => self.before,
                    Kind::RowAdded | Kind::RowMoved => self.after,
                    Kind::RoleAdded | Kind::RoleRemoved | Kind::Model => return None,
                };
                Some(Differing {
                    view: snapshot.rule(RuleId(size(region.row?)))?,
                    callers: None,
                    kind: region.kind,
                })
            })
            .collect();
        let overlap = Overlap::new(self.before, self.after);
        for row in &mut rows {
            row.callers = overlap.callers(&row.view);
        }
        let stands = Standing::new(self.after, model, &rows);
        for (at, row) in rows.iter().enumerate() {
            let allows = row.view.effect == Effect::Allow;
            // A row that was narrowed is one that goes and one that comes and lies within it.
            let replaced = |other: Kind| {
                let counterpart = |(_, known): &(usize, &Differing<'_>)| {
                    known.kind == other && known.view.effect == row.view.effect
                };
                let mut known = rows.iter().enumerate().filter(counterpart);
                known.any(|(other, _)| stands.covers(other, at))
            };
            match (row.kind, allows) {
                (Kind::RowAdded, true) if replaced(Kind::RowRemoved) => {}
                (Kind::RowAdded, true) => {
                    self.gain(row.callers);
                    self.touch(self.after, &row.view, None);
                }
                (Kind::RowAdded, false) if replaced(Kind::RowRemoved) => {}
                (Kind::RowAdded, false) => self.lose(row.callers),
                (Kind::RowRemoved, true) if replaced(Kind::RowAdded) => {}
                (Kind::RowRemoved, true) => self.lose(row.callers),
                (Kind::RowRemoved, false) if replaced(Kind::RowAdded) => {}
                (Kind::RowRemoved, false) => {
                    self.reach.widened.insert(Widened::DenyRemoved);
                    self.gain(row.callers);
                    self.touch(self.before, &row.view, None);
                }
                (Kind::RowMoved | Kind::RoleAdded | Kind::RoleRemoved | Kind::Model, _) => {
                    if !allows {
                        self.reach.widened.insert(Widened::DenyRemoved);
                    }
                    self.gain(row.callers);
                    self.lose(row.callers);
                    self.touch(self.after, &row.view, None);
                }
            }
        }
        if weakens(self.before, self.after, &overlap, &rows, &stands) {
            self.reach.widened.insert(Widened::ObligationsWeakened);
        }
    }

    fn roles(&mut self, regions: &[Region]) {
        let differing = regions
            .iter()
            .filter(|region| matches!(region.kind, Kind::RoleAdded | Kind::RoleRemoved));
        let differing: Vec<&Region> = differing.collect();
        if differing.is_empty() {
            return;
        }
        if !roles_are_looked_up(self.before) || !roles_are_looked_up(self.after) {
            self.everything();
            return;
        }
        for region in differing {
            let given = region.kind == Kind::RoleAdded;
            let snapshot = if given { self.after } else { self.before };
            let own = |role: &RoleView<'_>| role.file == region.file && role.line == region.line;
            let Some(role) = snapshot.roles().find(own) else {
                self.everything();
                return;
            };
            self.role(snapshot, &role, given, region.callers);
        }
    }

    /// A role that is given or taken counts through the rows that ask for it.
    fn role(
        &mut self,
        snapshot: &'a Snapshot,
        role: &RoleView<'_>,
        given: bool,
        callers: Option<usize>,
    ) {
        let policy = snapshot.policy();
        let caller = caller_slot(policy, &Survey::new(policy));
        let section = policy
            .model
            .sections
            .iter()
            .position(|section| *section.name == *role.section);
        let reached = reached(snapshot, role);
        for guard in &policy.plan.guards {
            let Guard::Role(pair, membership) = guard else {
                continue;
            };
            if Some(membership.graph) != section {
                continue;
            }
            // Who is in a group of zones is nobody that could be counted.
            let callers = callers.filter(|_| Some(pair.slot) == caller);
            let names = |rule: &RuleView<'_>| {
                let text = rule.fields.get(pair.field);
                text.is_some_and(|text| reached.iter().any(|role| role == text))
            };
            let (mut gains, mut loses) = (false, false);
            for rule in snapshot.rules().filter(names) {
                if (rule.effect == Effect::Allow) == given {
                    gains = true;
                    self.touch(
                        snapshot,
                        &rule,
                        membership.domain.zip(role.fields.get(2).copied()),
                    );
                } else {
                    loses = true;
                }
            }
            if gains {
                self.gain(callers);
            }
            if loses {
                self.lose(callers);
            }
        }
    }

    /// Notes the protected places in which a row may apply; `domain` is the slot and the value in which
    /// alone it does.
    fn touch(&mut self, snapshot: &Snapshot, rule: &RuleView<'_>, domain: Option<(usize, &str)>) {
        let policy = snapshot.policy();
        let slot_name = |slot: usize| policy.model.schema.slots.get(slot).map(|slot| &*slot.name);
        for place in self.protected {
            let slot = format!("r.{}", place.field);
            let elsewhere = policy.plan.guards.iter().any(|guard| {
                let Guard::Equal(pair) = guard else {
                    return false;
                };
                let text = rule.fields.get(pair.field).copied();
                slot_name(pair.slot) == Some(&slot)
                    && text.is_some()
                    && text != pair.any.as_deref()
                    && text != Some(&place.value)
            });
            let outside = domain.is_some_and(|(known, value)| {
                slot_name(known) == Some(&slot) && value != place.value
            });
            let name = place.name();
            if !elsewhere && !outside && !self.reach.protected.contains(&name) {
                self.reach.protected.push(name);
            }
        }
    }
}

/// A role and every role that its holders have through it, in any domain.
fn reached(snapshot: &Snapshot, role: &RoleView<'_>) -> Vec<String> {
    let mut reached: Vec<String> = role
        .fields
        .get(1)
        .map(|name| (*name).to_owned())
        .into_iter()
        .collect();
    let mut at = 0;
    while let Some(name) = reached.get(at).cloned() {
        at += 1;
        for other in snapshot.roles() {
            if other.section == role.section
                && other.fields.first() == Some(&&*name)
                && let Some(above) = other.fields.get(1)
                && !reached.iter().any(|known| known == above)
            {
                reached.push((*above).to_owned());
            }
        }
    }
    reached
}

/// Whether roles are asked for in the matcher's own conjuncts alone, so that having one more makes more rows
/// apply and never fewer, and the rows tell which.
fn roles_are_looked_up(snapshot: &Snapshot) -> bool {
    let policy = snapshot.policy();
    let conjuncts = policy.plan.guards.iter().zip(&policy.model.conjuncts);
    let mut asked = false;
    for (guard, conjunct) in conjuncts {
        if *guard == Guard::Other {
            conjunct
                .expr
                .visit(&mut |part| asked |= matches!(part, Expr::Role { .. }));
        }
    }
    let sections = policy.model.sections.iter();
    let calls: Vec<String> = sections
        .map(|section| format!("{}(", section.name))
        .collect();
    let in_condition = |rule: RuleView<'_>| {
        let conditions = policy.model.condition_fields.iter();
        let mut texts = conditions.filter_map(|field| rule.fields.get(*field));
        texts.any(|text| {
            let text: String = text.split_whitespace().collect();
            calls.iter().any(|call| text.contains(call.as_str()))
        })
    };
    !asked && !snapshot.rules().any(in_condition)
}
