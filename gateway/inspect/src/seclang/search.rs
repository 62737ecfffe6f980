//! What the search found for the values of a condition: which of them could meet it.

use super::prefilter::{Lane, has, join};
use super::ruleset::Link;
use super::texts::TextId;
use super::transaction::Transaction;
use super::values::Ids;

/// A value of a group, what its transformations make of it, and where the tests stand that this could pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct Searched {
    pub(super) id: u32,
    pub(super) text: TextId,
    found: u32,
}

/// What is known of a group: where the tests stand that any of its values could pass, and its values.
#[derive(Debug, Clone, Copy)]
pub(super) struct SearchedGroup {
    bits: u32,
    lanes: u32,
    from: u32,
    to: u32,
}

impl Transaction<'_, '_> {
    /// Takes the values of a list out of what is kept, so that they can be gone through.
    pub(super) fn take_list(&mut self, list: usize) -> Ids {
        match self.listed.get_mut(list).and_then(Option::take) {
            Some(ids) => ids,
            None => self
                .rules
                .lists
                .get(list)
                .map_or_else(Ids::new, |list| self.values.listed(&list.targets)),
        }
    }

    pub(super) fn give_list(&mut self, list: usize, ids: Ids) {
        if let Some(slot) = self.listed.get_mut(list) {
            *slot = Some(ids);
        }
    }

    /// Says whether any value of a group could pass a test, as far as the search can tell.
    #[inline]
    pub(super) fn possible(&mut self, group: usize, test: usize) -> bool {
        let searched = match self.groups.get(group) {
            Some(Some(searched)) => *searched,
            _ => self.search_group(group),
        };
        let bits = self.group_bits.get(searched.bits as usize..);
        has(bits.unwrap_or_default(), test)
    }

    /// Finds the tests that each value of a group could pass, and that any could.
    fn search_group(&mut self, number: usize) -> SearchedGroup {
        let rules = self.rules;
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let mut searched = SearchedGroup {
            bits: count(self.group_bits.len()),
            lanes: 0,
            from: count(self.searched.len()),
            to: count(self.searched.len()),
        };
        let Some(group) = rules.groups.get(number) else {
            return searched;
        };
        if let Some(prefilter) = rules.prefilters.get(group.side)
            && let Some(step) = rules.chains.get(group.chain)
        {
            let lanes = prefilter.lanes();
            let from = self.group_bits.len();
            self.group_bits.resize(from + lanes, Lane::default());
            let ids = self.take_list(group.list);
            for &id in &ids {
                let Some(value) = self.values.get(id) else {
                    continue;
                };
                let text = self
                    .texts
                    .after(value.text, group.chain, step, &rules.chains);
                let found = self.texts.searched(text, group.side, prefilter);
                let all = self.group_bits.get_mut(from..).unwrap_or_default();
                join(all, self.texts.found(found, lanes));
                self.searched.push(Searched {
                    id,
                    text,
                    found: count(found),
                });
            }
            self.give_list(group.list, ids);
            searched.lanes = count(lanes);
            searched.to = count(self.searched.len());
        }
        if let Some(slot) = self.groups.get_mut(number) {
            *slot = Some(searched);
        }
        searched
    }

    /// Returns those values of a group that could pass a test, one after the other: the first from `place` on, and the
    /// place behind it.
    pub(super) fn next_candidate(
        &self,
        group: usize,
        test: usize,
        place: usize,
    ) -> Option<(Searched, usize)> {
        let group = self.groups.get(group).copied().flatten()?;
        let from = (group.from as usize).checked_add(place)?;
        let searched = self.searched.get(from..group.to as usize)?;
        let lanes = group.lanes as usize;
        let found = |one: &&Searched| has(self.texts.found(one.found as usize, lanes), test);
        let (n, one) = searched.iter().enumerate().find(|(_, one)| found(one))?;
        Some((*one, place + n + 1))
    }

    /// Says whether a text could pass the test of a condition, as far as the search can tell.
    pub(super) fn likely(&mut self, link: &Link, text: TextId) -> bool {
        let (Some(test), Some(group)) = (link.test, self.rules.groups.get(link.group)) else {
            return true;
        };
        let prefilter = self.rules.prefilters.get(group.side);
        prefilter
            .is_none_or(|prefilter| has(self.texts.candidates(text, group.side, prefilter), test))
    }
}
