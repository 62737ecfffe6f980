//! A part of the index that is copied as one: shelves of rows with their path trees.

use std::sync::Arc;

use super::check::Check;
use super::draft::{Draft, Key};
use super::tree::{End, Forest, NOWHERE, Span, grow};
use crate::decision::Effect;
use crate::language::path::Segment;
use crate::language::regexp::Expression;
use crate::rules::sheet::Slot;
use crate::rules::table::Rules;
use crate::source::size;
use crate::symbol::Symbol;

/// The rows with the same values of the keys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shelf {
    pub(crate) shard: u32,
    /// Rows that take any path.
    pub(crate) free: Span,
    pub(crate) root: u32,
}

/// A row as the index keeps it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) role: Symbol,
    pub(crate) row: Slot,
    pub(crate) checks: u32,
    pub(crate) cost: u32,
    pub(crate) count: u16,
    pub(crate) effect: Effect,
}

/// Shelves side by side.
#[derive(Debug, Default, Clone)]
pub(crate) struct Shard {
    /// The shelves that lie here.
    pub(crate) keys: Vec<Key>,
    pub(crate) forest: Forest,
    /// Each list sorted by role.
    pub(crate) rows: Vec<Entry>,
    pub(crate) checks: Vec<Check>,
    pub(crate) regexes: Vec<Arc<Expression>>,
    live: usize,
    /// Entries that lie in no list, and their checks.
    waste: usize,
}

impl Shard {
    pub(crate) fn rows(&self) -> usize {
        self.live
    }

    /// Puts a shelf of drafts, sorted by route and role, beside the others.
    pub(crate) fn shelve(
        &mut self,
        shard: u32,
        key: Key,
        rules: &Rules,
        drafts: &[Draft<'_>],
    ) -> Shelf {
        self.keys.push(key);
        let mut forest = std::mem::take(&mut self.forest);
        let mut place = |drafts: &[Draft<'_>]| {
            let start = size(self.rows.len());
            for draft in drafts {
                let entry = self.entry(rules, draft);
                self.rows.extend(entry);
            }
            self.live += drafts.len();
            Span {
                start,
                length: size(drafts.len()),
            }
        };
        let (free, routed) = drafts.split_at(drafts.partition_point(|draft| draft.route.is_none()));
        let free = place(free);
        let root = if routed.is_empty() {
            NOWHERE
        } else {
            forest.plant(routed, 0, &mut place)
        };
        self.forest = forest;
        Shelf { shard, free, root }
    }

    /// A row as it is kept here, its checks put beside those of the others.
    fn entry(&mut self, rules: &Rules, draft: &Draft<'_>) -> Option<Entry> {
        let (head, slot) = (rules.head(draft.row)?, rules.slot(draft.row)?);
        let entry = Entry {
            role: draft.role,
            row: slot,
            checks: 0,
            cost: head.cost,
            count: 0,
            effect: head.effect,
        };
        Some(self.checked(entry, draft))
    }

    fn checked(&mut self, entry: Entry, draft: &Draft<'_>) -> Entry {
        let start = size(self.checks.len());
        for check in &draft.checks {
            let check = check.moved(|regex| {
                let regex = draft.regexes.get(regex as usize);
                regex.map_or(u32::MAX, |regex| self.regex(regex))
            });
            self.checks.push(check);
        }
        Entry {
            checks: start,
            // A condition is at most 16 KiB, so a row has far fewer checks than fit.
            count: u16::try_from(draft.checks.len()).unwrap_or(u16::MAX),
            role: draft.role,
            ..entry
        }
    }

    fn regex(&mut self, expression: &Arc<Expression>) -> u32 {
        let known = self
            .regexes
            .iter()
            .position(|known| Arc::ptr_eq(known, expression));
        size(known.unwrap_or_else(|| {
            self.regexes.push(Arc::clone(expression));
            self.regexes.len() - 1
        }))
    }

    /// Puts a row into its list; `Err` gives one that says the same.
    pub(crate) fn insert(
        &mut self,
        shelf: &mut Shelf,
        draft: &Draft<'_>,
        entry: Entry,
        same: impl Fn(Slot) -> bool,
    ) -> Result<(), Slot> {
        let end = draft
            .route
            .as_ref()
            .map(|route| self.forest.reach(&mut shelf.root, route));
        let Some(list) = list(&mut self.forest, shelf, end) else {
            return Ok(());
        };
        let rows = list.of(&self.rows);
        let first = rows.partition_point(|row| row.role < draft.role);
        let after = rows.partition_point(|row| row.role <= draft.role);
        let mut equals = rows.get(first..after).unwrap_or_default().iter();
        if let Some(found) = equals.find(|row| same(row.row)) {
            return Err(found.row);
        }
        let old = *list;
        let entry = self.checked(entry, draft);
        let grown = grow(&mut self.rows, old, after, entry);
        if grown.start != old.start {
            self.waste += old.length as usize;
        }
        if let Some(list) = self::list(&mut self.forest, shelf, end) {
            *list = grown;
        }
        self.live += 1;
        Ok(())
    }

    /// Takes a row out of its list; tells whether it was there.
    pub(crate) fn remove(
        &mut self,
        shelf: &mut Shelf,
        route: Option<&[Segment<'_>]>,
        row: Slot,
    ) -> bool {
        let end = match route.map(|route| self.forest.find(shelf.root, route)) {
            None => None,
            Some(Some(end)) => Some(end),
            Some(None) => return false,
        };
        let Some(list) = list(&mut self.forest, shelf, end) else {
            return false;
        };
        let (start, length) = (list.start as usize, list.length as usize);
        let Some(rows) = self.rows.get_mut(start..start + length) else {
            return false;
        };
        let Some(at) = rows.iter().position(|entry| entry.row == row) else {
            return false;
        };
        let checks = rows.get(at).map_or(0, |entry| entry.count);
        rows.copy_within(at + 1.., at);
        list.length -= 1;
        self.live -= 1;
        self.waste += 1 + usize::from(checks);
        true
    }

    pub(crate) fn is_wasteful(&self) -> bool {
        // Below this a copy costs nothing to speak of, and each copy would cost as much again.
        const LEAST: usize = 128;
        self.waste + self.forest.waste > LEAST + 2 * self.live
    }

    /// Copies a shelf from another shard in this one's place; `None` if it has no rows.
    pub(crate) fn transplant(&mut self, from: &Self, key: Key, shelf: &Shelf) -> Option<Shelf> {
        let before = self.live;
        let mut forest = std::mem::take(&mut self.forest);
        let mut place = |span: Span| {
            let start = size(self.rows.len());
            for entry in span.of(&from.rows) {
                let checks = Span {
                    start: entry.checks,
                    length: entry.count.into(),
                };
                let first = size(self.checks.len());
                for check in checks.of(&from.checks) {
                    let check = check.moved(|regex| {
                        let regex = from.regexes.get(regex as usize);
                        regex.map_or(u32::MAX, |regex| self.regex(regex))
                    });
                    self.checks.push(check);
                }
                self.rows.push(Entry {
                    checks: first,
                    ..*entry
                });
            }
            self.live += span.length as usize;
            Span {
                start,
                length: span.length,
            }
        };
        let free = place(shelf.free);
        let root = from.forest.transplant(shelf.root, &mut forest, &mut place);
        self.forest = forest;
        if self.live == before {
            return None;
        }
        self.keys.push(key);
        Some(Shelf {
            free,
            root: root.unwrap_or(NOWHERE),
            ..*shelf
        })
    }

    /// Gives back what was reserved for more.
    pub(crate) fn trim(mut self) -> Self {
        self.keys.shrink_to_fit();
        self.forest.trim();
        self.rows.shrink_to_fit();
        self.checks.shrink_to_fit();
        self.regexes.shrink_to_fit();
        self
    }
}

/// The list at an end, or that of the rows that take any path.
fn list<'s>(
    forest: &'s mut Forest,
    shelf: &'s mut Shelf,
    end: Option<End>,
) -> Option<&'s mut Span> {
    match end {
        Some(end) => forest.list(end),
        None => Some(&mut shelf.free),
    }
}
