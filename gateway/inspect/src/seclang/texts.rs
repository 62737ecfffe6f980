//! The texts of an exchange: every value and what transformations make of it, each kept once.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::byteset::ByteSet;
use super::prefilter::{Bits, Prefilter};
use super::ruleset::Chain;

/// The number of a text.
pub(super) type TextId = u32;

/// A text, and what is known about it.
#[derive(Debug)]
struct Text<'q> {
    bytes: Cow<'q, [u8]>,
    there: ByteSet,
    /// What chains of transformations made of it.
    variants: SmallVec<[(u32, TextId); 2]>,
    /// Where its candidates stand among all, for requests and for responses.
    candidates: [Option<u32>; 2],
    /// The text it differs from in the case of letters only, which the search does not tell apart.
    like: Option<TextId>,
}

/// All texts of an exchange.
#[derive(Debug)]
pub(super) struct Texts<'q> {
    all: Vec<Text<'q>>,
    pool: Vec<u64>,
}

impl Default for Texts<'_> {
    fn default() -> Self {
        Self {
            all: Vec::with_capacity(128),
            pool: Vec::with_capacity(1024),
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
            variants: SmallVec::new(),
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
    pub(super) fn transformed(&mut self, text: TextId, chain: usize, chains: &[Chain]) -> TextId {
        let Some(step) = chains.get(chain) else {
            return text;
        };
        let Some(entry) = self.all.get(text as usize) else {
            return text;
        };
        if step
            .touches
            .is_some_and(|touched| !touched.meets(&entry.there))
        {
            return text;
        }
        let Some(last) = step.last else { return text };
        let key = u32::try_from(chain).unwrap_or(u32::MAX);
        if let Some((_, known)) = entry.variants.iter().find(|(known, _)| *known == key) {
            return *known;
        }
        let before = self.transformed(text, step.parent, chains);
        let untouched = last
            .touches()
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
        if let Some(entry) = self.all.get_mut(text as usize) {
            entry.variants.push((key, after));
        }
        after
    }

    /// Returns the tests that a text could pass.
    pub(super) fn candidates(&mut self, text: TextId, side: usize, prefilter: &Prefilter) -> &Bits {
        let words = prefilter.words();
        let mut text = text;
        while let Some(like) = self.all.get(text as usize).and_then(|entry| entry.like) {
            text = like;
        }
        let Some(entry) = self.all.get_mut(text as usize) else {
            return &[];
        };
        let Some(slot) = entry.candidates.get_mut(side) else {
            return &[];
        };
        let from = match *slot {
            Some(from) => from as usize,
            None => {
                let from = self.pool.len();
                *slot = u32::try_from(from).ok();
                self.pool.resize(from + words, 0);
                if let Some(bits) = self.pool.get_mut(from..) {
                    prefilter.scan(&entry.bytes, &entry.there, bits);
                }
                from
            }
        };
        self.pool.get(from..from + words).unwrap_or_default()
    }
}
