//! Sets of callers and other open texts: named, not named, holding roles and lacking them.

use std::collections::HashMap;
use std::rc::Rc;

use smallvec::SmallVec;

use crate::engine::snapshot::Policy;
use crate::symbol::Symbol;

/// A role in a section's graph and a domain; everybody who is called like the role has it as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Holding<'a> {
    pub(super) graph: usize,
    pub(super) role: &'a str,
    pub(super) symbol: Symbol,
    /// [`Symbol::NONE`] for a domain that the policy does not name.
    pub(super) domain: Symbol,
}

/// A set of texts.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts<'a> {
    is: Option<&'a str>,
    isnt: SmallVec<[&'a str; 2]>,
    holds: SmallVec<[Holding<'a>; 2]>,
    lacks: SmallVec<[Holding<'a>; 2]>,
}

impl<'a> Texts<'a> {
    /// Keeps only this text; `false` if nothing is left.
    pub(super) fn be(&mut self, text: &'a str) -> bool {
        if self.is.is_some_and(|known| known != text) || self.isnt.contains(&text) {
            return false;
        }
        self.is = Some(text);
        true
    }

    pub(super) fn not_be(&mut self, text: &'a str) -> bool {
        if self.is == Some(text) {
            return false;
        }
        if !self.isnt.contains(&text) {
            self.isnt.push(text);
        }
        true
    }

    pub(super) fn hold(&mut self, holding: Holding<'a>) -> bool {
        if self.lacks.contains(&holding) {
            return false;
        }
        if !self.holds.contains(&holding) {
            self.holds.push(holding);
        }
        true
    }

    pub(super) fn lack(&mut self, holding: Holding<'a>) -> bool {
        if self.holds.contains(&holding) {
            return false;
        }
        if !self.lacks.contains(&holding) {
            self.lacks.push(holding);
        }
        true
    }

    /// Whether a text is in the set.
    pub(super) fn fits(&self, policy: &Policy, text: &str) -> bool {
        self.is.is_none_or(|known| known == text)
            && !self.isnt.contains(&text)
            && self.holds.iter().all(|holding| has(policy, text, *holding))
            && !self.lacks.iter().any(|holding| has(policy, text, *holding))
    }

    /// A member of the set; callers before roles, and `None` only if there is none.
    pub(super) fn find(&self, policy: &'a Policy, members: &mut Members<'a>) -> Option<String> {
        let fits = |text: &str| self.fits(policy, text);
        if let Some(text) = self.is {
            return fits(text).then(|| text.to_owned());
        }
        let Some(first) = self.holds.first() else {
            // No row knows a text that the policy does not name, so none of the sets above tells two of them apart.
            let taken = |text: &str| {
                policy.symbols.find(text) != Symbol::NONE
                    || self.isnt.contains(&text)
                    || self.lacks.iter().any(|holding| holding.role == text)
            };
            return (0_usize..)
                .map(|number| {
                    if number == 0 {
                        "u:anyone".to_owned()
                    } else {
                        format!("u:anyone-{number}")
                    }
                })
                .find(|text| !taken(text));
        };
        let holders = members.of(policy, *first);
        let found = holders.iter().find(|member| fits(member));
        found
            .map(|member| (*member).to_owned())
            .or_else(|| fits(first.role).then(|| first.role.to_owned()))
    }
}

fn has(policy: &Policy, text: &str, holding: Holding<'_>) -> bool {
    text == holding.role
        || policy.rules.graph(holding.graph).is_some_and(|graph| {
            let reached = graph.reach(policy.symbols.find(text), holding.domain);
            reached.binary_search(&holding.symbol).is_ok()
        })
}

/// The holders of each role.
type Holders<'a> = HashMap<Symbol, Rc<[&'a str]>>;

/// Who holds which role in a section and domain, found when first asked for.
#[derive(Default)]
pub(super) struct Members<'a> {
    closed: HashMap<(usize, Symbol), Holders<'a>>,
}

impl<'a> Members<'a> {
    fn of(&mut self, policy: &'a Policy, holding: Holding<'_>) -> Rc<[&'a str]> {
        let key = (holding.graph, holding.domain);
        let holders = self
            .closed
            .entry(key)
            .or_insert_with(|| close(policy, holding.graph, holding.domain));
        holders
            .get(&holding.symbol)
            .map_or_else(|| Rc::from([]), Rc::clone)
    }
}

fn close(policy: &Policy, section: usize, domain: Symbol) -> Holders<'_> {
    let Some(graph) = policy.rules.graph(section) else {
        return HashMap::new();
    };
    let mut members: Vec<(bool, &str)> = Vec::new();
    let rows = policy.rules.role_rows();
    let rows = || rows.iter().filter(|row| row.section == section);
    for row in rows() {
        let within = row
            .fields
            .get(2)
            .map_or(policy.no_domain, |domain| policy.symbols.find(domain));
        if let Some(member) = row.fields.first().filter(|_| within == domain) {
            members.push((false, member));
        }
    }
    // Those who are a role of somebody themselves come last: a caller makes the better example.
    let roles: std::collections::HashSet<&str> = rows()
        .filter_map(|row| row.fields.get(1).map(|role| &**role))
        .collect();
    for (above, member) in &mut members {
        *above = roles.contains(*member);
    }
    members.sort_unstable();
    members.dedup();
    let mut holders: HashMap<Symbol, Vec<&str>> = HashMap::new();
    for (_, member) in members {
        for role in graph.reach(policy.symbols.find(member), domain) {
            holders.entry(*role).or_default().push(member);
        }
    }
    holders
        .into_iter()
        .map(|(role, members)| (role, Rc::from(members)))
        .collect()
}
