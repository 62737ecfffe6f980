//! The index: from a request to the few rows that can apply.
//!
//! Rows are grouped by which of the equality keys they fix; each group is one hash lookup. Behind it
//! stands a path tree, and where that ends a list sorted by role. Every row stands in exactly one list.
//! The shelves of a few hundred rows lie together in a [`Shard`], which a change copies and edits.

use std::sync::Arc;

use smallvec::SmallVec;

use super::draft::{Draft, Drafter, Key, Vocabulary};
use super::plan::{Guard, KEYS, Plan};
use super::shard::{Entry, Shard, Shelf};
use super::snapshot::Policy;
use super::tree::{NOWHERE, Span};
use crate::decision::Effect;
use crate::facts::Fact;
use crate::rules::sheet::Slot;
use crate::source::size;
use crate::spread::Spread;
use crate::symbol::Symbol;
use crate::truth::Truth;

/// The index of a policy.
#[derive(Debug, Default, Clone)]
pub(crate) struct Index {
    shelves: Spread<Key, Shelf>,
    /// Rows by which keys they fix, and for which of these there are any.
    groups: [u32; 1 << KEYS],
    present: SmallVec<[u8; 1 << KEYS]>,
    shards: Vec<Arc<Shard>>,
    /// Shards that have room for more shelves.
    open: Vec<u32>,
    vocabularies: Arc<Vec<Vocabulary>>,
}

/// Rows of a shard beyond which new shelves go elsewhere; measured: larger shards make changes dearer,
/// smaller ones make decisions dearer.
const ROOM: usize = 512;

/// Which keys are fixed, a bit for each.
fn mask(key: &Key) -> usize {
    let fixed = key.iter().enumerate();
    fixed.fold(0, |mask, (at, symbol)| {
        mask | usize::from(*symbol != Symbol::ANY) << at
    })
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
    pub(crate) fn build(drafter: &mut Drafter<'_>) -> Self {
        let rules = drafter.rules;
        let slots = drafter.model.schema.slots.len();
        Arc::make_mut(&mut drafter.vocabularies).resize_with(slots, Vec::new);
        let mut keyed: Vec<(Key, u32)> = (0..rules.len())
            .map(|row| (drafter.key(row), size(row)))
            .collect();
        keyed.sort_unstable();
        let mut index = Self::default();
        let mut shard = Shard::default();
        let mut drafts: Vec<Draft<'_>> = Vec::new();
        for shelf in keyed.chunk_by(|one, other| one.0 == other.0) {
            let Some((key, _)) = shelf.first() else {
                continue;
            };
            if shard.rows() > 0 && shard.rows() + shelf.len() > ROOM {
                index
                    .shards
                    .push(Arc::new(std::mem::take(&mut shard).trim()));
            }
            drafts.extend(shelf.iter().map(|(_, row)| drafter.draft(*row as usize)));
            drafts.sort_by(|one, other| {
                let roles = || (one.role, one.row).cmp(&(other.role, other.row));
                one.route.cmp(&other.route).then_with(roles)
            });
            let number = size(index.shards.len());
            let placed = shard.shelve(number, *key, rules, &drafts);
            drafts.clear();
            index.shelves.insert(*key, placed);
            index.count(key, shelf.len(), 0);
        }
        index.shards.push(Arc::new(shard.trim()));
        index.open = vec![size(index.shards.len() - 1)];
        index.vocabularies = Arc::clone(&drafter.vocabularies);
        index
    }

    fn count(&mut self, key: &Key, more: usize, less: usize) {
        let mask = mask(key);
        if let Some(count) = self.groups.get_mut(mask) {
            *count = count.saturating_add(size(more)).saturating_sub(size(less));
        }
        let groups = self.groups.iter().zip(0_u8..);
        let present = groups.filter(|(count, _)| **count > 0);
        self.present = present.map(|(_, mask)| mask).collect();
    }

    pub(crate) fn vocabularies(&self) -> Arc<Vec<Vocabulary>> {
        Arc::clone(&self.vocabularies)
    }

    /// Adds a row; `Err` gives the row that says the same, as `same` tells.
    pub(crate) fn insert(
        &mut self,
        key: Key,
        draft: &Draft<'_>,
        entry: Entry,
        vocabularies: Arc<Vec<Vocabulary>>,
        same: impl Fn(Slot) -> bool,
    ) -> Result<(), Slot> {
        self.vocabularies = vocabularies;
        let known = self.shelves.get(&key).copied();
        let mut shelf = known.unwrap_or_else(|| Shelf {
            shard: self.roomy(),
            free: Span::default(),
            root: NOWHERE,
        });
        let Some(shard) = self.shards.get_mut(shelf.shard as usize).map(Arc::make_mut) else {
            return Ok(());
        };
        if known.is_none() {
            shard.keys.push(key);
        }
        shard.insert(&mut shelf, draft, entry, same)?;
        self.shelves.insert(key, shelf);
        self.count(&key, 1, 0);
        self.tidy(shelf.shard);
        Ok(())
    }

    /// Takes a row away that stands at this address.
    pub(crate) fn remove(
        &mut self,
        key: Key,
        route: Option<&[crate::language::path::Segment<'_>]>,
        row: Slot,
    ) {
        let Some(mut shelf) = self.shelves.get(&key).copied() else {
            return;
        };
        let Some(shard) = self.shards.get_mut(shelf.shard as usize).map(Arc::make_mut) else {
            return;
        };
        if !shard.remove(&mut shelf, route, row) {
            return;
        }
        self.shelves.insert(key, shelf);
        self.count(&key, 0, 1);
        self.tidy(shelf.shard);
    }

    /// A shard with room for one more shelf.
    fn roomy(&mut self) -> u32 {
        while let Some(number) = self.open.last() {
            let shard = self.shards.get(*number as usize);
            if shard.is_some_and(|shard| shard.rows() < ROOM) {
                return *number;
            }
            self.open.pop();
        }
        self.shards.push(Arc::default());
        let number = size(self.shards.len() - 1);
        self.open.push(number);
        number
    }

    /// Copies a shard without its gaps when these are too many, and notes that it has room again.
    fn tidy(&mut self, number: u32) {
        let Some(shard) = self.shards.get_mut(number as usize) else {
            return;
        };
        if !shard.is_wasteful() {
            return;
        }
        let mut fresh = Shard::default();
        for key in &shard.keys {
            let Some(shelf) = self.shelves.get(key) else {
                continue;
            };
            match fresh.transplant(shard, *key, shelf) {
                Some(moved) => drop(self.shelves.insert(*key, moved)),
                None => drop(self.shelves.remove(key)),
            }
        }
        if fresh.rows() < ROOM / 2 && !self.open.contains(&number) {
            self.open.push(number);
        }
        *shard = Arc::new(fresh);
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
        for group in &self.present {
            let mut key = full;
            let mut named = true;
            for (at, symbol) in key.iter_mut().enumerate() {
                if group & (1 << at) == 0 {
                    *symbol = Symbol::ANY;
                } else {
                    named &= *symbol != Symbol::NONE;
                }
            }
            let Some(shelf) = named.then(|| self.shelves.get(&key)).flatten() else {
                continue;
            };
            let Some(shard) = self.shards.get(shelf.shard as usize) else {
                continue;
            };
            let scan = |span: Span, hits: &mut Hits| {
                scan(policy, shard, &asked, membership, span, hits);
            };
            scan(shelf.free, hits);
            if let (true, Some(path)) = (shelf.root != NOWHERE, path) {
                shard.forest.walk(shelf.root, path, |span| scan(span, hits));
            }
        }
        // Rows are found by where they stand, and named by how many stand before them.
        for hit in hits.allow.iter_mut().chain(&mut hits.deny) {
            hit.row = policy.rules.position(Slot(hit.row));
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
            facts.iter().zip(&*self.vocabularies).zip(&mut asked.words)
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
}

fn scan(
    policy: &Policy,
    shard: &Shard,
    asked: &Asked<'_>,
    membership: Option<usize>,
    span: Span,
    hits: &mut Hits,
) {
    let rows = span.of(&shard.rows);
    let roles = membership.and_then(|membership| asked.roles.get(membership));
    let Some((caller, roles)) = roles else {
        rows.iter()
            .for_each(|row| judge(policy, shard, asked, row, hits));
        return;
    };
    let has =
        |role: Symbol| role == Symbol::ANY || role == *caller || roles.binary_search(&role).is_ok();
    if rows.len() <= SHORT.max(roles.len()) {
        for row in rows.iter().filter(|row| has(row.role)) {
            judge(policy, shard, asked, row, hits);
        }
        return;
    }
    let (any, named) = rows.split_at(rows.partition_point(|row| row.role == Symbol::ANY));
    any.iter()
        .for_each(|row| judge(policy, shard, asked, row, hits));
    for role in std::iter::once(caller).chain(*roles) {
        let first = named.partition_point(|row| row.role < *role);
        let same = named
            .get(first..)
            .unwrap_or_default()
            .iter()
            .take_while(|row| row.role == *role);
        same.into_iter()
            .for_each(|row| judge(policy, shard, asked, row, hits));
    }
}

fn judge(policy: &Policy, shard: &Shard, asked: &Asked<'_>, entry: &Entry, hits: &mut Hits) {
    let checks = Span {
        start: entry.checks,
        length: entry.count.into(),
    }
    .of(&shard.checks);
    let mut verdict = Truth::True;
    for check in checks {
        verdict = verdict.and(check.ask(policy, &shard.regexes, asked, entry.row));
        if verdict == Truth::False {
            return;
        }
    }
    hits.take(
        verdict,
        entry.effect,
        Hit {
            row: entry.row.0,
            cost: entry.cost,
        },
    );
}
