//! What names a policy uses, and who holds which role.

use std::collections::{BTreeSet, HashMap};

use crate::engine::snapshot::Policy;
use crate::language::expression::Expr;
use crate::symbol::Symbol;

/// A policy with what has to be looked up backwards.
pub(crate) struct Survey<'p> {
    pub(crate) policy: &'p Policy,
    /// Members of a role with the domain, by graph and role; callers before roles.
    holders: HashMap<(usize, Symbol), Vec<(&'p str, &'p str)>, foldhash::quality::RandomState>,
    /// Names that are the role of some member, by graph.
    roles: BTreeSet<(usize, &'p str)>,
}

/// Most holders of a role that are kept; enough to find one for each of a few domains.
const KEPT: usize = 64;

impl<'p> Survey<'p> {
    pub(crate) fn new(policy: &'p Policy) -> Self {
        let rows = policy.rules.role_rows();
        let roles: BTreeSet<(usize, &str)> = rows
            .iter()
            .filter_map(|row| row.fields.get(1).map(|role| (row.section, &**role)))
            .collect();
        let mut members: BTreeSet<(bool, usize, &str, &str)> = BTreeSet::new();
        for row in rows {
            let domain = row.fields.get(2).map_or("", |domain| &**domain);
            if let Some(member) = row.fields.first() {
                let above = roles.contains(&(row.section, &**member));
                members.insert((above, row.section, member, domain));
            }
        }
        let mut holders: HashMap<_, Vec<_>, _> = HashMap::default();
        for (_, section, member, domain) in members {
            let Some(graph) = policy.rules.graph(section) else {
                continue;
            };
            for role in graph.reach(policy.symbols.find(member), policy.symbols.find(domain)) {
                let list = holders.entry((section, *role)).or_insert_with(Vec::new);
                if list.len() < KEPT {
                    list.push((member, domain));
                }
            }
        }
        Self {
            policy,
            holders,
            roles,
        }
    }

    /// Some members of a role, with the domain in which they hold it.
    pub(crate) fn holders(&self, graph: usize, role: &str) -> &[(&'p str, &'p str)] {
        let symbol = self.policy.symbols.find(role);
        self.holders
            .get(&(graph, symbol))
            .map_or(&[], Vec::as_slice)
    }

    /// Whether a name is the role of somebody.
    pub(crate) fn is_role(&self, graph: usize, name: &str) -> bool {
        self.roles.contains(&(graph, name))
    }

    /// Role sections that the matcher asks, with the slot of the member and the column of the role.
    pub(crate) fn role_columns(&self) -> Vec<(usize, usize, usize)> {
        let mut columns = Vec::new();
        for conjunct in &self.policy.model.conjuncts {
            conjunct.expr.visit(&mut |part| {
                if let Expr::Role {
                    graph,
                    subject,
                    role,
                    ..
                } = part
                    && let (Expr::Fact(slot), Expr::Policy(field)) = (&**subject, &**role)
                {
                    columns.push((*graph, *slot, *field));
                }
            });
        }
        columns
    }

    /// Every domain in which the policy gives a role.
    pub(crate) fn domains(&self) -> BTreeSet<&'p str> {
        let rows = self.policy.rules.role_rows().into_iter();
        rows.filter_map(|row| row.fields.get(2).copied()).collect()
    }

    /// Every caller that the policy names in this slot: members of roles first, then names in rows.
    pub(crate) fn callers(&self, slot: usize) -> Vec<&'p str> {
        let mut names: BTreeSet<&'p str> = BTreeSet::new();
        for (graph, known, field) in self.role_columns() {
            if known != slot {
                continue;
            }
            for row in self.policy.rules.role_rows() {
                if row.section == graph {
                    names.extend(row.fields.first().map(|member| &**member));
                }
            }
            let rows = 0..self.policy.rules.len();
            let texts = rows.map(|row| self.policy.rules.field(row, field));
            names.extend(texts.filter(|text| !self.policy.model.is_wildcard(field, text)));
        }
        names.retain(|name| {
            !self
                .role_columns()
                .iter()
                .any(|(graph, _, _)| self.is_role(*graph, name))
        });
        names.into_iter().collect()
    }
}
