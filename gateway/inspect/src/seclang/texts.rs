//! The texts of an exchange: every value and what transformations make of it, each kept once.

use std::borrow::Cow;
use std::num::NonZeroU32;

use super::byteset::ByteSet;
use super::prefilter::{Bits, Lane, Prefilter};
use super::ruleset::Chain;
use super::transform::Transform;

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
    /// The text it was made of, over any number of steps.
    root: Option<TextId>,
    /// The next text that was made of the same root.
    kin: Option<TextId>,
    /// The last step that was made from it.
    steps: Option<u32>,
}

/// A transformation of some text, what came of it, and the step made from the same text before.
type Step = (Transform, TextId, Option<u32>);

/// All texts of an exchange.
#[derive(Debug)]
pub(super) struct Texts<'q> {
    all: Vec<Text<'q>>,
    pool: Vec<Lane>,
    variants: Vec<Option<NonZeroU32>>,
    steps: Vec<Step>,
    /// Texts that were added once, by their hash, their numbers one higher.
    once: Vec<Option<NonZeroU32>>,
}

/// Bytes of a text that is looked for among those that are there. Chosen.
const SHARED: usize = 256;
/// Texts that can be found again. Chosen.
const PLACES: usize = 512;

impl Default for Texts<'_> {
    fn default() -> Self {
        Self {
            all: Vec::with_capacity(128),
            pool: Vec::with_capacity(256),
            variants: Vec::with_capacity(4096),
            steps: Vec::with_capacity(128),
            once: vec![None; PLACES],
        }
    }
}

impl<'q> Texts<'q> {
    /// Adds a text, unless an equal one is there: then it is that one. Names come again and again.
    pub(super) fn add_once(&mut self, bytes: Cow<'q, [u8]>) -> TextId {
        if bytes.len() > SHARED {
            return self.add(bytes);
        }
        let hash = crate::text::hash(&bytes);
        let room = self.once.len() as u64;
        // A handful of places is tried: texts made to share them gain nothing but not being shared.
        for step in 0..4 {
            let place = usize::try_from((hash >> 32).wrapping_add(step) % room.max(1)).unwrap_or(0);
            match self.once.get(place).copied().flatten() {
                Some(known) => {
                    let known = known.get() - 1;
                    if *self.bytes(known) == *bytes {
                        return known;
                    }
                }
                None => {
                    let text = self.add(bytes);
                    if let Some(slot) = self.once.get_mut(place) {
                        *slot = NonZeroU32::new(text.saturating_add(1));
                    }
                    return text;
                }
            }
        }
        self.add(bytes)
    }

    pub(super) fn add(&mut self, bytes: Cow<'q, [u8]>) -> TextId {
        let there = ByteSet::of(&bytes);
        self.all.push(Text {
            bytes,
            there,
            variants: None,
            candidates: [None; 2],
            like: None,
            root: None,
            kin: None,
            steps: None,
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
            self.step(before, last)
        };
        if let Some(slot) = self.variants.get_mut(place) {
            *slot = NonZeroU32::new(after.saturating_add(1));
        }
        after
    }

    /// Makes one transformation. Many chains come to the same text by other ways: each step is made once, and what
    /// comes out equal is one text.
    fn step(&mut self, before: TextId, transform: Transform) -> TextId {
        let Some(entry) = self.all.get(before as usize) else {
            return before;
        };
        let (root, mut known) = (entry.root.unwrap_or(before), entry.steps);
        while let Some((done, after, next)) =
            known.and_then(|n| self.steps.get(n as usize)).copied()
        {
            if done == transform {
                return after;
            }
            known = next;
        }
        let changed = transform.apply(&entry.bytes);
        let after = if *changed == *entry.bytes {
            before
        } else {
            self.variant(root, before, transform, changed)
        };
        let number = u32::try_from(self.steps.len()).ok();
        if let Some(entry) = self.all.get_mut(before as usize) {
            self.steps.push((transform, after, entry.steps));
            entry.steps = number;
        }
        after
    }

    /// Adds what became of a text, unless the same has come of the text at its root already.
    fn variant(
        &mut self,
        root: TextId,
        before: TextId,
        transform: Transform,
        bytes: Vec<u8>,
    ) -> TextId {
        let mut known = Some(root);
        while let Some((id, entry)) = known.and_then(|id| Some((id, self.all.get(id as usize)?))) {
            if *entry.bytes == *bytes {
                return id;
            }
            known = entry.kin;
        }
        let kin = self.all.get(root as usize).and_then(|entry| entry.kin);
        let after = self.add(Cow::Owned(bytes));
        if let Some(entry) = self.all.get_mut(after as usize) {
            entry.root = Some(root);
            entry.kin = kin;
            entry.like = transform.keeps_letters().then_some(before);
        }
        if let Some(entry) = self.all.get_mut(root as usize) {
            entry.kin = Some(after);
        }
        after
    }

    /// Returns the tests that a text could pass.
    #[inline]
    pub(super) fn candidates(&mut self, text: TextId, side: usize, prefilter: &Prefilter) -> &Bits {
        let from = self.searched(text, side, prefilter);
        self.found(from, prefilter.lanes())
    }

    /// Returns the tests that a search found.
    #[inline]
    pub(super) fn found(&self, from: usize, lanes: usize) -> &Bits {
        self.pool.get(from..from + lanes).unwrap_or_default()
    }

    /// Searches a text, once; returns where what was found stands.
    #[inline]
    pub(super) fn searched(&mut self, text: TextId, side: usize, prefilter: &Prefilter) -> usize {
        let known = self
            .all
            .get(text as usize)
            .and_then(|entry| entry.candidates.get(side).copied().flatten());
        match known {
            Some(from) => from as usize,
            None => self.search(text, side, prefilter),
        }
    }

    /// Finds the tests that a text could pass; returns where they stand.
    fn search(&mut self, text: TextId, side: usize, prefilter: &Prefilter) -> usize {
        let mut from = self.pool.len();
        let Some(entry) = self.all.get(text as usize) else {
            return from;
        };
        if let Some(like) = entry.like {
            from = match self
                .all
                .get(like as usize)
                .and_then(|entry| entry.candidates.get(side).copied().flatten())
            {
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
