//! Who gains or loses what between two policies.
//!
//! A request can be decided otherwise only if a row that was added, removed or moved applies to it, if its
//! caller's roles changed, or if the model did. The report names each of these regions, so that nothing that
//! changes lies outside it, and looks for a request in each that shows the change.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;
use serde_json::Value as Json;

use super::concern::{applies, concerned};
use super::held::{Held, allows, json, read};
use super::patience::Patience;
use super::reach::caller_slot;
use super::sample::{Candidates, find, goals};
use super::survey::Survey;
use crate::decision::Effect;
use crate::engine::snapshot::{Policy, Snapshot};
use crate::language::model::Combination;
use crate::rules::view::RoleView;

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A row is new.
    RowAdded,
    /// A row is gone.
    RowRemoved,
    /// A row stands elsewhere where the first match decides.
    RowMoved,
    /// A role is new.
    RoleAdded,
    /// A role is gone.
    RoleRemoved,
    /// The model differs, so that any request may be decided otherwise.
    Model,
}

/// A region in which requests may be decided otherwise.
#[derive(Debug, Clone, Serialize)]
pub struct Region {
    /// What differs.
    pub kind: Kind,
    /// The row or role as it is written.
    pub text: String,
    /// File where it stands, or stood.
    pub file: String,
    /// Line, counted from 1.
    pub line: u32,
    /// A request that was denied and is allowed.
    pub gained: Option<Json>,
    /// A request that was allowed and is denied.
    pub lost: Option<Json>,
    /// How many callers that a policy names it concerns; `None` if it concerns everybody.
    pub callers: Option<usize>,
    /// Some of them.
    pub some: Vec<String>,
    /// Row of its policy, for deciding what lies inside.
    #[serde(skip)]
    pub(crate) row: Option<usize>,
    #[serde(skip)]
    affected: BTreeSet<String>,
}

/// Names that are listed of those concerned.
const NAMED: usize = 5;

/// Rows that are read for values besides the one that changed.
const BESIDE: usize = 48;

/// Compares two policies.
pub fn diff(before: &Snapshot, after: &Snapshot) -> Vec<Region> {
    let mut regions = Vec::new();
    let mut take = |region| {
        regions.push(region);
        true
    };
    within(before, after, &Patience::endless(), &mut take);
    regions
}

/// Takes a region; `false` if it is enough.
type Take<'t> = &'t mut dyn FnMut(Region) -> bool;

/// As [`diff`], one region after the other, until `take` says that it is enough or patience is lost.
pub(crate) fn within(before: &Snapshot, after: &Snapshot, patience: &Patience<'_>, take: Take<'_>) {
    if !before.policy().model.reads_as(&after.policy().model) {
        let (gained, lost) = if same_request(before.policy(), after.policy()) {
            (
                anywhere(before, after, true, patience),
                anywhere(before, after, false, patience),
            )
        } else {
            (None, None)
        };
        take(Region {
            kind: Kind::Model,
            text: "the model".to_owned(),
            file: String::new(),
            line: 0,
            gained,
            lost,
            callers: None,
            some: Vec::new(),
            row: None,
            affected: BTreeSet::new(),
        });
        return;
    }
    let two = Two::new(before, after, patience);
    let ordered = after.policy().model.combination == Combination::FirstMatch;
    let _more = two.rows(Kind::RowRemoved, take)
        && two.rows(Kind::RowAdded, take)
        && (!ordered || two.moved(take))
        && two.roles(Kind::RoleRemoved, take)
        && two.roles(Kind::RoleAdded, take);
}

/// Whether a request lies in a region of the report; what lies in none is decided as before.
///
/// # Errors
///
/// What is no request of the model.
pub fn inside(
    regions: &[Region],
    before: &Snapshot,
    after: &Snapshot,
    request: &Json,
) -> Result<bool, String> {
    let request = read(after.policy(), request).map_err(|said| said.en)?;
    let slot = caller_slot(after.policy(), &Survey::new(after.policy()));
    let caller = slot.and_then(|slot| request.get(slot));
    Ok(regions.iter().any(|region| match (region.kind, region.row) {
        (Kind::Model, _) => true,
        (Kind::RowRemoved, Some(row)) => applies(before.policy(), row, &request),
        (Kind::RowAdded | Kind::RowMoved, Some(row)) => applies(after.policy(), row, &request),
        (Kind::RoleAdded | Kind::RoleRemoved, _) => {
            let named = |held: &Held| matches!(held, Held::Text(name) if region.affected.contains(name));
            caller.is_some_and(named) || request.iter().any(named)
        }
        (Kind::RowRemoved | Kind::RowAdded | Kind::RowMoved, None) => false,
    }))
}

/// A request that two policies of one model decide otherwise and to which this row of the first applies, or
/// failing that one that the row suggests.
pub(super) fn flip(before: &Snapshot, after: &Snapshot, row: usize) -> Option<Json> {
    let patience = Patience::endless();
    let two = Two::new(before, after, &patience);
    let mut differs = |request: &[Held]| allows(before, request) != allows(after, request);
    let policies = [Side::Before, Side::After].map(|side| (side, two.of(side).policy));
    // A row that was opened differs where it did not apply before.
    let found = policies
        .into_iter()
        .filter(|(_, policy)| row < policy.rules.len())
        .find_map(|(side, policy)| {
            find(
                policy,
                &goals(policy, row),
                &two.beside(side, row),
                &mut differs,
            )
        });
    found.map(|request| json(before.policy(), &request))
}

/// Two policies of one model, with what is looked up in them again and again.
struct Two<'a> {
    before: &'a Snapshot,
    after: &'a Snapshot,
    old: Survey<'a>,
    new: Survey<'a>,
    /// Values that denying rows of either suggest.
    guards: Candidates,
    patience: &'a Patience<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

impl Side {
    /// Where what differs stands.
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::RowRemoved | Kind::RoleRemoved => Self::Before,
            Kind::RowAdded | Kind::RowMoved | Kind::RoleAdded | Kind::Model => Self::After,
        }
    }
}

fn same_request(one: &Policy, other: &Policy) -> bool {
    let names = |policy: &Policy| {
        policy
            .model
            .schema
            .slots
            .iter()
            .map(|slot| (slot.name.clone(), slot.kind))
            .collect::<Vec<_>>()
    };
    names(one) == names(other)
}

fn keys(snapshot: &Snapshot) -> HashMap<Vec<String>, usize, foldhash::quality::RandomState> {
    let key = |fields: Vec<&str>| fields.into_iter().map(str::to_owned).collect();
    snapshot
        .rules()
        .map(|rule| (key(rule.fields), rule.ordinal.0 as usize))
        .collect()
}

impl<'a> Two<'a> {
    fn new(before: &'a Snapshot, after: &'a Snapshot, patience: &'a Patience<'a>) -> Self {
        let (old, new) = (Survey::new(before.policy()), Survey::new(after.policy()));
        let denying = |survey: &Survey<'_>| {
            let rules = &survey.policy.rules;
            let denies = |row: &usize| {
                rules
                    .head(*row)
                    .is_some_and(|head| head.effect == Effect::Deny)
            };
            let rows: Vec<usize> = (0..rules.len()).filter(denies).take(BESIDE).collect();
            Candidates::of(survey, &rows)
        };
        let mut guards = denying(&old);
        guards.join(&denying(&new));
        Self {
            before,
            after,
            old,
            new,
            guards,
            patience,
        }
    }

    fn of(&self, side: Side) -> &Survey<'a> {
        match side {
            Side::Before => &self.old,
            Side::After => &self.new,
        }
    }

    /// Whether each policy allows a request.
    fn answers(&self, request: &[Held]) -> (bool, bool) {
        (allows(self.before, request), allows(self.after, request))
    }

    /// Values that a row and the denying rows around it suggest.
    fn beside(&self, side: Side, row: usize) -> Candidates {
        let mut candidates = Candidates::of(self.of(side), &[row]);
        candidates.join(&self.guards);
        candidates
    }

    /// Rows of one policy that the other does not have; whether there may be more of the report.
    fn rows(&self, kind: Kind, take: Take<'_>) -> bool {
        let (of, other) = match Side::of(kind) {
            Side::Before => (self.before, self.after),
            Side::After => (self.after, self.before),
        };
        let others = keys(other);
        for rule in of.rules() {
            if self.patience.is_lost() {
                return false;
            }
            let key: Vec<String> = rule
                .fields
                .iter()
                .map(|field| (*field).to_owned())
                .collect();
            if !others.contains_key(&key) && !take(self.region(rule.ordinal.0 as usize, kind)) {
                return false;
            }
        }
        true
    }

    /// As [`rows`](Self::rows): rows that both have, outside the stretches at both ends in which the order is the same.
    fn moved(&self, take: Take<'_>) -> bool {
        let order = |of: &Snapshot, other: &Snapshot| {
            let others = keys(other);
            let mut common: Vec<(u64, Vec<String>, usize)> = of
                .rules()
                .filter_map(|rule| {
                    let key: Vec<String> = rule
                        .fields
                        .iter()
                        .map(|field| (*field).to_owned())
                        .collect();
                    let row = rule.ordinal.0 as usize;
                    let rank = of.policy().rules.head(row)?.rank;
                    others.contains_key(&key).then_some((rank, key, row))
                })
                .collect();
            common.sort();
            common
        };
        let (old, new) = (
            order(self.before, self.after),
            order(self.after, self.before),
        );
        let same =
            |one: &(u64, Vec<String>, usize), other: &(u64, Vec<String>, usize)| one.1 == other.1;
        let head = old
            .iter()
            .zip(&new)
            .take_while(|(one, other)| same(one, other))
            .count();
        let tail = old
            .iter()
            .rev()
            .zip(new.iter().rev())
            .take_while(|(one, other)| same(one, other))
            .count();
        let length = new.len().saturating_sub(head + tail);
        for (_, _, row) in new.iter().skip(head).take(length) {
            if self.patience.is_lost() {
                return false;
            }
            if !take(self.region(*row, Kind::RowMoved)) {
                return false;
            }
        }
        true
    }

    fn region(&self, row: usize, kind: Kind) -> Region {
        let side = Side::of(kind);
        let policy = self.of(side).policy;
        let candidates = self.beside(side, row);
        let sample = |wanted: (bool, bool)| {
            let accept = &mut |request: &[Held]| self.answers(request) == wanted;
            find(policy, &goals(policy, row), &candidates, accept)
                .map(|request| json(policy, &request))
        };
        let (gained, lost) = (sample((false, true)), sample((true, false)));
        let view = policy.rules.view(row);
        let concerned = concerned(self.of(side), row);
        Region {
            kind,
            text: view.as_ref().map_or(String::new(), |view| {
                format!("p, {}", view.fields.join(", "))
            }),
            file: view
                .as_ref()
                .map_or(String::new(), |view| view.file.to_owned()),
            line: view.as_ref().map_or(0, |view| view.line),
            gained,
            lost,
            callers: concerned.as_ref().map(Vec::len),
            some: concerned
                .into_iter()
                .flatten()
                .take(NAMED)
                .map(str::to_owned)
                .collect(),
            row: Some(row),
            affected: BTreeSet::new(),
        }
    }

    /// As [`rows`](Self::rows): roles of one policy that the other does not give.
    fn roles(&self, kind: Kind, take: Take<'_>) -> bool {
        let side = Side::of(kind);
        let (of, other) = match side {
            Side::Before => (self.before, self.after),
            Side::After => (self.after, self.before),
        };
        let key = |role: &RoleView<'_>| {
            std::iter::once(role.section)
                .chain(role.fields.iter().copied())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let known: BTreeSet<Vec<String>> = other.roles().map(|role| key(&role)).collect();
        for role in of.roles().filter(|role| !known.contains(&key(role))) {
            if self.patience.is_lost() {
                return false;
            }
            let affected = affected(of.policy(), &role);
            let sample = |wanted: (bool, bool)| {
                affected
                    .iter()
                    .take(NAMED)
                    .find_map(|member| self.sample_for(side, member, wanted))
            };
            let (gained, lost) = (sample((false, true)), sample((true, false)));
            let region = Region {
                kind,
                text: key(&role).join(", "),
                file: role.file.to_owned(),
                line: role.line,
                gained,
                lost,
                callers: Some(affected.len()),
                some: affected.iter().take(NAMED).cloned().collect(),
                row: None,
                affected,
            };
            if !take(region) {
                return false;
            }
        }
        true
    }

    /// A request that names this member somewhere and is decided otherwise.
    fn sample_for(&self, side: Side, member: &str, wanted: (bool, bool)) -> Option<Json> {
        let survey = self.of(side);
        let policy = survey.policy;
        let slots = survey.role_columns();
        for row in 0..policy.rules.len().min(ROWS_FOR_A_ROLE) {
            if self.patience.is_lost() {
                return None;
            }
            let mut candidates = Candidates::of(survey, &[row]);
            for (_, slot, _) in &slots {
                if let Some(values) = candidates.0.get_mut(*slot) {
                    values.insert(0, Held::Text(member.to_owned()));
                }
            }
            let named = |held: &Held| matches!(held, Held::Text(name) if name == member);
            let accept = &mut |request: &[Held]| {
                request.iter().any(named) && self.answers(request) == wanted
            };
            if let Some(found) = find(policy, &goals(policy, row), &candidates, accept) {
                return Some(json(policy, &found));
            }
        }
        None
    }
}

/// Rows in which a sample for a role is looked for.
const ROWS_FOR_A_ROLE: usize = 400;

fn anywhere(
    before: &Snapshot,
    after: &Snapshot,
    gained: bool,
    patience: &Patience<'_>,
) -> Option<Json> {
    let wanted = (!gained, gained);
    for snapshot in [before, after] {
        let policy = snapshot.policy();
        for row in 0..policy.rules.len().min(BESIDE) {
            if patience.is_lost() {
                return None;
            }
            let candidates = Candidates::of(&Survey::new(policy), &[row]);
            let accept =
                &mut |request: &[Held]| (allows(before, request), allows(after, request)) == wanted;
            if let Some(found) = find(policy, &goals(policy, row), &candidates, accept) {
                return Some(json(policy, &found));
            }
        }
    }
    None
}

/// The member of a role and everybody who has the member as a role.
fn affected(policy: &Policy, role: &RoleView<'_>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let Some(member) = role.fields.first() else {
        return names;
    };
    names.insert((*member).to_owned());
    let section = policy
        .model
        .sections
        .iter()
        .position(|section| *section.name == *role.section);
    let Some(section) = section else { return names };
    let domain = role.fields.get(2).copied().unwrap_or_default();
    for row in policy
        .rules
        .role_rows()
        .iter()
        .filter(|row| row.section == section)
    {
        let (Some(other), Some(graph)) = (row.fields.first(), policy.rules.graph(section)) else {
            continue;
        };
        let reached = graph.reach(policy.symbols.find(other), policy.symbols.find(domain));
        if reached.binary_search(&policy.symbols.find(member)).is_ok() {
            names.insert(other.to_string());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Dialect, Source};

    fn callers(domain: &str, row: &str) -> Option<usize> {
        let model = format!(
            "[request_definition]\nr = sub, dom, act\n[policy_definition]\np = sub, dom, act, eft\n[role_definition]\ng = _, _, _\n\
             [policy_effect]\ne = some(where (p.eft == allow)) && !some(where (p.eft == deny))\n\
             [matchers]\nm = (p.sub == \"*\" || g(r.sub, p.sub, r.dom)) && {domain} && r.act == p.act\n"
        );
        let load = |rules: &str| {
            let source = |name, text| Source { name, text };
            Snapshot::load(source("m", &model), &[source("r", rules)], Dialect::Strict).unwrap()
        };
        let roles =
            "g, u:li, role:clerk, hr\ng, u:wang, role:clerk, tax\np, role:clerk, hr, read, allow\n";
        let (before, after) = (load(roles), load(&format!("{roles}{row}\n")));
        let regions = diff(&before, &after);
        assert_eq!(regions.len(), 1);
        regions[0].callers
    }

    #[test]
    fn a_row_concerns_whom_it_names_in_its_domain_and_no_others() {
        let equal = "(p.dom == \"*\" || r.dom == p.dom)";
        assert_eq!(callers(equal, "p, u:novice, hr, write, allow"), Some(1));
        assert_eq!(
            callers(equal, "p, u:novice, elsewhere, write, allow"),
            Some(1)
        );
        assert_eq!(callers(equal, "p, role:clerk, hr, write, allow"), Some(1));
        assert_eq!(callers(equal, "p, role:clerk, *, write, allow"), Some(2));
        assert_eq!(
            callers(equal, "p, role:clerk, elsewhere, write, allow"),
            Some(0)
        );
        assert_eq!(callers(equal, "p, *, hr, write, allow"), None);
    }

    #[test]
    fn a_row_whose_domains_are_a_pattern_concerns_everybody_who_may_be_meant() {
        let pattern = "keyMatch(r.dom, p.dom)";
        assert_eq!(callers(pattern, "p, role:clerk, h*, write, allow"), None);
    }
}
