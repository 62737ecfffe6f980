//! Small numbers for the texts that a policy names.

use std::collections::HashMap;

use smallvec::SmallVec;

use crate::source::size;

/// A text that the policy names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Symbol(pub(crate) u32);

impl Symbol {
    /// Stands for every text, where a rule has its wildcard.
    pub(crate) const ANY: Self = Self(0);
    /// A text that the policy does not name; equal to no symbol of a rule.
    pub(crate) const NONE: Self = Self(u32::MAX);
}

/// The texts that a policy names. Requests look up and never add.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    /// Short names stand in the table itself, which spares a look-up its second miss in the cache.
    known: HashMap<SmallVec<[u8; 24]>, Symbol, foldhash::quality::RandomState>,
}

impl Symbols {
    pub(crate) fn intern(&mut self, text: &str) -> Symbol {
        if let Some(symbol) = self.known.get(text.as_bytes()) {
            return *symbol;
        }
        let symbol = Symbol(size(self.known.len()).saturating_add(1));
        self.known
            .insert(SmallVec::from_slice(text.as_bytes()), symbol);
        symbol
    }

    pub(crate) fn find(&self, text: &str) -> Symbol {
        self.known
            .get(text.as_bytes())
            .copied()
            .unwrap_or(Symbol::NONE)
    }
}
