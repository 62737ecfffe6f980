//! What rules remember during an exchange.

use std::borrow::Cow;
use std::collections::HashMap;

use super::names::Names;
use super::operator::number;
use super::prefilter::{Lane, has, set};
use super::store::Record;
use super::target::{Collection, Selector, Target};
use super::texts::TextId;

/// A variable of the transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum TxValue<'r> {
    #[default]
    Unset,
    Number(i64),
    Text(Cow<'r, [u8]>),
}

impl<'r> TxValue<'r> {
    pub(super) fn is_set(&self) -> bool {
        *self != Self::Unset
    }

    pub(super) fn number(&self) -> i64 {
        match self {
            Self::Unset => 0,
            Self::Number(n) => *n,
            Self::Text(text) => number(text),
        }
    }

    pub(super) fn bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Unset => Cow::Borrowed(b""),
            Self::Number(n) => Cow::Owned(n.to_string().into_bytes()),
            Self::Text(text) => Cow::Borrowed(text),
        }
    }

    /// Keeps numbers as numbers: scores are read and added to far more often than shown.
    pub(super) fn of(text: Cow<'r, [u8]>) -> Self {
        let short = !text.is_empty() && text.len() < 18 && text.iter().all(u8::is_ascii_digit);
        let exact = short && (text.len() == 1 || text.first() != Some(&b'0'));
        if exact {
            Self::Number(number(&text))
        } else {
            Self::Text(text)
        }
    }
}

/// Variables whose names are made of what a client sent, in one exchange. Chosen.
const MADE: usize = 2000;

/// All variables of the transaction.
#[derive(Debug)]
pub(super) struct Tx<'r> {
    slots: Vec<TxValue<'r>>,
    /// Those whose names no rule writes out, in the order in which they were made.
    made: Vec<(Vec<u8>, TxValue<'r>)>,
    /// Where each of them stands, once there are many.
    places: HashMap<Vec<u8>, usize>,
}

/// Variables up to which going through them is as fast as looking up. Chosen.
const FEW: usize = 32;

impl<'r> Tx<'r> {
    pub(super) fn new(slots: usize) -> Self {
        Self {
            slots: vec![TxValue::Unset; slots],
            made: Vec::new(),
            places: HashMap::new(),
        }
    }

    pub(super) fn get(&self, slot: usize) -> &TxValue<'r> {
        const UNSET: &TxValue<'static> = &TxValue::Unset;
        self.slots.get(slot).unwrap_or(UNSET)
    }

    pub(super) fn set(&mut self, slot: usize, value: TxValue<'r>) {
        if let Some(place) = self.slots.get_mut(slot) {
            *place = value;
        }
    }

    /// Returns a variable's number, if it is set.
    pub(super) fn number(&self, slot: usize) -> Option<i64> {
        self.slots
            .get(slot)
            .filter(|v| v.is_set())
            .map(TxValue::number)
    }

    /// Returns a variable by a name in lower case.
    pub(super) fn named(&self, names: &Names, name: &[u8]) -> TxValue<'r> {
        let slot = std::str::from_utf8(name)
            .ok()
            .and_then(|name| names.known(name));
        match slot {
            Some(slot) => self.get(slot).clone(),
            None => self
                .place(name)
                .and_then(|place| self.made.get(place))
                .map(|(_, value)| value.clone())
                .unwrap_or_default(),
        }
    }

    pub(super) fn set_named(&mut self, names: &Names, name: &[u8], value: TxValue<'r>) {
        let slot = std::str::from_utf8(name)
            .ok()
            .and_then(|name| names.known(name));
        if let Some(slot) = slot {
            self.set(slot, value);
            return;
        }
        let place = self.place(name);
        if let Some((_, known)) = place.and_then(|place| self.made.get_mut(place)) {
            *known = value;
        } else if self.made.len() < MADE {
            self.made.push((name.to_vec(), value));
            if self.made.len() == FEW {
                let names = self.made.iter().map(|(name, _)| name.clone());
                self.places = names.zip(0..).collect();
            } else if self.made.len() > FEW {
                self.places.insert(name.to_vec(), self.made.len() - 1);
            }
        }
    }

    fn place(&self, name: &[u8]) -> Option<usize> {
        if self.made.len() < FEW {
            return self.made.iter().position(|(known, _)| known == name);
        }
        self.places.get(name).copied()
    }

    /// Returns every variable that is set and chosen, with its name.
    pub(super) fn chosen<'a>(
        &'a self,
        names: &'a Names,
        selector: &'a Selector,
    ) -> impl Iterator<Item = (&'a [u8], &'a TxValue<'r>)> {
        let (known, all): (&[usize], usize) = if let Selector::Matching(_, slots) = selector {
            (slots, 0)
        } else {
            (&[], self.slots.len())
        };
        let named = known
            .iter()
            .copied()
            .chain(0..all)
            .map(|slot| (names.name(slot).as_bytes(), self.get(slot)));
        let made = self
            .made
            .iter()
            .map(|(name, value)| (name.as_slice(), value))
            .filter(|(name, _)| selector.takes(name));
        named.chain(made).filter(|(_, value)| value.is_set())
    }
}

/// Records of collections that outlive the exchange, once opened.
#[derive(Debug, Default)]
pub(super) struct Stored(pub(super) Vec<(Collection, Vec<u8>, Record)>);

impl Stored {
    pub(super) fn get(&self, collection: Collection) -> Option<&(Collection, Vec<u8>, Record)> {
        self.0.iter().find(|(known, _, _)| *known == collection)
    }
}

/// A value that a condition was met by.
#[derive(Debug, Clone)]
pub(super) struct Matched {
    pub(super) collection: Collection,
    pub(super) name: MatchedName,
    pub(super) value: MatchedValue,
}

/// How the value is called.
#[derive(Debug, Clone)]
pub(super) enum MatchedName {
    None,
    Slot(usize),
    Value(u32),
    Own(Vec<u8>),
}

/// What was tested.
#[derive(Debug, Clone, Copy)]
pub(super) enum MatchedValue {
    Number(i64),
    Text(TextId),
}

/// Rules and targets that controls have removed.
#[derive(Debug, Default)]
pub(super) struct Removed<'r> {
    rules: Vec<Lane>,
    targets: Vec<(&'r [usize], &'r Target)>,
}

impl<'r> Removed<'r> {
    pub(super) fn add_rules(&mut self, rules: &[usize]) {
        for &rule in rules {
            if self.rules.len() <= rule / 256 {
                self.rules.resize(rule / 256 + 1, Lane::default());
            }
            set(&mut self.rules, rule);
        }
    }

    pub(super) fn add_targets(&mut self, rules: &'r [usize], target: &'r Target) {
        // A condition acts once for each value that meets it; once is enough here.
        let known = |(_, other): &(_, &Target)| std::ptr::eq(*other, target);
        if !self.targets.iter().any(known) {
            self.targets.push((rules, target));
        }
    }

    pub(super) fn rule(&self, rule: usize) -> bool {
        has(&self.rules, rule)
    }

    /// Returns the targets that a rule no longer has.
    pub(super) fn targets(&self, rule: usize) -> impl Iterator<Item = &'r Target> {
        self.targets
            .iter()
            .filter(move |(rules, _)| rules.binary_search(&rule).is_ok())
            .map(|(_, target)| *target)
    }
}
