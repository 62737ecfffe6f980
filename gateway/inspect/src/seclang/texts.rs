//! The texts of an exchange: every value and what transformations make of it, each kept once.

use std::borrow::Cow;
use std::num::NonZeroU32;

use super::byteset::ByteSet;
use super::prefilter::{Bits, Lane, Prefilter};
use super::ruleset::Chain;

/// The number of a text.
pub(super) type TextId = u32;

/// A text, and what is known about it.
#[derive(Debug)]
struct Text<'q> {
    bytes: Cow<'q, [u8]>,
    there: ByteSet,
    /// Where what each chain of transformations made of it stands among all, once one has.
    variants: Option<u32>,
    /// Where its candidates stand among all, for requests and for responses.
    candidates: [Option<u32>; 2],
    /// The text it differs from in the case of letters only, which the search does not tell apart.
    like: Option<TextId>,
}

/// All texts of an exchange.
#[derive(Debug)]
pub(super) struct Texts<'q> {
    all: Vec<Text<'q>>,
    pool: Vec<Lane>,
    variants: Vec<Option<NonZeroU32>>,
}

impl Default for Texts<'_> {
    fn default() -> Self {
        Self {
            all: Vec::with_capacity(128),
            pool: Vec::with_capacity(256),
            variants: Vec::with_capacity(4096),
        }
    }
}

impl<'q> Texts<'q> {
    pub(super) fn add(&mut self, bytes: Cow<'q, [u8]>) -> TextId {
        self.add_like(bytes, None)
    }

    fn add_like(&mut self, bytes: Cow<'q, [u8]>, like: Option<TextId>) -> TextId {
        let there = ByteSet::of(&bytes);
        self.all.push(Text {
            bytes,
            there,
            variants: None,
            candidates: [None; 2],
            like,
        });
        u32::try_from(self.all.len() - 1).unwrap_or(u32::MAX)
    }

    pub(super) fn bytes(&self, text: TextId) -> &[u8] {
        self.all
            .get(text as usize)
            .map_or(&b""[..], |text| &text.bytes)
    }

    pub(super) fn there(&self, text: TextId) -> ByteSet {
        self.all
            .get(text as usize)
            .map_or(ByteSet::default(), |text| text.there)
    }

    /// Returns what a chain of transformations makes of a text.
    #[inline]
    pub(super) fn transformed(&mut self, text: TextId, chain: usize, chains: &[Chain]) -> TextId {
        match chains.get(chain) {
            Some(step) => self.after(text, chain, step, chains),
            None => text,
        }
    }

    /// The same, for the last step of the chain.
    #[inline]
    pub(super) fn after(
        &mut self,
        text: TextId,
        chain: usize,
        step: &Chain,
        chains: &[Chain],
    ) -> TextId {
        match self.all.get(text as usize) {
            Some(entry) if step.could_change(&entry.there) => {
                self.changed(text, chain, step, chains)
            }
            _ => text,
        }
    }

    fn changed(&mut self, text: TextId, chain: usize, step: &Chain, chains: &[Chain]) -> TextId {
        let Some(last) = step.last else { return text };
        let Some(entry) = self.all.get_mut(text as usize) else {
            return text;
        };
        let from = *entry.variants.get_or_insert_with(|| {
            let from = self.variants.len();
            self.variants.resize(from + chains.len(), None);
            u32::try_from(from).unwrap_or(u32::MAX)
        });
        let place = from as usize + chain;
        // Numbers are kept one higher, so that none takes no room.
        if let Some(known) = self.variants.get(place).copied().flatten() {
            return known.get() - 1;
        }
        let before = self.transformed(text, step.parent, chains);
        let untouched = step
            .last_touches
            .is_some_and(|touched| !touched.meets(&self.there(before)));
        let after = if untouched {
            before
        } else {
            let changed = last.apply(self.bytes(before));
            if changed == self.bytes(before) {
                before
            } else {
                let like = last.keeps_letters().then_some(before);
                self.add_like(Cow::Owned(changed), like)
            }
        };
        if let Some(slot) = self.variants.get_mut(place) {
            *slot = NonZeroU32::new(after.saturating_add(1));
        }
        after
    }

    /// Returns the tests that a text could pass.
    #[inline]
    pub(super) fn candidates(&mut self, text: TextId, side: usize, prefilter: &Prefilter) -> &Bits {
        let known = self
            .all
            .get(text as usize)
            .and_then(|entry| entry.candidates.get(side).copied().flatten());
        let from = match known {
            Some(from) => from as usize,
            None => self.search(text, side, prefilter),
        };
        let lanes = prefilter.lanes();
        self.pool.get(from..from + lanes).unwrap_or_default()
    }

    /// Finds the tests that a text could pass; returns where they stand.
    fn search(&mut self, text: TextId, side: usize, prefilter: &Prefilter) -> usize {
        let mut from = self.pool.len();
        let Some(entry) = self.all.get(text as usize) else {
            return from;
        };
        if let Some(like) = entry.like {
            from = match self.all.get(like as usize).and_then(|entry| entry.candidates.get(side).copied().flatten()) {
                Some(from) => from as usize,
                None => self.search(like, side, prefilter),
            };
        } else {
            self.pool.resize(from + prefilter.lanes(), Lane::default());
            if let Some(bits) = self.pool.get_mut(from..) {
                prefilter.scan(&entry.bytes, &entry.there, bits);
            }
        }
        if let Some(slot) = self
            .all
            .get_mut(text as usize)
            .and_then(|entry| entry.candidates.get_mut(side))
        {
            *slot = u32::try_from(from).ok();
        }
        from
    }
}
