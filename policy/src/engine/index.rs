//! The index: from a request to the few rows that can apply.
//!
//! Rows are grouped by which of the equality keys they fix; each group is one hash lookup. Behind it
//! stands a path tree, and where that ends a list sorted by role. Every row stands in exactly one list.

use std::collections::HashMap;

use regex::Regex;
use smallvec::SmallVec;

use super::check::Check;
use super::draft::{Draft, Drafter, Vocabulary};
use super::plan::{Guard, KEYS, Plan};
use super::snapshot::Policy;
use super::tree::{Forest, Span};
use crate::decision::Effect;
use crate::facts::Fact;
use crate::rules::table::Rules;
use crate::source::size;
use crate::symbol::Symbol;
use crate::truth::Truth;

/// The index of a policy.
#[derive(Debug, Default)]
pub(crate) struct Index {
    groups: Vec<Group>,
    forest: Forest,
    rows: Vec<Entry>,
    checks: Vec<Check>,
    regexes: Vec<Regex>,
    vocabularies: Vec<Vocabulary>,
}

/// The rows that fix the same keys.
#[derive(Debug)]
struct Group {
    mask: u8,
    shelves: HashMap<[Symbol; KEYS], Shelf, foldhash::fast::RandomState>,
}

/// The rows with the same values of these keys.
#[derive(Debug, Clone, Copy)]
struct Shelf {
    /// Rows that take any path.
    free: Span,
    root: Option<u32>,
}

/// A row as the index keeps it.
#[derive(Debug, Clone, Copy)]
struct Entry {
    role: Symbol,
    row: u32,
    checks: u32,
    cost: u32,
    count: u16,
    effect: Effect,
}

/// A row that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) row: u32,
    pub(crate) cost: u32,
}

/// The rows that apply to a request.
#[derive(Debug, Default)]
pub(crate) struct Hits {
    pub(crate) allow: SmallVec<[Hit; 4]>,
    pub(crate) deny: SmallVec<[Hit; 4]>,
}

impl Hits {
    /// Takes a row in if its verdict makes it apply: an open question counts for a denial only.
    pub(crate) fn take(&mut self, verdict: Truth, effect: Effect, hit: Hit) {
        match (verdict, effect) {
            (Truth::True, Effect::Allow) => self.allow.push(hit),
            (Truth::True | Truth::Unknown, Effect::Deny) => self.deny.push(hit),
            (Truth::False, _) | (Truth::Unknown, Effect::Allow) => {}
        }
    }
}

/// A request, with what is looked up once for all rows.
pub(crate) struct Asked<'a> {
    pub(crate) facts: &'a [Fact<'a>],
    symbols: SmallVec<[Symbol; 16]>,
    words: SmallVec<[u32; 16]>,
    /// Caller and roles of each membership.
    roles: SmallVec<[(Symbol, &'a [Symbol]); 4]>,
}

impl Asked<'_> {
    pub(crate) fn fact(&self, slot: usize) -> Fact<'_> {
        self.facts.get(slot).copied().unwrap_or(Fact::Missing)
    }

    pub(crate) fn symbol(&self, slot: usize) -> Symbol {
        self.symbols.get(slot).copied().unwrap_or(Symbol::NONE)
    }

    pub(crate) fn words(&self, slot: usize) -> u32 {
        self.words.get(slot).copied().unwrap_or(0)
    }

    pub(crate) fn holds(&self, membership: usize, role: Symbol) -> bool {
        let Some((caller, roles)) = self.roles.get(membership) else {
            return false;
        };
        *caller == role || roles.binary_search(&role).is_ok()
    }
}

/// Longest list that is read through rather than searched by role; measured as the break-even.
const SHORT: usize = 16;

impl Index {
    pub(crate) fn build(plan: &Plan, drafter: &mut Drafter<'_>) -> Self {
        let rules = drafter.rules;
        drafter
            .vocabularies
            .resize_with(drafter.model.schema.slots.len(), Vec::new);
        let mut drafts: Vec<Draft<'_>> = (0..rules.len()).map(|row| drafter.draft(row)).collect();
        drafts.sort_by(|one, other| {
            let rank = |draft: &Draft<'_>| (draft.mask, draft.key);
            rank(one)
                .cmp(&rank(other))
                .then_with(|| one.route.cmp(&other.route))
                .then_with(|| (one.role, one.row).cmp(&(other.role, other.row)))
        });
        let mut index = Self {
            regexes: std::mem::take(&mut drafter.regexes),
            vocabularies: std::mem::take(&mut drafter.vocabularies),
            ..Self::default()
        };
        index.rows.reserve_exact(drafts.len());
        for group in drafts.chunk_by(|one, other| one.mask == other.mask) {
            let Some(first) = group.first() else { continue };
            let mut shelves = HashMap::default();
            for shelf in group.chunk_by(|one, other| one.key == other.key) {
                let Some(first) = shelf.first() else { continue };
                shelves.insert(first.key, index.shelve(plan, rules, shelf));
            }
            index.groups.push(Group {
                mask: first.mask,
                shelves,
            });
        }
        index
    }

    fn shelve(&mut self, plan: &Plan, rules: &Rules, drafts: &[Draft<'_>]) -> Shelf {
        let Self {
            forest,
            rows,
            checks,
            ..
        } = self;
        let mut place = |drafts: &[Draft<'_>]| {
            let start = size(rows.len());
            for draft in drafts {
                let Some(head) = rules.head(draft.row as usize) else {
                    continue;
                };
                rows.push(Entry {
                    role: draft.role,
                    row: draft.row,
                    checks: size(checks.len()),
                    cost: head.cost,
                    // A condition is at most 16 KiB, so a row has far fewer checks than fit.
                    count: u16::try_from(draft.checks.len()).unwrap_or(u16::MAX),
                    effect: head.effect,
                });
                checks.extend_from_slice(&draft.checks);
            }
            Span {
                start,
                length: size(drafts.len()),
            }
        };
        let (free, routed) = drafts.split_at(drafts.partition_point(|draft| draft.route.is_none()));
        let free = place(free);
        let root = (plan.route.is_some() && !routed.is_empty())
            .then(|| forest.plant(routed, 0, &mut place));
        Shelf { free, root }
    }

    /// Finds every row that applies.
    pub(crate) fn collect(&self, policy: &Policy, facts: &[Fact<'_>], hits: &mut Hits) {
        let plan = &policy.plan;
        let asked = self.ask(policy, facts);
        let path = plan.route.and_then(|route| match plan.guards.get(route) {
            Some(Guard::Match(pair, _)) => match asked.fact(pair.slot) {
                Fact::Text(path) => Some(path),
                Fact::Missing | Fact::Int(_) | Fact::Bool(_) => None,
            },
            Some(Guard::Equal(_) | Guard::Role(..) | Guard::Condition(_) | Guard::Other) | None => {
                None
            }
        });
        let membership = plan.role.and_then(|role| match plan.guards.get(role) {
            Some(Guard::Role(_, membership)) => plan
                .memberships
                .iter()
                .position(|known| known == membership),
            Some(Guard::Equal(_) | Guard::Match(..) | Guard::Condition(_) | Guard::Other)
            | None => None,
        });
        let full = self.key(plan, &asked);
        for group in &self.groups {
            let mut key = full;
            let mut named = true;
            for (at, symbol) in key.iter_mut().enumerate() {
                if group.mask & (1 << at) == 0 {
                    *symbol = Symbol::ANY;
                } else {
                    named &= *symbol != Symbol::NONE;
                }
            }
            let Some(shelf) = named.then(|| group.shelves.get(&key)).flatten() else {
                continue;
            };
            self.scan(policy, &asked, membership, shelf.free, hits);
            if let (Some(root), Some(path)) = (shelf.root, path) {
                self.forest.walk(root, path, |span| {
                    self.scan(policy, &asked, membership, span, hits)
                });
            }
        }
    }

    fn key(&self, plan: &Plan, asked: &Asked<'_>) -> [Symbol; KEYS] {
        let mut key = [Symbol::ANY; KEYS];
        for (place, at) in key.iter_mut().zip(&plan.keys) {
            if let Some(Guard::Equal(pair)) = plan.guards.get(*at) {
                *place = asked.symbol(pair.slot);
            }
        }
        key
    }

    fn ask<'a>(&self, policy: &'a Policy, facts: &'a [Fact<'a>]) -> Asked<'a> {
        let plan = &policy.plan;
        let mut asked = Asked {
            facts,
            symbols: SmallVec::from_elem(Symbol::NONE, facts.len()),
            words: SmallVec::from_elem(0, facts.len()),
            roles: SmallVec::new(),
        };
        for slot in &policy.named_slots {
            if let (Some(Fact::Text(text)), Some(place)) =
                (facts.get(*slot), asked.symbols.get_mut(*slot))
            {
                *place = policy.symbols.find(text);
            }
        }
        for ((fact, vocabulary), place) in
            facts.iter().zip(&self.vocabularies).zip(&mut asked.words)
        {
            if let (Fact::Text(text), false) = (fact, vocabulary.is_empty()) {
                let word = vocabulary.iter().find(|(word, _)| **word == **text);
                *place = word.map_or(0, |(_, bit)| *bit);
            }
        }
        for membership in &plan.memberships {
            let caller = asked.symbol(membership.slot);
            let domain = membership
                .domain
                .map_or(policy.no_domain, |domain| asked.symbol(domain));
            let roles = match policy.rules.graph(membership.graph) {
                Some(graph) if caller != Symbol::NONE => graph.reach(caller, domain),
                Some(_) | None => &[],
            };
            asked.roles.push((caller, roles));
        }
        asked
    }

    fn scan(
        &self,
        policy: &Policy,
        asked: &Asked<'_>,
        membership: Option<usize>,
        span: Span,
        hits: &mut Hits,
    ) {
        let rows = span.of(&self.rows);
        let roles = membership.and_then(|membership| asked.roles.get(membership));
        let Some((caller, roles)) = roles else {
            rows.iter()
                .for_each(|row| self.judge(policy, asked, row, hits));
            return;
        };
        let has = |role: Symbol| {
            role == Symbol::ANY || role == *caller || roles.binary_search(&role).is_ok()
        };
        if rows.len() <= SHORT.max(roles.len()) {
            for row in rows.iter().filter(|row| has(row.role)) {
                self.judge(policy, asked, row, hits);
            }
            return;
        }
        let (any, named) = rows.split_at(rows.partition_point(|row| row.role == Symbol::ANY));
        any.iter()
            .for_each(|row| self.judge(policy, asked, row, hits));
        for role in std::iter::once(caller).chain(*roles) {
            let first = named.partition_point(|row| row.role < *role);
            let same = named
                .get(first..)
                .unwrap_or_default()
                .iter()
                .take_while(|row| row.role == *role);
            same.into_iter()
                .for_each(|row| self.judge(policy, asked, row, hits));
        }
    }

    fn judge(&self, policy: &Policy, asked: &Asked<'_>, entry: &Entry, hits: &mut Hits) {
        let checks = Span {
            start: entry.checks,
            length: entry.count.into(),
        }
        .of(&self.checks);
        let mut verdict = Truth::True;
        for check in checks {
            verdict = verdict.and(check.ask(policy, &self.regexes, asked, entry.row));
            if verdict == Truth::False {
                return;
            }
        }
        hits.take(
            verdict,
            entry.effect,
            Hit {
                row: entry.row,
                cost: entry.cost,
            },
        );
    }
}
