//! Roles that exclude one another: nobody has two of them in one department.

use std::collections::{BTreeMap, HashSet};

use serde_json::json;

use super::proof::Membership;
use super::verdict::{Verdict, Witness};
use super::written::Name;
use crate::engine::snapshot::Policy;
use crate::rules::roles::RoleRow;

/// A department in which somebody has a role; `None` is every one.
type Within<'a> = Option<&'a str>;

/// Whether nobody has two of the roles in one department: in these, or in any if none is named.
pub(super) fn judge(
    policy: &Policy,
    memberships: &[Membership],
    roles: &[Name],
    departments: &[Name],
) -> Verdict {
    let mut held: BTreeMap<&str, Vec<(usize, Within<'_>, usize)>> = BTreeMap::new();
    let mut cases = 0;
    for membership in memberships {
        // Whoever is called like a role has it everywhere.
        for (at, role) in roles.iter().enumerate() {
            held.entry(&role.text)
                .or_default()
                .push((at, None, membership.graph));
        }
        let Some(graph) = policy.rules.graph(membership.graph) else {
            continue;
        };
        let mut seen: HashSet<(&str, &str)> = HashSet::new();
        for row in policy
            .rules
            .role_rows()
            .into_iter()
            .filter(|row| row.section == membership.graph)
        {
            let (Some(member), domain) = (
                row.fields.first(),
                row.fields.get(2).map_or("", |domain| &**domain),
            ) else {
                continue;
            };
            let asked = departments.is_empty()
                || domain.is_empty()
                || departments.iter().any(|name| name.text == domain);
            if !asked || !seen.insert((member, domain)) {
                continue;
            }
            cases += 1;
            let reached = graph.reach(policy.symbols.find(member), policy.symbols.find(domain));
            for (at, role) in roles.iter().enumerate() {
                if reached
                    .binary_search(&policy.symbols.find(&role.text))
                    .is_ok()
                {
                    let within = (!domain.is_empty()).then_some(domain);
                    held.entry(member)
                        .or_default()
                        .push((at, within, membership.graph));
                }
            }
        }
    }
    for (holder, roles_held) in &held {
        for (at, (role, within, graph)) in roles_held.iter().enumerate() {
            for (other, beside, other_graph) in roles_held.iter().take(at) {
                let together = within.is_none() || beside.is_none() || within == beside;
                if role == other || !together {
                    continue;
                }
                let name = |role: usize| roles.get(role).map_or("", |name| name.text.as_str());
                let department = within.or(*beside);
                let mut rules = chain(
                    policy,
                    *graph,
                    holder,
                    name(*role),
                    within.unwrap_or_default(),
                );
                rules.extend(chain(
                    policy,
                    *other_graph,
                    holder,
                    name(*other),
                    beside.unwrap_or_default(),
                ));
                rules.sort();
                rules.dedup();
                let mut request = json!({ "sub": holder, "roles": [name(*other), name(*role)] });
                if let (Some(members), Some(department)) = (request.as_object_mut(), department) {
                    members.insert("dom".to_owned(), json!(department));
                }
                return Verdict::Refuted {
                    witness: Box::new(Witness {
                        portal: None,
                        from: None,
                        request,
                        obligations: String::new(),
                        rules,
                    }),
                };
            }
        }
    }
    Verdict::Proved {
        cases: cases.max(1),
    }
}

/// The rows that give a member the role, `file:line`; empty if it is called like the role.
fn chain(policy: &Policy, graph: usize, member: &str, role: &str, domain: &str) -> Vec<String> {
    let within = |row: &RoleRow<'_>| {
        row.section == graph && row.fields.get(2).map_or("", |domain| &**domain) == domain
    };
    let rows: Vec<RoleRow<'_>> = policy
        .rules
        .role_rows()
        .into_iter()
        .filter(within)
        .collect();
    // Breadth first, each name with the row that led to it and where that came from.
    let mut found: Vec<(&str, Option<(usize, &RoleRow<'_>)>)> = vec![(member, None)];
    let mut next = 0;
    while let Some((name, _)) = found.get(next).copied() {
        if name == role {
            let mut lines = Vec::new();
            let mut at = next;
            while let Some((_, Some((before, row)))) = found.get(at) {
                lines.push(format!("{}:{}", policy.rules.file_of(row), row.line));
                at = *before;
            }
            lines.reverse();
            return lines;
        }
        for row in rows
            .iter()
            .filter(|row| row.fields.first().is_some_and(|member| **member == *name))
        {
            if let Some(above) = row.fields.get(1)
                && !found.iter().any(|(known, _)| *known == &**above)
            {
                found.push((above, Some((next, row))));
            }
        }
        next += 1;
    }
    Vec::new()
}
