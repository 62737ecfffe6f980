//! Small numbers for the texts that a policy names.

use smallvec::SmallVec;

use crate::spread::Spread;

/// A text that the policy names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Symbol(pub(crate) u32);

impl Symbol {
    /// Stands for every text, where a rule has its wildcard.
    pub(crate) const ANY: Self = Self(0);
    /// A text that the policy does not name; equal to no symbol of a rule.
    pub(crate) const NONE: Self = Self(u32::MAX);
}

/// The texts that a policy names, each with how often it does. Requests look up and never add.
#[derive(Debug, Default, Clone)]
pub(crate) struct Symbols {
    /// Short names stand in the table itself, which spares a look-up its second miss in the cache.
    known: Spread<SmallVec<[u8; 24]>, Tally>,
    /// Numbers of names that are no longer named.
    free: Vec<Symbol>,
}

#[derive(Debug, Clone, Copy)]
struct Tally {
    symbol: Symbol,
    mentions: u32,
}

impl Symbols {
    /// The number of a text, which is named once more from now on.
    pub(crate) fn intern(&mut self, text: &str) -> Symbol {
        if let Some(tally) = self.known.get_mut(text.as_bytes()) {
            tally.mentions = tally.mentions.saturating_add(1);
            return tally.symbol;
        }
        let symbol = self
            .free
            .pop()
            .unwrap_or_else(|| Symbol(crate::source::size(self.known.len()).saturating_add(1)));
        let tally = Tally {
            symbol,
            mentions: 1,
        };
        self.known
            .insert(SmallVec::from_slice(text.as_bytes()), tally);
        symbol
    }

    /// Takes one mention of a text back; the last one frees its number.
    pub(crate) fn release(&mut self, text: &str) {
        let Some(tally) = self.known.get_mut(text.as_bytes()) else {
            return;
        };
        tally.mentions = tally.mentions.saturating_sub(1);
        if tally.mentions == 0 {
            self.free.push(tally.symbol);
            self.known.remove(text.as_bytes());
        }
    }

    pub(crate) fn find(&self, text: &str) -> Symbol {
        self.known
            .get(text.as_bytes())
            .map_or(Symbol::NONE, |tally| tally.symbol)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_lives_as_long_as_something_mentions_it_and_its_number_is_used_again() {
        let mut symbols = Symbols::default();
        let (one, two) = (symbols.intern("one"), symbols.intern("two"));
        assert_ne!(one, two);
        assert_eq!(symbols.intern("one"), one);
        symbols.release("one");
        assert_eq!(symbols.find("one"), one);
        symbols.release("one");
        assert_eq!(symbols.find("one"), Symbol::NONE);
        symbols.release("one");
        assert_eq!(symbols.intern("three"), one);
        assert_eq!(symbols.find("two"), two);
        assert_eq!(symbols.len(), 2);
        assert!(![Symbol::ANY, Symbol::NONE].contains(&symbols.intern("four")));
    }
}
